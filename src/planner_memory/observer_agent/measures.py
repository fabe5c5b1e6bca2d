"""What a number says of its title: what it took, its estimate, the difference, when it starts, how often it ran, by the words beside the number.

Where the words name one title and one measure, only that fact decides. What names no measure may be any figure of the title, but condemns nothing
unless it is none of them.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from planner_memory.observer_agent.inferred_durations import minutes_of
from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.quoted import Subject, clause_of, subjects
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import TOMORROW, Scene, days_said, is_day, is_said_way
from planner_memory.observer_agent.verdicts import Verdict, Verdicts, verdict_of

_ESTIMATED = (
    r"(?:estimat\w*|expect\w*|planned|plan(?=\s)|budget\w*|allow\w*|reckon\w*|guess\w*|forecast|allotted|given|intended|meant|thought"
    r"|put\s+(?:it|this|that))"
)
_ESTIMATES_IT = re.compile(r"\b(?:estimated|expected|planned|put|guessed|reckoned)[\s\"“‘'*_]*$", re.IGNORECASE)
_ARTICLES = r"(?:(?:an?|the|its|your|only|just|about|estimated?|estimates?|of|expected|planned)\s+)*"
_BEFORE_ESTIMATE = re.compile(
    rf"(?:\b{_ESTIMATED}[\s:(]*(?:(?:at|of|with|as|to\s+take|it|for|were|was|is|had\s+been|time)\s+)*{_ARTICLES}"
    rf"|\b(?:instead\s+of|rather\s+than|against|versus|vs\.?|compared\s+(?:to|with)|within|for|where|of)\s+{_ARTICLES}"
    rf"|\b(?:over|under|above|below|beyond)\s+(?:the|its|your)\s+{_ARTICLES})$",
    re.IGNORECASE,
)
_BEHIND_ESTIMATE = re.compile(
    rf"\s*(?:hours?\s+)?(?:(?:that|you|were|was|had\s+been|is|are|as|of|the|it)\s+)*{_ESTIMATED}\b(?!\W*(?:at|of|to|for)\W*$)", re.IGNORECASE
)
_IS_MEASURED = re.compile(
    rf"[\s(]*(?:for|against|instead\s+of|rather\s+than|versus|vs\.?|where|of|compared\s+(?:to|with))\s+{_ARTICLES}$", re.IGNORECASE
)
_BEHIND_GAP = re.compile(
    r"\s*(?:(?:hours?|minutes?)\s+)?(?:too\s+)?(?:over(?!\s+(?:$|the\s+(?:last|past)))|under|longer|shorter|more|less|above|below|beyond|early|earlier|late"
    r"|later|faster|slower|quicker|short|ahead|behind|off)\b",
    re.IGNORECASE,
)
_BEFORE_GAP = re.compile(r"(?:\bby|\bsaved|\blost|\bextra|[+−-])\s*$", re.IGNORECASE)
_TOOK = re.compile(
    r"(?:\b(?:took|takes|taken|needed|done\s+in|finished\s+in|required|used|ran|cost|at|in)|[:(–-])\W*"
    r"(?:(?:you|the|a|full|only|just|about)\s+)*$",
    re.IGNORECASE,
)
_IS_PAST = re.compile(
    r"\b(?:took|needed|ran|done|completed?|finished|closed|required|used|spent|came\s+in|went|stayed|cost|actual\w*|landed|instead)\b", re.IGNORECASE
)
_IS_AHEAD = re.compile(
    r"\b(?:starts?|begins?|scheduled|tomorrow|next|upcoming|lasts|waits?|follows?|will|ahead|comes|continues?|goes\s+on|blocks?|booked|reserved"
    r"|is\s+(?:at|on|set|up)|has|gets)\b",
    re.IGNORECASE,
)
_TOGETHER = re.compile(r"\b(?:together|in\s+total|altogether|in\s+all|combined|total|sum|as\s+a\s+group)\b", re.IGNORECASE)
_OF_SEVERAL = re.compile(r"\b(?:overall|average|mean|share|alone|total\w*|among\s+them|including|adding\s+up|slot)\b", re.IGNORECASE)
_OF_THE_PERSON = re.compile(r"\s*(?:hours?\s+)?(?:of\s+)?(?:deep|focus\w*|billable|scheduled|worked|recorded|meetings?)\b", re.IGNORECASE)
_IN_BLOCKS = re.compile(r"\b(?:blocks?|sittings?|sessions?|slots?)\b", re.IGNORECASE)
_EVERY = re.compile(r"\b(?:every|each)\s+$", re.IGNORECASE)
_EACH = re.compile(r"\b(?:each|both|apiece)\b", re.IGNORECASE)
_END = re.compile(r"(?:\b(?:until|till|to|by|ends?(?:\s+at)?|through|before|after|between\b.*\band)|[–-])\s*$", re.IGNORECASE | re.DOTALL)
_TO = re.compile(r"\b(?:to|until|now|new|moved|pushed|rescheduled|back|again)\b(?!.*\b(?:from|planned)\b)", re.IGNORECASE)
_IS_DUE = re.compile(r"\b(?:due|deadline)\b", re.IGNORECASE)
_IS_SLIP = re.compile(
    r"\b(?:slipp?\w*|supposed|should|meant|planned|missed|undone|still|moved?|pushed|postponed|rescheduled|waiting|not\s+\w+|n['’]t|was\s+(?:on|set|scheduled)|were\s+(?:on|set|scheduled)"
    r"|no\s+new|had\s+(?:an?|its)|is\s+now|new\s+(?:date|time|day|slot))\b",
    re.IGNORECASE,
)
_RUNS = re.compile(r"\s*(?:\w+\s+){0,2}?(?:runs?|times|sittings?)\b", re.IGNORECASE)
_OF_THEM = re.compile(r"\s*of\s+(?:them|these|those|which|its\s+runs|the\s+runs)\b", re.IGNORECASE)
_BLOCKS = re.compile(r"\s*(?:\w+\s+){0,1}?(?:blocks?|slots?|sessions?|sittings?)\b", re.IGNORECASE)
_OF_RUNS = re.compile(r"\s*(?:runs?\s+)?(?:\bof|out\s+of|/)\s*(?:(?:the|its|all|them|these|those)\s*)*$", re.IGNORECASE)
_BEYOND = re.compile(r"\b(?:beyond|threshold|limit|exceed\w*|past|went\s+over|overran|over\s+in|more\s+than)\b", re.IGNORECASE)
_PHRASE_ENDS = re.compile(r"[,;:()]|\.\s")
_NO_HOURS = re.compile(r"\s*(?:\w+\s+)?(?:tasks?|runs?|meetings?|days?|weeks?|steps?|times|plans?|events?|blocks?|of)\b|\s*%", re.IGNORECASE)
_PERCENT = ("variance_percent", "drift_percent")
_MINUTES_AT_LEAST = 5
_OF_ROUNDED = Decimal("0.05")  # a share of hours that the facts have rounded
_HUNDRED = Decimal(100)
_DAYS_OF = {"starts_at": "day", "planned_on": "planned", "moved_to_on": "moved", "due_on": "due"}
_KINDS = {"minutes": ("actual", "estimate", "over", "lasts"), "percent": ("percent",), "count": ("runs", "beyond", "blocks"), "factor": ("factor",)}


@dataclass(frozen=True, slots=True)
class Figure:
    """Of one record. `sign`: 1 where it is more than the estimate, -1 where it is less."""

    record: Record
    measure: str
    value: Any
    sign: int = 0


def by_title(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of numbers that are told of a title."""
    found: dict[int, Verdict] = {}
    of_whom = subjects(scene)
    for number in numbers:
        if (subject := of_whom.get(number.start)) is not None and (verdict := _judged(number, subject, scene)) is not None:
            found[number.start] = verdict
    return found


