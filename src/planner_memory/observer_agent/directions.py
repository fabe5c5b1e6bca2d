"""Whether a prose says more or less: the direction of its differences, and of changes from one number to another."""

import re
from collections.abc import Sequence

from planner_memory.observer_agent.numbers import Mention

_MORE = (
    r"longer|over|above|more|up|rose|improved|gain|rises?|risen|grew|grown|increased?|extra|higher|exceed(?:ed|s|ing)?|slower|ahead|beyond|climbed|gained|overran"
    r"|overrun|overshot|better|additional|past|late(?:r)?"
)
_LESS = (
    r"shorter|shrank|under|below|less|fewer|down|fell|fallen|falls|drop(?:ped|s)?|decreased?|lower|faster|quicker|short|behind|saved?|sooner|shy|missing"
    r"|lacking|undershot|earlier|slipped|lost|worse|remain(?:s|ing)?|left|lighter|beat(?:s|en)?|undercut"
)
_WORDS = re.compile(rf"\b(?:(?P<more>{_MORE})|(?P<less>{_LESS}))\b", re.IGNORECASE)
# no direction: "more than 30 %", "over 3 runs", "over the last weeks", "left over", "made up", "adds up", "more or less"
_NEITHER = re.compile(
    r"\b(?:more|less|fewer)\s+than\s*$|\b(?:over|above|below|under)\s*$(?=.)|\b(?:made|makes?|adds?|added|add|wrapped|came|come|keep|set|ends?|ended|next|coming|looking)"
    r"\s+up\b|\bmore\s+or\s+less\b|\b(?:over|in|during)\s+(?:the\s+)?(?:last|past|previous|course|week|day|whole|sprint|period)\b|\bleft\s+over\b"
    r"|\bover\s+(?:\d|(?:one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve)\b)|\bhand(?:ed)?\s+over\b|\bover\s+the\s+finish\b|\bonce\s+more\b"
    r"|\bworth\s+more\b|\bno\s+more\b|\bbroken?\s+down\b|\b(?:slow|calm)\s+down\b",
    re.IGNORECASE,
)
_FROM = re.compile(
    r"\b(?P<up>up|rose|risen|grew|grown|climbed|increased?)\s+from\s*$|\b(?P<down>down|fell|fallen|dropped|decreased?)\s+from\s*$", re.IGNORECASE
)


def direction(mention: Mention, numbers: Sequence[Mention], start: int, text: str) -> int:
    """1: more, -1: less, 0: the sentence does not say. What follows the number counts before what precedes it."""
    place = [n for n in numbers if n is not mention]
    after_end = min((n.start for n in place if n.start >= mention.end), default=start + len(text))
    before_start = max((n.end for n in place if n.end <= mention.start), default=start)
    after, before = text[mention.end - start : after_end - start], text[before_start - start : mention.start - start]
    for part in (after, before):
        said = _said(part, is_before=part is before)
        if said:
            return said
    return 0


def _said(part: str, *, is_before: bool) -> int:
    spans = [match.span() for match in _NEITHER.finditer(part)]
    if is_before and (tail := re.search(r"\b(?:more|less|fewer)\s+than\s*$|\b(?:over|under|above|below|just|nearly)\s*$", part, re.IGNORECASE)):
        spans.append(tail.span())
    found = [m for m in _WORDS.finditer(part) if not any(a <= m.start() < b for a, b in spans)]
    signs = {1 if m["more"] else -1 for m in found}
    if len(signs) == 1:
        return signs.pop()
    if not found:
        return 0
    nearest = found[-1] if is_before else found[0]
    return 1 if nearest["more"] else -1


def contradicts(first: Mention, second: Mention, between: str) -> bool:
    """Whether "4 h, up from 5 h" says the opposite of what its numbers do."""
    match = _FROM.search(between)
    if match is None or first.kind != second.kind or first.kind not in ("count", "minutes", "percent"):
        return False
    return bool(first.value <= second.value) if match["up"] else bool(first.value >= second.value)
