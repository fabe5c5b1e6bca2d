"""Plain text: paragraphs between blank lines."""

from planner_memory.adapters.documents.formats import Parsed, block
from planner_memory.ports.documents import Block


def parse(text: str) -> Parsed:
    blocks: list[Block] = []
    paragraph: list[str] = []
    for line in [*text.splitlines(), ""]:
        if line.strip():
            paragraph.append(line)
        elif paragraph:
            blocks += block("text", "\n".join(paragraph))
            paragraph = []
    return Parsed(tuple(blocks))
