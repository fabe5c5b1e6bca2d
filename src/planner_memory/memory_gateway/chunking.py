"""Cuts a document's blocks into chunks that stand for themselves: one section each, whole tables and code, a sentence or two of overlap."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from planner_memory.ports.documents import Block, BlockKind

TARGET = 200  # units of size; from here on a chunk ends at the next paragraph
MOST = 300
TINY = 60  # sections up to this size may share a chunk with their neighbour
OVERLAP = 45
_CHARACTERS_PER_UNIT = 8  # so that text without spaces is bounded too
_LONGEST_TITLE = 120
_SENTENCE_END = re.compile(r"[.!?…]['\"”’)\]]*\s+|[。！？]\s*|\n[ \t]*\n\s*")
_LINE_END = re.compile(r"\n")
_WORD_END = re.compile(r"\s+")


@dataclass(frozen=True, slots=True)
class Chunk:
    """The first `repeated` characters of the content also stand in an earlier chunk: overlap, or a table's heading row."""

    index: int
    content: str
    heading: str | None
    page: int | None
    repeated: int = 0


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a block that is never cut again; `before` is what separates it from the piece in front of it."""

    kind: BlockKind
    text: str
    before: str
    path: tuple[str, ...]
    page: int | None
    opens_block: bool
    header: str = ""  # of a table's later pieces: its first rows


@dataclass(slots=True)
class _Run:
    """Pieces in order with their size, counted as they come: a hostile document has millions of pieces."""

    pieces: list[_Piece] = field(default_factory=list)
    words: int = 0
    characters: int = 0
    has_body: bool = False

    def add(self, *pieces: _Piece) -> None:
        for piece in pieces:
            self.pieces.append(piece)
            self.words += len(piece.text.split())
            self.characters += len(piece.before) + len(piece.text)
            self.has_body = self.has_body or piece.kind != "heading"

    @property
    def size(self) -> int:
        return max(self.words, -(-self.characters // _CHARACTERS_PER_UNIT))

    def size_with(self, piece: _Piece) -> int:
        characters = self.characters + len(piece.before) + len(piece.text)
        return max(self.words + len(piece.text.split()), -(-characters // _CHARACTERS_PER_UNIT))


def size(text: str) -> int:
    """Words, or an eighth of the characters when that is more."""
    return max(len(text.split()), -(-len(text) // _CHARACTERS_PER_UNIT))


def chunked(blocks: Sequence[Block]) -> list[Chunk]:
    """The chunks in order, none larger than MOST. Without their repeated beginnings they hold the text of all blocks, in order.

    A chunk holds text of two sections (headings of level 1 or 2) only when one of the two is TINY or less, or has no text but its heading.
    """
    chunks: list[Chunk] = []
    for section in _joined(_sections(blocks)):
        before: list[_Piece] = []
        for pieces in _packed(section.pieces):
            chunks.append(_chunk(len(chunks), pieces, before))
            before = pieces
    return chunks


def _sections(blocks: Sequence[Block]) -> Iterator[_Run]:
    path: list[tuple[int, str]] = []
    section = _Run()
    for block in blocks:
        if block.kind == "heading":
            level = block.level or 1
            if level <= 2 and section.pieces:
                yield section
                section = _Run()
            path = [each for each in path if each[0] < level] + [(level, " ".join(block.text.split())[:_LONGEST_TITLE])]
        section.add(*_pieces(block, tuple(title for _, title in path)))
    if section.pieces:
        yield section


def _joined(sections: Iterator[_Run]) -> Iterator[_Run]:
    open_: _Run | None = None
    for section in sections:
        if open_ is None:
            open_ = section
        elif not open_.has_body or (min(open_.size, section.size) <= TINY and open_.size + section.size <= TARGET):
            open_.add(*section.pieces)
        else:
            yield open_
            open_ = section
    if open_ is not None:
        yield open_


def _pieces(block: Block, path: tuple[str, ...]) -> Iterator[_Piece]:
    texts = [block.text.strip("\n") if block.kind in ("code", "table") else block.text.strip()]
    header = ""
    if size(texts[0]) > MOST or block.kind == "text":
        first_rows = texts[0].split("\n", 2)[: 2 if _is_rule(texts[0]) else 1]
        texts = list(_cut(texts[0], block.kind))
        if block.kind == "table" and size("\n".join(first_rows)) <= OVERLAP:
            header = "\n".join(first_rows)
    before = "\n\n"
    for n, text in enumerate(texts):
        body = text.rstrip()
        kind: BlockKind = "text" if block.kind == "heading" and len(texts) > 1 else block.kind
        yield _Piece(kind, body, before, path, block.page, n == 0, header if n > 0 else "")
        before = text[len(body) :]


def _is_rule(table: str) -> bool:
    """Whether the second row is Markdown's line under the heading row."""
    rows = table.split("\n", 2)
    return len(rows) > 1 and bool(rows[1].strip()) and not rows[1].strip().strip("|-: ")


