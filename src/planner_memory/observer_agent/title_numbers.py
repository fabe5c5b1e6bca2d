"""Durations, percentages, counts and days of a title.

What a title's records have supports the number. It is wrong only where the words leave no doubt: one title, and one measure, named beside it.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

from planner_memory.observer_agent.bindings import NO_TASKS, Bindings, Owner
from planner_memory.observer_agent.inference import unsaid_units
from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import Scene
from planner_memory.observer_agent.title_counts import how_often, runs_beside
from planner_memory.observer_agent.title_days import on_a_day
from planner_memory.observer_agent.title_roles import FILL, Role, role_of
from planner_memory.observer_agent.title_values import WORKED, any_near, sets_of, sum_of, values_of
from planner_memory.observer_agent.verdicts import Verdict, Verdicts, verdict_of

_TOGETHER = re.compile(
    r"\b(?:together|in\s+total|altogether|in\s+all|combined|as\s+a\s+whole|overall|both|pair|sum\w*|each|total\w*|all|average\w*|per)\b",
    re.IGNORECASE,
)
_OF_ANOTHER_MEASURE = re.compile(
    r"(?:\s+[\w-]+){0,2}?\s+(?:of\s+)?(?:deep|focus\w*|billable|meetings?|scheduled|worked|billed|non-?billable|unbillable|left|remain\w*|later|before|ago|ahead|apart)\b",
    re.IGNORECASE,
)
_BESIDE = re.compile(
    rf"(?:\s*\w+){{0,3}}?[\s,;(:]*\b(?:against|for|instead\s+of|rather\s+than|vs\.?|versus|where|when|while|compared\s+(?:with|to)|not|with|as|than)\b[\s\w’']{{0,30}}?|\s*(?:spent|used|taken|needed|actual|worked|recorded|done)?\s*[(/|,]\s*(?:est\w*|plan\w*)?\.?:?\s*{FILL}",
    re.IGNORECASE,
)
_LISTED = re.compile(r"\s*(?:,|,?\s+(?:and|or|to)\b)\s*", re.IGNORECASE)
_MEASURES = NO_TASKS - {"past", "now", "upcoming"}
_ELLIPSIS = re.compile(r"[\s*_”\"'’]*(?:to|at|in)?\s*", re.IGNORECASE)
_SET_ASIDE = re.compile(
    r"\s+(?:that\s+)?(?:you(?:['’]d|\s+had)?\s+)?(?:set\s+aside|estimated|allowed|allotted|planned|expected|reckoned|given|gave|budgeted)\b",
    re.IGNORECASE,
)
_NEAR_BY = 70
_OF_ANOTHER_NOUN = re.compile(
    r"\s*(?:[\w-]+\s+)?(?:tasks?|meetings?|days?|weeks?|runs?|steps?|%|percent|switch\w*|events?|calls?|mails?|notes?|times)\b", re.IGNORECASE
)
_BARE = re.compile(r"\s*(?:[.,;:!?)*_|]|and\b|or\b|under\b|over\b|respectively\b|$)", re.IGNORECASE)
_PERCENT_WORD = re.compile(r"%|\bper\s?cent\b|\bpercent", re.IGNORECASE)
_OF_ROUNDED = Decimal("0.05")  # a share of hours that the facts have rounded


def bound(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of the durations, percentages and counts of runs that a title has; those of which the words leave doubt are left out."""
    if not scene.records or not scene.sentence.numbers:
        return {}
    bindings = Bindings(scene)
    if not bindings.titles and not bindings.carried:
        return {}
    found = dict(_pairs(bindings))
    for mention in numbers:
        owner = bindings.owner(mention)
        if owner is None or mention.is_each or mention.start in found:
            continue
        read = _read(mention, owner, bindings)
        if read is not None:
            found[mention.start] = read
    return found | dict(runs_beside(found, bindings))


