"""The runs of one person, as the parts of the scheduler read and store them."""

from collections.abc import Sequence
from uuid import UUID

from planner_memory.core.errors import NotFound
from planner_memory.ports.schedules import SchedulerRun, ScheduleStore

Clients = Sequence[str] | None


class Runs:
    """Each method is one transaction. `clients` are those whose runs the caller may see; None means all."""

    def __init__(self, store: ScheduleStore) -> None:
        self._store = store

    async def add(self, run: SchedulerRun) -> None:
        async with self._store.begin() as tx:
            await tx.add_run(run)

    async def save(self, run: SchedulerRun) -> None:
        async with self._store.begin() as tx:
            await tx.save_run(run)

    async def run(self, run_id: UUID, *, clients: Clients) -> SchedulerRun:
        """
        Raises:
            NotFound: no such run for this caller.
        """
        async with self._store.begin() as tx:
            run = await tx.run(run_id, clients)
        if run is None:
            raise NotFound(f"There is no scheduler run {run_id}. GET /api/v1/scheduler/schedules lists those that exist.")
        return run

    async def newest(self, *, plan_id: UUID | None, clients: Clients, limit: int) -> list[SchedulerRun]:
        """The newest first."""
        async with self._store.begin() as tx:
            return await tx.runs(clients, plan_id=plan_id, limit=limit)

    async def applied_of(self, plan_id: UUID, clients: Clients) -> SchedulerRun | None:
        runs = await self.newest(plan_id=plan_id, clients=clients, limit=50)
        return next((r for r in runs if r.status == "applied"), None)

    async def event_ids_of(self, plan_id: UUID, clients: Clients) -> set[str]:
        run = await self.applied_of(plan_id, clients)
        return {b["event_id"] for b in run.schedule_blocks} if run else set()
