"""Scheduler runs in PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from uuid import UUID

from psycopg.types.json import Jsonb

from planner_memory.adapters.postgres.database import Database, Transaction
from planner_memory.ports.schedules import PlanToSchedule, SchedulerRun, Sprint


class PostgresSchedules:
    """Fulfils ScheduleStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["ScheduleTransaction"]:
        async with self._database.begin() as tx:
            yield ScheduleTransaction(tx)

    async def check(self) -> None:
        await self._database.check()


class ScheduleTransaction:
    """Fulfils Schedules."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def plan(self, plan_id: UUID, clients: Sequence[str] | None) -> PlanToSchedule | None:
        return await self._tx.row("plan_to_schedule", PlanToSchedule, plan_id=plan_id, clients=_array(clients))

    async def add_run(self, run: SchedulerRun) -> None:
        await self._tx.run("add_scheduler_run", **_columns(run), plan_id=run.plan_id, client_id=run.client_id, person_id=run.person_id, **_fixed(run))

    async def run(self, run_id: UUID, clients: Sequence[str] | None, *, lock: bool = False) -> SchedulerRun | None:
        name = "scheduler_run_locked" if lock else "scheduler_run"
        return await self._tx.row(name, SchedulerRun, run_id=run_id, clients=_array(clients))

    async def save_run(self, run: SchedulerRun) -> None:
        await self._tx.run("save_scheduler_run", **_columns(run))

    async def runs(self, clients: Sequence[str] | None, *, plan_id: UUID | None, limit: int) -> list[SchedulerRun]:
        return await self._tx.rows("scheduler_runs", SchedulerRun, clients=_array(clients), plan_id=plan_id, limit=limit)

    async def run_of_event(self, event_id: str, clients: Sequence[str] | None) -> SchedulerRun | None:
        wanted = Jsonb([{"event_id": event_id}])
        return await self._tx.row("scheduler_run_of_event", SchedulerRun, wanted=wanted, clients=_array(clients))

    async def sprints(self, person_id: str, first: date, last: date, clients: Sequence[str] | None) -> list[Sprint]:
        return await self._tx.rows("sprints_to_schedule", Sprint, person_id=person_id, first=first, last=last, clients=_array(clients))

    async def unfinished_runs(self) -> list[SchedulerRun]:
        return await self._tx.rows("unfinished_scheduler_runs", SchedulerRun)


def _array(clients: Sequence[str] | None) -> list[str] | None:
    return None if clients is None else list(clients)


def _fixed(run: SchedulerRun) -> dict[str, object]:
    return {"request": Jsonb(dict(run.request)), "created_at": run.created_at}


def _columns(run: SchedulerRun) -> dict[str, object]:
    return {
        "run_id": run.id,
        "status": run.status,
        "schedule_blocks": Jsonb([dict(b) for b in run.schedule_blocks]),
        "unscheduled": Jsonb([dict(u) for u in run.unscheduled]),
        "score": Jsonb(dict(run.score)),
        "metadata": Jsonb(dict(run.metadata)),
    }
