"""DOCX: paragraphs, headings by style, lists and tables in the order of the body, insertions included and deletions left out."""

import io
import re
import zipfile
from collections.abc import Iterator

from docx import Document
from docx.document import Document as OpenDocument
from docx.opc.exceptions import OpcError
from docx.oxml.ns import qn
from lxml import etree

from planner_memory.adapters.documents.formats import Parsed, Unreadable, block, clean
from planner_memory.ports.documents import Block

_MOST_UNPACKED = 100_000_000
_MOST_PARTS = 5_000
_DAMAGED = "This Word document is damaged or is no .docx file. Open it in a word processor, save it again as .docx, and send the new file."
_BOMB = "This Word document unpacks to more than 100 MB. Remove its images, or save its text as Markdown or PDF, and send that."
_P, _TBL, _TR, _TC = qn("w:p"), qn("w:tbl"), qn("w:tr"), qn("w:tc")
_PARTS = {qn("w:t"): None, qn("w:tab"): "\t", qn("w:br"): "\n", qn("w:cr"): "\n", qn("w:noBreakHyphen"): "-"}
_FALLBACK = "{http://schemas.openxmlformats.org/markup-compatibility/2006}Fallback"
_HEADING = re.compile(r"heading (\d)", re.IGNORECASE)


def parse(content: bytes, _: str | None) -> Parsed:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            parts = archive.infolist()
        if len(parts) > _MOST_PARTS or sum(p.file_size for p in parts) > _MOST_UNPACKED:
            raise Unreadable(_BOMB)
        if any(p.flag_bits & 1 for p in parts):
            raise Unreadable("This Word document is encrypted. Save a copy without a password, and send that.")
        document = Document(io.BytesIO(content))
        levels = _levels(document)
        blocks = tuple(_blocks(document, levels))
        title = clean(document.core_properties.title or "").strip()
    except (zipfile.BadZipFile, OpcError, etree.LxmlError, KeyError, ValueError, AttributeError, TypeError, NotImplementedError, EOFError) as error:
        raise Unreadable(_DAMAGED) from error
    except (OSError, zipfile.LargeZipFile) as error:
        raise Unreadable(_DAMAGED) from error
    return Parsed(blocks, title or next((b.text for b in blocks if b.kind == "heading"), None))


def _levels(document: OpenDocument) -> dict[str, int]:
    """The heading level of each style that has one. Word stores the names of its own styles in English, whatever its language."""
    levels = {}
    for style in document.styles:
        name = (style.name or "").strip()
        found = _HEADING.fullmatch(name)
        if found or name.lower() == "title":
            levels[style.style_id] = min(6, max(1, int(found[1]))) if found else 1
    return levels


def _blocks(document: OpenDocument, levels: dict[str, int]) -> Iterator[Block]:
    items: list[str] = []
    for element in _flow(document.element.body):
        if element.tag == _TBL:
            yield from block("list", "\n".join(items))
            items = []
            yield from block("table", _table(element))
            continue
        text = _text(element)
        style = element.find(f"{qn('w:pPr')}/{qn('w:pStyle')}")
        style_id = style.get(qn("w:val"), "") if style is not None else ""
        level = levels.get(style_id, 0)
        numbered = element.find(f"{qn('w:pPr')}/{qn('w:numPr')}") is not None or style_id.lower().startswith("list")
        if numbered and not level:
            items += [f"- {' '.join(text.split())}"] if text.strip() else []
            continue
        yield from block("list", "\n".join(items))
        items = []
        yield from block("heading" if level else "text", text.strip(), level=level)
    yield from block("list", "\n".join(items))


def _flow(body: etree._Element) -> Iterator[etree._Element]:
    """Paragraphs and outermost tables in order, also those inside content controls and marked insertions."""
    walk = etree.iterwalk(body, events=("start",))
    for _, element in walk:
        if element.tag in (_P, _TBL):
            yield element
            walk.skip_subtree()


def _text(paragraph: etree._Element) -> str:
    """Everything that is shown of a paragraph; text boxes stand twice in the file, the older form is left out."""
    parts = []
    walk = etree.iterwalk(paragraph, events=("start",))
    for _, element in walk:
        if element.tag == _FALLBACK:
            walk.skip_subtree()
        elif element.tag in _PARTS and element.getparent().tag != qn("w:tabs"):
            parts.append(_PARTS[element.tag] or element.text or "")
    return "".join(parts)


def _table(table: etree._Element) -> str:
    rows = []
    for row in table.iterchildren(_TR):
        cells = [" ".join(" ".join(_text(p) for p in cell.iter(_P)).split()) for cell in row.iterchildren(_TC)]
        if any(cells):
            rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)