def _judged(number: Mention, subject: Subject, scene: Scene) -> Verdict | None:
    beside = _beside(number, scene)
    if _EVERY.search(beside.lead):
        return None
    if number.kind == "count" and _BLOCKS.match(beside.tail):
        days = days_said(scene)
        there = [record for record in subject.records if record.group == "upcoming" and record.starts_on in days]
        if there and len(there) == number.value:
            return verdict_of(number, f"blocks of “{there[0].name}” on {there[0].starts_on}")
    readings = list(_readings(number, beside))
    for reading in readings:
        measures, _ = _measures(reading, beside, subject, scene)
        right = [f for f in _figures(reading, subject, scene) if f.measure in measures and _holds(reading, f, scene)]
        if right and _is_of_all(right, subject, scene):
            return verdict_of(number, _path(right[0]))
    reading = number if len(readings) == 1 + len(number.others) else readings[-1]
    measures, is_named = _measures(reading, beside, subject, scene)
    meant = next((f for f in _figures(reading, subject, scene) if f.measure in measures), None)
    if number.kind in ("minutes", "count") and _OF_THE_PERSON.match(beside.tail):
        return None
    if reading.kind == "minutes" and _IN_BLOCKS.search(scene.text):
        return None  # "four hours of the report, in two blocks": what several have together
    if meant is None or not is_named or not subject.is_sure or _OF_SEVERAL.search(scene.text) or _is_of_several_kinds(number):
        return None
    if number.kind == "percent" and (limit := scene.ledger.figures.named("limit.percent")) is not None and number.value == limit.value:
        return None  # "over by more than 30 % in 5 of 6 runs"
    return verdict_of(number, _path(meant), f"{_path(meant)} is {_told(meant)}.")


