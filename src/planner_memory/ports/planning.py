"""The planner as the scheduler uses it: through its HTTP face."""

from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class FinishedTask:
    """A task that a person says was done, and when. `actual_hours` are what it took; the span may be longer."""

    task_id: str
    plan_id: UUID | None
    client_id: str | None
    started_at: datetime
    ended_at: datetime
    actual_hours: float
    outcome_notes: str | None = None


class PlanStatus(Protocol):
    """The planner owns `plans`; the scheduler tells it when a plan becomes scheduled, and when an undo makes it a draft again."""

    async def set_plan_status(self, plan_id: UUID, status: str) -> None:
        """Safe to repeat.

        Raises:
            NotFound: no such plan.
            Conflict: the plan cannot take that status now.
            Unavailable: the planner does not answer.
        """
        ...

    async def record_finished(self, task: FinishedTask) -> None:
        """Records an execution run of the task, and marks the task done when it belongs to a plan. Safe to repeat.

        Raises:
            NotFound: no such task.
            Conflict: another run of the task began at that time.
            Unavailable: the planner does not answer.
        """
        ...
