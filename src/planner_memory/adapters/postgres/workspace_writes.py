"""Wishes to the workspace in PostgreSQL, in the transactions of the plans."""

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.types.json import Jsonb

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.plans import PostgresPlanTransaction
from planner_memory.ports.plans import Run
from planner_memory.ports.workspace_writes import KeptWrite, PastHours, TaskState, TouchedTask, WorkspaceWrite, WriteBacklog, WriteState


@dataclass(frozen=True, slots=True)
class _Node:
    client_id: str
    node_id: str
    node_type: str


@dataclass(frozen=True, slots=True)
class _RunOfPlan(Run):
    own_template_id: str | None = None


def _claim(write: KeptWrite) -> dict[str, Any]:
    return {"key": write.key, "revision": write.revision, "leased_until": write.leased_until}


class PostgresWorkspaceWriteTransaction(PostgresPlanTransaction):
    """Fulfils WorkspaceWriteTransaction."""

    async def want(self, writes: Sequence[WorkspaceWrite]) -> int:
        changed = 0
        for write in writes:
            values = {name: getattr(write, name) for name in ("key", "kind", "client_id", "plan_id", "task_id")}
            changed += await self._tx.run("want_workspace_write", **values, payload=Jsonb(dict(write.payload)))
        return changed

    async def claim_writes(self, *, plan_id: UUID | None, limit: int, lease_seconds: float) -> list[KeptWrite]:
        found = await self._tx.rows("claim_workspace_writes", KeptWrite, plan_id=plan_id, limit=limit, lease_seconds=lease_seconds)
        return sorted(found, key=lambda w: (w.noted_at, w.key))

    async def finish_write(self, write: KeptWrite, result: Mapping[str, Any]) -> None:
        await self._tx.run("finish_workspace_write", **_claim(write), result=Jsonb(dict(result)))

    async def put_off_write(self, write: KeptWrite, *, error: str, wait_seconds: float) -> None:
        await self._tx.run("put_off_workspace_write", **_claim(write), error=error, wait_seconds=wait_seconds)

    async def refuse_write(self, write: KeptWrite, *, error: str) -> None:
        await self._tx.run("refuse_workspace_write", **_claim(write), error=error)

    async def writes(
        self, *, plan_id: UUID | None = None, keys: Sequence[str] = (), state: WriteState | None = None, limit: int = 200
    ) -> list[KeptWrite]:
        return await self._tx.rows("workspace_writes", KeptWrite, plan_id=plan_id, keys=list(keys), state=state, limit=limit)

    async def try_again(self) -> int:
        return await self._tx.run("try_workspace_writes_again")

    async def write_backlog(self) -> WriteBacklog:
        return await self._tx.row("workspace_write_backlog", WriteBacklog) or WriteBacklog()

    async def task_states(self, client_id: str, task_ids: Sequence[str], plan_id: UUID | None) -> list[TaskState]:
        return await self._tx.rows("workspace_task_states", TaskState, client_id=client_id, task_ids=list(task_ids), plan_id=plan_id)

    async def tasks_touched(self, since: datetime) -> list[TouchedTask]:
        return await self._tx.rows("workspace_tasks_touched", TouchedTask, since=since)

    async def past_hours(self, workflow_id: str) -> PastHours:
        return await self._tx.row("past_workflow_hours", PastHours, workflow_id=workflow_id) or PastHours()

    async def set_template(self, plan_id: UUID, process_template_id: str) -> None:
        await self._tx.run("set_plan_template", plan_id=plan_id, process_template_id=process_template_id)

    async def cursor(self, origin: str, kind: str) -> str | None:
        found: str | None = await self._tx.value("workspace_cursor", origin=origin, kind=kind)
        return found

    async def set_cursor(self, origin: str, kind: str, cursor: str) -> None:
        await self._tx.run("set_workspace_cursor", origin=origin, kind=kind, cursor=cursor)

    async def graph_nodes(self, node_ids: Sequence[str]) -> list[tuple[str, str, str]]:
        found = await self._tx.rows("workspace_graph_nodes", _Node, node_ids=list(node_ids))
        return [(node.client_id, node.node_id, node.node_type) for node in found]

    async def runs_ended_since(self, since: datetime | None, *, limit: int) -> list[tuple[Run, str | None]]:
        found = await self._tx.rows("runs_ended_since", _RunOfPlan, since=since, limit=limit)
        return [(Run(**{name: getattr(each, name) for name in Run.__slots__}), each.own_template_id) for each in found]


class PostgresWorkspaceWrites:
    """Fulfils WorkspaceWriteStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresWorkspaceWriteTransaction]:
        async with self._database.begin() as tx:
            yield PostgresWorkspaceWriteTransaction(tx)
