"""What a schedule means for the sprint's billable hours and for the share of billable work."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from planner_memory.ports.schedules import Sprint
from planner_memory.scheduler_engine.tasks import Task

SHORT_RUNWAY_WEEKS = 12
BILLABLE_SHARE = 0.6


def _minutes(block: Mapping[str, Any]) -> float:
    return (datetime.fromisoformat(block["end"]) - datetime.fromisoformat(block["start"])).total_seconds() / 60


def sprint_warnings(sprints: Sequence[Sprint], tasks: Sequence[Task], blocks: Sequence[Mapping[str, Any]], tz: ZoneInfo) -> list[str]:
    """Where this schedule alone puts more billable work into a sprint than the sprint plans."""
    billable = {t.task_id for t in tasks if t.billable}
    found = []
    for sprint in sprints:
        inside = [b for b in blocks if sprint.starts_on <= datetime.fromisoformat(b["start"]).astimezone(tz).date() <= sprint.ends_on]
        hours, planned = sum(_minutes(b) for b in inside if b["task_id"] in billable) / 60, float(sprint.planned_billable_hours)
        if hours > planned:
            found.append(f"{sprint.name} plans {planned:g} billable hours; this schedule puts {hours:.3g} into it, {hours - planned:.3g} too many.")
    return found


def share_warnings(runway_weeks: float | None, tasks: Sequence[Task], blocks: Sequence[Mapping[str, Any]]) -> list[str]:
    """With a short runway, whether enough of the placed work is billable; nothing when the runway is not known."""
    whole = sum(_minutes(b) for b in blocks)
    if runway_weeks is None or runway_weeks >= SHORT_RUNWAY_WEEKS or not whole:
        return []
    billable = {t.task_id for t in tasks if t.billable}
    share = sum(_minutes(b) for b in blocks if b["task_id"] in billable) / whole
    if share >= BILLABLE_SHARE:
        return []
    said = sum(t.billable is None for t in tasks)
    unknown = f" {said} tasks do not say whether they are billable." if said else ""
    return [f"{share:.0%} of this schedule is billable; with {runway_weeks:g} weeks of runway it should be {BILLABLE_SHARE:.0%} or more.{unknown}"]
