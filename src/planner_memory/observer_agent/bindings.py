"""Whose a number is: in a list of tasks each day, time, duration and percentage belongs to the title that stands nearest in its part of the sentence.

What a title's records have supports the number. It is wrong only where the words leave no doubt: one title, and one measure, named beside it.
"""

# ruff: noqa: E501 - a pattern is read best on one line

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Literal

from planner_memory.observer_agent.directions import direction
from planner_memory.observer_agent.inference import unsaid_units
from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import Scene
from planner_memory.observer_agent.titles import Title, titles, titles_in
from planner_memory.observer_agent.verdicts import Verdict, Verdicts, verdict_of

Role = Literal["actual", "estimate", "over", ""]
_PART = re.compile(r"[,;|(]|\b(?:and|while|whereas|but|then)\b|\s[–—]\s", re.IGNORECASE)
_FILL = r"(?:(?:the|an?|its|their|your|of|at|was|were|only|just|about|around|roughly|nearly|almost|exactly|some|had|been|said|is|to|over|under|more|less|than|[~≈])\s+)*"
_ESTIMATE_BEFORE = re.compile(
    rf"(?:(?<!well\s)\bestimat\w*|\best\.?|\bplanned|\bexpected|\bagainst|\binstead\s+of|\brather\s+than|\bvs\.?|\bversus|(?<=,)\s*not|\b(?:meant|supposed|going|due)\s+to\s+(?:take|last|need)|\bwhere|\bcompared\s+(?:with|to)"
    rf"|\bfor)[\s:=(]*{_FILL}$",
    re.IGNORECASE,
)
_NEAR_ESTIMATE = re.compile(
    r"\b(?:to|within|near|under|over|above|below|beyond|past|on|at|with|than|from|by|inside|match\w*|hit|kept|met)\s+(?:its|the|your|their|that)\s+(?:\w+\s+)?estimates?\s*[:(–—,-]\s*$",
    re.IGNORECASE,
)  # "close to its estimate: 2.08 hours" is what was, not what was estimated
_ESTIMATE_AFTER = re.compile(
    r"(?:\s+(?!(?:and|but|for|where|when|against|than|instead|rather|versus|vs|compared|though|although|took|needed|of|over|under|above|below|off)\b)[\w’']+){0,4}?"
    r"\s+(?:estimated?|estimates|planned|expected|allowed|allotted|budgeted|set\s+aside|guessed?|reckoned|foreseen)\b",
    re.IGNORECASE,
)
_ACTUAL_BEFORE = re.compile(
    rf"(?:\b(?:took|taken|takes|needed|cost|ate|used|spent|lasted|consumed|required|ran|went\s+to|came\s+to|came\s+in\s+at|in|at|done|finished|after)|[:(–—|-])\s*{_FILL}$",
    re.IGNORECASE,
)
_OVER_AFTER = re.compile(
    r"\s*(?:too\s+|\w+ly\s+|hours?\s+|minutes?\s+)?(?:more|less|over|under|longer|shorter|short|late|later|early|earlier|above|below|beyond|too|off|behind|ahead|faster|slower|quicker|extra|shy|sooner|overrun|overtime)\b",
    re.IGNORECASE,
)
_OVER_BEFORE = re.compile(rf"(?:\b(?:by|missed|saved|saving|extra|overran|off|overrun\s+of|overshoot\s+of)\s+{_FILL}|[+−]\s*)$", re.IGNORECASE)
_TOGETHER = re.compile(
    r"\b(?:together|in\s+total|altogether|in\s+all|combined|as\s+a\s+whole|overall|both|pair|sum\w*|each|total\w*|all|average\w*|per)\b",
    re.IGNORECASE,
)
_OF_ANOTHER_MEASURE = re.compile(
    r"(?:\s+[\w-]+){0,2}?\s+(?:of\s+)?(?:deep|focus\w*|billable|meetings?|scheduled|worked|billed|non-?billable|unbillable|left|remain\w*|later|before|ago|ahead|apart)\b",
    re.IGNORECASE,
)
_RUNS = re.compile(
    r"\s*(?:(?:recorded|tracked|finished|closed|completed|such|of\s+(?:its|the|them|those|these))\s*)*(?:runs?|times|tasks?|steps?|cases?)?\b",
    re.IGNORECASE,
)
_BEYOND = re.compile(r"\s+of\s+(?:them|these|those|its\s+runs)\b[^,;.]{0,30}\b(?:beyond|threshold|limit)\b", re.IGNORECASE)
_SOME_RUNS = re.compile(
    r"\b(?:beyond|threshold|limit|30|overr[au]ns?|exceed\w*|more\s+than|out\s+of|of\s+(?:them|its|these|those|the|which))\b", re.IGNORECASE
)
_TROUBLE = re.compile(r"\b(?:block\w*|delay\w*|troubl\w*|wait\w*|stuck|held\s+up|problem\w*)\b", re.IGNORECASE)
_NEAR_BY = 70
_HUNDRED = Decimal(100)
_PERCENT = ("variance_percent", "drift_percent")
_WORKED = ("completed", "drift", "variance")


