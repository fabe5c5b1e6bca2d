"""The headings of a prose, and which one a place stands under."""

import re
from bisect import bisect_right

_HEADING = re.compile(r"^[ \t]*(?:#{1,6}[ \t]+(?P<marked>[^\n]+?)|\*\*(?P<bold>[^*\n]+?):?\*\*:?)[ \t]*$", re.MULTILINE)


class Sections:
    def __init__(self, prose: str) -> None:
        found = list(_HEADING.finditer(prose))
        self._ends = [match.end() for match in found]
        self._names = [(match["marked"] or match["bold"]).strip().lower() for match in found]

    def at(self, place: int) -> str:
        """The heading that stands above, in small letters; empty when there is none."""
        above = bisect_right(self._ends, place)
        return self._names[above - 1] if above else ""
