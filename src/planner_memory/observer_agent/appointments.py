"""Blocks ahead: the day, the time and the length that a sentence tells of a task are those of one and the same block."""

import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import pairwise

from planner_memory.observer_agent.bindings import Bindings
from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.quoted import subjects
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import TOMORROW, Scene, is_day
from planner_memory.observer_agent.sentences import Sentence
from planner_memory.observer_agent.verdicts import Verdict, Verdicts, verdict_of

_IS_END = re.compile(
    r"(?:\b(?:until|till|to|by|through|before|after|ends?(?:\s+at)?|over|done|out|closes?|finish\w*|between\b.*\band)|[–-])\s*(?:\w+\s+)?$",
    re.IGNORECASE | re.DOTALL,
)
_CLOCK = re.compile(r"\b(?:at|from|until|till|by|around|before|after|since|again\s+at|and|then|to)\s+(?:about\s+)?$|[(,]\s*$", re.IGNORECASE)
_GLUED = re.compile(r"\d{1,2}\s?h\s?\d\d", re.IGNORECASE)  # 9h30
_UNIT_LATER = re.compile(r"(?:\s*(?:,|and|or)\s*[\d.,]+)*\s*(?:hours?|h)\b", re.IGNORECASE)
_NOUN = re.compile(r"\s*(?:(?!(?:and|or|with|on|for|you|tomorrow|then|until|to)\b)[^\W\d]|%)", re.IGNORECASE)
_AT = re.compile(r"\bat\s+$", re.IGNORECASE)
_AND = re.compile(r"\s*(?:,|,?\s+and|,?\s+then)\s*(?:for\s+)?", re.IGNORECASE)
_LASTS = re.compile(r"\b(?:for|lasts?|takes?|runs?|needs?|is|with)\s+(?:\w+\s+){0,2}$|\(\s*$", re.IGNORECASE)
_LONG = re.compile(r"\s*(?:long|of\s+it|(?:is|are|was|were)\s+(?:set\s+aside|reserved|booked|blocked))\b", re.IGNORECASE)
_OPENS = re.compile(r"\b(?:starts?|begins?|opens?|first(?:\s+one)?)\W+(?:\w+\s+)?(?:at\s+)?$", re.IGNORECASE)
_OF_THE_PAST = re.compile(
    r"\b(?:slipped|took|done|finished|ran|missed|moved|due|deadline|did\s+not|was|were|had\s+been|yesterday|completed|closed|since)\b", re.IGNORECASE
)
_LATER = re.compile(r"\b(?:next|following|week)\b", re.IGNORECASE)
_ONWARDS = re.compile(r"\s*(?:on(?:wards?)?|until|till|to)\b(?!\s+(?:mon|tues|wednes|thurs|fri|satur|sun)day)", re.IGNORECASE)
_SOON, _LATE = timedelta(days=7), timedelta(days=14)
Time = tuple[int, int]


def _times(mention: Mention, scene: Scene) -> set[Time]:
    """The times of day that a number may be; none where it counts or lasts."""
    readings = {reading.value for reading in mention.meanings() if reading.kind == "time"}
    before, after = scene.sentence.before(mention), scene.sentence.after(mention)
    if mention.kind == "time":
        return set() if "." in mention.text and _UNIT_LATER.match(after) else readings
    if mention.kind == "minutes":
        return readings if _GLUED.fullmatch(mention.text) and _CLOCK.search(before) and before.rstrip()[-1:] not in "(," else set()
    if mention.kind == "count" and readings and _CLOCK.search(before):
        return readings
    if mention.kind == "count" and mention.precision == 1 and mention.value <= 24 and _AT.search(before) and not _NOUN.match(after):
        hour = int(mention.value)
        return {(hour % 24, 0), ((hour + 12) % 24, 0)}
    return set()


