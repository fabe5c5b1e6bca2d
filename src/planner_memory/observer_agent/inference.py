"""What a number may follow from when it is no fact by itself: from the records that its sentence speaks of, and from few facts that it names.

A second reading, for numbers that the first one does not find: a difference, a sum, a mean or a share of what stands there, the end of a block,
how many tasks took longer. What its words do not speak of it does not use, so that a wrong number finds little to be equal to.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace
from decimal import Decimal
from itertools import combinations
from typing import Any

from planner_memory.observer_agent.inferred_counts import counts, dates, of_a_pair, of_a_type, of_days, times
from planner_memory.observer_agent.inferred_durations import by_another_word, durations, minutes_of, multiplied, of_one, of_two_figures
from planner_memory.observer_agent.inferred_shares import HUNDRED, ratios
from planner_memory.observer_agent.inferred_weeks import in_series, of_weeks
from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.scene import Scene, before_this_week, days_said, is_day, is_said_way, own_figures
from planner_memory.observer_agent.verdicts import Verdict, Verdicts

_FACT_AFTER = re.compile(
    r"\s+(?:\w+\s+)?(?:tasks?|meetings?|events?|runs?|switch\w*|steps?|days?|weeks?|plans?|entries|times|things?|items?|calls?|blocks?|mails?|notes?)\b",
    re.IGNORECASE,
)
_HOURS_AT_MOST = 40
_NO_NOUN = re.compile(  # behind a number that stands without its unit
    r"\W*(?:$|\n|of\s+(?:those|them|it)\b|(?:recorded|estimated|against|instead|planned|over|and|to|went|rather|now|were|was)\b|(?:more|less|longer|shorter|above|below)\s+than\s+[a-zI])|\s*[.,;:)!?\u2013-]",
    re.IGNORECASE,
)
_CLOCK = re.compile(r"\b(?:at|until|till|by|from|to|before|after|around|since|about|past)\s+$", re.IGNORECASE)
_OF_HOURS = re.compile(r"\s+(?:(?!of\b|and\b)[\w-]+\s+){1,2}hours\b|\s*of\s+(?:your|the|these|those|its|all)\s+(?:\w+\s+)?hours\b", re.IGNORECASE)
_HOURS = re.compile(r"\bhours\b", re.IGNORECASE)
_OF_A_PLAN = re.compile(
    r"\s+(?:that\s+(?:were|was|had\s+been)\s+)?(?:you\s+had\s+)?(?:planned|scheduled|estimated|expected|foreseen)\b(?!\s+(?:\w+\s+)?(?:tasks?|meetings?|things))",
    re.IGNORECASE,
)
_NOUN_AFTER = re.compile(r"\s+(?!and\s+\d)[^\W\d]", re.IGNORECASE)


def by_inference(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of those that follow from what their sentence speaks of. Records named in full have been asked where the words name a fact plainly."""
    found: dict[int, Verdict] = {}
    for number in numbers:
        is_plain = so_far[number.start].is_plain
        aside = replace(scene, named=[record for record in scene.here if record.name not in scene.said]) if is_plain else scene
        why = None if number.is_each else inferred(number, aside, plainly=is_plain)
        if why is not None:
            found[number.start] = Verdict(number, "derived", why, "")
    return found


def inferred(mention: Mention, scene: Scene, *, plainly: bool = False) -> str | None:
    """What the number follows from, as words; None when nothing that its sentence speaks of gives it.

    With `plainly` the words name a fact that the number is not: then only what one of the records named takes is looked at.
    """
    if (series := in_series(mention, scene)) is not None:
        return series
    for meaning in (*mention.meanings(), *unsaid_units(mention, scene)):
        for value, why in _of_records(meaning, scene) if plainly else _candidates(meaning, scene):
            if meaning.kind == "time":
                if meaning.value == value:
                    return why
            elif meaning.kind in ("date", "weekday"):
                if is_day(meaning, value):
                    return why
            elif is_near(abs(meaning.value), abs(value), meaning):
                return why
    return None