def _read(mention: Mention, owner: Owner, bindings: Bindings) -> Verdict | None:
    scene = bindings.scene
    if mention.kind in ("date", "weekday"):
        day = on_a_day(mention, owner, bindings)
        if day is not None or not _PERCENT_WORD.search(scene.text):
            return day  # "12.5 and 16.7." may be percent
    read = _lasting(mention, owner, bindings) if mention.kind in ("minutes", "percent", "factor") else how_often(mention, owner, bindings)
    if read is not None:
        return read
    units = (_lasting(unit, owner, bindings) for unit in _unsaid(mention, scene))
    right = next((each for each in units if each is not None and each.is_supported), None)
    if (
        right is None
        and mention.kind == "count"
        and _SET_ASIDE.match(scene.sentence.after(mention))
        and any(n.kind == "minutes" for n in scene.sentence.numbers)
    ):
        hours = replace(mention, kind="minutes", value=mention.value * 60, precision=mention.precision * 60, others=())
        return _lasting(hours, owner, bindings)  # "than the six you had set aside"
    return right


def _unsaid(mention: Mention, scene: Scene) -> Iterator[Mention]:
    """What a number without its unit may measure."""
    yield from (unit for unit in unsaid_units(mention, scene) if unit.kind in ("minutes", "percent"))
    is_after_minutes = any(n.kind == "minutes" and n.end <= mention.start for n in scene.sentence.numbers)
    if mention.kind == "count" and is_after_minutes and role_of(mention, scene) == "over":
        yield replace(mention, kind="minutes", others=())  # "10 minutes over, the other 5 under"
    following = next((n for n in scene.sentence.numbers if n.start >= mention.end), None)
    is_listed = following is not None and _LISTED.fullmatch(scene.sentence.between(mention, following)) is not None
    if mention.kind == "count" and is_listed and following is not None and following.kind == "percent":
        yield replace(mention, kind="percent", others=())  # "25 and 5.6 percent"
    if following is not None and following.kind == "minutes" and _LISTED.fullmatch(scene.sentence.between(mention, following)):
        yield from _as_minutes(mention, scene)  # "3.17 and 2.92 hours"
    is_bare = _BARE.match(scene.sentence.after(mention)) is not None
    for reading in mention.meanings() if is_bare and _PERCENT_WORD.search(scene.text) else ():
        if reading.kind == "count":
            yield replace(reading, kind="percent")


def _as_minutes(mention: Mention, scene: Scene) -> list[Mention]:
    if mention.kind == "minutes":
        return [mention]
    if mention.kind not in ("count", "time") or mention.is_each:
        return []
    hours = replace(mention, kind="minutes", others=())
    counted = [reading for reading in mention.meanings() if reading.kind == "count"]
    return [
        *(replace(hours, value=each.value * 60, precision=each.precision * 60) for each in counted),
        *(replace(hours, value=each.value) for each in counted),
    ]


def _pairs(bindings: Bindings) -> Iterator[tuple[int, Verdict]]:
    """In "13.75 hours for 10 estimated" both are of the same task or pattern: what it took, and its estimate."""
    scene = bindings.scene
    for one, other in pairwise(scene.sentence.numbers):
        if "minutes" not in (one.kind, other.kind) or not _BESIDE.fullmatch(scene.sentence.between(one, other)):
            continue
        if other.kind != "minutes" and _OF_ANOTHER_NOUN.match(scene.sentence.after(other)):
            continue
        owners = [owner for owner in (bindings.owner(one), bindings.owner(other)) if owner is not None]
        names = frozenset().union(*(owner.title.names for owner in owners))
        sets = list(sets_of([record for record in scene.records if record.name in names and record.group in WORKED]))
        known = [
            (actual, estimate, part[0].name)
            for part in sets
            if (actual := sum_of(part, "actual_hours")) is not None and (estimate := sum_of(part, "estimated_hours"))
        ]
        firsts, seconds = _as_minutes(one, scene), _as_minutes(other, scene)
        if not firsts or not seconds:
            continue
        both = next((name for a, b, name in known if any_near(firsts, a) and any_near(seconds, b)), None)
        if both is not None:
            yield one.start, verdict_of(one, f"time of “{both}”")
            yield other.start, verdict_of(other, f"estimate of “{both}”")
        elif (
            any(owner.title in bindings.titles for owner in owners)
            and role_of(other, scene) == "estimate"
            and any(n.kind == "minutes" for n in (one, other))
        ):
            half = next(((estimate, name) for a, estimate, name in known if any_near(firsts, a)), None)
            if half is not None and not any(any_near(seconds, b) for _, b, _ in known):
                yield other.start, verdict_of(other, half[1], f"The estimate of “{half[1]}” is {half[0]:f} minutes.")


