"""Plans and execution runs in PostgreSQL."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from planner_memory.adapters.postgres.database import Database, Transaction
from planner_memory.core.intervals import Interval
from planner_memory.ports.plans import Clients, PastRun, PlacedBlock, Plan, PlanGlance, PlanRevision, PlanTransaction, PooledRuns, Run, RunHistory


def _listed(clients: Clients) -> list[str] | None:
    return None if clients is None else list(clients)


def _values(plan: Plan) -> dict[str, Any]:
    return {**{f: getattr(plan, f) for f in Plan.__slots__}, "sop": Jsonb(dict(plan.sop)), "metadata": Jsonb(dict(plan.metadata))}


class PostgresPlanTransaction:
    """Fulfils PlanTransaction."""

    def __init__(self, tx: Transaction) -> None:
        self._tx = tx

    async def add_plan(self, plan: Plan) -> None:
        await self._tx.run("add_plan", **_values(plan))

    async def plan(self, plan_id: UUID, clients: Clients, *, locked: bool = False) -> Plan | None:
        return await self._tx.row("plan_locked" if locked else "plan", Plan, plan_id=plan_id, clients=_listed(clients))

    async def plans(self, clients: Clients, *, status: str | None, limit: int) -> list[Plan]:
        return await self._tx.rows("plans", Plan, clients=_listed(clients), status=status, limit=limit)

    async def plans_since(self, clients: Clients, since: datetime, *, limit: int) -> list[PlanGlance]:
        return await self._tx.rows("plans_since", PlanGlance, clients=_listed(clients), since=since, limit=limit)

    async def plan_of_pattern(self, clients: Clients, pattern: str, *, generator: str | None = None) -> Plan | None:
        return await self._tx.row("plan_of_pattern", Plan, clients=_listed(clients), pattern=pattern, generator=generator)

    async def plans_untold(self, limit: int) -> list[Plan]:
        return await self._tx.rows("plans_untold", Plan, limit=limit)

    async def settle_answers(self, call_ids: Sequence[UUID]) -> None:
        for call_id in call_ids:
            await self._tx.run("settle_model_call", call_id=call_id)

    async def save_plan(self, plan: Plan) -> None:
        await self._tx.run("save_plan", **_values(plan))

    async def mark_told(self, plan_id: UUID) -> None:
        await self._tx.run("mark_plan_told", plan_id=plan_id)

    async def keep_revision(self, plan: Plan) -> None:
        await self._tx.run("keep_plan_revision", plan_id=plan.id)

    async def revisions(self, plan_id: UUID) -> list[PlanRevision]:
        return await self._tx.rows("plan_revisions", PlanRevision, plan_id=plan_id)

    async def lock_task(self, client_id: str, task_id: str) -> None:
        await self._tx.run("lock_task", client_id=client_id, task_id=task_id)

    async def add_run(self, run: Run) -> bool:
        return await self._tx.run("add_run", **{**asdict(run), "metadata": Jsonb(dict(run.metadata))}) == 1

    async def save_run(self, run: Run) -> None:
        await self._tx.run(
            "save_run",
            id=run.id,
            ended_at=run.ended_at,
            actual_hours=run.actual_hours,
            observed_hours=run.observed_hours,
            outcome_notes=run.outcome_notes,
            metadata=Jsonb(dict(run.metadata)),
        )

    async def run_at(self, client_id: str, task_id: str, started_at: datetime) -> Run | None:
        return await self._tx.row("run_at", Run, client_id=client_id, task_id=task_id, started_at=started_at)

    async def runs(self, clients: Clients, *, task_id: str | None = None, plan_id: UUID | None = None, limit: int = 200) -> list[Run]:
        return await self._tx.rows("runs", Run, clients=_listed(clients), task_id=task_id, plan_id=plan_id, limit=limit)

    async def running(self, person_id: str, clients: Clients) -> list[Run]:
        return await self._tx.rows("running", Run, person_id=person_id, clients=_listed(clients))

    async def runs_ended(self, person_id: str, clients: Clients, window: Interval) -> list[Run]:
        return await self._tx.rows("runs_ended", Run, person_id=person_id, clients=_listed(clients), start=window.start, end=window.end)

    async def blocks(self, person_id: str, clients: Clients, window: Interval) -> list[PlacedBlock]:
        return await self._tx.rows("blocks_placed", PlacedBlock, person_id=person_id, clients=_listed(clients), start=window.start, end=window.end)

    async def history(self, person_id: str, *, step_keys: Sequence[str], template_ids: Sequence[str], workflow_ids: Sequence[str]) -> RunHistory:
        own = await self._tx.rows("history_own", PastRun, person_id=person_id)
        everyone = await self._tx.row("history_everyone", PooledRuns) or PooledRuns()
        if not (step_keys or template_ids or workflow_ids):
            return RunHistory(own, everyone)
        related = await self._tx.rows(
            "history_related",
            PastRun,
            step_keys=sorted(set(step_keys)),
            template_ids=sorted(set(template_ids)),
            workflow_ids=sorted(set(workflow_ids)),
        )
        return RunHistory(own, everyone, related)


class PostgresPlans:
    """Fulfils PlanStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PlanTransaction]:
        async with self._database.begin() as tx:
            yield PostgresPlanTransaction(tx)

    async def check(self) -> None:
        await self._database.check()
