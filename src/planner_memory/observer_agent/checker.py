"""Holds every number of a prose to the facts: the same value, the same unit, and about the same thing.

A value that stands somewhere in the facts is not enough: "three meetings" is wrong when three is the number of tasks. So the words round a
number choose the facts that it may be, and only those are compared.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

from planner_memory.observer_agent.claims import Claim, claims_of, known_names
from planner_memory.observer_agent.derived import derivation
from planner_memory.observer_agent.numbers import Kind, Mention
from planner_memory.observer_agent.sentences import Sentence, masked, nearness, sentences

Outcome = Literal["fact", "derived", "wrong", "misplaced"]

_WHOLE = re.compile(r"\b(?:out\s+)?of\s+(?:(?:the|your|its|those|all)\s+)?$", re.IGNORECASE)
_SPAN = re.compile(r"\b(?:from|between|covers?|spans?|runs?)\b.*\b(?:to|and|until|till|through)\b", re.IGNORECASE)
_OF_THEM = re.compile(r"\s*of\s+(?:them|these|those|which)\b", re.IGNORECASE)
_PART = re.compile(
    r"\s*(?:out\s+)?of\s+(?:them\b|these\b|those\b|which\b|(?:the\s+|your\s+|its\s+|those\s+|all\s+)?(?:\d|[a-z]+\s+(?:planned|tasks)))",
    re.IGNORECASE,
)
_LEAST = 0.12
_LEAST_ROOM: dict[Kind, float] = {"date": 2.0, "weekday": 2.0, "time": 2.0}
_NO_RECORD = -0.9  # a date without any word about it is none of a record's
_SAME_THING: dict[Kind, float] = {"count": 0.72, "minutes": 0.72, "percent": 0.3, "factor": 0.3, "date": 0.3, "time": 0.5}
# a number beside one of these words is of nothing else
_APART = frozenset(
    {"deep", "meeting", "billable", "nonbillable", "unmarked", "switch", "event", "slipped", "scheduled", "past", "estimate", "streak"}
)
_WEAK = {"actual": 0.5, "work": 0.6, "task": 0.8, "share": 0.5, "drift": 0.6}  # words that any sentence may have
_OF_METHOD = frozenset({"week", "day", "run", "least", "beyond", "drift"})  # of the limits that the method itself brings
_MUST_BE_SAID = frozenset({"past", "single_week"})
_KINDS: dict[Kind, tuple[Kind, ...]] = {
    "count": ("count",),
    "factor": ("factor", "count"),
    "percent": ("percent",),
    "minutes": ("minutes",),
    "date": ("date",),
    "weekday": ("date",),
    "week": ("date",),
    "year": ("date", "count"),
    "time": ("time",),
}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One number of the prose. `fact` is the path of the fact it is, or of the one it should have been; None when nothing fits."""

    mention: Mention
    outcome: Outcome
    fact: str | None
    reason: str

    @property
    def is_supported(self) -> bool:
        return self.outcome in ("fact", "derived")


def check(prose: str, document: Any) -> list[Verdict]:
    """A verdict on every number of the prose, in order.

    `document` is JSON: the facts as `GET /facts` gives them, or any other document whose keys name their units (see claims_of).
    """
    claims = claims_of(document)
    blanked, names = masked(prose, known_names(document))
    frequency = Counter(concept for claim in claims for concept in claim.concepts)
    rarity = {concept: math.log(1.5 + len(claims) / n) * _WEAK.get(concept, 1.0) for concept, n in frequency.items()}
    verdicts: list[Verdict] = []
    for sentence in sentences(blanked, names):
        verdicts += [_verdict(mention, sentence, claims, rarity) for mention in sentence.numbers]
    return verdicts


def unsupported(prose: str, document: Any) -> list[Mention]:
    """The numbers of the prose that are none of the facts, in order."""
    return [verdict.mention for verdict in check(prose, document) if not verdict.is_supported]


