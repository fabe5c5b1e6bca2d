"""HTML: the text a reader sees, without scripts, styles, forms and navigation."""

from lxml import etree
from lxml import html as lxml_html

from planner_memory.adapters.documents.formats import Parsed, Unreadable, block, declared
from planner_memory.ports.documents import Block, BlockKind

_DROPPED_LIST = """script style noscript template nav svg math iframe object embed canvas form button select textarea input dialog head"""
_INLINE_LIST = """a abbr b bdi bdo big cite code data del dfn em font i img ins kbd label mark output q rp rt ruby s samp small span strike strong sub
sup time tt u var wbr"""
_DROPPED, _INLINE = frozenset(_DROPPED_LIST.split()), frozenset(_INLINE_LIST.split())
_DROPPED_ROLES = frozenset(("navigation", "menu", "menubar", "search", "contentinfo"))
_BREAK = "\u2028"  # of <br>; a line break in the source is a space


def parse(content: bytes, media_type: str | None) -> Parsed:
    _, charset = declared(media_type)
    if charset is None and not content.startswith((b"\xff\xfe", b"\xfe\xff")):
        try:
            content.decode()
            charset = "utf-8"
        except UnicodeDecodeError:
            charset = None  # what the page itself declares
    try:
        parser = lxml_html.HTMLParser(encoding=charset, no_network=True, remove_comments=True, remove_pis=True, huge_tree=False)
        page = lxml_html.document_fromstring(content, parser=parser)
    except (etree.LxmlError, LookupError, ValueError, AssertionError) as error:
        raise Unreadable("This is not HTML that can be read. Check that the file is whole.") from error
    titles = page.xpath("//title[1]/text()")
    walk = _Walk()
    bodies = page.xpath("//body")
    for body in bodies[:1] or [page]:
        walk.through(body)
    title = " ".join(str(titles[0]).split()) if titles else None
    return Parsed(tuple(walk.blocks), title or next((b.text for b in walk.blocks if b.kind == "heading" and b.level == 1), None))


class _Walk:
    """One pass over the tree without recursion, since a page may nest as deep as it likes."""

    def __init__(self) -> None:
        self.blocks: list[Block] = []
        self._text: list[str] = []
        self._items: list[str] = []
        self._lists = 0

    def through(self, body: etree._Element) -> None:
        walk = etree.iterwalk(body, events=("start", "end"))
        for event, element in walk:
            tag = element.tag if isinstance(element.tag, str) else "script"
            if event == "end":
                self._close(tag)
                if element is not body:
                    self._text.append(element.tail or "")
            elif element is not body and _is_dropped(element, tag):
                walk.skip_subtree()
                element.tag = "script"  # so that its end is passed over too
            elif tag == "pre" or (tag == "table" and not element.xpath(".//table")):
                self._whole(element, tag)
                walk.skip_subtree()
                element.tag = "script"
            else:
                self._open(tag)
                self._text.append(element.text or "")
        self._flush("text")
        self._end_list()

    def _whole(self, element: etree._Element, tag: str) -> None:
        self._flush("text")
        self._end_list()
        if tag == "pre":
            self.blocks += block("code", "".join(element.itertext()).strip("\n"))
            return
        rows = [[" ".join("".join(cell.itertext()).split()) for cell in row.xpath("./td|./th")] for row in element.xpath(".//tr")]
        caption = " ".join("".join(t for c in element.xpath("./caption") for t in c.itertext()).split())
        self.blocks += block("text", caption)
        self.blocks += block("table", "\n".join(f"| {' | '.join(row)} |" for row in rows if any(row)))

    def _open(self, tag: str) -> None:
        if tag in _INLINE:
            return
        if tag == "br":
            self._text.append(_BREAK)
            return
        self._flush("text")
        if tag in ("ul", "ol", "dl"):
            self._lists += 1

    def _close(self, tag: str) -> None:
        if tag in _INLINE or tag in ("br", "script"):
            return
        level = int(tag[1]) if len(tag) == 2 and tag[0] == "h" and tag[1] in "123456" else 0
        if level:
            self._end_list()
        self._flush("heading" if level else "text", level)
        if tag in ("ul", "ol", "dl"):
            self._lists -= 1
            if self._lists <= 0:
                self._end_list()

    def _flush(self, kind: BlockKind, level: int = 0) -> None:
        """Makes a block of the text read since the last one; inside a list it is one item."""
        text = "\n".join(" ".join(line.split()) for line in "".join(self._text).split(_BREAK)).strip()
        self._text = []
        if not text:
            return
        if self._lists > 0 and kind == "text":
            self._items.append(f"{'  ' * (self._lists - 1)}- {text}")
        else:
            self.blocks += block(kind, text, level=level)

    def _end_list(self) -> None:
        self.blocks += block("list", "\n".join(self._items))
        self._items = []


def _is_dropped(element: etree._Element, tag: str) -> bool:
    if tag in _DROPPED or element.get("hidden") is not None or element.get("aria-hidden") == "true":
        return True
    if (element.get("role") or "").lower() in _DROPPED_ROLES:
        return True
    return tag == "footer" and not any(True for _ in element.iterancestors("article", "main"))