def _readings(number: Mention, beside: "_Beside") -> Iterator[Mention]:
    yield from number.meanings()
    if number.kind == "count" and not _NO_HOURS.match(beside.tail) and not _OF_RUNS.search(beside.lead):
        is_measure = _BEHIND_ESTIMATE.match(beside.tail) or _BEFORE_ESTIMATE.search(beside.lead)
        if is_measure and number.value >= _MINUTES_AT_LEAST and number.precision == 1:
            yield replace(number, kind="minutes", others=())
        if is_measure or (number.precision < 1 and _TOOK.search(beside.lead)):
            yield replace(number, kind="minutes", value=number.value * 60, precision=number.precision * 60, others=())


def _is_of_several_kinds(number: Mention) -> bool:
    """ "1.5." may be a day of May."""
    return number.kind == "date" and any(other.kind == "minutes" for other in number.others)


def _path(figure: Figure) -> str:
    return f"{figure.measure} of “{figure.record.name}”"


def _told(figure: Figure) -> str:
    return str(figure.value)


def _is_of_all(right: Sequence[Figure], subject: Subject, scene: Scene) -> bool:
    return subject.is_in_turn or not _EACH.search(scene.text) or {f.record.name for f in right} >= set(subject.names)


@dataclass(frozen=True, slots=True)
class _Beside:
    """The words between a number and its neighbours, which may be numbers or titles; behind it those of its phrase, or all of them."""

    lead: str
    tail: str
    to_next_number: str | None


def _beside(number: Mention, scene: Scene) -> _Beside:
    sentence = scene.sentence
    names = [(word.start, word.end) for word in sentence.words if word.about.startswith(":")]
    spans = [*((n.start, n.end) for n in sentence.numbers if n.start != number.start), *names]
    low = max((end for _, end in spans if end <= number.start), default=sentence.start)
    high = min((start for start, _ in spans if start >= number.end), default=sentence.start + len(sentence.text))
    lead, tail = (sentence.text[a - sentence.start : b - sentence.start] for a, b in ((low, number.start), (number.end, high)))
    ahead = next((start for start, end in names if end == low), None)
    if ahead is not None and _ESTIMATES_IT.search(sentence.text[: ahead - sentence.start]):
        lead = f"estimated {lead}"  # "you had put “A” at 3 h"
    return _Beside(lead, _PHRASE_ENDS.split(tail, maxsplit=1)[0], tail if any(n.start == high for n in sentence.numbers) else None)