def _score(claim: Claim, near: dict[str, float], rarity: dict[str, float]) -> float:
    """How much the words round a number speak of this claim."""
    about = sum(near.get(concept, 0.0) * rarity[concept] for concept in claim.concepts)
    unsaid = sum(1 - near.get(concept, 0.0) for concept in claim.concepts)
    instead = sum(near.get(f"own {concept}", 0.0) for concept in _APART - claim.concepts)
    score = about / math.sqrt(max(1, len(claim.concepts))) - 0.12 * unsaid - 2 * instead
    if claim.names:  # of one record among several: spoken of where its name stands
        named = max((near.get(f":{name}", 0.0) for name in claim.names), default=0.0)
        score += 4 * named if named else -1.0
    if "planned" in claim.concepts and "sprint" not in claim.concepts and near.get("planned", 0.0) < 0.05:
        score -= 0.8
    if "estimate" in claim.concepts and near.get("estimate", 0.0) and "own estimate" not in near:
        score -= 1.0  # "done in 2 h, estimated at 3 h": the word is of the other number
    for concept in _MUST_BE_SAID & claim.concepts:
        score -= 2.0 if near.get(concept, 0.0) < 0.1 else 0.0
    if "sprint" in claim.concepts and near.get("sprint", 0.0) < 0.02:
        score -= 0.7
    return score


def _is_method(claim: Claim, near: dict[str, float]) -> bool:
    """Whether the number is one that the method itself brings: "three runs or more", "the last four weeks"."""
    if not claim.path.startswith("thresholds.") or ("week" in claim.concepts and near.get("single_week", 0.0) < 0.3):
        return False
    return any(near.get(concept, 0.0) > 0.75 for concept in claim.concepts & _OF_METHOD)


def _role(mention: Mention, sentence: Sentence) -> Literal["part", "whole"] | None:
    """In "3 of 4 planned tasks" and "of 4 planned tasks, 3" the 3 is the part and the 4 the whole."""
    counts = [n for n in sentence.numbers if n.kind == "count"]
    if mention.kind != "count" or len(counts) < 2:
        return None
    if not any(word.about == "planned" for word in sentence.words):
        return "whole" if _WHOLE.search(sentence.text[: mention.start - sentence.start]) else None
    if _OF_THEM.match(sentence.text[mention.end - sentence.start :]):
        return "part"
    for number in counts:
        before, after = sentence.text[: number.start - sentence.start], sentence.text[number.end - sentence.start :]
        if _WHOLE.search(before):
            if number is mention:
                return "whole"
            if _PART.match(sentence.text[mention.end - sentence.start :]) or not _PART.search(after):
                return "part"
    return None


def _out_of_role(claim: Claim, role: Literal["part", "whole"] | None) -> float:
    if role is None:
        return 0.0
    return (role == "part") * 1.5 * len({"planned", "completed"} - claim.concepts) + (role == "whole") * 2.0 * len(
        {"completed", "open"} & claim.concepts
    )


def _is_named(claim: Claim, near: dict[str, float]) -> bool:
    """Whether the sentence names everything that the claim is about, and the record that it stands in."""
    return bool(claim.concepts) and all(near.get(c, 0.0) > 0.1 for c in claim.concepts) and all(f":{name}" in near for name in claim.names)


