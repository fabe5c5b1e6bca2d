"""Markdown: its top-level blocks as they are written, found by a CommonMark parser; text that the parser leaves out is kept as well."""

import re

from markdown_it import MarkdownIt

from planner_memory.adapters.documents.formats import Parsed, block, decoded
from planner_memory.ports.documents import Block, BlockKind

_KINDS: dict[str, BlockKind] = {
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "fence": "code",
    "code_block": "code",
}
_FRONT_MATTER = re.compile(r"\A---[ \t]*\n(.*?)\n(?:---|\.\.\.)[ \t]*(?:\n|\Z)", re.DOTALL)
_FRONT_TITLE = re.compile(r"^title:[ \t]*(.+?)[ \t]*$", re.MULTILINE)


def parse(content: bytes, media_type: str | None) -> Parsed:
    text = decoded(content, media_type).replace("\r\n", "\n").replace("\r", "\n")
    blocks: list[Block] = []
    title = None
    front = _FRONT_MATTER.match(text)
    if front:
        found = _FRONT_TITLE.search(front[1])
        title = found[1].strip("\"'") if found else None
        blocks += block("text", front[1])
        text = text[front.end() :]
    # inline marks are left as they are written: they carry links, and reading them is where hostile text costs most
    parser = MarkdownIt("commonmark", {"maxNesting": 100}).enable("table").disable("inline")
    lines = text.split("\n")
    done = 0
    tokens = parser.parse(text)
    for token, inner in zip(tokens, [*tokens[1:], None], strict=True):
        if token.level or token.map is None or token.nesting < 0:
            continue
        first, last = token.map
        blocks += block("text", "\n".join(lines[done:first]).strip("\n"))  # link definitions are not among the tokens
        done = max(done, last)
        if token.type == "heading_open" and inner is not None:
            title = title or (inner.content if token.tag == "h1" else None)
            blocks += block("heading", inner.content, level=int(token.tag[1:]))
        elif token.type == "fence":
            blocks += block("code", token.content.rstrip("\n"))
        elif token.type != "hr":
            blocks += block(_KINDS.get(token.type, "text"), "\n".join(lines[first:last]).strip("\n"))
    blocks += block("text", "\n".join(lines[done:]).strip("\n"))
    return Parsed(tuple(blocks), title)
