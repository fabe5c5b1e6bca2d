"""Durations that follow from those of records: differences, sums and means; and figures that go by a word of another meaning."""

import re
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from itertools import combinations

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import GAP, Scene, days_said, is_gap, is_said_way, spoken_facts
from planner_memory.observer_agent.sentences import nearness

ALL = re.compile(
    r"\b(?:total\w*|together|all|altogether|overall|combined|sum|add\w*|everything|whole|entire|tasks|jobs|estimates|tally|sums)\b", re.IGNORECASE
)
_TOGETHER = re.compile(rf"{ALL.pattern}|\b(?:both|between|pair|two|three|four|steps|apiece|each|average\w*|\w+s)\b", re.IGNORECASE)
_MOST = re.compile(r"\b(?:longest|biggest|largest|worst|most|slowest|greatest|furthest|heaviest|main)\b", re.IGNORECASE)
_LEAST = re.compile(r"\b(?:shortest|smallest|least|best|mildest|quickest|fastest|closest|lightest)\b", re.IGNORECASE)
_MEASURED = re.compile(r"\s*(?:versus|vs\.?|against|compared|out\s+of|of)\b", re.IGNORECASE)
_AGAINST = re.compile(r"\b(?:versus|vs\.?|against|of)\s+(?:the\s+|planned\s+)*$", re.IGNORECASE)
_BILLABLE = re.compile(r"\bbill(?:able|ed|ing)?\b", re.IGNORECASE)
_BESIDE_NEXT = re.compile(r"\s*(?:longer|shorter|more|less|beyond|above|below|over|under|too|late|early|faster|slower|quicker|off)\b", re.IGNORECASE)
_TOPICS = ("deep", "meeting", "billable", "nonbillable", "unmarked", "sprint", "past")
_OF_A_TOPIC = 0.2
_AHEAD = re.compile(r"\b(?:outlook|ahead|coming|waiting|wait|next|upcoming|remain\w*|in\s+store|to\s+come|follow(?:s|ing)?)\b", re.IGNORECASE)
_MEAN = re.compile(r"\b(?:average\w*|each|apiece|per|mean|typical\w*|a\s+(?:day|week|task|meeting))\b", re.IGNORECASE)
MOST_NAMED = 8
_BOOK = re.compile(r"\b(?:book\w*|allow\w*|plan|reserve\w*|set\s+aside|budget\w*|estimat\w+|factor|times|should|would|next\s+time)\b", re.IGNORECASE)
OF_BACK = re.compile(r"\bof\s+(?:(?:the|my|your|its|those|our)\s+)*$", re.IGNORECASE)


def by_another_word(mention: Mention, scene: Scene) -> Iterator[tuple[Decimal, str]]:
    """Figures meant by a word that has another meaning, too: what is planned may be what is scheduled, and what something is part of all work."""
    values = {claim.path.rpartition("facts.")[2]: claim.value for claim in scene.claims if claim.kind == "minutes" and "past" not in claim.concepts}
    before, after = scene.sentence.before(mention), scene.sentence.after(mention)
    if "rhythm.scheduled_hours" in values and scene.sentence.is_about("planned") and not scene.sentence.is_about("billable"):
        yield values["rhythm.scheduled_hours"], "what was scheduled"
    if "ahead.scheduled_hours" in values and is_ahead(scene):
        yield values["ahead.scheduled_hours"], "what is scheduled ahead"
    if (
        "rhythm.worked_hours" in values
        and not scene.sentence.is_about("planned")
        and OF_BACK.search(before)
        and any(n.kind == "minutes" and n.end <= mention.start for n in scene.sentence.numbers)
    ):
        yield values["rhythm.worked_hours"], "all work"
    is_billable = scene.sentence.is_about("billable") or _BILLABLE.search(scene.earlier) is not None
    if "sprint.planned_billable_hours" in values and is_billable and (scene.sentence.is_about("planned") or _AGAINST.search(before)):
        yield values["sprint.planned_billable_hours"], "the plan of the sprint"
    if "rhythm.billable_hours" in values and scene.sentence.is_about("billable") and _MEASURED.match(after):
        yield values["rhythm.billable_hours"], "what is billable"
    if "rhythm.not_billable_hours" in values and re.match(r"\s*(?:(?:was|were|is|are|of\s+it|went)\s+)?(?:not\b|un\w+|\w+n['’]t\b)", after):
        yield values["rhythm.not_billable_hours"], "what is not billable"


