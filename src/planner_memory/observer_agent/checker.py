"""Holds every number of a prose to the facts: the same value, the same unit, and about the same thing.

A value that stands somewhere in the facts is not enough: "three meetings" is wrong when three is the number of tasks. So the words round a
number choose the facts that it may be, and only those are compared.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import Any, Literal

from planner_memory.observer_agent.claims import Claim, claims_of, known_names
from planner_memory.observer_agent.derived import derived_claims, in_sentence
from planner_memory.observer_agent.directions import contradicts, direction
from planner_memory.observer_agent.numbers import Kind, Mention
from planner_memory.observer_agent.roles import complements, exceeds, out_of_role, role_of, share_of_counts
from planner_memory.observer_agent.sentences import Sentence, masked, nearness, sentences

Outcome = Literal["fact", "derived", "wrong", "misplaced"]

_SPAN = re.compile(r"\b(?:from|between|covers?|spans?|runs?)\b.*\b(?:to|and|until|till|through)\b", re.IGNORECASE)
_TO = re.compile(r"\s*(?:to|until|till|through|[–—-])\s*(?:the\s+)?", re.IGNORECASE)
_IS_GAP = re.compile(
    r"(?!\s*(?:\w+\s+){0,3}or\s+(?:more|less|fewer)\b)\s*(?:of\s+)?(?:\w+\s+){0,3}?(?:longer|shorter|faster|slower|quicker|sooner|later\s+than|earlier\s+than|short\s+of|shy\s+of|ahead\s+of|behind\s+(?:the|your|plan)|(?:more|less|fewer)(?!\s+(?:than\s+)?\d)(?=[^.]*\b(?:than|usual|average|plan|estimate))"
    r"|(?:over|under|above|below)\s+(?:\w+\s+){0,2}(?:estimates?|average|usual|normal))\b",
    re.IGNORECASE,
)
_LIMIT = re.compile(r"\b(?:more|less|fewer|longer|over|beyond|under)\s+(?:than\s+)?$", re.IGNORECASE)
_LAST = re.compile(r"\b(?:last|past|previous|preceding|recent|prior|earlier|these)\s+$", re.IGNORECASE)
_WEEKS_AGO = re.compile(r"earlier_weeks\[[1-9]")
_DERIVED = frozenset({"difference", "multiple", "share", "rest", "sum"})
_NEVER_MEANT = frozenset({"sum", "multiple"})  # they may be said, but what no word marks is not what was meant
_LEAST = 0.12
_LEAST_ROOM: dict[Kind, float] = {"date": 2.0, "weekday": 2.0, "time": 2.0}
_NO_RECORD = -0.9  # a date without any word about it is none of a record's
_SAME_THING: dict[Kind, float] = {"count": 0.72, "minutes": 0.72, "percent": 0.65, "factor": 0.5, "date": 0.3, "time": 0.5}
# a number beside one of these words is of nothing else
_APART = frozenset(
    {"deep", "meeting", "billable", "nonbillable", "unmarked", "switch", "event", "slipped", "scheduled", "past", "single_week", "estimate"}
    | {"streak", "sprint"}
)
_WEAK = {"actual": 0.5, "work": 0.6, "task": 0.8, "share": 0.5, "drift": 0.6}  # words that any sentence may have
_OF_METHOD = frozenset({"week", "day", "run", "least", "beyond", "drift"})  # of the limits that the method itself brings
_UNIT_OF_METHOD = {"weeks": "week", "days": "day", "runs": "run"}
_MUST_BE_SAID = frozenset({"past", "single_week"})
_OPPOSITES = tuple(
    pair
    for one, other in (("planned", "actual"), ("estimate", "actual"), ("planned", "completed"), ("billable", "nonbillable"), ("completed", "open"))
    for pair in ((one, other), (other, one))
)
_KINDS: dict[Kind, tuple[Kind, ...]] = {
    "count": ("count",),
    "factor": ("factor",),
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
    claims += derived_claims(claims)
    blanked, names = masked(prose, known_names(document))
    frequency = Counter(concept for claim in claims for concept in claim.concepts)
    rarity = {concept: math.log(1.5 + len(claims) / n) * _WEAK.get(concept, 1.0) for concept, n in frequency.items()}
    verdicts: list[Verdict] = []
    for sentence in sentences(blanked, names):
        for mention in sentence.numbers:
            found = [_verdict(meaning, sentence, claims, rarity) for meaning in mention.meanings()]
            verdict = next((each for each in found if each.is_supported), found[0])
            verdicts.append(replace(verdict, mention=mention))
        verdicts = _consistent(verdicts, sentence)
    return verdicts


def _consistent(verdicts: list[Verdict], sentence: Sentence) -> list[Verdict]:
    """A change from one number to another goes the way the words say."""
    out = list(verdicts)
    first = len(out) - len(sentence.numbers)
    for n, (one, other) in enumerate(pairwise(sentence.numbers), first):
        between = sentence.between(one, other)
        if contradicts(one, other, between):
            out[n + 1] = Verdict(other, "wrong", out[n + 1].fact, "The words say the opposite of what the two numbers do.")
        if exceeds(one, other, sentence):
            out[n] = Verdict(one, "wrong", out[n].fact, "The part is more than the whole.")
        if one.kind == other.kind == "date" and _TO.fullmatch(between) and _is_not_before(one, other):
            why = "The span ends before it begins, or where it begins."
            out[n], out[n + 1] = Verdict(one, "wrong", out[n].fact, why), Verdict(other, "wrong", out[n + 1].fact, why)
    return out


def _is_not_before(one: Mention, other: Mention) -> bool:
    (_, *first), (_, *second) = one.value, other.value
    years = {date_value[0] for date_value in (one.value, other.value)}
    return None not in (*first, *second) and first >= second and (len(years) == 1 or None in years) and not (first[0] == 12 and second[0] == 1)


def unsupported(prose: str, document: Any) -> list[Mention]:
    """The numbers of the prose that are none of the facts, in order."""
    return [verdict.mention for verdict in check(prose, document) if not verdict.is_supported]


def _score(claim: Claim, near: dict[str, float], rarity: dict[str, float]) -> float:
    """How much the words round a number speak of this claim."""
    about = sum(near.get(concept, 0.0) * rarity[concept] for concept in claim.concepts)
    unsaid = sum(1 - near.get(concept, 0.0) for concept in claim.concepts)
    instead = (
        0.0 if claim.kind in ("date", "time") and not claim.names else sum(near.get(f"own {concept}", 0.0) for concept in _APART - claim.concepts)
    )
    score = about / math.sqrt(max(1, len(claim.concepts))) - 0.12 * unsaid - 2 * instead
    if claim.names:  # of one record among several: spoken of where its name stands
        named = max((near.get(f":{name}", 0.0) for name in claim.names), default=0.0)
        score += 4 * named if named else -1.0
    if "planned" in claim.concepts and "sprint" not in claim.concepts and near.get("planned", 0.0) < 0.05:
        score -= 0.8
    if "estimate" in claim.concepts and near.get("estimate", 0.0) and "own estimate" not in near:
        score -= 1.0  # "done in 2 h, estimated at 3 h": the word is of the other number
    if claim.pattern in ("difference", "multiple") and near.get("own difference", 0.0) < 0.15 and near.get("typical", 0.0) < 0.2:
        score -= 2.0
    leaf = claim.path.rpartition(".")[2]
    if claim.kind == "count" and leaf.endswith(("weeks", "days")) and max(near.get("week", 0.0), near.get("day", 0.0)) < 0.6:
        score -= 2.0
    if _WEEKS_AGO.search(claim.path):
        score -= 1.5
    if "past" in claim.concepts and "difference" not in claim.concepts and "other past" in near and "own past" not in near:
        score -= 2.0  # it is another number of its kind that is said to be of before
    if "open" in claim.concepts and "planned" not in claim.concepts and claim.kind == "count":
        score -= 1.5 * near.get("own planned", 0.0)
    if "planned" not in claim.concepts and claim.kind == "percent":
        score -= near.get("own planned", 0.0)
    for concept, opposite in _OPPOSITES:
        if concept in claim.concepts and opposite not in claim.concepts and near.get(f"own {opposite}", 0.0) > near.get(f"own {concept}", 0.0):
            score -= 1.5 * near[f"own {opposite}"]
    if "past" in claim.concepts and "difference" not in claim.concepts and near.get("own now", 0.0) > near.get("own past", 0.0):
        score -= 2.0
    if claim.pattern == "rest" and near.get("open", 0.0) < 0.15:
        score -= 2.0
    if claim.kind == "count" and "slipped" not in claim.concepts:
        score -= 1.5 * near.get("mine slipped", 0.0)
    if claim.pattern == "rest" and near.get("slipped", 0.0) > near.get("open", 0.0):
        score -= 1.5
    for concept in _MUST_BE_SAID & claim.concepts:
        score -= 2.0 if near.get(concept, 0.0) < 0.1 else 0.0
    if "sprint" in claim.concepts and near.get("sprint", 0.0) < 0.02:
        score -= 0.7
    return score


def _is_method(claim: Claim, near: dict[str, float], before: str) -> bool:
    """Whether the number is one that the method itself brings: "three runs or more", "the last four weeks"."""
    if "thresholds." not in claim.path or ("week" in claim.concepts and not _LAST.search(before)):
        return False
    if "beyond" in claim.concepts and _LIMIT.search(before):
        return True
    leaf = claim.path.rpartition(".")[2]
    unit = next((unit for ending, unit in _UNIT_OF_METHOD.items() if ending in leaf), None)
    return any(near.get(concept, 0.0) > 0.75 for concept in ({unit} if unit else claim.concepts & _OF_METHOD))


def _is_named(claim: Claim, near: dict[str, float]) -> bool:
    """Whether the sentence names everything that the claim is about, and the record that it stands in."""
    return bool(claim.concepts) and all(near.get(c, 0.0) > 0.1 for c in claim.concepts) and all(f":{name}" in near for name in claim.names)


def _verdict(mention: Mention, sentence: Sentence, claims: Sequence[Claim], rarity: dict[str, float]) -> Verdict:
    shared = share_of_counts(mention, sentence) if mention.kind == "percent" else None
    if shared is not None:
        part, whole = shared
        if is_near(abs(mention.value), part.value * 100 / whole.value, mention):
            return Verdict(mention, "derived", f"{part.text} of {whole.text}", "")
        return Verdict(mention, "wrong", None, f"{part.text} of {whole.text} is another share.")
    if (found := complements(mention, sentence, claims)) is not None:
        return Verdict(mention, "derived", found, "")
    near = nearness(mention, sentence)
    role = role_of(mention, sentence)

    def ranked(kind: Kind) -> list[tuple[float, Claim, bool]]:
        of_kind = [claim for claim in claims if claim.kind in _KINDS[kind] and _is_in_question(claim, sentence, near)]
        found = [(_score(claim, near, rarity) - out_of_role(claim, role), claim, _is_named(claim, near)) for claim in of_kind]
        return sorted(found, key=lambda each: -each[0])

    scored = [(score, claim) for score, claim, is_named in ranked(mention.kind) if is_named or claim.pattern != "sum"]
    if mention.kind in ("date", "weekday", "time") and sentence.has_names:
        of_names = [each for each in scored if each[1].names]
        scored = of_names or scored
    is_gap = mention.kind in ("minutes", "count", "percent") and _IS_GAP.match(sentence.after(mention)) is not None
    if is_gap:
        scored = [each for each in scored if each[1].sign or each[1].pattern == "difference"] or scored
    top = next((each for each in scored if each[1].pattern not in _NEVER_MEANT), None)
    best, meant = (top[0], top[1]) if top else (0.0, None)
    by_name = 4 * max((near.get(f":{name}", 0.0) for name in meant.names), default=0.0) if meant else 0.0
    least = 4.0 if by_name > 0.3 and mention.kind == "count" else _LEAST_ROOM.get(mention.kind, 0.5)  # a record has few counts: "2 of 8 steps open"
    room = (1 - _SAME_THING.get(mention.kind, 0.0)) * max(best - by_name, least)
    limit = best - room if best > _LEAST else _NO_RECORD if mention.kind in ("date", "factor") else -math.inf
    if mention.kind in ("date", "weekday", "time") and sentence.has_names and sum(n.kind == mention.kind for n in sentence.numbers) == 1:
        records = {claim.path.rpartition(".")[0] for _, claim in scored}
        limit = -math.inf if len(records) == 1 else limit  # the only date beside a name is one of its record's
    if role is not None:
        limit = best - room  # where part and whole are told, nothing else is meant
    for score, claim in scored:
        # a record has few counts, so that its name is enough: "2 steps of 8 open"
        is_allowed = (
            (role is None and not is_gap and _is_plainly_meant(claim, near))
            or _is_method(claim, near, sentence.before(mention))
            or (mention.kind == "count" and any(f":{name}" in near for name in claim.names))
        )
        if (score >= limit or is_allowed) and is_value(mention, claim) and (not is_gap or claim.sign or claim.pattern == "difference"):
            said_way = direction(mention, sentence.numbers, sentence.start, sentence.text) if claim.sign else 0
            if said_way and said_way != claim.sign:
                return Verdict(mention, "wrong", claim.path, f"The words say {'more' if said_way > 0 else 'less'}, the facts the opposite.")
            return Verdict(mention, "derived" if claim.pattern in _DERIVED else "fact", claim.path, "")
    if mention.kind == "weekday" and not sentence.has_names and (inside := _weekday_inside(mention, _own_dates(claims))):
        return Verdict(mention, "fact", inside, "")
    found = None if is_gap else in_sentence(mention, sentence.text, sentence.numbers, ranked, claims)
    if found is not None:
        return Verdict(mention, "derived", found, "")
    elsewhere = next((claim for _, claim in scored if is_value(mention, claim)), None)
    if best <= _LEAST:
        meant = None
    if elsewhere is not None:
        instead = f"of {meant.path}, which is {said(meant)}" if meant is not None else "of something else"
        return Verdict(mention, "misplaced", meant.path if meant else None, f"This is {elsewhere.path}, but the words speak {instead}.")
    if meant is not None:
        return Verdict(mention, "wrong", meant.path, f"The nearest fact, {meant.path}, is {said(meant)}.")
    return Verdict(mention, "wrong", None, "No fact has this value.")


_GENERIC = frozenset({"task", "work", "actual", "share", "day", "week", "rate"})
_RIVALS = (
    frozenset({"past", "single_week", "now"}),
    frozenset({"estimate", "actual"}),
    frozenset({"planned", "completed", "open", "slipped", "scheduled"}),
    frozenset({"billable", "nonbillable", "unmarked"}),
    frozenset({"deep", "meeting", "switch", "event", "run"}),
)


def _is_plainly_meant(claim: Claim, near: dict[str, float]) -> bool:
    """Whether the sentence names everything that sets this fact apart, beside this number rather than another one, and nothing against it."""
    apart = claim.concepts - _GENERIC
    if (
        claim.pattern in _DERIVED
        or "thresholds." in claim.path
        or not apart
        or _WEEKS_AGO.search(claim.path)
        or any(near.get(f"mine {c}", 0.0) < 0.1 for c in apart)
    ):
        return False
    if claim.kind == "count" and "slipped" not in claim.concepts and near.get("mine slipped", 0.0) > 0.3:
        return False
    if claim.names and not any(f"mine :{name}" in near for name in claim.names):
        return False
    for rivals in _RIVALS:
        theirs = max((near.get(f"mine {c}", 0.0) for c in rivals - claim.concepts), default=0.0)
        ours = max((near.get(f"mine {c}", 0.0) for c in rivals & claim.concepts), default=0.0)
        if theirs > max(ours, 0.1 if rivals & claim.concepts or "past" in rivals or "estimate" in rivals else 0.5):
            return False
    return not ("sprint" not in claim.concepts and near.get("sprint", 0.0) > 0.1)


def _is_in_question(claim: Claim, sentence: Sentence, near: dict[str, float]) -> bool:
    """A sentence that names records speaks of no other ones."""
    return not (claim.names and sentence.has_names) or any(f":{name}" in near for name in claim.names)


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
