"""Two durations of one clause, measured against one another: "15.6 hours for an estimated 10", "21.5 h worked, 22 scheduled".

What such a pair says is said of one thing, so that both must be figures of one and the same; which one, the values tell when the words do not.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations, pairwise
from typing import Literal

from planner_memory.observer_agent.numbers import Kind, Mention
from planner_memory.observer_agent.quoted import clause_of
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import Scene
from planner_memory.observer_agent.title_roles import role_of
from planner_memory.observer_agent.title_values import any_near, sum_of
from planner_memory.observer_agent.verdicts import Verdict, Verdicts

Measure = Literal["estimate", "scheduled", "week"]
_AGAINST = re.compile(
    r"[^.;:!?\d()]{0,24}?[\s,(]*\b(?:for|against|instead\s+of|in\s+place\s+of|rather\s+than|versus|vs\.?|where|when|compared\s+(?:with|to)|not|out\s+of)\b[^.;:!?\d]{0,32}$",
    re.IGNORECASE,
)
_BARELY = re.compile(
    r"[\w\s,(]{0,24}\b(?:against|instead\s+of|rather\s+than|versus|vs\.?|compared\s+(?:with|to))\s+(?:(?:the|an?|only|just|about|your|its)\s+)*$",
    re.IGNORECASE,
)
_BESIDE = re.compile(r"[^.;:!?\d]{0,24}[,(/][^.;:!?\d()]{0,32}$", re.IGNORECASE)  # "13.75 hours spent, 12 estimated"
_TURNED = re.compile(
    r"[^.;:!?\d]{0,24}\b(?:took|taken|used|needed|spent|lasted|came\s+(?:to|in\s+at)|became|turned\s+into|were|was)\b[^.;:!?\d]{0,24}$", re.IGNORECASE
)
_ESTIMATE = re.compile(r"\b(?:estimat\w*|expected|allowed|allotted|budget\w*|foreseen|guess\w*|reckoned|est)\b", re.IGNORECASE)
_PLANNED = re.compile(r"\b(?:planned|plan)\b", re.IGNORECASE)
_SCHEDULED = re.compile(r"\b(?:scheduled|booked|blocked|calendar|on\s+the\s+schedule)\b", re.IGNORECASE)
_PAST = re.compile(r"\b(?:averag\w*|before|last\s+week|previous\w*|earlier|usual\w*|normal\w*)\b", re.IGNORECASE)
_NOW = re.compile(r"\b(?:this\s+(?:week|time)|now|today)\b", re.IGNORECASE)
_COMPARED = ("work", "billable", "deep", "meeting", "completion")
_OF = re.compile(r"[\w\s]{0,24}\b(?:of|on\s+a\s+budget\s+of)\s+(?:(?:the|your|an?)\s+)*$", re.IGNORECASE)
_PART_OF = re.compile(r"\b(?:scheduled|booked|blocked|planned|budget\w*)\b", re.IGNORECASE)
_OF_OTHER_WORK = re.compile(r"\s*(?:hours?\s+)?(?:of|in)\s+(?:\w+\s+)?[^\W\d]{4,}", re.IGNORECASE)  # "13 h of deep work against 3 h of meetings"
_CONTRAST = re.compile(r"\b(?:against|instead\s+of|rather\s+than|compared\s+(?:with|to)|versus|vs)\b", re.IGNORECASE)
_OFTEN = re.compile(r"\s*(?:\w+\s+)?(?:runs?|times|cases?|tasks?|meetings?|rounds?)\b|\s+[^\W\d]{3,}s\b(?<!hours)", re.IGNORECASE)
_APART = re.compile(
    r"\s*(?:(?:hours?|minutes?)\s+)?(?:inside|within|past|beyond|above|below|under|over|short|shy|ahead|off|more|less|longer|shorter|too)\b",
    re.IGNORECASE,
)
_DONE_AFTER = re.compile(
    r"\s*(?:hours?\s+)?(?:of\s+it\s+)?(?:were|was|are|is|have\s+been|has\s+been)?\s*(?:actually\s+)?(?:recorded|worked|done|logged|tracked|billed|delivered)\b",
    re.IGNORECASE,
)
_APART_BY = re.compile(r"[^.!?\d]{0,30}[;,][^.;!?\d]{0,20}", re.IGNORECASE)
_HOURS = re.compile(r"\bhours\b", re.IGNORECASE)
_MINUTES_AT_LEAST = 5
_AFTER = 32  # letters behind the second number that may still say what it is
_ROUND = 60  # a whole number of hours is many things


@dataclass(frozen=True, slots=True)
class _Row:
    """What was, and what it is measured by, in minutes or percent."""

    done: Decimal
    measure: Decimal
    path: str
    name: str = ""
    kind: Kind = "minutes"


@dataclass(frozen=True, slots=True)
class _Pair:
    """`words` are those that say by what it is measured; `is_bare` where "against" or the like alone stands between them."""

    done: Mention
    measure: Mention
    words: str
    is_bare: bool = False


def paired(scene: Scene, numbers: Sequence[Mention], so_far: Verdicts) -> Verdicts:
    found: dict[int, Verdict] = {}
    open_here = {number.start for number in numbers}
    # "12 hours over 4 runs, where 8 were estimated": how often stands between what is measured and its measure
    told = [n for n in scene.sentence.numbers if n.kind != "count" or not _OFTEN.match(scene.sentence.after(n))]
    for one, other in pairwise(told):
        if one.is_each or other.is_each or not open_here & {one.start, other.start}:
            continue
        for verdict in _of_pair(scene, one, other):
            if verdict.mention.start in open_here:
                found[verdict.mention.start] = verdict
    return found


def _of_pair(scene: Scene, one: Mention, other: Mention) -> Iterator[Verdict]:
    pair = _in_order(scene, one, other)
    if pair is None or "over" in (role_of(one, scene), role_of(other, scene)) or _APART.match(scene.sentence.after(other)):
        return  # "two hours and a half, half an hour more than estimated"
    kind: Kind = "percent" if pair.done.kind == "percent" else "minutes"
    dones, planned = list(_as(kind, pair.done)), list(_as(kind, pair.measure))
    is_of_kind = kind in (one.kind, other.kind) or _HOURS.search(scene.sentence.before(one)) is not None
    if not dones or not planned or not is_of_kind:
        return
    rows = [row for measure in _measures(pair, scene) for row in _rows(scene, measure) if row.kind == kind]
    fits = [row for row in rows if any_near(dones, row.done)]
    both = [row for row in fits if any_near(planned, row.measure)]
    if both:
        if _may_be(both, dones[0], scene, one):
            yield from (Verdict(each, "fact", both[0].path, "", is_plain=True) for each in (one, other))
    elif not fits and _CONTRAST.search(pair.words) and any(any_near(dones, row.measure) and any_near(planned, row.done) for row in rows):
        why = f"It is {pair.measure.text} that is measured by {pair.done.text}."
        yield from (Verdict(each, "wrong", None, why, is_plain=True) for each in (one, other))
    elif fits and len({row.measure for row in fits}) == 1 and dones[0].value % _ROUND and not pair.done.is_rough:
        known = f"{fits[0].measure.quantize(Decimal('0.1')).normalize():f} {'%' if kind == 'percent' else 'minutes'}"
        yield Verdict(pair.measure, "wrong", fits[0].path, f"What {pair.done.text} is measured by is {known}.", is_plain=True)


def _in_order(scene: Scene, one: Mention, other: Mention) -> _Pair | None:
    """Which of the two was, and which it is measured by; None where the words between them measure nothing."""
    between, behind = _without_often(scene, one, other), scene.sentence.after(other)
    after = re.split(r"[.;,!?]|\b(?:and|but|over)\b", behind[:_AFTER])[0]
    lead = re.split(r"[.;,!?]|\b(?:and|but)\b", scene.sentence.before(one))[-1]
    is_plan_first = _DONE_AFTER.match(behind) and _APART_BY.fullmatch(between)
    if (_ESTIMATE.search(lead) and _TURNED.fullmatch(between)) or (is_plan_first and _PLANNED.search(lead)):
        return _Pair(other, one, lead)
    if is_plan_first and _PLANNED.search(between):
        return _Pair(other, one, between)
    if _AGAINST.fullmatch(between) and (_PAST.search(lead) or _NOW.search(f"{between} {after}")):
        return _Pair(other, one, f"{lead} before")
    words = f"{between} {after}"
    if _AGAINST.fullmatch(between) or _BESIDE.fullmatch(between) or (_OF.fullmatch(between) and _PART_OF.search(words)):
        return _Pair(one, other, words, is_bare=_BARELY.fullmatch(between) is not None and not _OF_OTHER_WORK.match(behind))
    return None


def _measures(pair: _Pair, scene: Scene) -> list[Measure]:
    """What the words let the second be; where they only say that it is measured, anything."""
    found: list[Measure] = []
    if _ESTIMATE.search(pair.words) or _PLANNED.search(pair.words):
        found.append("estimate")
    if _SCHEDULED.search(pair.words) or _PLANNED.search(pair.words):
        found.append("scheduled")
    if _PAST.search(pair.words):
        found.append("week")
    return found or (["estimate", "scheduled", "week"] if pair.is_bare else [])


def _may_be(both: Sequence[_Row], done: Mention, scene: Scene, one: Mention) -> bool:
    """A title in quotes beside them must be theirs; one that is spoken of otherwise, where the hours are round."""
    low, high = clause_of(one, scene.sentence)
    quoted = {word.about[1:] for word in scene.sentence.words if word.about.startswith(":") and low <= word.start < high}
    names = {row.name for row in both}
    if quoted & {record.name for record in scene.records}:
        return bool(quoted & names) or "" in names
    return not scene.here or bool(done.value % _ROUND) or bool(names & {record.name for record in scene.here})


def _without_often(scene: Scene, one: Mention, other: Mention) -> str:
    text = scene.sentence.between(one, other)
    for number in scene.sentence.numbers:
        if one.end <= number.start < other.start:
            text = text.replace(number.text, "so many", 1)
    return text


def _as(kind: Kind, number: Mention) -> Iterator[Mention]:
    """The number in that unit; a duration without one is in hours."""
    for meaning in number.meanings():
        if meaning.kind == kind:
            yield meaning
        elif meaning.kind == "count":
            if kind == "minutes" and meaning.value >= _MINUTES_AT_LEAST and meaning.precision == 1:
                yield replace(meaning, kind=kind)  # "35 minutes instead of 30"
            unit = 60 if kind == "minutes" else 1
            yield replace(meaning, kind=kind, value=meaning.value * unit, precision=meaning.precision * unit)


def _rows(scene: Scene, measure: Measure) -> Iterator[_Row]:
    if measure == "estimate":
        for record in scene.records:
            yield from _row([record])
        for group in ("completed", "drift", "variance"):
            yield from _row(scene.group(group))
            named = [record for record in scene.named if record.group == group]
            for size in range(2, min(len(named), 4) + 1):
                for part in combinations(named[:6], size):
                    yield from _row(part)
        return
    if measure == "scheduled":
        compared = [("now.work", "now.scheduled"), ("now.billable", "sprint.plan"), ("sprint.done", "sprint.plan"), ("now.work", "sprint.plan")]
    else:
        compared = [(f"now.{figure}", f"{place}.{figure}") for figure in _COMPARED for place in ("average", "before")]
    for done, plan in compared:
        one, other = scene.ledger.figures.named(done), scene.ledger.figures.named(plan)
        if one is not None and other is not None:
            yield _Row(one.value, other.value, f"{one.path} beside {other.path}", kind=one.kind)


def _row(records: Sequence[Record]) -> Iterator[_Row]:
    actual, estimate = sum_of(records, "actual_hours"), sum_of(records, "estimated_hours")
    if actual is not None and estimate is not None:
        yield _Row(actual, estimate, " and ".join(f"“{record.name}”" for record in records), records[0].name)