@dataclass(frozen=True, slots=True)
class Owner:
    """`is_sure` where the title stands in the same part of the sentence, and no other one does."""

    title: Title
    is_sure: bool


class Bindings:
    """The titles of one sentence, and which of them each number belongs to."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.titles = titles(scene.sentence, scene.ledger.telling)
        self._cuts = list(_cuts(scene, self.titles))
        lead = titles_in(scene.sentence.lead, scene.ledger.telling)
        carried = frozenset().union(*(title.names for title in lead)) or frozenset(record.name for record in scene.named if scene.is_carried)
        self.carried = Title(scene.sentence.start, scene.sentence.start, carried) if carried else None

    def part(self, mention: Mention) -> tuple[int, int]:
        text_start, text_end = self.scene.sentence.start, self.scene.sentence.start + len(self.scene.text)
        first = max((b for _, b in self._cuts if b <= mention.start), default=text_start)
        last = min((a for a, _ in self._cuts if a >= mention.end), default=text_end)
        return first, last

    def owner(self, mention: Mention) -> Owner | None:
        first, last = self.part(mention)
        here = [title for title in self.titles if title.start >= first and title.end <= last]
        if len(here) == 1:
            return Owner(here[0], True)
        before = [title for title in self.titles if title.end <= mention.start]
        after = [title for title in self.titles if title.start >= mention.end]
        if here:
            near = [title for title in before if title in here] or here
            return Owner(near[-1] if near[-1].end <= mention.start else near[0], False)
        if before:
            return Owner(before[-1], False)
        if after:
            return Owner(after[0], False)
        return Owner(self.carried, False) if self.carried else None


def _cuts(scene: Scene, found: Sequence[Title]) -> Iterator[tuple[int, int]]:
    start = scene.sentence.start
    taken = [*((title.start, title.end) for title in found), *((n.start, n.end) for n in scene.sentence.numbers)]
    for match in _PART.finditer(scene.text):
        a, b = start + match.start(), start + match.end()
        if not any(first < b and a < last for first, last in taken):
            yield a, b


def bound(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    """Of the durations, percentages and counts of runs that a title has; those of which the words leave doubt are left out."""
    if not scene.records or not scene.sentence.numbers:
        return {}
    bindings = Bindings(scene)
    if not bindings.titles and not bindings.carried:
        return {}
    found: dict[int, Verdict] = {}
    for mention in numbers:
        owner = bindings.owner(mention)
        if owner is None or mention.is_each:
            continue
        read = _lasting(mention, owner, bindings) if mention.kind in ("minutes", "percent") else _often(mention, owner, bindings)
        if read is None:
            units = (_lasting(unit, owner, bindings) for unit in unsaid_units(mention, scene) if unit.kind in ("minutes", "percent"))
            read = next((each for each in units if each is not None and each.is_supported), None)
        if read is not None:
            found[mention.start] = read
    return found


def role_of(mention: Mention, scene: Scene) -> Role:
    before, after = scene.sentence.before(mention), scene.sentence.after(mention)
    if _OVER_AFTER.match(after) or _OVER_BEFORE.search(before) or mention.text[0] in "+−":
        return "over"
    if _NEAR_ESTIMATE.search(before):
        return "actual"
    if _ESTIMATE_BEFORE.search(before) or _ESTIMATE_AFTER.match(re.split(r"[,;:.()|]", after)[0]):
        return "estimate"
    return "actual" if _ACTUAL_BEFORE.search(before) else ""


def _lasting(mention: Mention, owner: Owner, bindings: Bindings) -> Verdict | None:
    scene = bindings.scene
    role = role_of(mention, scene)
    records = owner.title.of(scene.records)
    sets = list(_sets(records))
    if _TOGETHER.search(scene.text):
        everywhere = list(dict.fromkeys(record.name for title in bindings.titles for record in title.of(scene.records)))
        sets += _sets([record for record in scene.records if record.name in everywhere])
    for part in sets:
        for value, what in _values(mention, part, role, scene):
            if is_near(abs(mention.value), value, mention):
                return verdict_of(mention, f"{what} of “{part[0].name}”")
    return None if _is_open(mention, owner, role, bindings) else _wrong(mention, role, records, scene)


def _is_open(mention: Mention, owner: Owner, role: Role, bindings: Bindings) -> bool:
    """Whether the words leave doubt whose the number is, or what of it."""
    scene, title = bindings.scene, owner.title
    if not owner.is_sure or not role or not title.is_exact or (mention.is_rough and mention.kind == "percent"):
        return True
    gap = scene.text[title.end - scene.sentence.start : mention.start - scene.sentence.start] if title.end <= mention.start else ""
    if title.end > mention.start or len(gap) > _NEAR_BY or any(title.end <= n.start < mention.start for n in scene.sentence.numbers):
        return True
    return bool(_TOGETHER.search(scene.text) or _OF_ANOTHER_MEASURE.match(scene.sentence.after(mention)))


def _wrong(mention: Mention, role: Role, records: Sequence[Record], scene: Scene) -> Verdict | None:
    known = next(((value, what, record) for record in records for value, what in _values(mention, (record,), role, scene)), None)
    if known is None:
        return None
    value, what, record = known
    return verdict_of(
        mention,
        record.name,
        f"The {what} of “{record.name}” is {value.quantize(Decimal('0.1')).normalize():f} {'%' if mention.kind == 'percent' else 'minutes'}.",
    )


def _sets(records: Sequence[Record]) -> Iterator[Sequence[Record]]:
    """Each record, and those of a list together."""
    yield from ((record,) for record in records)
    for group in dict.fromkeys(record.group for record in records):
        several = [record for record in records if record.group == group]
        if len(several) > 1:
            yield several


def _values(mention: Mention, part: Sequence[Record], role: Role, scene: Scene) -> Iterator[tuple[Decimal, str]]:
    actual, estimate, lasts = (_sum(part, key) for key in ("actual_hours", "estimated_hours", "lasts_hours"))
    if mention.kind == "percent":
        stated = next((value for key in _PERCENT if len(part) == 1 and (value := part[0].minutes(key)) is not None), None)
        if actual is not None and estimate:
            gap = actual - estimate
            if role != "over" and not mention.text.startswith("+"):
                yield actual * _HUNDRED / estimate, "share of the estimate"
            if _is_said_way(mention, scene, gap):
                yield abs(gap) * _HUNDRED / estimate, "difference"
                if stated is not None:
                    yield stated, "difference"
        return
    if actual is not None and role in ("actual", ""):
        yield actual, "time"
    if estimate is not None and role in ("estimate", ""):
        yield estimate, "estimate"
    if actual is not None and estimate is not None and role == "over" and _is_said_way(mention, scene, actual - estimate):
        yield abs(actual - estimate), "difference"
    if lasts is not None and role != "over":
        yield lasts, "length"


def _is_said_way(mention: Mention, scene: Scene, gap: Decimal) -> bool:
    way = direction(mention, scene.sentence.numbers, scene.sentence.start, scene.text)
    return way == 0 or way == (gap > 0) - (gap < 0)


def _sum(part: Iterable[Record], key: str) -> Decimal | None:
    values = [record.minutes(key) for record in part]
    return None if None in values or not values else sum((value for value in values if value is not None), Decimal(0))


def _often(mention: Mention, owner: Owner, bindings: Bindings) -> Verdict | None:
    """ "Eight audits", "six of its runs": how many runs a pattern has, or how many tasks go by a name."""
    scene = bindings.scene
    if mention.kind != "count":
        return None
    end = _RUNS.match(scene.sentence.after(mention))
    stands_before = 0 <= owner.title.start - mention.end <= (1 if end is None else end.end() + 12)
    patterns = owner.title.of(
        scene.records, "drift", "variance", *(("repeated_trouble",) if _TROUBLE.search(" ".join((scene.text, *scene.said))) else ())
    )
    keys = ("runs", "runs_beyond_threshold") if _SOME_RUNS.search(scene.text) else ("runs",)
    counts = {value for record in patterns for key in keys if (value := record.minutes(key)) is not None}
    is_of_runs = end is not None and re.search(r"\b(?:runs?|times|cases?)\b", end.group()) is not None
    if (
        not stands_before
        and not is_of_runs
        and not re.match(r"\s*(?:of\s+(?:them|these|those|the\b)|\w+\s+(?:beyond|past|over)\b)", scene.sentence.after(mention))
    ):
        return None
    if mention.value in counts:
        return verdict_of(mention, f"runs of “{patterns[0].name}”")
    is_one = len({record.name for record in patterns}) == 1
    if (
        counts
        and is_one
        and (is_of_runs or _BEYOND.match(scene.sentence.after(mention)))
        and (owner.is_sure or len({title.names for title in bindings.titles}) <= 1)
    ):
        told = " or ".join(f"{value:f}" for value in sorted(counts))
        return verdict_of(mention, patterns[0].name, f"“{patterns[0].name}” has {told} runs.")
    if stands_before:
        for group in ("completed", "slipped", "upcoming"):
            several = {record.name for record in owner.title.of(scene.records, group)}
            if len(several) == mention.value > 1:
                return verdict_of(mention, f"those {group} that go by that name")
    return None