def unsaid_units(mention: Mention, scene: Scene) -> Iterator[Mention]:
    """ "Planned at two hours, done in three", "at 55 minutes instead of 60", "the newsletter another 30": the unit stands in another place."""
    if mention.kind != "count":
        return
    if _OF_HOURS.match(scene.sentence.after(mention)):
        yield replace(mention, kind="minutes", value=mention.value * 60, precision=mention.precision * 60, others=())
    if mention.value != int(mention.value):
        if any(n.kind == "minutes" for n in scene.sentence.numbers) and not _FACT_AFTER.match(scene.sentence.after(mention)):
            yield replace(mention, kind="minutes", value=mention.value * 60, precision=mention.precision * 60, others=())
        return
    durations = [n for n in (*scene.before, *scene.sentence.numbers) if n.kind == "minutes"] or _HOURS.findall(scene.text)
    is_of_plan = _OF_A_PLAN.match(scene.sentence.after(mention)) is not None
    if not durations and is_of_plan and any(scene.sentence.is_about(topic) for topic in ("billable", "deep")):
        durations = ["hours"]  # "86 % of the 22 planned"
    if mention.value <= 24 and mention.precision == 1 and _CLOCK.search(scene.sentence.before(mention)):
        hour = int(mention.value)
        yield from (replace(mention, kind="time", value=(each % 24, 0), others=()) for each in (hour, hour + 12))
    if re.match(r"\s*(?:or|to|and|[–-])\s*[\w.,-]+\s*(?:%|per)", scene.sentence.after(mention)):
        yield replace(mention, kind="percent", precision=Decimal(2), others=())
    if _FACT_AFTER.match(scene.sentence.after(mention)) or mention.start in scene.sentence.labelled or scene.sentence.before(mention).endswith("/"):
        return
    if not _NO_NOUN.match(scene.sentence.after(mention)):
        return
    if durations and mention.value >= 5 and mention.precision == 1:
        yield replace(mention, kind="minutes", precision=Decimal(1), others=())
    if (
        durations
        and mention.value <= _HOURS_AT_MOST
        and (not _NOUN_AFTER.match(scene.sentence.after(mention)) or _OF_A_PLAN.match(scene.sentence.after(mention)))
    ):
        yield replace(mention, kind="minutes", value=mention.value * 60, precision=mention.precision * 60, others=())


def _candidates(mention: Mention, scene: Scene) -> Iterator[tuple[Any, str]]:
    yield from own_figures(mention, scene)
    yield from before_this_week(mention, scene)
    yield from of_weeks(mention, scene)
    if mention.kind == "minutes":
        yield from durations(mention, scene)
    elif mention.kind in ("percent", "factor"):
        unit = HUNDRED if mention.kind == "percent" else Decimal(1)
        for value, why in ratios(mention, scene):
            yield value * unit, why
        if "point" in mention.text:
            told = [n for n in scene.sentence.numbers if n.start != mention.start and n.kind in ("percent", "count")]
            yield from ((one.value - other.value, f"{one.text} beside {other.text}") for one, other in combinations(told, 2))
    elif mention.kind == "count":
        yield from counts(mention, scene)
    elif mention.kind == "time":
        yield from times(mention, scene)
    elif mention.kind in ("date", "weekday"):
        yield from dates(mention, scene)


def _of_records(mention: Mention, scene: Scene) -> Iterator[tuple[Any, str]]:
    yield from of_weeks(mention, scene)
    if mention.kind == "count":
        yield from of_a_type(mention, scene)
        yield from of_days(scene)
        yield from of_a_pair(mention, scene, is_plain=True)
        yield from own_figures(mention, scene)
    elif mention.kind in ("date", "weekday") and scene.named:
        yield from dates(mention, scene)
    elif mention.kind == "minutes":
        yield from by_another_word(mention, scene)
        yield from multiplied(scene, mention)
        yield from of_two_figures(mention, scene)
        yield from before_this_week(mention, scene)
        for day in days_said(scene):
            yield minutes_of((r for r in scene.group("upcoming") if r.starts_on == day), "lasts_hours"), f"all of {day}"
        for record in scene.named:
            yield from of_one(mention, scene, record)
    elif mention.kind in ("percent", "factor"):
        yield from own_figures(mention, scene)
        for record in scene.named if mention.kind == "percent" else ():
            estimate = record.minutes("estimated_hours")
            if record.over is not None and estimate and is_said_way(mention, scene, record.over):
                yield record.over * HUNDRED / estimate, f"“{record.name}” beside the estimate"