def is_ahead(scene: Scene) -> bool:
    """Whether it is spoken of what is coming, in this sentence or in the one that it goes on from."""
    is_of_before = scene.sentence.is_about("past") or scene.sentence.is_about("now")
    return _AHEAD.search(scene.text) is not None or (not is_of_before and _AHEAD.search(scene.earlier) is not None) or bool(days_said(scene))


def of_one(mention: Mention, scene: Scene, record: Record) -> Iterator[tuple[Decimal, str]]:
    is_estimate, is_actual = _is_estimate_or_actual(mention, scene)
    actual, estimate, lasts, over = record.minutes("actual_hours"), record.minutes("estimated_hours"), record.minutes("lasts_hours"), record.over
    is_beside = _BESIDE_NEXT.match(scene.sentence.after(mention)) is not None
    if actual is not None and is_actual and not is_beside:
        yield actual, f"what “{record.name}” took"
    if estimate is not None and is_estimate and not is_beside:
        yield estimate, f"the estimate of “{record.name}”"
    if lasts is not None and not is_beside:
        yield lasts, f"how long “{record.name}” lasts"
    if over is not None and is_gap(mention, scene) and is_said_way(mention, scene, over):
        yield over, f"what “{record.name}” took beside its estimate"


def _is_estimate_or_actual(mention: Mention, scene: Scene) -> tuple[bool, bool]:
    """Which of the two a duration may be: the word of the one that is another number's leaves this number the other one."""
    near = nearness(mention, scene.sentence)
    estimate, actual = near.get("own estimate", 0.0), max(near.get("own actual", 0.0), near.get("own completed", 0.0))
    is_others = "other estimate" in near and not estimate
    return estimate >= actual and not is_others, actual >= estimate


def _is_measure(claim: Claim) -> bool:
    """What another figure is held against: the usual, the planned."""
    return bool(claim.concepts & {"past", "planned", "scheduled", "estimate"})


def extremes(scene: Scene) -> Iterator[Record]:
    """ "My shortest task", "the worst": those records of which that is true."""
    done = [record for record in scene.group("completed") if record.minutes("actual_hours") is not None]
    for pattern, pick in ((_MOST, max), (_LEAST, min)):
        if done and pattern.search(scene.text):
            yield pick(done, key=lambda r: r.minutes("actual_hours") or Decimal(0))
            with_gap = [record for record in done if record.over is not None]
            if with_gap:
                yield pick(with_gap, key=lambda r: r.over or Decimal(0))
                yield pick(with_gap, key=lambda r: abs(r.over or Decimal(0)))
                yield pick(with_gap, key=lambda r: (r.over or Decimal(0)) / (r.minutes("estimated_hours") or Decimal(1)))


def of_two_figures(mention: Mention, scene: Scene) -> Iterator[tuple[Decimal, str]]:
    """How much one figure is beside another that the sentence names: work beside what was scheduled."""
    if is_gap(mention, scene) or scene.sentence.is_about("open"):
        spoken = spoken_facts(scene, "minutes")
        if any(claim.concepts == {"scheduled"} for claim in spoken):  # "below what was scheduled" is said of all work
            spoken += [claim for claim in scene.claims if claim.path.endswith("rhythm.worked_hours") and claim not in spoken]
        for one, other in combinations(sorted(spoken, key=_is_measure), 2):
            if _is_measure(other) and is_said_way(mention, scene, one.value - other.value):
                yield one.value - other.value, f"{one.path} beside {other.path}"


