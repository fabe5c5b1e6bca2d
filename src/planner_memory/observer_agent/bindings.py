"""Whose a number is: in a list of tasks each day, time, duration and percentage belongs to the title that stands nearest in its part of the sentence.

What a title's records have supports the number. It is wrong only where the words leave no doubt: one title, and one measure, named beside it.
"""

# ruff: noqa: E501 - a pattern is read best on one line

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from itertools import pairwise
from typing import Literal

from planner_memory.observer_agent.directions import direction
from planner_memory.observer_agent.inference import unsaid_units
from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import Scene, is_day
from planner_memory.observer_agent.titles import Title, titles, titles_in
from planner_memory.observer_agent.verdicts import Verdict, Verdicts, verdict_of

Role = Literal["actual", "estimate", "over", ""]
_PART = re.compile(
    r",(?!\s*(?:meant|planned|estimated|originally|which|that|due|scheduled|intended|down|set)\b)|[;|(]|\b(?:and|while|whereas|but|then)\b|\s[–—]\s",
    re.IGNORECASE,
)
_FILL = r"(?:(?:the|an?|its|their|your|of|at|was|were|only|just|about|around|roughly|nearly|almost|exactly|some|had|been|said|is|to|over|under|more|less|than|[~≈])\s+)*"
_ESTIMATE_BEFORE = re.compile(
    rf"(?:(?<!well\s)\bestimat\w*|\best\.?|\bplanned|\bexpected|\bagainst|\binstead\s+of|\brather\s+than|\bvs\.?|\bversus|(?<=,)\s*not|\b(?:meant|supposed|going|due)\s+to\s+(?:take|last|need)|\bwhere|\bcompared\s+(?:with|to)"
    rf"|\b(?:longer|shorter|more|less|over|under|above|below|beyond)\s+than\s+(?:the|its|your))[\s:=(]*{_FILL}$",
    re.IGNORECASE,
)
_NEAR_ESTIMATE = re.compile(
    r"\b(?:to|within|near|under|over|above|below|beyond|past|on|at|with|than|from|by|inside|match\w*|hit|kept|met)\s+(?:its|the|your|their|that)\s+(?:\w+\s+)?estimates?\s*[:(–—,-]\s*$",
    re.IGNORECASE,
)  # "close to its estimate: 2.08 hours" is what was, not what was estimated
_FOR = re.compile(rf"[^,;:.]*\bfor\s+{_FILL}$", re.IGNORECASE)  # "three hours for an estimated two", and not "the slides for three hours"
_ESTIMATE_AFTER = re.compile(
    r"(?:\s+(?!(?:and|but|for|where|when|against|than|instead|rather|versus|vs|compared|though|although|took|needed|of|over|under|above|below|off)\b)[\w’']+){0,4}?"
    r"\s+(?:estimated?|estimates|planned|expected|allowed|allotted|budgeted|set\s+aside|guessed?|reckoned|foreseen)\b",
    re.IGNORECASE,
)
_ACTUAL_BEFORE = re.compile(
    rf"(?:\b(?:took|taken|takes|needed|cost|ate|used|spent|lasted|lasts|needs|consumed|required|ran|went\s+to|came\s+to|came\s+in\s+at|in|at|done|finished|after)(?:\s+(?:you|me|us|it))?|[:(–—|-])\s*{_FILL}$",
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
_PRONOUN = re.compile(r"\b(?:it|they|them|these|those|this|that|its|their|both|each)\b", re.IGNORECASE)
_BESIDE = re.compile(
    rf"(?:\s*\w+){{0,3}}?[\s,;(:]*\b(?:against|for|instead\s+of|rather\s+than|vs\.?|versus|where|when|while|compared\s+(?:with|to)|not|with|as|than)\b[\s\w’']{{0,30}}?|\s*(?:spent|used|taken|needed|actual|worked|recorded|done)?\s*[(/|,]\s*(?:est\w*|plan\w*)?\.?:?\s*{_FILL}",
    re.IGNORECASE,
)
_AGAIN = re.compile(r"\s*(?:\w+\s+)?[(,]?\s*(?:or|i\.\s?e\.|that\s+is|namely)?,?\s*(?:by\s+)?", re.IGNORECASE)
_LISTED = re.compile(r"\s*(?:,|,?\s+(?:and|or|to)\b)\s*", re.IGNORECASE)
_AT_ONCE = re.compile(r"[\s\"“”*_’']*[(:–—=-][\s*_]*")  # "Newsletter (50 min)", "Newsletter: 50 min"
_NO_TASKS = frozenset(
    {"deep", "meeting", "billable", "nonbillable", "unmarked", "scheduled", "work", "event", "sprint", "switch", "past", "now", "upcoming"}
)
_MEASURES = _NO_TASKS - {"past", "now", "upcoming"}
_ELLIPSIS = re.compile(r"[\s*_”\"'’]*(?:to|at|in)?\s*", re.IGNORECASE)
_SET_ASIDE = re.compile(
    r"\s+(?:that\s+)?(?:you(?:['’]d|\s+had)?\s+)?(?:set\s+aside|estimated|allowed|allotted|planned|expected|reckoned|given|gave|budgeted)\b",
    re.IGNORECASE,
)
_TOOK = re.compile(r"\b(?:took|needed|cost|lasted|spent|used|ran|came)\b", re.IGNORECASE)
_ALL_TASKS = re.compile(r"\b(?:both|all|tasks|they|them|each)\b", re.IGNORECASE)
_MEANT_FOR = re.compile(r"\b(?:meant|planned|scheduled|intended|foreseen|down)\s+(?:for|on)\s+$", re.IGNORECASE)
_AGAIN_ON = re.compile(r"\b(?:now|again|moved|new|next|calendar|is|are)\b", re.IGNORECASE)
_NEAR_BY = 70
_OF_ANOTHER_NOUN = re.compile(
    r"\s*(?:[\w-]+\s+)?(?:tasks?|meetings?|days?|weeks?|runs?|steps?|%|percent|switch\w*|events?|calls?|mails?|notes?|times)\b", re.IGNORECASE
)
_PERCENT_WORD = re.compile(r"%|\bper\s?cent\b|\bpercent", re.IGNORECASE)
_ANY_OF = re.compile(r"\b(?:last|first|other|of\s+the|these|those|next)\s+$", re.IGNORECASE)
_OF_A_SPAN = re.compile(r"\b(?:since|before|until|after|last|by)\s+$", re.IGNORECASE)
_BLOCKS = re.compile(r"\s*(?:more\s+)?(?:blocks?|sittings?|slots?|sessions?)\b", re.IGNORECASE)
_PART_OF = re.compile(r"\s*(?:out\s+)?of\b", re.IGNORECASE)
_RUNS_BEFORE = 24  # characters between a count and the name of what it counts
_OF_ROUNDED = Decimal("0.05")  # a share of hours that the facts have rounded
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
        done = scene.group("completed")
        carried = (
            frozenset().union(*(title.names for title in lead))
            or frozenset(record.name for record in (scene.carried or scene.named))
            or frozenset(record.name for record in done if len(done) == 1 or _ALL_TASKS.search(scene.text))  # "the only task", "both"
        )
        self.carried = Title(scene.sentence.start, scene.sentence.start, carried) if carried else None

    def part(self, mention: Mention) -> tuple[int, int]:
        text_start, text_end = self.scene.sentence.start, self.scene.sentence.start + len(self.scene.text)
        first = max((b for _, b in self._cuts if b <= mention.start), default=text_start)
        last = min((a for a, _ in self._cuts if a >= mention.end), default=text_end)
        return first, last

    def owner(self, mention: Mention) -> Owner | None:
        before = [title for title in self.titles if title.end <= mention.start]
        if before and _AT_ONCE.fullmatch(self.scene.text[before[-1].end - self.scene.sentence.start : mention.start - self.scene.sentence.start]):
            return Owner(before[-1], True)
        first, last = self.part(mention)
        here = [title for title in self.titles if title.start >= first and title.end <= last]
        if len(here) == 1:
            return Owner(here[0], True)
        after = [title for title in self.titles if title.start >= mention.end]
        if here:
            near = [title for title in before if title in here] or here
            return Owner(near[-1] if near[-1].end <= mention.start else near[0], False)
        if before:
            return Owner(before[-1], len(self.titles) == 1 and not self._is_of_more(before[-1], mention))
        if after and not (self.carried and _PRONOUN.search(self.scene.sentence.before(mention))):
            return Owner(after[0], False)
        return Owner(self.carried, False) if self.carried else None

    def _is_of_more(self, title: Title, mention: Mention) -> bool:
        """Whether something that is no task's is spoken of between the two, or the one stands in another cell."""
        if "|" in self.scene.text[title.end - self.scene.sentence.start : mention.start - self.scene.sentence.start]:
            return True
        return any(title.end <= word.start and word.end <= mention.start and word.about in _NO_TASKS for word in self.scene.sentence.words)


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
    found = dict(_pairs(bindings))
    for mention in numbers:
        owner = bindings.owner(mention)
        if owner is None or mention.is_each or mention.start in found:
            continue
        read = _read(mention, owner, bindings)
        if read is not None:
            found[mention.start] = read
    return found | dict(_runs_beside(found, bindings))


def _read(mention: Mention, owner: Owner, bindings: Bindings) -> Verdict | None:
    scene = bindings.scene
    if mention.kind in ("date", "weekday"):
        return _on_a_day(mention, owner, bindings)
    read = _lasting(mention, owner, bindings) if mention.kind in ("minutes", "percent", "factor") else _often(mention, owner, bindings)
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
    following = next((n for n in scene.sentence.numbers if n.start >= mention.end), None)
    is_listed = following is not None and _LISTED.fullmatch(scene.sentence.between(mention, following)) is not None
    if is_listed and following is not None and following.kind == "percent":
        yield replace(mention, kind="percent", others=())  # "25 and 5.6 percent"
    if following is not None and following.kind == "minutes" and _LISTED.fullmatch(scene.sentence.between(mention, following)):
        yield from _as_minutes(mention, scene)  # "3.17 and 2.92 hours"
    for reading in mention.meanings() if _PERCENT_WORD.search(scene.text) else ():
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
        sets = list(_sets([record for record in scene.records if record.name in names and record.group in _WORKED]))
        known = [
            (actual, estimate, part[0].name)
            for part in sets
            if (actual := _sum(part, "actual_hours")) is not None and (estimate := _sum(part, "estimated_hours"))
        ]
        firsts, seconds = _as_minutes(one, scene), _as_minutes(other, scene)
        if not firsts or not seconds:
            continue
        both = next((name for a, b, name in known if _any_near(firsts, a) and _any_near(seconds, b)), None)
        if both is not None:
            yield one.start, verdict_of(one, f"time of “{both}”")
            yield other.start, verdict_of(other, f"estimate of “{both}”")
        elif (
            any(owner.title in bindings.titles for owner in owners)
            and role_of(other, scene) == "estimate"
            and any(n.kind == "minutes" for n in (one, other))
        ):
            half = next(((estimate, name) for a, estimate, name in known if _any_near(firsts, a)), None)
            if half is not None and not any(_any_near(seconds, b) for _, b, _ in known):
                yield other.start, verdict_of(other, half[1], f"The estimate of “{half[1]}” is {half[0]:f} minutes.")


def _any_near(readings: Iterable[Mention], value: Decimal) -> bool:
    return any(is_near(abs(reading.value), value, reading) for reading in readings)


def _runs_beside(found: Mapping[int, Verdict], bindings: Bindings) -> Iterator[tuple[int, Verdict]]:
    """ "Eight audits took 22 h 50 min": the count before a title is that of the pattern whose hours stand beside it."""
    scene = bindings.scene
    hours = {verdict.mention.start for verdict in found.values() if verdict.is_supported and verdict.mention.kind == "minutes"}
    for mention in scene.sentence.numbers:
        title = next((title for title in bindings.titles if 0 < title.start - mention.end <= _RUNS_BEFORE), None)
        if title is not None and _PART_OF.match(scene.sentence.after(mention)):
            continue
        if title is None or mention.kind != "count" or mention.start in found or not hours:
            continue
        patterns = title.of(scene.records, "drift", "variance")
        runs = {value for record in patterns for key in ("runs", "runs_beyond_threshold") if (value := record.minutes(key)) is not None}
        if patterns and runs and len(title.names) > 1 and _ANY_OF.search(scene.sentence.before(mention)) is None:
            yield mention.start, verdict_of(mention, patterns[0].name, f"“{patterns[0].name}” has {max(runs)} runs.")


def _on_a_day(mention: Mention, owner: Owner, bindings: Bindings) -> Verdict | None:
    """A day beside a title is one of those that the facts name with it; of what was done they name none but the period's own."""
    scene = bindings.scene
    records = owner.title.of(scene.records)
    slipped = owner.title.of(scene.records, "slipped")
    if slipped and (_MEANT_FOR.search(scene.sentence.before(mention)) or scene.sentence.is_about("slipped")) and not _AGAIN_ON.search(scene.text):
        records = slipped
    days = [value for record in records for key, value in record.values.items() if key.startswith("date ") and isinstance(value, date)]
    if any(is_day(mention, day) for day in days):
        return verdict_of(mention, records[0].name)
    first, last = scene.ledger.first_day, scene.ledger.last_day
    is_worked = (
        not slipped
        and any(record.group in _WORKED for record in records)
        and not any(scene.sentence.is_about(c) for c in ("slipped", "planned", "scheduled", "upcoming"))
    )
    if (
        is_worked
        and first is not None
        and last is not None
        and any(is_day(mention, first + timedelta(days=n)) for n in range((last - first).days + 1))
    ):
        return verdict_of(mention, "starts_on to ends_on")
    is_done = any(record.group not in ("slipped", "upcoming") for record in records)
    if not days or is_done or not owner.is_sure or not owner.title.is_plain or _OF_A_SPAN.search(scene.sentence.before(mention)):
        return None
    return verdict_of(mention, records[0].name, f"“{records[0].name}” is on {min(days)}.")


def role_of(mention: Mention, scene: Scene) -> Role:
    before, after = scene.sentence.before(mention), scene.sentence.after(mention)
    if _OVER_AFTER.match(after) or _OVER_BEFORE.search(before) or mention.text[0] in "+−":
        return "over"
    if _NEAR_ESTIMATE.search(before):
        return "actual"
    last = next((n for n in reversed(scene.sentence.numbers) if n.end <= mention.start), None)
    if (
        last is not None
        and last.kind != mention.kind
        and "percent" in (last.kind, mention.kind)
        and _AGAIN.fullmatch(scene.sentence.between(last, mention))
    ):
        return role_of(last, scene) if role_of(last, scene) == "over" or last.kind != "percent" else "over"
    if last is not None and last.kind in ("minutes", "count") and _FOR.fullmatch(scene.sentence.between(last, mention)):
        return "estimate"
    if _ESTIMATE_BEFORE.search(before) or _ESTIMATE_AFTER.match(re.split(r"[,;:.()|]", after)[0]):
        return "estimate"
    return "actual" if _ACTUAL_BEFORE.search(before) else ""


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
    sets = list(_sets(records))
    if _TOGETHER.search(scene.text):
        everywhere = list(dict.fromkeys(record.name for title in bindings.titles for record in title.of(scene.records)))
        sets += [part for part in _sets([record for record in scene.records if record.name in everywhere]) if len(part) > 1]
    for part in sets:
        for value, what in _values(mention, part, role, scene):
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
    if mention.kind == "factor":
        if actual is not None and estimate:
            yield actual / estimate, "multiple of the estimate"
        return
    if actual is not None and role in ("actual", ""):
        yield actual, "time"
    is_silent = actual is not None and not (scene.sentence.is_about("estimate") or scene.sentence.is_about("planned"))
    if estimate is not None and (role == "estimate" or (not role and not is_silent)):
        yield estimate, "estimate"
    if actual is not None and estimate is not None and role == "over" and _is_said_way(mention, scene, actual - estimate):
        yield abs(actual - estimate), "difference"
    is_past = (
        role in ("actual", "estimate")
        and _TOOK.search(scene.text) is not None
        and any(r.group in _WORKED for r in scene.records if r.name == part[0].name)
    )
    if lasts is not None and role != "over" and not is_past:
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
    if _BLOCKS.match(scene.sentence.after(mention)) and (blocks := owner.title.of(scene.records, "upcoming")):
        days = [
            day for n in scene.sentence.numbers if n.kind in ("weekday", "date") for day in {r.starts_on for r in blocks} if day and is_day(n, day)
        ]
        known = [r for r in blocks if not days or r.starts_on in days]
        return verdict_of(mention, known[0].name) if len(known) == mention.value else None
    if mention.value == 1 and re.match(r"\s*of\s+(?:them|these|those|which)\b", scene.sentence.after(mention)) and owner.is_sure:
        return verdict_of(mention, f"“{min(owner.title.names)}”")  # "one of them Support hour 3"
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
