"""The planner's plan status over its HTTP face."""

from uuid import UUID

import httpx

from planner_memory.core.errors import Conflict, NotConnected, NotFound, Unavailable


class PlannerPlans:
    """Fulfils PlanStatus. The client carries the planner's address and the API key."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client

    async def set_plan_status(self, plan_id: UUID, status: str) -> None:
        try:
            answer = await self._client.patch(f"/api/v1/planner/plans/{plan_id}", json={"status": status})
        except httpx.HTTPError as error:
            raise Unavailable("The planner does not answer. Check PLANNER_ENGINE_URL, and that the planner runs.") from error
        if answer.is_success:
            return
        if answer.status_code == 404:
            raise NotFound(f"The planner knows no plan {plan_id}. Make one with POST /api/v1/planner/plan.")
        if answer.status_code in (409, 422):
            raise Conflict(f"The plan {plan_id} cannot become {status} now. Read it with GET /api/v1/planner/plans/{plan_id}.")
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
