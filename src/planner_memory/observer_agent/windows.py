"""The weeks before that a text names: "the previous seven days", "two weeks ago", "the four weeks before"."""

import re
from dataclasses import dataclass

_BACK = r"(?:before|ago|earlier|back|prior)"
_PAST = r"(?:last|past|previous|preceding|prior|latest|earlier|most\s+recent)"
_NUMBER = {"two": 2, "three": 3, "four": 4, "2": 2, "3": 3, "4": 4}
_N = rf"(?P<n>{'|'.join(_NUMBER)})"
_UP_TO = r"(?:up\s+to|leading\s+up\s+to|to|until|till|ending)"
_THAT = r"\s+(?:that|then|last)\b"
_ONE: tuple[tuple[str, int], ...] = (  # how a text names one of the weeks before, 0 the last of them
    (rf"\bweek\s+before{_THAT}|\bthe\s+one\s+before\b|\b(?:seven|7)\s+days\s+before{_THAT}", 1),
    (rf"\b{_PAST}\s+(?:seven|7)\s+days\b|\b(?:seven|7)\s+days\s+(?:{_BACK}|{_UP_TO})\b|\bback\s+then\b", 0),
    (rf"\b{_PAST}\s+w(?:ee)?k(?!s)(?:['’]s)?\b|\bweek\s+{_BACK}\b|\bmost\s+recent\s+(?:one|week)\b|\bthan\s+(?:the\s+)?last\b", 0),
)
_ONE_OF = tuple((re.compile(pattern, re.IGNORECASE), week) for pattern, week in _ONE)
_AGO = re.compile(rf"\b{_N}\s+weeks\s+(?:ago|earlier|back)\b", re.IGNORECASE)
_SEVERAL = re.compile(rf"\b{_N}(?:\s+(?:earlier|previous|past|preceding|last))?[\s-]w(?:ee)?ks?\b", re.IGNORECASE)
_ALL = re.compile(r"\b(?:weeks|weeks?\s+by\s+week|earlier\s+weeks)\b|\b(?:a|per|each|every)\s+week\b|\bweekly\b|\bin\s+a\s+row\b", re.IGNORECASE)
_NAME = re.compile(  # no number of days to count, but what a week is called
    rf"\b{_PAST}\s+(?P<one>seven|7)\s+days\b|\b(?P<two>seven|7)\s+days\s+(?:{_BACK}|{_UP_TO})\b|\b(?:next|coming|following)\s+(?P<five>seven|7)\s+days\b|\b(?P<three>seven|7)-day\s+(?:stretch|window|period|span)"
    rf"|\b(?P<four>{'|'.join(_NUMBER)})\s+weeks\s+(?:{_BACK})\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Windows:
    """The single weeks that are named, by how many weeks lie between, and how many of the last ones are named together (0: none)."""

    weeks: tuple[int, ...] = ()
    several: int = 0

    def __bool__(self) -> bool:
        return bool(self.weeks or self.several)


def windows_of(text: str) -> Windows:
    weeks: list[int] = []
    rest = text
    for pattern, week in _ONE_OF:
        if pattern.search(rest):
            weeks.append(week)
            rest = pattern.sub(" ", rest)
    weeks += [_NUMBER[match["n"].lower()] - 1 for match in _AGO.finditer(rest)]
    rest = _AGO.sub(" ", rest)
    several = max((_NUMBER[match["n"].lower()] for match in _SEVERAL.finditer(rest)), default=0)
    return Windows(tuple(sorted(set(weeks))), several or (4 if _ALL.search(rest) else 0))


def names_of_windows(text: str) -> list[tuple[int, int]]:
    """Where the "seven" of "the previous seven days" stands, which counts nothing."""
    return [match.span(match.lastgroup or 0) for match in _NAME.finditer(text)]
