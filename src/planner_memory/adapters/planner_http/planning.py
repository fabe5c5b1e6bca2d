"""The planner's plan status over its HTTP face."""

from collections.abc import Mapping
from urllib.parse import quote
from uuid import UUID

import httpx

from planner_memory.core.errors import Conflict, NotConnected, NotFound, Unavailable
from planner_memory.ports.planning import FinishedTask


class PlannerPlans:
    """Fulfils PlanStatus. The client carries the planner's address and the API key."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def set_plan_status(self, plan_id: UUID, status: str) -> None:
        answer = await self._asked("PATCH", f"/plans/{plan_id}", {"status": status})
        if answer.status_code == 404:
            raise NotFound(f"The planner knows no plan {plan_id}. Make one with POST /api/v1/planner/plan.")
        if answer.status_code in (409, 422):
            raise Conflict(f"The plan {plan_id} cannot become {status} now. Read it with GET /api/v1/planner/plans/{plan_id}.")

    async def record_finished(self, task: FinishedTask) -> None:
        body = {
            "task_id": task.task_id,
            "plan_id": str(task.plan_id) if task.plan_id else None,
            "client_id": task.client_id,
            "started_at": task.started_at.isoformat(),
            "ended_at": task.ended_at.isoformat(),
            "actual_hours": task.actual_hours,
            "outcome_notes": task.outcome_notes,
        }
        answer = await self._asked("POST", "/execution-runs", body)
        if answer.status_code == 404:
            raise NotFound(f"The planner knows no task {task.task_id}.")
        if answer.status_code in (409, 422):
            raise Conflict(f"The planner does not take this run of {task.task_id}: {_detail(answer)}")
        if task.plan_id is not None:
            await self._asked("POST", f"/tasks/{quote(task.task_id, safe='')}/done", {"client_id": task.client_id})

    async def _asked(self, method: str, path: str, body: Mapping[str, object]) -> httpx.Response:
        """The answer, when the planner has understood the request.

        Raises:
            NotConnected, Unavailable: it does not take the key, or does not answer.
        """
        try:
            answer = await self._client.request(method, f"/api/v1/planner{path}", json=body)
        except httpx.HTTPError as error:
            raise Unavailable("The planner does not answer. Check PLANNER_ENGINE_URL, and that the planner runs.") from error
        if answer.is_success or answer.status_code in (404, 409, 422):
            return answer
        if answer.status_code in (401, 403):
            raise NotConnected("The planner refuses the API key of the scheduler. Give both services the same PLANNER_API_KEY.")
        raise Unavailable(f"The planner answered with status {answer.status_code}. Try again in a moment.")

    async def check(self) -> None:
        try:
            answer = await self._client.get("/health")
        except httpx.HTTPError as error:
            raise Unavailable("The planner does not answer. Check PLANNER_ENGINE_URL, and that the planner runs.") from error
        if answer.status_code >= 500:
            raise Unavailable(f"The planner answered with status {answer.status_code}.")


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("detail", ""))
    except ValueError:
        return ""