def _measures(reading: Mention, beside: _Beside, subject: Subject, scene: Scene) -> tuple[set[str], bool]:
    """What the words beside the number allow it to be, and whether they leave no doubt."""
    lead, tail = beside.lead, beside.tail
    is_past, is_ahead = _IS_PAST.search(scene.text) is not None, _IS_AHEAD.search(scene.text) is not None
    if reading.kind == "time":
        return ({"ends", "starts"} if _END.search(lead) else {"starts"}), True
    if reading.kind in ("date", "weekday"):
        return _measures_of_day(lead, scene), True
    if reading.kind == "minutes":
        if beside.to_next_number and _IS_MEASURED.fullmatch(beside.to_next_number):
            return {"actual"}, not is_ahead
        if _BEHIND_GAP.match(tail) or _BEFORE_GAP.search(lead):
            return {"over"}, is_past
        if _BEHIND_ESTIMATE.match(tail) or _BEFORE_ESTIMATE.search(lead):
            is_past = is_past or _BEHIND_ESTIMATE.match(tail) is not None
            return {"estimate"} if is_past else {"estimate", "lasts"}, is_past
        if is_past and not is_ahead:
            return {"actual"}, _TOOK.search(lead) is not None or subject.is_in_turn
        return ({"lasts"}, True) if is_ahead and not is_past else ({"actual", "lasts"}, False)
    if reading.kind == "percent":
        return {"percent"}, _BEHIND_GAP.match(tail) is not None or _BEFORE_GAP.search(lead) is not None
    if reading.kind == "factor":
        return {"factor"}, False
    is_part = beside.to_next_number is not None and _OF_RUNS.fullmatch(beside.to_next_number) is not None
    if is_part or _OF_THEM.match(tail):
        return {"beyond"}, _BEYOND.search(scene.text) is not None
    if _RUNS.match(tail) or _OF_RUNS.search(lead):
        low, high = clause_of(reading, scene.sentence)
        is_of_some = _BEYOND.search(scene.text[low - scene.sentence.start : high - scene.sentence.start]) is not None and not _OF_RUNS.search(lead)
        return {"runs", "beyond"} if is_of_some else {"runs"}, _RUNS.match(tail) is not None or _OF_RUNS.fullmatch(lead) is not None
    return ({"blocks"}, True) if _BLOCKS.match(tail) else (set(), False)


def _measures_of_day(lead: str, scene: Scene) -> set[str]:
    if _IS_DUE.search(scene.text):
        return {"since", "due", "planned"}
    if _IS_SLIP.search(scene.text):
        return {"since"} | ({"moved"} if _TO.search(lead) else {"planned", "moved", "day"} if _IS_AHEAD.search(scene.text) else {"planned"})
    return {"since", "day"} | ({"done", "planned", "moved"} if _IS_PAST.search(scene.text) or not _IS_AHEAD.search(scene.text) else set())


