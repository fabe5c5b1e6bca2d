"""Counts that are told without a number: "no meetings", "none of the planned tasks", "both runs", "all planned tasks"."""

import re
from decimal import Decimal

from planner_memory.observer_agent.numbers import Kind, Mention

_THING = r"(?:tasks?|meetings?|calls?|context\s+switch\w*|plans?|events?|runs?|timers?|deadlines?)"
_TIME = r"(?:(?:deep|focused)\s+work|(?:billable|meeting|deep|focus)\s+(?:time|hours?|work))"
_OF = r"(?:of\s+)?(?:(?:the|your|my|these|those)\s+)?"
# a comparison or a condition tells nothing of a whole: "no task took longer than planned", "no meetings after four"
_TELLS_OF_SOME = re.compile(
    r"\b(?:than|longer|later|over|under|beyond|without|if|unless|when|after|before|more|less|fewer|until|but|except|only|other|new|needs?|should|will)\b",
    re.IGNORECASE,
)
_FORMS: tuple[tuple[str, Kind, int], ...] = (
    (rf"\bno(?=\s+(?:(?:planned|scheduled|completed|open|blocked|recorded)\s+)?{_THING}\b)", "count", 0),
    (rf"\bno(?=\s+{_TIME}\b)", "minutes", 0),
    (rf"\bnone(?=\s+of\s+(?:(?:the|your|my|these|those)\s+)?(?:(?:\w+|\d+)\s+){{0,2}}?{_THING}\b)", "count", 0),
    (r"\bnothing(?=\s+(?:slipped|was\s+(?:postponed|completed|finished|done)))", "count", 0),
    (r"\bnothing(?=\s+was\s+(?:billable|billed|scheduled))", "minutes", 0),
    (rf"\bboth(?=\s+{_OF}(?:planned\s+|completed\s+)?(?:tasks|meetings|calls|plans|runs|timers)\b)", "count", 2),
)
_RULES = tuple((re.compile(pattern, re.IGNORECASE), kind, n) for pattern, kind, n in _FORMS)
_ALL = re.compile(
    r"\b(?:all|every|each)(?=\s+(?:(?:one\s+)?of\s+)?(?:(?:the|your|my)\s+)?(?:\w+\s+)?planned\s+(?:tasks?|things?|items?)\b)", re.IGNORECASE
)
_DONE = re.compile(r"\b(?:done|completed|finished|closed|kept|made\s+it|ticked\s+off|got\s+through)\b", re.IGNORECASE)
_NOT = re.compile(r"\b(?:not|never|nearly|almost|hardly|n['’]t)\b|n['’]t\b", re.IGNORECASE)
_END = re.compile(r"[.!?;:\n]")


def quantities(prose: str) -> list[Mention]:
    """Such counts in order; those of which only a part of a whole is told are left out."""
    found = [
        Mention(match.group(), kind, Decimal(n), start=match.start(), end=match.end(), is_each=True)
        for pattern, kind, n in _RULES
        for match in pattern.finditer(prose)
        if not _TELLS_OF_SOME.search(_clause(prose, match))
    ]
    return sorted(found, key=lambda mention: mention.start)


def wholes(prose: str) -> list[Mention]:
    """Where it says that all planned tasks are done: the number of those done is that of those planned."""
    return [
        Mention(match.group(), "count", None, start=match.start(), end=match.end(), is_each=True)
        for match in _ALL.finditer(prose)
        if _DONE.search(clause := _clause(prose, match)) and not _NOT.search(clause) and not _TELLS_OF_SOME.search(clause)
    ]


def _clause(prose: str, match: re.Match[str]) -> str:
    """The sentence that the words stand in."""
    ends = [found.start() for found in _END.finditer(prose)]
    before = max((end for end in ends if end < match.start()), default=-1)
    after = min((end for end in ends if end >= match.end()), default=len(prose))
    return prose[before + 1 : after]