def _verdict(mention: Mention, sentence: Sentence, claims: Sequence[Claim], rarity: dict[str, float]) -> Verdict:
    near = nearness(mention, sentence)
    role = _role(mention, sentence)

    def ranked(kind: Kind) -> list[tuple[float, Claim, bool]]:
        of_kind = [claim for claim in claims if claim.kind in _KINDS[kind]]
        found = [(_score(claim, near, rarity) - _out_of_role(claim, role), claim, _is_named(claim, near)) for claim in of_kind]
        return sorted(found, key=lambda each: -each[0])

    scored = [(score, claim) for score, claim, _ in ranked(mention.kind)]
    best = scored[0][0] if scored else 0.0
    by_name = 4 * max((near.get(f":{name}", 0.0) for name in scored[0][1].names), default=0.0) if scored else 0.0
    least = 4.0 if by_name > 0.3 and mention.kind == "count" else _LEAST_ROOM.get(mention.kind, 0.5)  # a record has few counts: "2 of 8 steps open"
    room = (1 - _SAME_THING.get(mention.kind, 0.0)) * max(best - by_name, least)
    limit = best - room if best > _LEAST else _NO_RECORD if mention.kind == "date" else -math.inf
    twins = [n for n in sentence.numbers if n.kind == mention.kind == "date" and n.value == mention.value]
    is_empty_span = len(twins) > 1 and _SPAN.search(sentence.text) is not None
    is_of_record = mention.kind in ("date", "weekday", "time") and by_name > 0.3
    for score, claim in () if is_empty_span else scored:
        if is_of_record and not any(near.get(f":{name}") for name in claim.names):
            continue
        # a record has few counts, so that its name is enough: "2 steps of 8 open"
        is_allowed = _is_method(claim, near) or (mention.kind == "count" and any(f":{name}" in near for name in claim.names))
        if (score >= limit or is_allowed) and is_value(mention, claim):
            return Verdict(mention, "fact", claim.path, "")
    if mention.kind == "weekday" and not any(about.startswith(":") for about in near) and (inside := _weekday_inside(mention, _own_dates(claims))):
        return Verdict(mention, "fact", inside, "")
    found = None if is_empty_span else derivation(mention, sentence.text, sentence.numbers, ranked, claims)
    if found is not None:
        return Verdict(mention, "derived", found, "")
    elsewhere = next((claim for _, claim in scored if is_value(mention, claim)), None)
    meant = scored[0][1] if scored and best > _LEAST else None
    if elsewhere is not None:
        instead = f"of {meant.path}, which is {said(meant)}" if meant is not None else "of something else"
        return Verdict(mention, "misplaced", meant.path if meant else None, f"This is {elsewhere.path}, but the words speak {instead}.")
    if meant is not None:
        return Verdict(mention, "wrong", meant.path, f"The nearest fact, {meant.path}, is {said(meant)}.")
    return Verdict(mention, "wrong", None, "No fact has this value.")


def _own_dates(claims: Iterable[Claim]) -> list[Claim]:
    return [claim for claim in claims if claim.kind == "date" and not claim.names]


def _weekday_inside(mention: Mention, dates: Sequence[Claim]) -> str | None:
    """The period's own path when the weekday lies in the period, which need not name each of its days."""
    if not dates:
        return None
    first, last = min(dates, key=lambda c: c.value), max(dates, key=lambda c: c.value)
    days = (last.value - first.value).days
    return f"{first.path} to {last.path}" if (mention.value - first.value.weekday()) % 7 <= days else None


def said(claim: Claim) -> str:
    if claim.kind == "minutes":
        return f"{claim.value} minutes"
    if claim.kind == "time":
        return f"{claim.value[0]:02}:{claim.value[1]:02}"
    return f"{claim.value} %" if claim.kind == "percent" else str(claim.value)


def is_value(mention: Mention, claim: Claim) -> bool:
    """Whether the number is the claim's, rounded to the number's last digit. "About" leaves a twentieth more room."""
    if claim.kind == "date":
        return _is_date(mention, claim.value)
    if claim.kind == "time":
        return bool(mention.value == claim.value)
    if mention.kind == "year":
        return bool(claim.value == mention.value)
    return is_near(abs(mention.value), abs(claim.value), mention)


def is_near(value: Decimal, known: Decimal, mention: Mention) -> bool:
    if mention.kind == "count" and mention.precision == 1 and not (mention.is_rough and known > 20):
        return value == known  # a whole number claims a whole count: rounding is for those with decimals
    room = mention.precision / 2
    if mention.is_rough:
        room = max(room, known / 20)
    return abs(value - known) <= room


def _is_date(mention: Mention, known: date) -> bool:
    if mention.kind == "weekday":
        return bool(known.weekday() == mention.value)
    if mention.kind == "week":
        return bool(known.isocalendar().week == mention.value)
    if mention.kind == "year":
        return bool(known.year == mention.value)
    year, month, day = mention.value
    return (known.month, known.day) == (month, day) and year in (None, known.year) and mention.weekday in (None, known.weekday())
