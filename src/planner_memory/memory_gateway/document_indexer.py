"""Brings committed chunks into the index, and takes deleted ones out, as the indexer of memories does for events."""

import asyncio
import contextlib
import time
from collections.abc import Sequence
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway.indexer import BATCH, Outcome
from planner_memory.ports.documents import DocumentStore, StoredChunk
from planner_memory.ports.embedder import Embedder
from planner_memory.ports.vectors import Point, VectorIndex

log = structlog.get_logger()
COLLECTION = "doc_chunks"
_LEASE_SECONDS = 60
_EMBEDDER_REST_SECONDS = 5
_FORGOTTEN_AT_ONCE = 500


def indexed_text(chunk: StoredChunk) -> str:
    """The chunk under its title and headings, so that both can be matched where the chunk itself does not repeat them."""
    above = f"{chunk.title} > {chunk.heading}" if chunk.heading else chunk.title
    return f"{above}\n{chunk.content}"


class DocumentIndexer:
    """PostgreSQL says what is pending; this holds nothing that a crash could lose."""

    def __init__(self, *, store: DocumentStore, vectors: VectorIndex, embedder: Embedder | None, sweep_seconds: float = 2) -> None:
        self._store = store
        self._vectors = vectors
        self._embedder = embedder
        self._sweep_seconds = sweep_seconds
        self._waiting: dict[UUID, asyncio.Future[Outcome]] = {}
        self._run: asyncio.Task[None] | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._again = False
        self._closing = False
        self._embedder_rests_until = 0.0

    def open(self) -> None:
        """Starts to look for chunks that were left over."""
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Finishes the batch under way; the rest stays pending for the next process."""
        self._closing = True
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
            self._sweeper = None
        if self._run is not None and not self._run.done():
            await self._run

    def wake(self) -> asyncio.Task[None]:
        """Sees to it that everything pending now is looked at, and returns the run that does."""
        self._again = True
        if self._run is None or self._run.done():
            self._run = asyncio.create_task(self._drain())
        return self._run

    async def wait_for(self, ids: Sequence[UUID], seconds: float) -> dict[UUID, Outcome]:
        """Wakes the run and waits, at most that long; the answer leaves out what is not done yet."""
        loop = asyncio.get_running_loop()
        futures = {each: self._waiting.setdefault(each, loop.create_future()) for each in ids}
        self.wake()
        if futures:
            await asyncio.wait(futures.values(), timeout=seconds)
        for each in ids:
            self._waiting.pop(each, None)
        return {each: future.result() for each, future in futures.items() if future.done()}

    async def _sweep(self) -> None:
        while True:
            self.wake()
            await asyncio.sleep(self._sweep_seconds)

    async def _drain(self) -> None:
        try:
            with spanning("indexing"):  # the task carries the scope of whoever woke it
                while not self._closing:
                    self._again = False
                    if not await self._batch() and not self._again:
                        return
        except PlannerMemoryError as error:
            log.warning("indexing of documents paused", reason=error.detail)
        except Exception:
            log.exception("indexing of documents stopped; the chunks stay pending")

    async def _batch(self) -> bool:
        """One round. False when there was nothing to do, or when the index does not answer."""
        async with self._store.begin() as tx:
            gone = await tx.forgotten(_FORGOTTEN_AT_ONCE)
        if gone:
            await self._vectors.delete(gone)  # before anything is leased: this raises when the index is down
            async with self._store.begin() as tx:
                await tx.confirm_forgotten(gone)
        async with self._store.begin() as tx:
            chunks = await tx.claim(first=list(self._waiting), limit=BATCH, lease_seconds=_LEASE_SECONDS)
        if not chunks:
            return len(gone) == _FORGOTTEN_AT_ONCE
        dense, reason = await self._dense(chunks)
        try:
            await self._vectors.upsert([_point(c, v) for c, v in zip(chunks, dense, strict=True)])
        except PlannerMemoryError as error:
            async with self._store.begin() as tx:
                await tx.mark_unindexed(chunks, state="failed", error=error.detail)
            self._tell(chunks, Outcome("failed", error.detail))
            return False
        async with self._store.begin() as tx:
            missing = await (tx.mark_unindexed(chunks, state="pending", error=f"no vector: {reason}") if reason else tx.mark_indexed(chunks))
        if missing:  # replaced or deleted while they were embedded
            await self._vectors.delete(missing)
        self._tell(chunks, Outcome("lexical", reason) if reason else Outcome("indexed"))
        return True

    async def _dense(self, chunks: Sequence[StoredChunk]) -> tuple[list[NDArray[np.float32] | None], str]:
        """A vector per chunk, and why there is none when the embedder does not answer."""
        nothing: list[NDArray[np.float32] | None] = [None] * len(chunks)
        if self._embedder is None:
            return nothing, ""
        if time.monotonic() < self._embedder_rests_until:
            return nothing, "the embedder did not answer a moment ago"
        try:
            return list(await self._embedder.embed([indexed_text(c) for c in chunks])), ""
        except PlannerMemoryError as error:
            self._embedder_rests_until = time.monotonic() + _EMBEDDER_REST_SECONDS
            return nothing, error.detail

    def _tell(self, chunks: Sequence[StoredChunk], outcome: Outcome) -> None:
        for chunk in chunks:
            waiting = self._waiting.pop(chunk.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(outcome)


def _point(chunk: StoredChunk, dense: NDArray[np.float32] | None) -> Point:
    return Point(
        id=chunk.id, collection=COLLECTION, client_id=chunk.client_id, lexical={"text": indexed_text(chunk)}, dense=dense, memory_type="document"
    )
