"""Brings committed rows into the index, in batches, one batch at a time per process; many processes may work beside one another."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
import structlog
from numpy.typing import NDArray

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway.answers import Answers
from planner_memory.memory_gateway.indexing import Entry, entries
from planner_memory.memory_gateway.texts import REACH
from planner_memory.ports.embedder import Embedder
from planner_memory.ports.memories import Forgotten, MemoryStore, StoredMemory
from planner_memory.ports.vectors import VectorIndex

log = structlog.get_logger()
BATCH = 32
_LEASE_SECONDS = 60
_EMBEDDER_REST_SECONDS = 5


@dataclass(frozen=True, slots=True)
class Outcome:
    """`lexical`: the words are searchable, the meaning is not, because no embedder answered."""

    state: Literal["indexed", "lexical", "failed"]
    reason: str = ""


class Indexer:
    """PostgreSQL says what is pending; this holds nothing that a crash could lose."""

    def __init__(
        self,
        *,
        store: MemoryStore,
        vectors: VectorIndex,
        embedder: Embedder | None,
        answers: Answers,
        zone: Callable[[], Awaitable[ZoneInfo]],
        sweep_seconds: float = 2,
    ) -> None:
        self._store = store
        self._vectors = vectors
        self._embedder = embedder
        self._answers = answers
        self._zone = zone
        self._sweep_seconds = sweep_seconds
        self._waiting: dict[UUID, asyncio.Future[Outcome]] = {}
        self._run: asyncio.Task[None] | None = None
        self._again = False
        self._sweeper: asyncio.Task[None] | None = None
        self._embedder_rests_until = 0.0
        self._closing = False

    def open(self) -> None:
        """Starts to look for rows that came by SQL or were left over."""
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Finishes the batch under way; the rest stays pending for the next process."""
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
            self._sweeper = None
        self._closing = True
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
        await asyncio.wait(futures.values(), timeout=seconds)
        done = {each: future.result() for each, future in futures.items() if future.done()}
        for each in ids:
            self._waiting.pop(each, None)
        return done

    async def _sweep(self) -> None:
        # a process that was killed left its leases; a batch that another live process has is written twice then, to the same effect
        with spanning("indexing"), contextlib.suppress(PlannerMemoryError):
            async with self._store.begin() as tx:
                await tx.end_leases()
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
            log.warning("indexing paused", reason=error.detail)
        except Exception:
            log.exception("indexing stopped; the rows stay pending")

    async def _batch(self) -> bool:
        """One round. False when there was nothing to do, or when the index does not answer."""
        async with self._store.begin() as tx:
            gone = await tx.forgotten(500)
            rows = await tx.claim(first=list(self._waiting), limit=BATCH, lease_seconds=_LEASE_SECONDS)
            around = await tx.around([r.id for r in rows if r.thread_id is not None], 2 * REACH) if rows else []
        if gone:
            await self._follow_forgotten(gone)
        if not rows:
            return False
        batch = entries(rows, around, await self._zone())
        dense, reason = await self._dense(batch)
        try:
            await self._vectors.upsert([e.point(v) for e, v in zip(batch, dense, strict=True)])
        except PlannerMemoryError as error:
            async with self._store.begin() as tx:
                await tx.mark_unindexed(rows, state="failed", error=error.detail)
            self._tell(rows, Outcome("failed", error.detail))
            return False
        async with self._store.begin() as tx:
            if reason:
                await tx.mark_unindexed(rows, state="pending", error=f"no vector: {reason}")
                there = {m.id for m in await tx.memories([r.id for r in rows])}
                missing = [r.id for r in rows if r.id not in there]
            else:
                missing = await tx.mark_indexed(rows)
        if missing:
            await self._vectors.delete(missing)
        await self._answers.advance({r.client_id for r in rows})
        self._tell(rows, Outcome("lexical", reason) if reason else Outcome("indexed"))
        return True

    async def _follow_forgotten(self, gone: Sequence[Forgotten]) -> None:
        ids = [g.id for g in gone]
        async with self._store.begin() as tx:
            back = {m.id for m in await tx.memories(ids)}  # forgotten, and imported again since
        await self._vectors.delete([each for each in ids if each not in back])
        async with self._store.begin() as tx:
            await tx.confirm_forgotten(ids)
        await self._answers.advance({g.client_id for g in gone})

    async def _dense(self, batch: Sequence[Entry]) -> tuple[list[NDArray[np.float32] | None], str]:
        """A vector per entry, and why there is none when the embedder does not answer."""
        embedder = self._embedder
        if embedder is None:
            return [None] * len(batch), ""
        found = [await self._answers.vector(embedder.name, e.row.id, e.text) if e.is_neighbour else None for e in batch]
        wanted = [i for i, v in enumerate(found) if v is None]
        if time.monotonic() < self._embedder_rests_until:
            return found, "the embedder did not answer a moment ago"
        try:
            made = await embedder.embed([batch[i].text for i in wanted])
        except PlannerMemoryError as error:
            self._embedder_rests_until = time.monotonic() + _EMBEDDER_REST_SECONDS
            return found, error.detail
        for i, vector in zip(wanted, made, strict=True):
            found[i] = vector
            await self._answers.keep_vector(embedder.name, batch[i].row.id, batch[i].text, vector)
        return found, ""

    def _tell(self, rows: Sequence[StoredMemory], outcome: Outcome) -> None:
        for row in rows:
            waiting = self._waiting.pop(row.id, None)
            if waiting is not None and not waiting.done():
                waiting.set_result(outcome)
