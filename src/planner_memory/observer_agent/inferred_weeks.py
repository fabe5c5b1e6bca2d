"""What follows from the weeks before: a measure in a week that is named, the mean and the sum of several, the change from one to the next."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.directions import direction
from planner_memory.observer_agent.inferred_durations import is_ahead
from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Kind, Mention
from planner_memory.observer_agent.scene import Scene, is_gap, is_said_way
from planner_memory.observer_agent.sentences import nearness
from planner_memory.observer_agent.windows import Windows, windows_of

# the figures of a week, and the words that mean them
_MEASURES: dict[Kind, tuple[tuple[str, str], ...]] = {
    "minutes": (
        ("deep_work_hours", "deep"),
        ("meeting_hours", "meeting"),
        ("billable_hours", "billable"),
        ("not_billable_hours", "nonbillable"),
        ("scheduled_hours", "scheduled"),
        ("scheduled_hours", "planned"),
        ("worked_hours", "work"),
    ),
    "count": (
        ("meetings", "meeting"),
        ("context_switches", "switch"),
        ("tasks_planned", "planned"),
        ("tasks_completed", "completed"),
        ("tasks_completed", "task"),
        ("runs", "run"),
    ),
    "percent": (("completion_percent", "rate"), ("completion_percent", "completed"), ("completion_percent", "planned")),
}
_UNSAID = {"minutes": "worked_hours", "percent": "completion_percent"}
_SUM = re.compile(r"\b(?:together|total\w*|altogether|in\s+all|combined|sum|over\s+the|in\s+the\s+last|that\s+is)\b", re.IGNORECASE)
_MOST = re.compile(r"\b(?:most|best|fullest|busiest|highest|strongest|longest|peak|top|record)\b", re.IGNORECASE)
_LEAST = re.compile(r"\b(?:least|worst|lightest|quietest|lowest|weakest|shortest)\b", re.IGNORECASE)
_ALMOST = 0.6  # of the weight of the word that is nearest
_IN_ROW = 3  # numbers that make a series
_LINK = re.compile(
    r"(?:\s*(?:hours?|h|percent|%|tasks?|meetings?))?\s*(?:to|→|->|,\s*(?:then|now))\s*(?:(?:an?|now|about|nearly|almost|even|just|over)\s+)*",
    re.IGNORECASE,
)
_APART = re.compile(r"[(;]|.{40}")  # too far from each other for a series
_HOURS = re.compile(r"\bhours\b", re.IGNORECASE)
_GOES_ON = re.compile(r"\b(?:that|those|these|they|then|it)\b", re.IGNORECASE)

Weeks = Sequence[Decimal | None]
History = Mapping[str, tuple[Decimal | None, list[Decimal]]]
_BY = re.compile(r"\bby\s+(?:(?:about|some|almost|nearly|roughly|over|a|good)\s+)*$", re.IGNORECASE)


def measures_said(mention: Mention, scene: Scene) -> list[str]:
    """The figures that the words nearest to a number may mean; of the sentence before where this one has none."""
    near = nearness(mention, scene.sentence)
    known = _MEASURES.get(mention.kind, ())
    weights: dict[str, float] = {}
    for leaf, concept in known:
        weight = max(near.get(f"own {concept}", 0.0), near.get(f"mine {concept}", 0.0), near.get(concept, 0.0) / 2)
        weights[leaf] = max(weights.get(leaf, 0.0), weight)
    best = max(weights.values(), default=0.0)
    if best > 0:
        return [leaf for leaf, weight in weights.items() if weight >= _ALMOST * best]
    return [_UNSAID[mention.kind]] if mention.kind in _UNSAID else []


def _history(claims: Sequence[Claim], kind: Kind) -> dict[str, tuple[Decimal | None, list[Decimal]]]:
    """Each figure now, and in the weeks before, the last one first."""
    values = {claim.path.rpartition("facts.")[2]: claim.value for claim in claims if claim.kind == kind and not claim.names}
    found: dict[str, tuple[Decimal | None, list[Decimal]]] = {}
    for leaf in dict.fromkeys(leaf for leaf, _ in _MEASURES.get(kind, ())):
        weeks: list[Decimal] = []
        while (value := values.get(f"trend.earlier_weeks[{len(weeks)}].{leaf}")) is not None:
            weeks.append(value)
        found[leaf] = (values.get(f"rhythm.{leaf}"), weeks)
    return found


def of_weeks(mention: Mention, scene: Scene) -> Iterator[tuple[Decimal, str]]:
    near = nearness(mention, scene.sentence)
    if near.get("own now", 0.0) > near.get("own past", 0.0) and not is_gap(mention, scene):
        return  # "this week 12" is no number of a week before
    windows = windows_of(scene.text)
    if not windows and _GOES_ON.search(scene.text) and not scene.sentence.is_about("now"):
        windows = windows_of(scene.earlier)
    if not windows and _BY.search(scene.sentence.before(mention)):
        windows = Windows((0,))
    history = _history(scene.claims, mention.kind)
    yield from _beside_ahead(mention, scene, history, windows)
    for leaf in measures_said(mention, scene) if windows else ():
        now, weeks = history[leaf]
        for week in windows.weeks:
            later = [now, *weeks[:week]] if week + 1 in windows.weeks or week else [now]
            yield from _beside(mention, scene, weeks[week : week + 1], later, f"{leaf}, {week + 1} weeks before")
        last = weeks[: windows.several]
        if last:
            yield from _beside(mention, scene, [sum(last, Decimal(0)) / len(last)], [now], f"the mean of {leaf}")
            for pattern, what, value in ((_SUM, "the sum", sum(last, Decimal(0))), (_MOST, "the most", max(last)), (_LEAST, "the least", min(last))):
                if pattern.search(scene.text):
                    yield value, f"{what} of {leaf}"


def _beside_ahead(mention: Mention, scene: Scene, history: History, windows: Windows) -> Iterator[tuple[Decimal, str]]:
    """ "Six hours more in the calendar than this week"."""
    ahead = next((claim.value for claim in scene.claims if claim.path.endswith("ahead.scheduled_hours")), None)
    if mention.kind == "minutes" and ahead is not None and is_ahead(scene) and is_gap(mention, scene):
        now, weeks = history["scheduled_hours"]
        worked, weeks_worked = history["worked_hours"]
        past: list[Decimal | None] = [week for n in windows.weeks for known in (weeks, weeks_worked) for week in known[n : n + 1]]
        mean = next((c.value for c in scene.claims if c.path.endswith("trend.average.worked_hours")), None) if windows.several else None
        yield from (
            (ahead - one, "what is ahead beside it")
            for one in (*(past or [now, worked]), mean)
            if one is not None and is_said_way(mention, scene, ahead - one)
        )


def _beside(mention: Mention, scene: Scene, values: Weeks, later: Weeks, what: str) -> Iterator[tuple[Decimal, str]]:
    """The value itself, or how much more or less than it a later one is: as the words say."""
    for value in values:
        if value is None:
            continue
        if not is_gap(mention, scene) or not direction(mention, scene.sentence.numbers, scene.sentence.start, scene.text):
            yield value, what
        if not is_gap(mention, scene):
            continue
        yield from ((one - value, f"beside {what}") for one in later if one is not None and is_said_way(mention, scene, one - value))


def in_series(mention: Mention, scene: Scene) -> str | None:
    """In "14.5, then about 18, and now nearly 21" each number is the same measure, one week after another; so in "from 62 to 75"."""
    numbers = scene.sentence.numbers
    for kind in ("minutes", "count", "percent"):
        alike = [(number, list(as_kind(number, kind))) for number in numbers]
        for leaf, (now, weeks) in _history(scene.claims, kind).items():
            said = [concept for one, concept in _MEASURES[kind] if one == leaf]
            if not any(scene.sentence.is_about(concept) for concept in said) and not (
                kind == "minutes" and _HOURS.search(scene.text) and leaf == "worked_hours"
            ):
                continue
            for known in ([*reversed(weeks), now], [now, *weeks]):
                if _is_in_row(mention, alike, [value for value in known if value is not None], scene):
                    return f"{leaf}, week after week"
    return None


def as_kind(number: Mention, kind: Kind) -> Iterator[Mention]:
    for reading in number.meanings():
        if reading.kind == kind:
            yield reading
        elif reading.kind == "count" and kind == "minutes":
            yield replace(reading, kind=kind, value=reading.value * 60, precision=reading.precision * 60)
        elif reading.kind == "count" and kind == "percent":
            yield replace(reading, kind=kind)


def _is_in_row(mention: Mention, alike: Sequence[tuple[Mention, Sequence[Mention]]], known: Sequence[Decimal], scene: Scene) -> bool:
    for first in range(len(alike)):
        for at in range(len(known)):
            row: list[Mention] = []
            for (number, readings), value in zip(alike[first:], known[at:], strict=False):
                if not any(is_near(abs(reading.value), abs(value), reading) for reading in readings):
                    break
                if row and _APART.search(scene.sentence.between(row[-1], number)):
                    break
                row.append(number)
            is_pair = len(row) > 1 and _LINK.fullmatch(scene.sentence.between(row[0], row[1])) is not None
            if mention.start in [number.start for number in row] and (len(row) >= _IN_ROW or (is_pair and mention.start <= row[1].start)):
                return True
    return False
