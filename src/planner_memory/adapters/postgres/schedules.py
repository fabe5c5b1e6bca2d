"""Scheduler runs in PostgreSQL."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date
from uuid import UUID

import psycopg
from psycopg.types.json import Jsonb

from planner_memory.adapters.postgres.calendar_sync import CalendarSyncQueries
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.journal import JournalQueries
from planner_memory.core.errors import Conflict, Unavailable
from planner_memory.ports.schedules import PlanToSchedule, SchedulerRun, Sprint

_LOCKS = 7_306_014  # first key of the advisory locks on persons' calendars
_PATIENCE_SECONDS = 30


class PostgresSchedules:
    """Fulfils ScheduleStore."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._turns: dict[str, asyncio.Lock] = {}

    @asynccontextmanager
    async def begin(self) -> AsyncIterator["ScheduleTransaction"]:
        async with self._database.begin() as tx:
            yield ScheduleTransaction(tx)

    @asynccontextmanager
    async def hold(self, person_id: str) -> AsyncIterator[None]:
        """An advisory lock on a connection outside the pool, which is thus not held while the calendar is awaited; it ends with the process."""
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS) as patience, self._turns.setdefault(person_id, asyncio.Lock()):
                connection = await self._locked(person_id)
                patience.reschedule(None)
                async with connection:
                    yield
        except TimeoutError as error:
            if not patience.expired():
                raise
            raise Conflict("Another change of this calendar takes long. Ask again in a moment.", retry_after=5) from error

    async def _locked(self, person_id: str) -> psycopg.AsyncConnection[tuple[object, ...]]:
        try:
            connection = await psycopg.AsyncConnection.connect(self._database.dsn, autocommit=True)
            try:
                await connection.execute("select set_config('lock_timeout', %s, false)", (f"{_PATIENCE_SECONDS}s",))
                await connection.execute("select pg_advisory_lock(%s, hashtext(%s))", (_LOCKS, person_id))
            except BaseException:
                await connection.close()
                raise
        except psycopg.errors.LockNotAvailable as error:
            raise Conflict("Another process changes this calendar. Ask again in a moment.", retry_after=5) from error
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise Unavailable("PostgreSQL does not answer; nothing was stored. Try again in a moment.") from error
        return connection

    async def check(self) -> None:
        await self._database.check()


class ScheduleTransaction(JournalQueries, CalendarSyncQueries):
    """Fulfils Schedules."""

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

    async def runway_weeks(self, person_id: str) -> float | None:
        weeks: float | None = await self._tx.value("runway_weeks", person_id=person_id)
        return weeks

    async def untold_runs(self) -> list[SchedulerRun]:
        return await self._tx.rows("untold_runs", SchedulerRun)

    async def told_run(self, run_id: UUID, warnings: Sequence[str], *, is_over: bool) -> None:
        await self._tx.run("told_run", run_id=run_id, warnings=Jsonb(list(warnings)), is_over=is_over)

    async def done_tasks(self, task_ids: Sequence[str]) -> set[str]:
        found: list[str] = await self._tx.value("done_tasks", task_ids=list(task_ids))
        return set(found)

    async def runs_by_id(self, run_ids: Sequence[UUID]) -> list[SchedulerRun]:
        return await self._tx.rows("scheduler_runs_by_id", SchedulerRun, run_ids=list(run_ids))


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
