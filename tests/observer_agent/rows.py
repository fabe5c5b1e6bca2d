"""Short ways to write the rows that the observer counts."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from planner_memory.core.intervals import Interval
from planner_memory.ports.facts import FinishedRun, ScheduledBlock


def at(text: str) -> datetime:
    """2026-03-02 09:00, in UTC unless it says otherwise."""
    value = datetime.fromisoformat(text)
    return (value if value.tzinfo else value.replace(tzinfo=UTC)).astimezone(UTC)


def between(start: str, end: str) -> Interval:
    return Interval(at(start), at(end))


def run(start: str, end: str, task: str = "t1", *, hours: str | None = None, **more: Any) -> FinishedRun:
    """A finished run; without `hours` it took as long as the clock says."""
    length = Decimal((at(end) - at(start)) // timedelta(seconds=1)) / 3600
    actual = Decimal(hours) if hours is not None else length
    given: dict[str, Any] = {
        "run_id": f"{task}-{start}",
        "title": task,
        "plan_id": None,
        "workflow_id": None,
        "process_template_id": None,
        "whole_hours": actual,
        "estimated_hours": None,
        "billable": None,
        "is_done": True,
        "outcome_notes": None,
    }
    return FinishedRun(task_id=task, started_at=at(start), ended_at=at(end), actual_hours=actual, **{**given, **more})


def block(start: str, end: str, task: str = "t1", *, billable: bool | None = None, event_id: str | None = None) -> ScheduledBlock:
    return ScheduledBlock(event_id, task, f"Task {task}", at(start), at(end), billable)