def _lasting(mention: Mention, owner: Owner, bindings: Bindings) -> Verdict | None:
    scene = bindings.scene
    role = role_of(mention, scene)
    if (
        not role
        and mention.start - owner.title.end >= 0
        and _ELLIPSIS.fullmatch(scene.text[owner.title.end - scene.sentence.start : mention.start - scene.sentence.start])
    ):
        role = "actual"  # "the slides ran to 3 h, the agenda to 2 h"
    records = owner.title.of(scene.records)
    if owner.title is bindings.carried and not _goes_on(mention, role, scene):
        return None
    sets = list(sets_of(records))
    if _TOGETHER.search(scene.text):
        everywhere = list(dict.fromkeys(record.name for title in bindings.titles for record in title.of(scene.records)))
        sets += [part for part in sets_of([record for record in scene.records if record.name in everywhere]) if len(part) > 1]
    for part in sets:
        for value, what in values_of(mention, part, role, scene):
            if is_near(abs(mention.value), value, mention, slack=_OF_ROUNDED if mention.kind == "percent" else Decimal(0)):
                return verdict_of(mention, f"{what} of “{part[0].name}”")
    return None if _is_open(mention, owner, role, bindings) else _wrong(mention, role, records, scene)


def _goes_on(mention: Mention, role: Role, scene: Scene) -> bool:
    """Whether a sentence without a title goes on about those before it: none that names a measure of the day or the week does."""
    if mention.kind == "percent":
        return not any(scene.sentence.is_about(topic) for topic in (*_MEASURES, "rate"))
    return bool(role) and not any(scene.sentence.is_about(topic) for topic in _MEASURES)


def _is_open(mention: Mention, owner: Owner, role: Role, bindings: Bindings) -> bool:
    """Whether the words leave doubt whose the number is, or what of it."""
    scene, title = bindings.scene, owner.title
    if not owner.is_sure or not role or len(title.names) > 1 or title.is_word_of_facts or (mention.is_rough and mention.kind == "percent"):
        return True
    gap = scene.text[title.end - scene.sentence.start : mention.start - scene.sentence.start] if title.end <= mention.start else ""
    if (
        title.end > mention.start
        or len(gap) > _NEAR_BY
        or (role != "estimate" and any(title.end <= n.start < mention.start for n in scene.sentence.numbers))
    ):
        return True
    if mention.kind == "factor":
        return True
    first, last = bindings.part(mention)
    part = scene.text[first - scene.sentence.start : last - scene.sentence.start]
    return bool(_TOGETHER.search(part) or _OF_ANOTHER_MEASURE.match(scene.sentence.after(mention)))


def _wrong(mention: Mention, role: Role, records: Sequence[Record], scene: Scene) -> Verdict | None:
    known = next(((value, what, record) for record in records for value, what in values_of(mention, (record,), role, scene)), None)
    if known is None:
        return None
    value, what, record = known
    return verdict_of(
        mention,
        record.name,
        f"The {what} of “{record.name}” is {value.quantize(Decimal('0.1')).normalize():f} {'%' if mention.kind == 'percent' else 'minutes'}.",
    )
