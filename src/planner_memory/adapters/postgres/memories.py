"""Memories in PostgreSQL: the table `events`, and the ids of what was deleted from it until the index has followed."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from planner_memory.adapters.postgres.archive import PostgresArchive
from planner_memory.adapters.postgres.database import Database, Transaction
from planner_memory.adapters.postgres.graph import PostgresGraph
from planner_memory.ports.memories import Added, Candidate, Forgotten, MemoryToStore, Pending, Scored, Selection, StoredMemory


@dataclass(frozen=True, slots=True)
class _Added:
    id: UUID
    created_at: datetime | None  # None: it was there
    index_due_at: datetime | None


@dataclass(frozen=True, slots=True)
class _Count:
    client_id: str
    count: int


def _conditions(selection: Selection) -> dict[str, Any]:
    def listed(values: tuple[str, ...] | None) -> list[str] | None:
        return None if values is None else list(values)

    return {
        "clients": listed(selection.clients),
        "memory_types": listed(selection.memory_types),
        "event_types": listed(selection.event_types),
        "thread_id": selection.thread_id,
        "since": selection.since,
        "until": selection.until,
        "as_of": selection.as_of,
        "include_superseded": selection.include_superseded,
        "pinned": selection.pinned,
    }


def _row(memory: MemoryToStore) -> dict[str, Any]:
    return {
        "id": str(memory.id),
        "client_id": memory.client_id,
        "person_id": memory.person_id,
        "memory_type": memory.memory_type,
        "event_type": memory.event_type,
        "event_source": memory.event_source,
        "content": memory.content,
        "payload": dict(memory.payload),
        "metadata": dict(memory.metadata),
        "entities": list(memory.entities),
        "occurred_at": memory.occurred_at.isoformat(),
        "thread_id": memory.thread_id,
    }


def _compared(memory: MemoryToStore) -> dict[str, Any]:
    """With what a repeat is known by."""
    return {**_row(memory), "content_hash": memory.content_hash, "occurred_at_given": memory.occurred_at_given}


def _added(answer: _Added, memory: MemoryToStore) -> Added:
    return Added(answer.id, _stored(memory, answer.created_at, answer.index_due_at) if answer.created_at and answer.index_due_at else None)


def _stored(memory: MemoryToStore, created_at: datetime, index_due_at: datetime) -> StoredMemory:
    return StoredMemory(
        id=memory.id,
        client_id=memory.client_id,
        person_id=memory.person_id,
        memory_type=memory.memory_type,
        event_type=memory.event_type,
        event_source=memory.event_source,
        content=memory.content,
        payload=dict(memory.payload),
        metadata=dict(memory.metadata),
        entities=list(memory.entities),
        occurred_at=memory.occurred_at,
        thread_id=memory.thread_id,
        pinned=False,
        created_at=created_at,
        superseded_at=None,
        superseded_by=None,
        index_state="pending",
        index_due_at=index_due_at,
    )


def _leased(rows: Sequence[StoredMemory]) -> dict[str, Any]:
    return {"ids": [r.id for r in rows], "leases": [r.index_due_at for r in rows]}


class PostgresMemoryTransaction(PostgresGraph, PostgresArchive):
    """Fulfils MemoryTransaction."""

    def __init__(self, tx: Transaction) -> None:
        super().__init__(tx)

    async def lock(self, clients: Sequence[str]) -> None:
        await self._tx.run("lock_clients", clients=list(clients))

    async def add(self, memories: Sequence[MemoryToStore]) -> None:
        if memories:
            await self._tx.run("add_memories", memories=[_row(m) for m in memories])

    async def add_unless_repeated(self, memories: Sequence[MemoryToStore], *, lease_seconds: float = 0) -> list[Added]:
        if not memories:
            return []
        asked = [{**_compared(m), "n": n} for n, m in enumerate(memories)]
        answers = await self._tx.rows("add_memories_unless_repeated", _Added, memories=asked, lease_seconds=lease_seconds)
        return [_added(a, m) for a, m in zip(answers, memories, strict=True)]

    async def supersede(self, old: UUID, new: UUID, at: datetime) -> None:
        await self._tx.run("supersede_memory", old=old, new=new, at=at)

    async def memories(self, ids: Sequence[UUID]) -> list[StoredMemory]:
        return await self._tx.rows("memories_by_id", StoredMemory, ids=list(ids))

    async def listed(self, selection: Selection, *, before: tuple[datetime, UUID] | None, limit: int) -> list[StoredMemory]:
        before_at, before_id = before or (None, None)
        return await self._tx.rows("list_memories", StoredMemory, **_conditions(selection), before_at=before_at, before_id=before_id, limit=limit)

    async def candidates(self, ids: Sequence[UUID], selection: Selection) -> list[Candidate]:
        listed = "{" + ",".join([each.hex for each in ids]) + "}"  # an array as text: a third of the time that adapting it item by item takes
        return await self._tx.rows("memory_candidates", Candidate, ids=listed, **_conditions(selection))

    async def by_words(self, text: str, selection: Selection, limit: int, *, unindexed_only: bool = False) -> list[Scored]:
        found = {"text": text, **_conditions(selection), "limit": limit, "unindexed_only": unindexed_only}
        return await self._tx.rows("memories_by_words", Scored, **found)

    async def ids(self, selection: Selection) -> list[UUID]:
        return await self._tx.values("memory_ids", **_conditions(selection))

    async def forget(self, ids: Sequence[UUID], reach: int) -> list[UUID]:
        await self._tx.run("mark_neighbours_pending", ids=list(ids), reach=reach)
        return await self._tx.values("forget_memories_by_id", ids=list(ids))

    async def claim(self, *, first: Sequence[UUID], limit: int, lease_seconds: float) -> list[StoredMemory]:
        claimed: list[StoredMemory] = []
        if first:
            claimed = await self._tx.rows("claim_memories_first", StoredMemory, first=list(first), limit=limit, lease_seconds=lease_seconds)
        if len(claimed) < limit:
            more = await self._tx.rows("claim_memories_due", StoredMemory, limit=limit - len(claimed), lease_seconds=lease_seconds)
            claimed += more
        return claimed

    async def around(self, ids: Sequence[UUID], reach: int) -> list[StoredMemory]:
        return await self._tx.rows("memories_around", StoredMemory, ids=list(ids), reach=reach)

    async def mark_indexed(self, rows: Sequence[StoredMemory]) -> list[UUID]:
        return await self._tx.values("mark_memories_indexed", **_leased(rows))

    async def mark_unindexed(self, rows: Sequence[StoredMemory], *, state: str, error: str) -> list[UUID]:
        return await self._tx.values("mark_memories_unindexed", **_leased(rows), state=state, error=error)

    async def end_leases(self) -> int:
        return await self._tx.run("end_memory_leases")

    async def mark_all_pending(self) -> int:
        return await self._tx.run("mark_all_memories_pending")

    async def pending(self, *, but_for: Sequence[StoredMemory] = ()) -> Pending:
        return await self._tx.row("pending_memories", Pending, **_leased(but_for)) or Pending(0, None)

    async def overdue(self, seconds: float, *, but_for: Sequence[StoredMemory] = ()) -> dict[str, int]:
        counts = await self._tx.rows("overdue_memories", _Count, **_leased(but_for), seconds=seconds)
        return {each.client_id: each.count for each in counts}

    async def forgotten(self, limit: int) -> list[Forgotten]:
        return await self._tx.rows("forgotten_memories", Forgotten, limit=limit)

    async def confirm_forgotten(self, ids: Sequence[UUID]) -> None:
        await self._tx.run("confirm_forgotten_memories", ids=list(ids))


class PostgresMemories:
    """Fulfils MemoryStore."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @asynccontextmanager
    async def begin(self, *, may_be_lost: bool = False, locking: Sequence[str] = ()) -> AsyncIterator[PostgresMemoryTransaction]:
        async with self._database.begin(may_be_lost=may_be_lost, locking=locking) as tx:
            yield PostgresMemoryTransaction(tx)

    async def add_unless_repeated(self, memory: MemoryToStore, *, lease_seconds: float = 0) -> Added:
        asked = {**_compared(memory), "lease_seconds": lease_seconds}
        [answer] = await self._database.at_once("add_memory_unless_repeated", _Added, locking=[memory.client_id], **asked)
        if answer.id != memory.id or answer.created_at is not None:
            return _added(answer, memory)
        async with self.begin() as tx:  # it was carried out although the connection died before it said so
            return Added(memory.id, next(iter(await tx.memories([memory.id])), None))

    async def check(self) -> None:
        await self._database.check()