def _figures(reading: Mention, subject: Subject, scene: Scene) -> Iterator[Figure]:
    if len(subject.names) > 1 and reading.kind in ("minutes", "percent"):
        yield from _sums(subject)
        if _TOGETHER.search(scene.text):
            return
    days = _days(reading, subject, scene)
    for record in subject.records:
        values = record.values
        if reading.kind == "minutes":
            for key, measure in (("actual_hours", "actual"), ("estimated_hours", "estimate"), ("lasts_hours", "lasts")):
                if (value := record.minutes(key)) is not None:
                    yield Figure(record, measure, value)
            if (over := record.over) is not None:
                yield Figure(record, "over", over, (over > 0) - (over < 0))
        elif reading.kind == "percent":
            for key in _PERCENT:
                if isinstance(value := values.get(key), Decimal):
                    yield Figure(record, "percent", value, (record.over > 0) - (record.over < 0) if record.over is not None else 0)
        elif reading.kind == "factor" and isinstance(value := values.get("typical_factor"), Decimal):
            yield Figure(record, "factor", value)
            if (suggested := scene.ledger.suggestions.get(record.name)) is not None:
                yield Figure(record, "factor", suggested)
        elif reading.kind == "count":
            for key, measure in (("runs", "runs"), ("runs_beyond_threshold", "beyond")):
                if isinstance(value := values.get(key), Decimal):
                    yield Figure(record, measure, value)
        elif reading.kind == "time":
            if record.starts is not None and (not days or record.starts_on in days):
                yield Figure(record, "starts", record.starts)
                yield Figure(record, "ends", record.ends)
            yield from (Figure(record, "starts", value) for key, value in values.items() if key.startswith("time ") and key != "time starts_at")
        elif reading.kind in ("date", "weekday"):
            yield from (Figure(record, "done", day) for day in (scene.ledger.period if record.group == "completed" else ()))
            for key, value in values.items():
                if key.startswith("date ") and isinstance(value, date):
                    yield Figure(record, _DAYS_OF.get(key.removeprefix("date "), "since"), value)
    if reading.kind in ("count", "minutes"):
        for name in subject.names:
            blocks = [r for r in subject.records if r.group == "upcoming" and r.name == name and (not days or r.starts_on in days)]
            if blocks:
                yield Figure(blocks[0], "blocks", Decimal(len(blocks)))
                yield Figure(blocks[0], "lasts", minutes_of(blocks, "lasts_hours"))


def _sums(subject: Subject) -> Iterator[Figure]:
    """What several titles took together."""
    whole = Record("", ", ".join(subject.names))
    done = [r for r in subject.records if r.over is not None and r.group == "completed"]
    actual, estimate = minutes_of(done, "actual_hours"), minutes_of(done, "estimated_hours")
    lasts = minutes_of((r for r in subject.records if r.group == "upcoming"), "lasts_hours")
    if estimate:
        sign = (actual > estimate) - (actual < estimate)
        yield from (Figure(whole, "actual", actual), Figure(whole, "estimate", estimate), Figure(whole, "over", actual - estimate, sign))
        yield Figure(whole, "percent", (actual - estimate) * _HUNDRED / estimate, sign)
    if lasts:
        yield Figure(whole, "lasts", lasts)


def _days(number: Mention, subject: Subject, scene: Scene) -> set[date]:
    """Of the days with blocks ahead, the one that the number's clause names, else the last one named before it, in the sentence or above it."""
    sentence = scene.sentence
    told = [n for n in sentence.numbers if n.kind in ("weekday", "date")]
    low, high = clause_of(number, sentence)
    here = [n for n in told if low <= n.start < high] or [n for n in told if n.end <= number.start][-1:]
    carried = [scene.day_before] if not told and scene.day_before is not None else []
    if len(here or carried) != 1 or TOMORROW.search(scene.text):
        return set()
    days = {r.starts_on for r in scene.group("upcoming") if r.starts_on is not None and is_day((here or carried)[0], r.starts_on)}
    return days if here else days & {record.starts_on for record in subject.records}


def _holds(reading: Mention, figure: Figure, scene: Scene) -> bool:
    if reading.kind == "time":
        return bool(reading.value == figure.value)
    if reading.kind in ("date", "weekday"):
        return is_day(reading, figure.value)
    if figure.sign and not is_said_way(reading, scene, Decimal(figure.sign)):
        return False
    return figure.measure in _KINDS[reading.kind] and is_near(
        abs(reading.value), abs(figure.value), reading, slack=_OF_ROUNDED if reading.kind == "percent" else Decimal(0)
    )
