"""Holds every number of a prose to the facts: the same value, the same unit, and about the same thing.

A value that stands somewhere in the facts is not enough: "three meetings" is wrong when three is the number of tasks. So the words round a
number choose the facts that it may be, and only those are compared.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from planner_memory.observer_agent.agreement import disagreements
from planner_memory.observer_agent.appointments import appointments
from planner_memory.observer_agent.claims import Claim, claims_of, known_names
from planner_memory.observer_agent.derived import derived_claims, in_sentence
from planner_memory.observer_agent.directions import contradicts, direction
from planner_memory.observer_agent.figures import Figures, figures_of, of_lists, suggestions_of
from planner_memory.observer_agent.framing import framed, section_at
from planner_memory.observer_agent.inference import inferred, unsaid_units
from planner_memory.observer_agent.innocuous import bids, claims_nothing
from planner_memory.observer_agent.matching import DERIVED, is_near, is_value, said
from planner_memory.observer_agent.misplacement import why_misplaced
from planner_memory.observer_agent.numbers import Kind, Mention
from planner_memory.observer_agent.quantifiers import wholes
from planner_memory.observer_agent.records import Names, Record, parts_with_digits, records_of
from planner_memory.observer_agent.roles import complements, exceeds, out_of_role, role_of, share_of_counts
from planner_memory.observer_agent.scene import Scene
from planner_memory.observer_agent.sentences import Sentence, masked, nearness, sentences
from planner_memory.observer_agent.weighing import in_question, is_method, is_named, is_of_the_same, is_plainly_meant, rarities, weight

Outcome = Literal["fact", "derived", "wrong", "misplaced"]

_SPAN = re.compile(r"\b(?:from|between|covers?|spans?|runs?)\b.*\b(?:to|and|until|till|through)\b", re.IGNORECASE)
_TO = re.compile(r"\s*(?:to|until|till|through|[–—-])\s*(?:the\s+)?", re.IGNORECASE)
_IS_GAP = re.compile(
    r"(?!\s*(?:\w+\s+){0,3}or\s+(?:more|less|fewer)\b)\s*(?:of\s+)?(?:\w+\s+){0,3}?(?:longer|shorter|faster|slower|quicker|sooner|later\s+than|earlier\s+than|short\s+of|shy\s+of|ahead\s+of|behind\s+(?:the|your|plan)|(?:more|less|fewer)(?!\s+(?:than\s+)?\d)(?=[^.]*\b(?:than|usual|average|plan|estimate))"
    r"|(?:over|under|above|below)\s+(?:\w+\s+){0,2}(?:estimates?|average|usual|normal))\b",
    re.IGNORECASE,
)
_NEVER_MEANT = frozenset({"sum", "multiple"})  # they may be said, but what no word marks is not what was meant
_LEAST = 0.12
_BESIDE = 0.25  # a word that stands this near is of this number
_LEAST_ROOM: dict[Kind, float] = {"date": 2.0, "weekday": 2.0, "time": 2.0}
_NO_RECORD = -0.9  # a date without any word about it is none of a record's
_SAME_THING: dict[Kind, float] = {"count": 0.72, "minutes": 0.72, "percent": 0.65, "factor": 0.5, "date": 0.3, "time": 0.5}
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
    is_plain: bool = False  # the words name the fact that it should have been, all of it

    @property
    def is_supported(self) -> bool:
        return self.outcome in ("fact", "derived")


def check(prose: str, document: Any) -> list[Verdict]:
    """A verdict on every number of the prose, in order.

    `document` is JSON: the facts as `GET /facts` gives them, or any other document whose keys name their units (see claims_of).
    """
    told = claims_of(document)
    claims = [*told, *derived_claims(told)]
    blanked, names = masked(prose, known_names(document))
    rarity = rarities(claims)
    by_path = {claim.path: claim for claim in claims}
    records = records_of(told)
    known = Names(records)
    for pattern in parts_with_digits(record.name for record in records):
        blanked = pattern.sub(
            lambda match: re.sub(r"\d|two|three|thirty", lambda each: "x" * len(each.group()), match.group(), flags=re.IGNORECASE), blanked
        )
    last_day = max(
        (claim.value for claim in _own_dates(told) if claim.path.endswith(("ends_on", "starts_on")) and "sprint" not in claim.path), default=None
    )
    figures = Figures({**figures_of(told).known, **dict(of_lists(records))})
    suggestions = dict(suggestions_of(document))
    verdicts: list[Verdict] = []
    named: list[Record] = []
    before: Sentence | None = None
    for sentence in sentences(blanked, names):
        exact = [word.about[1:] for word in sentence.words if word.about.startswith(":")]
        here = known.said_in(sentence.text, exact)
        is_next = before is not None and "\n" not in prose[before.start + len(before.text.rstrip()) : sentence.start]
        named = here or (named if is_next else [])
        scene = Scene(
            sentence,
            named,
            records,
            told,
            before.numbers if before is not None and is_next else (),
            last_day,
            not here,
            before.text if before is not None and is_next else "",
        )
        in_frames = appointments(scene) | framed(scene, section_at(prose, sentence.start), figures, suggestions)
        for mention in sentence.numbers:
            if (told_so := in_frames.get(mention.start)) is not None:
                verdicts.append(Verdict(mention, "fact" if told_so.is_right else "wrong", told_so.path, told_so.reason, is_plain=True))
                continue
            found = [_verdict(meaning, sentence, claims, rarity) for meaning in mention.meanings()]
            verdict = next((each for each in found if each.is_supported), found[0])
            if (
                verdict.is_supported
                and not mention.is_each
                and (why := why_misplaced(verdict.mention, scene, by_path.get(verdict.fact or ""), here, named))
            ):
                aside = replace(scene, named=here or named)
                found_plainly = inferred(mention, aside, plainly=True) or inferred(mention, aside)
                verdict = Verdict(mention, "derived", found_plainly, "") if found_plainly else Verdict(mention, "misplaced", verdict.fact, why)
            if not verdict.is_supported and not mention.is_each:
                aside = replace(scene, named=[record for record in here if record.name not in exact]) if verdict.is_plain else scene
                units = [_verdict(unit, sentence, claims, rarity) for unit in unsaid_units(mention, scene) if unit.kind in ("minutes", "percent")]
                found_unit = next((unit for unit in units if unit.outcome == "fact"), None)
                if found_unit is not None and not why_misplaced(found_unit.mention, scene, by_path.get(found_unit.fact or ""), here, named):
                    verdict = found_unit
                elif (found_why := inferred(mention, aside, plainly=verdict.is_plain)) is not None:
                    verdict = Verdict(mention, "derived", found_why, "")
                elif (not verdict.is_plain or (bids(sentence) and (mention.kind == "minutes" or mention.text.lower() == "one"))) and claims_nothing(
                    mention, sentence
                ):
                    continue
            verdicts.append(replace(verdict, mention=mention))
        verdicts = _consistent(verdicts, sentence)
        before = sentence
    verdicts = [each for each in verdicts if not each.mention.is_each or each.is_supported or _is_contradicted(each)]
    return sorted([*verdicts, *_of_wholes(blanked, claims)], key=lambda each: each.mention.start)


def _is_contradicted(verdict: Verdict) -> bool:
    """Words without a number are loose: wrong they are where a fact that they name plainly says otherwise."""
    return verdict.is_plain and verdict.fact is not None


def _of_wholes(prose: str, claims: Sequence[Claim]) -> list[Verdict]:
    values = {
        claim.path.rpartition(".")[2]: claim for claim in claims if not claim.names and claim.pattern not in DERIVED and "past" not in claim.concepts
    }
    planned, kept = values.get("tasks_planned"), values.get("planned_tasks_completed")
    if planned is None or kept is None:
        return []
    if planned.value == kept.value:
        return [Verdict(replace(each, value=kept.value), "fact", kept.path, "") for each in wholes(prose)]
    return [
        Verdict(replace(each, value=planned.value), "wrong", kept.path, f"The nearest fact, {kept.path}, is {said(kept)}.") for each in wholes(prose)
    ]


def _consistent(verdicts: list[Verdict], sentence: Sentence) -> list[Verdict]:
    """A change from one number to another goes the way the words say, and a share told of two is theirs."""
    out = list(verdicts)
    at = {verdict.mention.start: n for n, verdict in enumerate(out)}
    for number in disagreements(sentence):
        if number.start in at:
            n = at[number.start]
            out[n] = Verdict(number, "wrong", out[n].fact, "The two numbers beside it make another share.")
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


def _verdict(mention: Mention, sentence: Sentence, claims: Sequence[Claim], rarity: dict[str, float]) -> Verdict:
    shared = share_of_counts(mention, sentence) if mention.kind == "percent" else None
    if shared is not None:
        part, whole = shared
        if is_near(abs(mention.value), part.value * 100 / whole.value, mention):
            return Verdict(mention, "derived", f"{part.text} of {whole.text}", "")
        return Verdict(mention, "wrong", None, f"{part.text} of {whole.text} is another share.", True)
    if (found := complements(mention, sentence, claims)) is not None:
        return Verdict(mention, "derived", found, "")
    near = nearness(mention, sentence)
    role = role_of(mention, sentence)

    def ranked(kind: Kind) -> list[tuple[float, Claim, bool]]:
        of_kind = in_question([claim for claim in claims if claim.kind in _KINDS[kind]], mention, sentence, near)
        found = [(weight(claim, near, rarity) - out_of_role(claim, role), claim, is_named(claim, near)) for claim in of_kind]
        return sorted(found, key=lambda each: -each[0])

    scored = [(score, claim) for score, claim, is_clear in ranked(mention.kind) if is_clear or claim.pattern != "sum"]
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
            (role is None and not is_gap and (is_plainly_meant(claim, near) or (meant is not None and is_of_the_same(claim, meant, near))))
            or is_method(claim, near, sentence.before(mention))
            or (mention.kind == "count" and any(f":{name}" in near for name in claim.names))
        )
        if (score >= limit or is_allowed) and is_value(mention, claim) and (not is_gap or claim.sign or claim.pattern == "difference"):
            said_way = direction(mention, sentence.numbers, sentence.start, sentence.text) if claim.sign else 0
            if said_way and said_way != claim.sign:
                return Verdict(mention, "wrong", claim.path, f"The words say {'more' if said_way > 0 else 'less'}, the facts the opposite.", True)
            return Verdict(mention, "derived" if claim.pattern in DERIVED else "fact", claim.path, "")
    if mention.kind == "weekday" and not sentence.has_names and (inside := _weekday_inside(mention, _own_dates(claims))):
        return Verdict(mention, "fact", inside, "")
    found = None if is_gap else in_sentence(mention, sentence.text, sentence.numbers, ranked, claims)
    if found is not None:
        return Verdict(mention, "derived", found, "")
    elsewhere = next((claim for claim in claims if claim.kind in _KINDS[mention.kind] and not claim.sign and is_value(mention, claim)), None)
    if best <= _LEAST:
        meant = None
    is_plain = (
        meant is not None
        and best > _LEAST
        and "past" not in near
        and is_named(meant, near)
        and meant.pattern not in DERIVED
        and "thresholds" not in meant.path
    )
    is_plain = (
        is_plain and meant is not None and "drift" not in meant.concepts and all(near.get(concept, 0.0) > _BESIDE for concept in meant.concepts)
    )
    if elsewhere is not None:
        instead = f"of {meant.path}, which is {said(meant)}" if meant is not None else "of something else"
        return Verdict(mention, "misplaced", meant.path if meant else None, f"This is {elsewhere.path}, but the words speak {instead}.", is_plain)
    if meant is not None:
        return Verdict(mention, "wrong", meant.path, f"The nearest fact, {meant.path}, is {said(meant)}.", is_plain)
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
