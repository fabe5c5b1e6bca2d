"""Blocks ahead: the day, the time and the length that a sentence tells of a task are those of one and the same block."""

import re
from collections.abc import Sequence
from datetime import date, timedelta

from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import TOMORROW, Scene, is_day
from planner_memory.observer_agent.verdicts import Verdict, Verdicts, verdict_of

_IS_END = re.compile(
    r"(?:\b(?:until|till|to|by|through|before|after|ends?(?:\s+at)?|over|done|out|closes?|finish\w*|between\b.*\band)|[–-])\s*(?:\w+\s+)?$",
    re.IGNORECASE | re.DOTALL,
)
_LASTS = re.compile(r"\b(?:for|lasts?|takes?|runs?|needs?|is|with)\s+(?:\w+\s+){0,2}$", re.IGNORECASE)
_OF_THE_PAST = re.compile(
    r"\b(?:slipped|took|done|finished|ran|missed|moved|due|deadline|did\s+not|was|were|had\s+been|yesterday|completed|closed)\b", re.IGNORECASE
)
_LATER = re.compile(r"\b(?:next|following|week)\b", re.IGNORECASE)


def _is_time(mention: Mention) -> bool:
    return mention.kind == "time" or (mention.kind == "count" and any(other.kind == "time" for other in mention.others))


def _starts(record: Record, mention: Mention) -> bool:
    return any(reading.kind == "time" and reading.value == record.starts for reading in mention.meanings())


def _is_on(record: Record, day: Mention | None, tomorrow: date | None, scene: Scene) -> bool:
    if record.starts_on is None:
        return False
    if tomorrow is not None:
        return record.starts_on == tomorrow
    if day is None:
        return True
    is_soon = scene.last_day is None or record.starts_on <= scene.last_day + timedelta(days=14 if _LATER.search(scene.text) else 7)
    return is_day(day, record.starts_on) and (day.kind != "weekday" or is_soon)


def appointments(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Only for sentences that tell of one task and of one day, and of nothing that was."""
    numbers = scene.sentence.numbers
    days = [n for n in numbers if n.kind in ("weekday", "date")]
    said = scene.said
    likely: Sequence[Record] = (
        [r for r in scene.group("upcoming") if r.name in said]
        if said
        else [r for r in scene.named if r.group == "upcoming" and r.is_told_in(scene.text)]
    )
    is_mixed = bool(days) and TOMORROW.search(scene.text) is not None
    if not likely or len(said) > 1 or len(days) > 1 or is_mixed or scene.is_carried or _OF_THE_PAST.search(scene.text):
        return {}
    is_tomorrow = TOMORROW.search(scene.text) is not None and not days
    tomorrow = scene.last_day + timedelta(days=1) if is_tomorrow and scene.last_day is not None else None
    if tomorrow not in {r.starts_on for r in scene.group("upcoming")}:
        tomorrow = None  # a list that knows nothing of that day
    day = days[0] if days else None
    if day is None and tomorrow is None and not said:
        return {}
    found: dict[int, Verdict] = {}
    for n, time in enumerate(numbers):
        if not _is_time(time) or time.kind == "date" or _IS_END.search(scene.sentence.before(time)):
            continue
        lasts = numbers[n + 1] if n + 1 < len(numbers) and numbers[n + 1].kind == "minutes" else None
        if lasts is not None and not _LASTS.search(scene.sentence.between(time, lasts)):
            lasts = None
        found |= _block(scene, likely, time, day, tomorrow, lasts)
    return found


def _block(
    scene: Scene, likely: Sequence[Record], time: Mention, day: Mention | None, tomorrow: date | None, lasts: Mention | None
) -> dict[int, Verdict]:
    told = [each for each in (time, day, lasts) if each is not None]
    at_that_time = [r for r in likely if _starts(r, time)]
    there = [r for r in at_that_time if _is_on(r, day, tomorrow, scene)]
    if not there:
        wrong = day if at_that_time and day is not None else time
        block = likely[0]
        return {wrong.start: verdict_of(wrong, block.name, f"No block of “{block.name}” starts then; its first one is on {block.starts_on}.")}
    if lasts is not None and not any((length := r.minutes("lasts_hours")) is not None and is_near(lasts.value, length, lasts) for r in there):
        return {lasts.start: verdict_of(lasts, there[0].name, f"That block lasts {there[0].minutes('lasts_hours')} minutes.")}
    return {each.start: verdict_of(each, there[0].name) for each in told}
