"""The figures that the records of a title have, one by one and together."""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal

from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import Scene, is_said_way
from planner_memory.observer_agent.title_roles import Role

_TOOK = re.compile(r"\b(?:took|needed|cost|lasted|spent|used|ran|came)\b", re.IGNORECASE)
_HUNDRED = Decimal(100)
_PERCENT = ("variance_percent", "drift_percent")
WORKED = ("completed", "drift", "variance")


def any_near(readings: Iterable[Mention], value: Decimal) -> bool:
    return any(is_near(abs(reading.value), value, reading) for reading in readings)


def sets_of(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Each record, and those of a list together."""
    yield from ((record,) for record in records)
    for group in dict.fromkeys(record.group for record in records):
        several = [record for record in records if record.group == group]
        if len(several) > 1:
            yield several


def values_of(mention: Mention, part: Sequence[Record], role: Role, scene: Scene) -> Iterator[tuple[Decimal, str]]:
    actual, estimate, lasts = (sum_of(part, key) for key in ("actual_hours", "estimated_hours", "lasts_hours"))
    if mention.kind == "percent":
        stated = next((value for key in _PERCENT if len(part) == 1 and (value := part[0].minutes(key)) is not None), None)
        if actual is not None and estimate:
            gap = actual - estimate
            if role != "over" and not mention.text.startswith("+"):
                yield actual * _HUNDRED / estimate, "share of the estimate"
            if is_said_way(mention, scene, gap):
                yield abs(gap) * _HUNDRED / estimate, "difference"
                if stated is not None:
                    yield stated, "difference"
        return
    if mention.kind == "factor":
        if actual is not None and estimate:
            yield actual / estimate, "multiple of the estimate"
        return
    if actual is not None and role in ("actual", ""):
        yield actual, "time"
    is_silent = actual is not None and not (scene.sentence.is_about("estimate") or scene.sentence.is_about("planned"))
    if estimate is not None and (role == "estimate" or (not role and not is_silent)):
        yield estimate, "estimate"
    if actual is not None and estimate is not None and role == "over" and is_said_way(mention, scene, actual - estimate):
        yield abs(actual - estimate), "difference"
    is_past = (
        role in ("actual", "estimate")
        and _TOOK.search(scene.text) is not None
        and any(r.group in WORKED for r in scene.records if r.name == part[0].name)
    )
    if lasts is not None and role != "over" and not is_past:
        yield lasts, "length"


def sum_of(part: Iterable[Record], key: str) -> Decimal | None:
    values = [record.minutes(key) for record in part]
    return None if None in values or not values else sum((value for value in values if value is not None), Decimal(0))
