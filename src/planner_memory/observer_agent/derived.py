"""Numbers that are no fact but follow from facts, where the prose says so: a sum, a difference, a share, a multiple."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from itertools import combinations, permutations

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.numbers import Kind, Mention

_SUM = re.compile(r"\b(?:sum|total|totals|totalling|together|altogether|in\s+all|combined|overall|adds?\s+up|add\s+up)\b", re.IGNORECASE)
_DIFFERENCE = re.compile(
    r"\b(?:more|less|fewer|longer|shorter|over|under|above|below|extra|beyond|saved|short\s+of|up|down|ahead|behind|left|remain\w*|rest|difference)\b",
    re.IGNORECASE,
)
_REST = re.compile(r"\b(?:rest|remaining|remain\w*|left|open|other|not|slipped|unfinished)\b", re.IGNORECASE)
_CANDIDATES = 10  # claims that the words speak of most
_MEASURES: tuple[Kind, ...] = ("count", "minutes")
Ranked = Callable[[Kind], Sequence[tuple[float, Claim, bool]]]


def derivation(mention: Mention, text: str, numbers: Sequence[Mention], ranked: Ranked, claims: Sequence[Claim]) -> str | None:
    """How the number follows from facts, or None.

    `numbers` are those of its sentence; `ranked` gives the claims of a kind by how much the words round the number speak of them, best first,
    each with whether everything that it is about is named there.
    """
    if mention.kind in ("count", "minutes"):
        if _SUM.search(text) and (found := _sum(mention, numbers, ranked, claims)):
            return found
        return _difference(mention, text, ranked) if _DIFFERENCE.search(text) else None
    if mention.kind in ("percent", "factor"):
        return _ratio(mention, text, numbers, ranked)
    return None


def _fits(value: Decimal, known: Decimal, mention: Mention) -> bool:
    room = mention.precision / 2
    if mention.is_rough:
        room = max(room, abs(known) / 20)
    return abs(abs(value) - abs(known)) <= (room if mention.kind != "count" or mention.precision < 1 else Decimal(0))


def _sum(mention: Mention, numbers: Sequence[Mention], ranked: Ranked, claims: Sequence[Claim]) -> str | None:
    others = [n for n in numbers if n is not mention and n.kind == mention.kind]
    for size in range(2, min(len(others), 6) + 1):
        for parts in combinations(others, size):
            if _fits(mention.value, sum((p.value for p in parts), Decimal(0)), mention):
                return " + ".join(p.text for p in parts)
    named = {claim.path for score, claim, _ in ranked(mention.kind) if score > -0.9}
    by_pattern: dict[str, list[Claim]] = {}
    for claim in claims:
        if claim.kind == mention.kind and "[]" in claim.pattern and "past" not in claim.concepts and claim.path in named:
            by_pattern.setdefault(claim.pattern, []).append(claim)
    for pattern, listed in by_pattern.items():
        if len(listed) > 1 and _fits(mention.value, sum((p.value for p in listed), Decimal(0)), mention):
            return f"the sum of {pattern}"
    spoken_of = [claim for _, claim, is_named in ranked(mention.kind) if is_named][:_CANDIDATES]
    for first, second in combinations(spoken_of, 2):
        are_two = bool(first.concepts - second.concepts) and bool(second.concepts - first.concepts)
        if are_two and first.value and second.value and _fits(mention.value, first.value + second.value, mention):
            return f"{first.path} + {second.path}"
    return None


def _comparable(first: Claim, second: Claim) -> bool:
    """The same measure of two things, or two measures of the same thing."""
    if first.path == second.path or first.kind != second.kind:
        return False
    same_leaf = first.pattern.rsplit(".", 1)[-1] == second.pattern.rsplit(".", 1)[-1]
    same_record = first.path.rsplit(".", 1)[0] == second.path.rsplit(".", 1)[0]
    return same_leaf or same_record


def _difference(mention: Mention, text: str, ranked: Ranked) -> str | None:
    spoken_of = [claim for score, claim, _ in ranked(mention.kind)[:_CANDIDATES] if score > 0.2]
    for first, second in permutations(spoken_of, 2):
        if not _comparable(first, second) or first.value <= second.value or not second.value:
            continue
        is_measure = {"estimate", "actual"} <= (first.concepts | second.concepts) or "past" in first.concepts ^ second.concepts
        is_rest = bool(_REST.search(text)) and bool(first.concepts & second.concepts)
        if (is_measure or is_rest) and _fits(mention.value, first.value - second.value, mention):
            return f"{first.path} - {second.path}"
    return None


def _ratio(mention: Mention, text: str, numbers: Sequence[Mention], ranked: Ranked) -> str | None:
    unit = Decimal(100) if mention.kind == "percent" else Decimal(1)
    differs = _DIFFERENCE.search(text) is not None

    def follows(top: Decimal, bottom: Decimal) -> bool:
        share = unit * top / bottom
        return _fits(mention.value, share, mention) or (differs and _fits(mention.value, share - unit, mention))

    beside = sorted((n for n in numbers if n is not mention), key=lambda n: min(abs(n.start - mention.end), abs(mention.start - n.end)))[:3]
    for first, second in permutations(beside, 2):
        if first.kind == second.kind in ("count", "minutes") and second.value and follows(first.value, second.value):
            return f"{first.text} of {second.text}"
    if mention.kind == "percent" and _REST.search(text):
        for score, claim, _ in ranked("percent")[:_CANDIDATES]:
            if score > 0.2 and _fits(mention.value, 100 - claim.value, mention):
                return f"100 - {claim.path}"
    if any(is_named for _, _, is_named in ranked(mention.kind)[:1]):
        return None  # the facts have this very share, and it is another one
    for kind in _MEASURES:
        named = [claim for _, claim, is_named in ranked(kind) if is_named][:_CANDIDATES]
        for top, bottom in permutations(named, 2):
            if _comparable(top, bottom) and bottom.value and follows(top.value, bottom.value):
                return f"{top.path} of {bottom.path}"
    return None
