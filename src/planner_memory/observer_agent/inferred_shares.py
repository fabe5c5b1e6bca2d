"""Shares and multiples that follow from the records and the figures that a sentence speaks of, or from the numbers that it tells."""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import combinations

from planner_memory.observer_agent.derived import is_how_often
from planner_memory.observer_agent.inferred_durations import ALL, MOST_NAMED, extremes, minutes_of
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import REST, Scene, is_gap, is_said_way, spoken_facts

_SHARE = re.compile(r"\b(?:of|share|half|part|portion|accounts?|account\w*|makes?|made|went|spent|fill\w*|ratio|that's|which)\b", re.IGNORECASE)
OVERRUN = re.compile(r"\b(?:overr[ua]ns?|variance|drift|excess)\b", re.IGNORECASE)
HUNDRED = Decimal(100)


def ratios(mention: Mention, scene: Scene) -> Iterator[tuple[Decimal, str]]:
    if is_how_often(mention, scene.text):
        return
    worked = next((c for c in scene.claims if c.path.endswith("rhythm.worked_hours")), None)
    sets = [([record], f"“{record.name}”") for record in scene.named]
    groups: dict[str, list[Record]] = {}
    for record in scene.named:
        groups.setdefault(record.group, []).append(record)
    sets += [(list(part), "those named") for several in groups.values() for size in (2, 3) for part in combinations(several[:MOST_NAMED], size)]
    sets += [(several, "those named") for several in groups.values() if len(several) > 3]
    if ALL.search(scene.text) and (mention.kind != "factor" or scene.sentence.is_about("estimate")):
        sets.append((scene.group("completed"), "all finished tasks"))
    sets += [([record], f"“{record.name}”") for record in extremes(scene)]
    for part, what in sets:
        actual, estimate = minutes_of(part, "actual_hours"), minutes_of(part, "estimated_hours")
        if actual and estimate:
            if (is_gap(mention, scene) or OVERRUN.search(scene.text)) and is_said_way(mention, scene, actual - estimate):
                yield (actual - estimate) / estimate, f"{what} beside the estimate"
            if not is_gap(mention, scene):
                yield actual / estimate, f"{what} against the estimate"
        if actual and what != "all finished tasks" and worked is not None and worked.value and _SHARE.search(scene.text):
            yield actual / worked.value, f"{what} of all work"
    own = [n for n in scene.sentence.numbers if n.kind in ("count", "minutes") and n.start != mention.start]
    told = own if len(own) > 1 else [*scene.before, *own]
    told = [n for n in told if n.kind in ("count", "minutes") and n.start != mention.start]
    for one in told[-4:]:
        for other in told[-4:]:
            if one is other or one.kind != other.kind or not other.value or not one.value:
                continue
            if not is_gap(mention, scene):
                yield one.value / other.value, f"{one.text} of {other.text}"
            elif is_said_way(mention, scene, one.value - other.value):
                yield (one.value - other.value) / other.value, f"{one.text} beside {other.text}"
            if one.value < other.value and REST.search(scene.text):
                yield 1 - one.value / other.value, f"the rest of {other.text} beside {one.text}"
    events = next((claim.value for claim in scene.claims if claim.path.endswith("activity.events")), None)
    for claim in scene.claims if events and scene.sentence.is_about("event") else ():
        if ".by_type." in claim.path and any(name.lower().split("_")[0][:4] in scene.text.lower() for name in claim.names):
            yield claim.value / events, f"{claim.path} of all events"
    spoken = spoken_facts(scene, "minutes")
    yield from ((one.value / other.value, f"{one.path} of {other.path}") for one in spoken for other in spoken if one is not other and other.value)
    if REST.search(scene.text):
        yield from (((HUNDRED - c.value) / HUNDRED, f"the rest of {c.path}") for c in spoken_facts(scene, "percent"))
    yield from ((c.value / HUNDRED, c.path) for c in spoken_facts(scene, "percent"))
