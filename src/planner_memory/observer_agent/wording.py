"""The first reading: the words round a number choose the facts that it may be, and only those are compared.

A value that stands somewhere in the facts is not enough: "three meetings" is wrong when three is the number of tasks.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.derived import in_sentence
from planner_memory.observer_agent.directions import direction
from planner_memory.observer_agent.inference import inferred, unsaid_units
from planner_memory.observer_agent.ledger import own_dates
from planner_memory.observer_agent.matching import DERIVED, is_near, is_value, said
from planner_memory.observer_agent.misplacement import why_misplaced
from planner_memory.observer_agent.numbers import Kind, Mention
from planner_memory.observer_agent.roles import complements, out_of_role, role_of, share_of_counts
from planner_memory.observer_agent.scene import Scene
from planner_memory.observer_agent.sentences import nearness
from planner_memory.observer_agent.verdicts import Verdict, Verdicts
from planner_memory.observer_agent.weighing import in_question, is_method, is_named, is_of_the_same, is_plainly_meant, weight

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


def by_words(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of every number: it is the fact that its words name, or not, or that of something else that they do not speak of."""
    found = {number.start: _placed(number, scene) for number in numbers}
    return {at: replace(verdict, is_open=not verdict.is_supported) for at, verdict in found.items()}


def by_unsaid_unit(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of those that are facts in a unit that stands in another place: "planned at two hours, done in three"."""
    found: dict[int, Verdict] = {}
    for number in numbers:
        meant = (unit for unit in unsaid_units(number, scene) if unit.kind in ("minutes", "percent") and not number.is_each)
        verdict = next((each for unit in meant if (each := reading(unit, scene)).outcome == "fact"), None)
        if verdict is not None and not why_misplaced(verdict.mention, scene, scene.ledger.by_path.get(verdict.fact or "")):
            found[number.start] = verdict
    return found


def by_the_week_before(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of those that are facts of the week before, of which the sentence before has begun to tell."""
    if not scene.sentence.may_be_of_before:
        return {}
    scene_of_before = replace(scene, sentence=scene.sentence.of_before())
    found = {number.start: _placed(number, scene_of_before) for number in numbers if not number.is_each}
    return {at: verdict for at, verdict in found.items() if verdict.is_supported}


def _placed(number: Mention, scene: Scene) -> Verdict:
    found = [reading(meaning, scene) for meaning in number.meanings()]
    verdict = next((each for each in found if each.is_supported), found[0])
    if not verdict.is_supported or number.is_each:
        return verdict
    why = why_misplaced(verdict.mention, scene, scene.ledger.by_path.get(verdict.fact or ""))
    if not why:
        return verdict
    otherwise = inferred(number, scene, plainly=True) or inferred(number, scene)
    return Verdict(number, "derived", otherwise, "") if otherwise else Verdict(number, "misplaced", verdict.fact, why)


def reading(mention: Mention, scene: Scene) -> Verdict:
    """Of one meaning of a number."""
    sentence, claims, rarity = scene.sentence, scene.ledger.claims, scene.ledger.rarity
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
    doubted: Verdict | None = None
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
            held = Verdict(mention, "derived" if claim.pattern in DERIVED else "fact", claim.path, "")
            if not why_misplaced(mention, scene, claim):
                return held
            doubted = doubted or held  # another fact may have the same value
    if doubted is not None:
        return doubted
    if mention.kind == "weekday" and not sentence.has_names and (inside := _weekday_inside(mention, own_dates(claims))):
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


def _weekday_inside(mention: Mention, dates: Sequence[Claim]) -> str | None:
    """The period's own path when the weekday lies in the period, which need not name each of its days."""
    if not dates:
        return None
    first, last = min(dates, key=lambda c: c.value), max(dates, key=lambda c: c.value)
    days = (last.value - first.value).days
    return f"{first.path} to {last.path}" if (mention.value - first.value.weekday()) % 7 <= days else None
