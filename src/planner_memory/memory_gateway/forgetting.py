"""Deletes memories in every store, and says for each how many went and when that was checked."""

from dataclasses import dataclass
from typing import Any
from uuid import UUID

from planner_memory.core.clock import Clock
from planner_memory.core.errors import PlannerMemoryError
from planner_memory.memory_gateway.answers import Answers
from planner_memory.memory_gateway.documents import StoreReceipt, receipt_document
from planner_memory.memory_gateway.following import Following
from planner_memory.memory_gateway.retrieval import index_filter
from planner_memory.memory_gateway.texts import REACH
from planner_memory.ports.embedder import Embedder
from planner_memory.ports.memories import MemoryStore, Selection
from planner_memory.ports.vectors import VectorIndex


@dataclass(frozen=True, slots=True)
class Forgetting:
    """The ids of deleted rows stay in the store, written in the same transaction, until the index has confirmed them."""

    _store: MemoryStore
    _vectors: VectorIndex | None
    _embedder: Embedder | None
    _answers: Answers
    _clock: Clock
    _index_vendor: str
    _cache_vendor: str | None
    _following: Following

    async def forget(self, ids: list[UUID], client_id: str, chosen: Selection | None) -> dict[str, Any]:
        async with self._store.begin() as tx:
            await tx.lock([client_id])
            gone = await tx.forget(ids, REACH)
        now = self._clock().isoformat()
        stores = {"postgres": StoreReceipt("removed", len(gone), now, 0)}
        cached = await self._answers.advance([client_id])
        if self._embedder is not None:
            cached = await self._answers.drop_vectors(self._embedder.name, gone) and cached
        stores[self._index_vendor] = await self._in_index(gone, chosen)
        detail = "Cached answers cannot be reached any more and end within an hour."
        stores[self._cache_vendor or "cache"] = StoreReceipt("removed" if cached else "pending", len(gone) if cached else 0, now, detail=detail)
        stores |= await self._following.receipts(gone)
        await self._answers.advance([client_id])  # an answer made while the index still held them
        return receipt_document(gone, stores, self._clock())

    async def _in_index(self, gone: list[UUID], chosen: Selection | None) -> StoreReceipt:
        if self._vectors is None:
            async with self._store.begin() as tx:
                await tx.confirm_forgotten(gone)
            return StoreReceipt("off", 0, self._clock().isoformat())
        try:
            for start in range(0, len(gone), 1_000):
                await self._vectors.delete(gone[start : start + 1_000])
            remaining = await self._vectors.count(index_filter(chosen)) if chosen else None
        except PlannerMemoryError as error:
            return StoreReceipt("pending", 0, self._clock().isoformat(), detail=f"{error.detail} It is tried again until it holds.")
        async with self._store.begin() as tx:
            await tx.confirm_forgotten(gone)
        return StoreReceipt("removed", len(gone), self._clock().isoformat(), remaining)