def appointments(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of the times of day of blocks ahead, and of the day and the length that are told with them."""
    upcoming = scene.group("upcoming")
    if not upcoming:
        return {}
    bindings = Bindings(scene)
    found: dict[int, Verdict] = {}
    for mention in scene.sentence.numbers:
        is_asked = mention.kind in ("time", "count", "minutes") and not mention.is_each
        times = _times(mention, scene) if is_asked else set()
        first, last = bindings.part(mention)
        if times and not _OF_THE_PAST.search(scene.text[first - scene.sentence.start : last - scene.sentence.start]):
            found |= _block(mention, times, bindings, upcoming)
    return found


def _days(mention: Mention, bindings: Bindings) -> list[Mention]:
    """The day that a time is told of: the nearest one before it, else one behind it in its part of the sentence."""
    days = [n for n in bindings.scene.sentence.numbers if n.kind in ("weekday", "date")]
    before = [n for n in days if n.end <= mention.start]
    _, last = bindings.part(mention)
    after = [n for n in days if mention.end <= n.start < last]
    return before[-1:] if before else after[:1]


def _is_on(record: Record, days: Sequence[Mention], scene: Scene, at: int) -> bool:
    if record.starts_on is None:
        return False
    day = days[0] if days else None
    tomorrow = [match.start() + scene.sentence.start for match in TOMORROW.finditer(scene.text)]
    is_tomorrow = bool(tomorrow) and (day is None or any(day.start < place < at for place in tomorrow))
    if is_tomorrow and scene.last_day is not None:
        day_after = scene.last_day + timedelta(days=1)
        is_known = any(each.starts_on == day_after for each in scene.group("upcoming"))
        return record.starts_on == day_after or not is_known  # a list that knows nothing of that day
    if day is None:
        return True
    is_soon = scene.last_day is None or record.starts_on - scene.last_day <= (_LATE if _LATER.search(scene.text) else _SOON)
    return is_day(day, record.starts_on) and (day.kind != "weekday" or is_soon)


def _begins_or_ends(record: Record, times: set[Time], *, may_end: bool) -> bool:
    return record.starts in times or (may_end and record.ends in times)


def _block(mention: Mention, times: set[Time], bindings: Bindings, upcoming: Sequence[Record]) -> dict[int, Verdict]:
    scene = bindings.scene
    owner = bindings.owner(mention)
    if owner is not None and ";" in scene.text[mention.end - scene.sentence.start : max(owner.title.start - scene.sentence.start, 0)]:
        return _of_a_day(mention, times, _days(mention, bindings), bindings, upcoming)  # of what stands behind it nothing is told yet
    own = owner.title.of(upcoming) if owner is not None else []
    in_turn = subjects(scene).get(mention.start)
    if in_turn is not None and in_turn.is_in_turn:
        own = [record for record in upcoming if record.name in in_turn.names] or own
    others = own if in_turn is not None and in_turn.is_in_turn else [record for title in bindings.titles for record in title.of(upcoming)]
    days = _days(mention, bindings)
    above = [] if days or scene.day_before is None or TOMORROW.search(scene.text) else [scene.day_before]
    told_above = above if any(_is_on(record, above, scene, mention.start) for record in own) else []
    may_end = _IS_END.search(scene.sentence.before(mention)) is not None
    for likely in (own, [] if owner is not None and owner.is_sure and own else others):
        there = [r for r in likely if _begins_or_ends(r, times, may_end=may_end) and _is_on(r, days or told_above, scene, mention.start)]
        if there:
            return {each.start: verdict_of(each, there[0].name) for each in (mention, *days)} | dict(_length(bindings, mention, there))
    if days and _ONWARDS.match(scene.sentence.after(mention)) and all(title.start > mention.start for title in bindings.titles):
        of_day = _of_a_day(mention, times, days, bindings, upcoming)
        if any(verdict.is_supported for verdict in of_day.values()):
            return of_day
    known = own or others
    if owner is None or not known or may_end or not bindings.titles:
        return _of_a_day(mention, times, days, bindings, upcoming) if not bindings.titles or not known else {}
    if [r for r in known if _begins_or_ends(r, times, may_end=may_end)] and days:
        return {days[0].start: verdict_of(days[0], known[0].name, f"No block of “{known[0].name}” starts on that day then.")}
    return {
        mention.start: verdict_of(mention, known[0].name, f"No block of “{known[0].name}” starts then; its first one is on {known[0].starts_on}.")
    }


def _of_a_day(mention: Mention, times: set[Time], days: Sequence[Mention], bindings: Bindings, upcoming: Sequence[Record]) -> dict[int, Verdict]:
    """ "Monday starts at 9:45": the first block of the day."""
    scene = bindings.scene
    if not days and TOMORROW.search(scene.text) is None:
        return {}
    there = [record for record in upcoming if _is_on(record, days, scene, mention.start)]
    if not there:
        return {}
    if any(record.starts in times or record.ends in times for record in there):
        at_it = [record for record in there if record.starts in times]
        return {mention.start: verdict_of(mention, there[0].name)} | dict(_length(bindings, mention, at_it) if at_it else ())
    if not _OPENS.search(scene.sentence.before(mention)):
        return {}
    return {mention.start: verdict_of(mention, there[0].name, f"The first block of that day is “{there[0].name}”, at {there[0].starts}.")}


def _in_turn(sentence: Sentence) -> dict[int, int]:
    """In "at 9:00 and 11:00, for 2 and 1.5 hours": where each length starts, and its time."""
    numbers = sentence.numbers
    times = [n for n in numbers if n.kind == "time"]
    lengths = [n for n in numbers if n.kind == "minutes" and times and n.start > times[-1].start]
    is_row = len(lengths) == len(times) > 1 and all(_AND.fullmatch(sentence.between(one, other)) for one, other in pairwise(lengths))
    return {length.start: time.start for length, time in zip(lengths, times, strict=False)} if is_row else {}


def _length(bindings: Bindings, time: Mention, there: Sequence[Record]) -> Iterator[tuple[int, Verdict]]:
    """How long the block lasts, where it is told beside its time."""
    scene = bindings.scene
    first, last = bindings.part(time)
    stops = [n.start for n in scene.sentence.numbers if n.start > time.start and n.kind == "time"] + [
        t.start for t in bindings.titles if t.start > time.start
    ]
    last = max(last, min(stops, default=scene.sentence.start + len(scene.text)))
    in_turn = _in_turn(scene.sentence)
    for mention in scene.sentence.numbers:
        if in_turn.get(mention.start, time.start) != time.start:
            continue  # of another of the times before it
        is_told = (
            mention.start in in_turn
            or _LASTS.search(scene.sentence.before(mention)) is not None
            or _LONG.match(scene.sentence.after(mention)) is not None
        )
        if mention.kind != "minutes" or mention.start == time.start or not is_told:
            continue
        if not first <= mention.start < last + 3 and mention.start not in in_turn:
            continue
        lengths = [length for record in there if (length := record.minutes("lasts_hours")) is not None]
        is_right = any(is_near(mention.value, length, mention) for length in lengths)
        yield mention.start, verdict_of(mention, there[0].name, "" if is_right else f"That block lasts {lengths[0]} minutes.")
