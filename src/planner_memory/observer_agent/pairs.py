"""Two durations of one clause, measured against one another: "15.6 hours for an estimated 10", "21.5 h worked, 22 scheduled".

What such a pair says is said of one thing, so that both must be figures of one and the same; which one, the values tell when the words do not.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from itertools import combinations, pairwise
from typing import Literal

from planner_memory.observer_agent.matching import is_near
from planner_memory.observer_agent.numbers import Kind, Mention
from planner_memory.observer_agent.records import Record
from planner_memory.observer_agent.scene import Scene
from planner_memory.observer_agent.title_roles import role_of
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
_OFTEN = re.compile(r"\s*(?:\w+\s+)?(?:runs?|times|cases?|tasks?|meetings?|rounds?)\b", re.IGNORECASE)
_APART = re.compile(
    r"\s*(?:(?:hours?|minutes?)\s+)?(?:inside|within|past|beyond|above|below|under|over|short|shy|ahead|off|more|less|longer|shorter|too)\b",
    re.IGNORECASE,
)
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
    between, after = _without_often(scene, one, other), re.split(r"[.;,!?]|\b(?:and|but|over)\b", scene.sentence.after(other)[:_AFTER])[0]
    lead = re.split(r"[.;,!?]|\b(?:and|but)\b", scene.sentence.before(one))[-1]
    behind = f"{between} {after}"
    if _ESTIMATE.search(lead) and _TURNED.fullmatch(between):
        one, other, behind = other, one, lead
    elif _AGAINST.fullmatch(between) and (_PAST.search(lead) or _NOW.search(behind)):
        one, other, behind = other, one, f"{lead} before"
    elif not (_AGAINST.fullmatch(between) or _BESIDE.fullmatch(between) or (_OF.fullmatch(between) and _PART_OF.search(behind))):
        return
    if "over" in (role_of(one, scene), role_of(other, scene)) or _APART.match(scene.sentence.after(other)):
        return  # "two hours and a half, half an hour more than estimated"
    measures: list[Measure] = []
    if _ESTIMATE.search(behind) or _PLANNED.search(behind):
        measures.append("estimate")
    if _SCHEDULED.search(behind) or _PLANNED.search(behind):
        measures.append("scheduled")
    if _PAST.search(behind):
        measures.append("week")
    if not measures:
        if not _BARELY.fullmatch(between) or _OF_OTHER_WORK.match(scene.sentence.after(other)):
            return
        measures = ["estimate", "scheduled", "week"]
    kind: Kind = "percent" if one.kind == "percent" else "minutes"
    if kind not in (one.kind, other.kind):
        return
    dones, planned = list(_as(kind, one)), list(_as(kind, other))
    if not dones or not planned:
        return
    rows = [row for measure in measures for row in _rows(scene, measure) if row.kind == kind]
    fits = [row for row in rows if any(is_near(each.value, row.done, each) for each in dones)]
    both = [row for row in fits if any(is_near(each.value, row.measure, each) for each in planned)]
    said = {record.name for record in scene.here}
    if both and (not said or dones[0].value % _ROUND or any(row.name in said for row in both)):
        yield Verdict(one, "fact", both[0].path, "", is_plain=True)
        yield Verdict(other, "fact", both[0].path, "", is_plain=True)
    elif (
        not both
        and not fits
        and _is_contrast(between)
        and any(
            any(is_near(each.value, row.measure, each) for each in dones) and any(is_near(each.value, row.done, each) for each in planned)
            for row in rows
        )
    ):
        yield Verdict(one, "wrong", None, f"It is {other.text} that is measured by {one.text}.", is_plain=True)
        yield Verdict(other, "wrong", None, f"It is {other.text} that is measured by {one.text}.", is_plain=True)
    elif not both and fits and len({row.measure for row in fits}) == 1 and dones[0].value % _ROUND and not one.is_rough:
        known = fits[0].measure.quantize(Decimal("0.1")).normalize()
        yield Verdict(
            other, "wrong", fits[0].path, f"What {one.text} is measured by is {known:f} {'%' if kind == 'percent' else 'minutes'}.", is_plain=True
        )


def _without_often(scene: Scene, one: Mention, other: Mention) -> str:
    text = scene.sentence.between(one, other)
    for number in scene.sentence.numbers:
        if one.end <= number.start < other.start:
            text = text.replace(number.text, "so many", 1)
    return text


def _is_contrast(between: str) -> bool:
    return _CONTRAST.search(between) is not None


def _as(kind: Kind, number: Mention) -> Iterator[Mention]:
    """The number in that unit; a duration without one is in hours."""
    for meaning in number.meanings():
        if meaning.kind == kind:
            yield meaning
        elif meaning.kind == "count":
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
    actual, estimate = [record.minutes("actual_hours") for record in records], [record.minutes("estimated_hours") for record in records]
    if records and None not in actual and None not in estimate:
        names = " and ".join(f"“{record.name}”" for record in records)
        yield _Row(sum(each for each in actual if each is not None), sum(each for each in estimate if each is not None), names, records[0].name)  # type: ignore[arg-type]