def durations(mention: Mention, scene: Scene) -> Iterator[tuple[Decimal, str]]:
    for record in extremes(scene):
        yield from of_one(mention, scene, record)
    is_of_more = scene.is_carried and any(scene.sentence.is_about(topic) for topic in _TOPICS)
    for record in () if is_of_more else scene.named:
        yield from of_one(mention, scene, record)
    if _TOGETHER.search(scene.text):
        yield from _sums(mention, scene, scene.named, "those named")
    near = nearness(mention, scene.sentence)
    if ALL.search(scene.text) and not any(near.get(topic, 0.0) > _OF_A_TOPIC / 2 for topic in _TOPICS):
        yield from _totals(mention, scene, scene.group("completed"), "all finished tasks")
    for day in days_said(scene):
        starting = [r for r in scene.group("upcoming") if r.starts_on == day]
        if starting and not any(record in starting for record in scene.named):
            yield minutes_of(starting, "lasts_hours"), f"all of {day}"
            yield from ((r.minutes("lasts_hours") or Decimal(0), f"a block of {day}") for r in starting)
    yield from of_two_figures(mention, scene)
    yield from multiplied(scene, mention)
    spoken = spoken_facts(scene, "minutes")
    if ALL.search(scene.text):
        yield from ((one.value + other.value, f"{one.path} and {other.path}") for one, other in combinations(spoken, 2))
    if _MEAN.search(scene.text):
        for one in spoken:
            for many in spoken_facts(scene, "count"):
                if many.value and "past" not in many.concepts | one.concepts:
                    yield one.value / many.value, f"{one.path} for each of {many.path}"
        days = [n for n in scene.sentence.numbers if n.kind == "count" and n.value]
        yield from ((one.value / n.value, f"{one.path} for each of {n.text}") for one in spoken for n in days if "past" not in one.concepts)
    told = [n for n in (*scene.before, *scene.sentence.numbers) if n.kind == "minutes" and n.start != mention.start]
    if is_gap(mention, scene):
        yield from ((one.value - other.value, f"{one.text} beside {other.text}") for one, other in combinations(told[-4:], 2))


def multiplied(scene: Scene, mention: Mention) -> Iterator[tuple[Decimal, str]]:
    """ "Use 1.4: book 2 h 48 min instead of two hours": an estimate by the factor that the facts suggest."""
    factors = {value for record in scene.group("drift") if (value := record.minutes("typical_factor"))}
    factors |= {n.value for n in (*scene.before, *scene.sentence.numbers) if n.kind == "factor"}
    factors |= set(scene.ledger.suggestions.values())
    if _BOOK.search(scene.text):
        for number in scene.sentence.numbers:
            if number.kind == "minutes" and number.start != mention.start:
                yield from ((number.value * factor, f"{factor} times {number.text}") for factor in factors)


def minutes_of(records: Iterable[Record], key: str) -> Decimal:
    return sum((record.minutes(key) or Decimal(0) for record in records), Decimal(0))


def _sums(mention: Mention, scene: Scene, named: Sequence[Record], what: str) -> Iterator[tuple[Decimal, str]]:
    for group in dict.fromkeys(record.group for record in named):
        together = [record for record in named if record.group == group][:MOST_NAMED]
        for size in range(2, len(together) + 1):
            for part in combinations(together, size):
                if size not in (2, 3, len(together)):
                    continue
                yield from _totals(mention, scene, part, what)


def _totals(mention: Mention, scene: Scene, part: Sequence[Record], what: str) -> Iterator[tuple[Decimal, str]]:
    is_estimate, is_actual = _is_estimate_or_actual(mention, scene)
    actual, estimate, lasts = (minutes_of(part, key) for key in ("actual_hours", "estimated_hours", "lasts_hours"))
    if actual and is_actual:
        yield actual, f"what {what} took"
    if estimate and is_estimate:
        yield estimate, f"the estimates of {what}"
    if lasts:
        yield lasts, f"how long {what} last"
    if actual and estimate and GAP.search(scene.text) and is_said_way(mention, scene, actual - estimate):
        yield actual - estimate, f"what {what} took beside their estimates"
    if _MEAN.search(scene.text):
        yield from ((value / len(part), f"the mean of {what}") for value in (actual, estimate, lasts) if value)
