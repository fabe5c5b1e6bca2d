"""The figures of the facts by the plain names that the frames of sentences use: `now.work`, `before.deep`, `sprint.plan`, `task.over`."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from planner_memory.observer_agent.claims import Claim
from planner_memory.observer_agent.numbers import Kind
from planner_memory.observer_agent.records import Record

_LEAVES = {
    "work": "worked_hours",
    "billable": "billable_hours",
    "nonbillable": "not_billable_hours",
    "unmarked": "unmarked_hours",
    "deep": "deep_work_hours",
    "meeting": "meeting_hours",
    "meetings": "meetings",
    "tasks": "tasks_completed",
    "planned": "tasks_planned",
    "kept": "planned_tasks_completed",
    "completion": "completion_percent",
    "switches": "context_switches",
    "scheduled": "scheduled_hours",
    "runs": "runs",
}
_PLACES = {"now": "rhythm", "before": "trend.earlier_weeks[0]", "average": "trend.average"}
_OTHERS = {
    "sprint.plan": "sprint.planned_billable_hours",
    "sprint.done": "sprint.actual_billable_hours",
    "sprint.share": "sprint.share_percent",
    "sprint.billable": "sprint.billable_share_percent",
    "log.events": "activity.events",
    "ahead.tasks": "ahead.tasks",
    "ahead.hours": "ahead.scheduled_hours",
    "list.open": "tasks.open_tasks",
    "list.blocked": "tasks.blocked_tasks",
    "average.weeks": "trend.average.weeks",
    "streak.task": "streaks.completed_task_days",
    "streak.deep": "streaks.deep_work_days",
    "streak.plan": "streaks.plan_kept_days",
    "limit.percent": "thresholds.drift_beyond_percent",
}
_OF_RECORDS: dict[str, tuple[str, str, Kind]] = {  # of one record: its key, and the unit
    "actual": ("actual_hours", "hours of work", "minutes"),
    "estimate": ("estimated_hours", "estimate", "minutes"),
    "runs": ("runs", "runs", "count"),
    "beyond": ("runs_beyond_threshold", "runs beyond the limit", "count"),
    "factor": ("typical_factor", "typical factor", "factor"),
}
_PERCENT = ("drift_percent", "variance_percent")
_HUNDRED = Decimal(100)


@dataclass(frozen=True, slots=True)
class Figure:
    """`sign` is 1 where it is more than what it is measured by, -1 where it is less; `slack` what the facts themselves have rounded."""

    value: Decimal
    kind: Kind
    path: str
    sign: int = 0


@dataclass(frozen=True, slots=True)
class Figures:
    """Those of no record, by name."""

    known: Mapping[str, Figure] = field(default_factory=dict)

    def named(self, name: str) -> Figure | None:
        return self.known.get(name)


def _sign(value: Decimal) -> int:
    return (value > 0) - (value < 0)


def figures_of(claims: Sequence[Claim]) -> Figures:
    by_path = {claim.path.removeprefix("facts."): claim for claim in claims if isinstance(claim.value, Decimal)}
    paths = {f"{place}.{name}": f"{root}.{leaf}" for place, root in _PLACES.items() for name, leaf in _LEAVES.items()} | _OTHERS
    found = {name: Figure(abs(by_path[path].value), by_path[path].kind, by_path[path].path) for name, path in paths.items() if path in by_path}
    work = found.get("now.work")
    for name in _LEAVES:
        now = found.get(f"now.{name}")
        if now is not None and now.kind == "minutes" and work is not None and work.value:
            found[f"part.{name}"] = Figure(now.value * _HUNDRED / work.value, "percent", f"{now.path} of {work.path}")
        for place in ("before", "average"):
            other = found.get(f"{place}.{name}")
            if now is not None and other is not None:
                gap = now.value - other.value
                found[f"{place} gap.{name}"] = Figure(abs(gap), now.kind, f"{now.path} - {other.path}", _sign(gap))
    if "now.planned" in found and "now.kept" in found:
        left = found["now.planned"].value - found["now.kept"].value
        found["now.missed"] = Figure(left, "count", f"{found['now.planned'].path} - {found['now.kept'].path}")
    if "sprint.plan" in found and "sprint.done" in found:
        plan, done = found["sprint.plan"], found["sprint.done"]
        gap = done.value - plan.value
        found["sprint.gap"] = Figure(abs(gap), "minutes", f"{done.path} - {plan.path}", _sign(gap))
        if plan.value:
            found["sprint.gap percent"] = Figure(abs(gap) * _HUNDRED / plan.value, "percent", f"{done.path} - {plan.path}", _sign(gap))
    return Figures(found)


def of_lists(records: Sequence[Record]) -> Iterator[tuple[str, Figure]]:
    """How many tasks slipped, and how many of them have no new date."""
    slipped = [record for record in records if record.group == "slipped"]
    yield "list.slipped", Figure(Decimal(len(slipped)), "count", "slipped")
    yield "list.undated", Figure(Decimal(sum("date moved_to_on" not in record.values for record in slipped)), "count", "slipped without a new date")


def of_record(record: Record, name: str, suggestions: Mapping[str, Decimal]) -> Figure | None:
    """One figure of a record; None when it has none of that name."""
    if name == "over":
        gap = record.over
        return None if gap is None else Figure(abs(gap), "minutes", f"what “{record.name}” took beside its estimate", _sign(gap))
    if name in ("percent", "ratio"):
        value = next((record.values[key] for key in _PERCENT if key in record.values), None)
        actual, estimate = record.minutes("actual_hours"), record.minutes("estimated_hours")
        if name == "ratio" or value is None:
            if not actual or not estimate:
                return None
            ratio = actual / estimate
            value = abs(ratio - 1) * _HUNDRED
        sign = _sign(record.over or Decimal(0))
        return Figure(value, "percent", f"“{record.name}” beside its estimate", sign) if name == "percent" else Figure(ratio, "factor", record.name)
    if name == "suggestion":
        suggested = suggestions.get(record.name)
        return None if suggested is None else Figure(suggested, "factor", f"what is suggested for “{record.name}”")
    if name == "lasts":
        lasts = record.minutes("lasts_hours")
        return None if lasts is None else Figure(lasts, "minutes", f"how long “{record.name}” lasts")
    key, what, kind = _OF_RECORDS[name]
    found = record.values.get(key)
    return Figure(found, kind, f"{what} of “{record.name}”") if isinstance(found, Decimal) else None


_SUGGESTED = re.compile(r"(\d+(?:\.\d+)?)\s+times\b")


def suggestions_of(document: object, name: str = "") -> Iterator[tuple[str, Decimal]]:
    """What the texts of the facts suggest, by the name of the workflow or template: "estimate it at 1.6 times …"."""
    if isinstance(document, dict):
        inner_name = str(document.get("name") or name)
        for key, inner in document.items():
            if key == "suggestion" and isinstance(inner, str) and (match := _SUGGESTED.search(inner)):
                yield inner_name, Decimal(match[1])
            yield from suggestions_of(inner, inner_name)
    elif isinstance(document, list):
        for inner in document:
            yield from suggestions_of(inner, name)
