"""The planner as the scheduler uses it: through its HTTP face."""

from typing import Protocol
from uuid import UUID


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
