"""Changes to one memory: each leaves what was before in the history and makes the memory, and its neighbours, due for indexing."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from planner_memory.core.errors import NotFound
from planner_memory.memory_gateway.answers import Answers
from planner_memory.memory_gateway.documents import memory_document
from planner_memory.memory_gateway.requests import at
from planner_memory.memory_gateway.texts import REACH
from planner_memory.ports.memories import MemoryStore, MemoryTransaction, StoredMemory

Clients = tuple[str, ...] | None
_PLACES = {"thread_id", "occurred_at"}  # a change of these leaves one neighbourhood and enters another


async def found_memory(tx: MemoryTransaction, memory_id: UUID, clients: Clients) -> StoredMemory:
    """Raises NotFound for a memory that is not there or belongs to another client."""
    found = await tx.memories([memory_id])
    if not found or (clients is not None and found[0].client_id not in clients):
        raise NotFound(f"There is no memory {memory_id}. GET /api/v1/memory/memories lists what there is.")
    return found[0]


class Editing:
    """`indexed` waits a moment until the index has followed one memory."""

    def __init__(
        self,
        *,
        store: MemoryStore,
        answers: Answers,
        zone: Callable[[], Awaitable[ZoneInfo]],
        indexed: Callable[[UUID], Awaitable[object]],
    ) -> None:
        self._store = store
        self._answers = answers
        self._zone = zone
        self._indexed = indexed

    async def change(self, memory_id: UUID, clients: Clients, changes: Mapping[str, Any]) -> dict[str, Any]:
        """The memory after the change. Values that are the same already change nothing and leave no history.

        Raises:
            NotFound: the caller has no such memory.
            InvalidInput: `occurred_at` cannot be read.
        """
        sent = dict(changes)
        if "occurred_at" in sent:
            sent["occurred_at"] = at(sent["occurred_at"], await self._zone(), field="occurred_at").isoformat()
        async with self._store.begin() as tx:
            before = await found_memory(tx, memory_id, clients)
            await tx.lock([before.client_id])
            if _PLACES & sent.keys():
                await tx.disturb([memory_id], REACH)
            await tx.change(memory_id, sent)
        await self._answers.advance([before.client_id])
        await self._indexed(memory_id)
        async with self._store.begin() as tx:
            return memory_document(await found_memory(tx, memory_id, clients))

    async def history(self, memory_id: UUID, clients: Clients) -> dict[str, Any]:
        """What was changed, newest first, each field before and after."""
        async with self._store.begin() as tx:
            row = await found_memory(tx, memory_id, clients)
            changes = await tx.history(memory_id)
        return {
            "memory_id": str(memory_id),
            "created_at": row.created_at.astimezone(UTC).isoformat(),
            "history": [{"revision": c.revision, "changed_at": c.changed_at.astimezone(UTC).isoformat(), "changes": c.changes} for c in changes],
            "total": len(changes),
        }
