"""The rows of a period, by SQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from planner_memory.adapters.postgres.database import Database, Transaction
from planner_memory.core.intervals import Interval
from planner_memory.ports.facts import (
    Clients,
    EventCount,
    FinishedRun,
    KeptPeriod,
    LastEntry,
    MadePlan,
    OpenPlan,
    PendingPost,
    RunningTimer,
    ScheduledBlock,
    Sprint,
)
from planner_memory.ports.insights import KeptInsight


def _whose(person_id: str, clients: Clients) -> dict[str, Any]:
    return {"person_id": person_id, "clients": list(clients) if clients is not None else None}


def _during(window: Interval) -> dict[str, Any]:
    return {"start": window.start, "end": window.end}


class PostgresFactReading:
    """Fulfils Facts on one open transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def event_counts(self, person_id: str, clients: Clients, window: Interval) -> list[EventCount]:
        return await self._tx.rows("facts_event_counts", EventCount, **_whose(person_id, clients), **_during(window))

    async def last_entries(self, person_id: str, clients: Clients, before: datetime) -> list[LastEntry]:
        return await self._tx.rows("facts_last_entries", LastEntry, **_whose(person_id, clients), before=before)

    async def runs(self, person_id: str, clients: Clients, window: Interval) -> list[FinishedRun]:
        return await self._tx.rows("facts_runs", FinishedRun, **_whose(person_id, clients), **_during(window))

    async def running(self, person_id: str, clients: Clients, before: datetime) -> list[RunningTimer]:
        return await self._tx.rows("facts_running", RunningTimer, **_whose(person_id, clients), before=before)

    async def calendar_questions(self, person_id: str, clients: Clients) -> list[str]:
        return await self._tx.values("facts_calendar_questions", **_whose(person_id, clients))

    async def blocks(self, person_id: str, clients: Clients, window: Interval, *, known_at: datetime) -> list[ScheduledBlock]:
        return await self._tx.rows("facts_blocks", ScheduledBlock, **_whose(person_id, clients), **_during(window), known_at=known_at)

    async def finished_tasks(self, person_id: str, clients: Clients, task_ids: Sequence[str], before: datetime) -> frozenset[str]:
        found = await self._tx.values("facts_finished_tasks", **_whose(person_id, clients), task_ids=list(task_ids), before=before)
        return frozenset(found)

    async def plans_made(self, person_id: str, clients: Clients, window: Interval) -> list[MadePlan]:
        return await self._tx.rows("facts_plans_made", MadePlan, **_whose(person_id, clients), **_during(window))

    async def plans_due(self, person_id: str, clients: Clients, window: Interval, *, known_at: datetime) -> list[OpenPlan]:
        return await self._tx.rows("facts_plans_due", OpenPlan, **_whose(person_id, clients), **_during(window), known_at=known_at)

    async def sprint(self, person_id: str, clients: Clients, first: date, last: date) -> Sprint | None:
        return await self._tx.row("facts_sprint", Sprint, **_whose(person_id, clients), first=first, last=last)

    async def last_period(self, person_id: str, client_id: str, mode: str, *, since: datetime, until: datetime) -> KeptPeriod | None:
        return await self._tx.row("facts_last_period", KeptPeriod, person_id=person_id, client_id=client_id, mode=mode, since=since, until=until)

    async def insights(self, person_id: str, clients: Clients) -> list[KeptInsight]:
        return await self._tx.rows("facts_insights", KeptInsight, **_whose(person_id, clients))

    async def pending_posts(self, person_id: str, since: datetime) -> list[PendingPost]:
        return await self._tx.rows("facts_pending_posts", PendingPost, person_id=person_id, since=since)


class PostgresFacts:
    """Fulfils FactStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresFactReading]:
        async with self._database.begin() as tx:
            yield PostgresFactReading(tx)

    async def take_turn(self, person_id: str, client_id: str, mode: str, holder: UUID, lasts: timedelta) -> bool:
        async with self._database.begin() as tx:
            taken = await tx.value("take_reflection_turn", person_id=person_id, client_id=client_id, mode=mode, holder=holder, lasts=lasts)
        return bool(taken == holder)

    async def end_turn(self, holder: UUID) -> None:
        async with self._database.begin() as tx:
            await tx.run("end_reflection_turn", holder=holder)

    async def check(self) -> None:
        await self._database.check()
