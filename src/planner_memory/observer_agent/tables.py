"""Markdown tables in a prose: which heading stands over which cell."""

import re

_RULE = re.compile(r"^\s*\|?[\s:|-]*-[\s:|-]*\|?\s*$")


def headings(prose: str) -> dict[int, str]:
    """The heading over each cell of a table's body, by where the cell's text begins. The first column's cells, the rows' labels, have none."""
    found: dict[int, str] = {}
    at = 0
    lines: list[tuple[int, str]] = []
    for line in prose.split("\n"):
        lines.append((at, line))
        at += len(line) + 1
    heads: list[str] | None = None
    for (_, before), (start, line) in zip([(0, ""), *lines], lines, strict=False):
        if _RULE.match(line) and "|" in line and "|" in before:
            heads = [text for _, text in _cells(0, before)]
        elif "|" not in line:
            heads = None
        elif heads is not None:
            for column, (place, _) in enumerate(_cells(start, line)):
                if 0 < column < len(heads) and heads[column]:
                    found[place] = heads[column]
    return found


def _cells(start: int, line: str) -> list[tuple[int, str]]:
    """Each cell's text, and where it begins."""
    inner = line.strip()
    offset = start + line.index(inner) if inner else start
    if inner.startswith("|"):
        inner, offset = inner[1:], offset + 1
    cells = []
    for text in inner.removesuffix("|").split("|"):
        cells.append((offset + len(text) - len(text.lstrip()), text.strip()))
        offset += len(text) + 1
    return cells