def _cut(text: str, kind: BlockKind) -> Iterator[str]:
    """The text in consecutive parts, none larger than MOST: by sentences or lines, then by words, then by characters."""
    ends = (_SENTENCE_END, _LINE_END, _WORD_END) if kind in ("text", "heading") else (_LINE_END, _SENTENCE_END, _WORD_END)
    yield from _cut_at(text, ends)


def _cut_at(text: str, ends: tuple[re.Pattern[str], ...]) -> Iterator[str]:
    if not ends:
        width = MOST * _CHARACTERS_PER_UNIT // 2
        yield from (text[start : start + width] for start in range(0, len(text), width))
        return
    start = 0
    parts = []
    for match in ends[0].finditer(text):
        parts.append(text[start : match.end()])
        start = match.end()
    parts.append(text[start:])
    fits = [p for p in parts if p.strip()]
    if len(ends) == 1:  # words are gathered again, or every word would be a piece
        fits = list(_gathered(parts, MOST // 2))
    for part in fits:
        if size(part) <= MOST:
            yield part
        else:
            yield from _cut_at(part, ends[1:])


def _gathered(words: Sequence[str], most: int) -> Iterator[str]:
    held: list[str] = []
    count, length = 0, 0
    for word in words:
        if held and (count + 1 > most or length + len(word) > most * _CHARACTERS_PER_UNIT):
            yield "".join(held)
            held, count, length = [], 0, 0
        held.append(word)
        count, length = count + 1, length + len(word)
    if "".join(held).strip():
        yield "".join(held)


def _packed(pieces: Sequence[_Piece]) -> Iterator[list[_Piece]]:
    """The pieces of one section in lists, each list a chunk that leaves room for an overlap, headings with what they stand over."""
    held = _Run()
    for n, piece in enumerate(pieces):
        if held.pieces and (held.size_with(piece) > MOST - OVERLAP or _is_good_end(held, pieces, n)):
            body, heads = _parted(held.pieces)
            carried = _Run()
            carried.add(*heads)
            if not body or carried.size_with(piece) > MOST:
                body, carried = held.pieces, _Run()
            yield body
            held = carried
        held.add(piece)
    if held.pieces:
        yield held.pieces


def _is_good_end(held: _Run, pieces: Sequence[_Piece], n: int) -> bool:
    """Whether a chunk may end before the n-th piece: a new block begins, and the chunk is large enough."""
    piece = pieces[n]
    if not piece.opens_block or held.pieces[-1].kind == "heading":
        return False
    now = held.size
    if piece.kind == "heading" or now >= TARGET or now < TARGET // 2:
        return now >= (TARGET // 2 if piece.kind == "heading" else TARGET)
    following = 0
    for each in (pieces[i] for i in range(n, len(pieces))):
        if (each is not piece and each.opens_block) or now + following > MOST - OVERLAP:
            break
        following += size(each.text)
    return now + following > MOST - OVERLAP


def _parted(pieces: list[_Piece]) -> tuple[list[_Piece], list[_Piece]]:
    """The pieces, and the headings at their end."""
    count = len(pieces)
    while count and pieces[count - 1].kind == "heading":
        count -= 1
    return pieces[:count], pieces[count:]


def _chunk(index: int, pieces: Sequence[_Piece], before: Sequence[_Piece]) -> Chunk:
    own = _text(pieces)
    repeated = _repeated(pieces[0], before)
    if repeated and size(repeated) + size(own) > MOST:
        repeated = ""
    paths = [p.path for p in pieces if p.kind != "heading"] or [pieces[-1].path]
    path = _common(paths) or paths[0]
    return Chunk(index, repeated + own, " > ".join(path) or None, pieces[0].page, len(repeated))


def _text(pieces: Sequence[_Piece]) -> str:
    return pieces[0].text + "".join(p.before + p.text for p in pieces[1:])


def _repeated(first: _Piece, before: Sequence[_Piece]) -> str:
    """What a chunk takes over from the one before it in its section: a table's first rows, or up to two sentences."""
    if first.header:
        return first.header + "\n"
    if first.kind != "text" or not before:
        return ""
    taken: list[_Piece] = []
    for piece in reversed(before[-2:]):
        if piece.kind != "text" or size(_text([piece, *taken])) > OVERLAP:
            break
        taken.insert(0, piece)
    return _text(taken) + (first.before or " ") if taken else ""


def _common(paths: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    shared = paths[0]
    for path in paths[1:]:
        count = 0
        while count < min(len(shared), len(path)) and shared[count] == path[count]:
            count += 1
        shared = shared[:count]
    return shared
