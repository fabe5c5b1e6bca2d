"""Brings committed chunks into the index, and takes deleted ones out."""

import asyncio
from collections.abc import Collection, Sequence
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.memory_gateway.index_loop import BATCH, LEASE_SECONDS, IndexLoop, Outcome, PatientEmbedder
from planner_memory.ports.documents import DocumentStore, StoredChunk
from planner_memory.ports.embedder import Embedder
from planner_memory.ports.vectors import Point, VectorIndex

COLLECTION = "doc_chunks"
_FORGOTTEN_AT_ONCE = 500


def indexed_text(chunk: StoredChunk) -> str:
    """The chunk under its title and headings, so that both can be matched where the chunk itself does not repeat them."""
    above = f"{chunk.title} > {chunk.heading}" if chunk.heading else chunk.title
    return f"{above}\n{chunk.content}"


class DocumentIndexer:
    """What the loop does for chunks of documents."""

    def __init__(self, *, store: DocumentStore, vectors: VectorIndex, embedder: Embedder | None, sweep_seconds: float = 2) -> None:
        self._store = store
        self._vectors = vectors
        self._embedder = PatientEmbedder(embedder)
        self._loop = IndexLoop("chunks of documents", self._batch, end_leases=self._end_leases, sweep_seconds=sweep_seconds)

    def open(self) -> None:
        self._loop.open()

    async def close(self) -> None:
        await self._loop.close()

    def wake(self) -> asyncio.Task[None]:
        return self._loop.wake()

    async def wait_for(self, ids: Sequence[UUID], seconds: float) -> dict[UUID, Outcome]:
        return await self._loop.wait_for(ids, seconds)

    async def _end_leases(self) -> None:
        async with self._store.begin(may_be_lost=True) as tx:
            await tx.end_leases()

    async def _batch(self, first: Collection[UUID]) -> bool:
        """False when nothing more was due, or when the index does not answer."""
        async with self._store.begin(may_be_lost=True) as tx:
            gone = await tx.forgotten(_FORGOTTEN_AT_ONCE)
        if gone:
            await self._vectors.delete(gone)  # before anything is leased: this raises when the index is down
            async with self._store.begin(may_be_lost=True) as tx:
                await tx.confirm_forgotten(gone)
        async with self._store.begin(may_be_lost=True) as tx:
            chunks = await tx.claim(first=list(first), limit=BATCH, lease_seconds=LEASE_SECONDS)
        if not chunks:
            return len(gone) == _FORGOTTEN_AT_ONCE
        ids = [c.id for c in chunks]
        dense, reason = await self._embedder.embed([indexed_text(c) for c in chunks])
        try:
            await self._vectors.upsert([_point(c, v) for c, v in zip(chunks, dense, strict=True)])
        except PlannerMemoryError as error:
            async with self._store.begin(may_be_lost=True) as tx:
                await tx.mark_unindexed(chunks, state="failed", error=error.detail)
            self._loop.tell(ids, Outcome("failed", error.detail))
            return False
        async with self._store.begin(may_be_lost=True) as tx:
            missing = await (tx.mark_unindexed(chunks, state="pending", error=f"no vector: {reason}") if reason else tx.mark_indexed(chunks))
        if missing:  # replaced or deleted while they were embedded
            await self._vectors.delete(missing)
        self._loop.tell(ids, Outcome("lexical", reason) if reason else Outcome("indexed"))
        return len(chunks) == BATCH


def _point(chunk: StoredChunk, dense: NDArray[np.float32] | None) -> Point:
    return Point(
        id=chunk.id, collection=COLLECTION, client_id=chunk.client_id, lexical={"text": indexed_text(chunk)}, dense=dense, memory_type="document"
    )
