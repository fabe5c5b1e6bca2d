"""Brings committed memories into the index, with the neighbours whose windows they change; many processes may work beside one another."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from uuid import UUID
from zoneinfo import ZoneInfo

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway.answers import Answers
from planner_memory.memory_gateway.backlog import Backlog
from planner_memory.memory_gateway.index_loop import BATCH, LEASE_SECONDS, Dense, IndexLoop, Outcome, PatientEmbedder
from planner_memory.memory_gateway.indexing import Entry, entries
from planner_memory.memory_gateway.texts import REACH
from planner_memory.ports.embedder import Embedder
from planner_memory.ports.memories import Forgotten, MemoryStore, StoredMemory
from planner_memory.ports.vectors import VectorIndex

_FORGOTTEN_AT_ONCE = 500
_HANDED_SECONDS = 0.05
_NOTED_SECONDS = 0.5
_HANDED_AT_MOST = 8 * BATCH  # what a slow embedder leaves beyond waits in the store, not here


class Indexer:
    """What the loop does for memories."""

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
        self._answers = answers
        self._zone = zone
        self.embedder = PatientEmbedder(embedder)
        self._handed: list[tuple[float, StoredMemory]] = []  # with the time at which its lease ends
        self._gone: set[UUID] = set()  # written to the index after they were forgotten; to be taken out
        self.unnoted: list[StoredMemory] = []  # searchable; that they are is written down with the next round
        self.backlog = Backlog(store, self.unnoted)
        self._loop = IndexLoop("memories", self._batch, end_leases=self._end_leases, sweep_seconds=sweep_seconds, handed=self._work_off)

    def open(self) -> None:
        self._loop.open()

    async def close(self) -> None:
        await self._loop.close()
        with contextlib.suppress(PlannerMemoryError), spanning("indexing"):  # without it they are indexed again, to the same effect
            await self._note()

    def wake(self) -> asyncio.Task[None]:
        return self._loop.wake()

    @property
    def lease_seconds(self) -> float:
        """For how long to lease a row that is about to be stored and handed over; 0 when so many are in hand that it is to be claimed in its turn."""
        return LEASE_SECONDS if len(self._handed) < _HANDED_AT_MOST else 0

    def hand(self, row: StoredMemory) -> None:
        """Takes a row that was leased when it was stored, to be indexed in a moment: nobody needs to claim it. One who dies leaves it leased."""
        self._take(row)
        self._loop.wake_soon(_HANDED_SECONDS)

    async def wait_for_new(self, row: StoredMemory, seconds: float) -> Outcome | None:
        """As `wait_for`, for a row as that of `hand`."""
        self._take(row)
        return (await self._loop.wait_for([row.id], seconds, are_handed=True)).get(row.id)

    def _take(self, row: StoredMemory) -> None:
        self._handed.append((time.monotonic() + LEASE_SECONDS, row))

    async def wait_for(self, ids: Sequence[UUID], seconds: float) -> dict[UUID, Outcome]:
        return await self._loop.wait_for(ids, seconds)

    def as_known(self, row: StoredMemory) -> StoredMemory:
        """The row as it will be when all is noted: one that can be searched already says so."""
        is_unnoted = row.index_state != "indexed" and any(r.id == row.id and r.index_due_at == row.index_due_at for r in self.unnoted)
        return replace(row, index_state="indexed") if is_unnoted else row

    async def _end_leases(self) -> None:
        async with self._store.begin(may_be_lost=True) as tx:
            await tx.end_leases()

    async def _batch(self, first: Collection[UUID]) -> bool:
        """False when nothing more was due, or when the index does not answer."""
        await self._note()
        tz = await self._zone()  # before anything is leased: what raises afterwards leaves it leased
        async with self._store.begin(may_be_lost=True) as tx:
            gone = await tx.forgotten(_FORGOTTEN_AT_ONCE)
            rows = await tx.claim(first=list(first), limit=BATCH, lease_seconds=LEASE_SECONDS)
            around = await tx.around(threaded, 2 * REACH) if (threaded := [r.id for r in rows if r.thread_id is not None]) else []
        if gone:
            try:
                await self._follow_forgotten(gone)
            except PlannerMemoryError as error:
                await self._given_back(rows, error)
                raise
        if not rows:
            return len(gone) == _FORGOTTEN_AT_ONCE
        return await self._written(rows, around, tz) and len(rows) == BATCH

    async def _work_off(self) -> bool:
        now = time.monotonic()
        self._handed = [each for each in self._handed if each[0] > now]  # the others are anybody's by now
        rows = [row for _, row in self._handed[:BATCH]]
        if not rows:
            return False
        tz, around = await self._zone(), list[StoredMemory]()
        if threaded := [r.id for r in rows if r.thread_id is not None]:
            async with self._store.begin(may_be_lost=True) as tx:
                around = await tx.around(threaded, 2 * REACH)
        del self._handed[: len(rows)]  # not before: when the store is away they are tried again with the next sweep
        await self._written(rows, around, tz, note_later=True)
        return True

    async def _note(self) -> None:
        """Marks what came one by one, together: each mark rewrites its row in every index of the table, and nobody should wait for it."""
        await self._remove_gone()
        if not self.unnoted:
            return
        rows = tuple(self.unnoted)
        async with self._store.begin(may_be_lost=True) as tx:
            missing = await tx.mark_indexed(rows)
        self.backlog.changed()
        del self.unnoted[: len(rows)]
        self._gone |= set(missing)
        await self._remove_gone()
        self._loop.tell([r.id for r in rows], Outcome("indexed"))

    async def _remove_gone(self) -> None:
        """Takes out what was forgotten while it was embedded; kept in mind until the index has done so."""
        if gone := list(self._gone):
            with contextlib.suppress(PlannerMemoryError):
                await self._vectors.delete(gone)
                self._gone -= set(gone)

    async def _written(self, rows: Sequence[StoredMemory], around: Sequence[StoredMemory], tz: ZoneInfo, *, note_later: bool = False) -> bool:
        """False when the index did not take them; they are due again later."""
        ids = [r.id for r in rows]
        batch = entries(rows, around, tz)
        dense, reason = await self._dense(batch)
        try:
            await self._vectors.upsert([e.point(v) for e, v in zip(batch, dense, strict=True)])
        except PlannerMemoryError as error:
            await self._given_back(rows, error)
            return False
        if note_later and not reason:
            await self._answers.advance({r.client_id for r in rows})
            self.unnoted += rows
            self.backlog.changed()
            self._loop.tell(ids, Outcome("indexed"))
            self._loop.wake_soon(_NOTED_SECONDS)
            return True
        async with self._store.begin(may_be_lost=True) as tx:
            missing = await (tx.mark_unindexed(rows, state="pending", error=f"no vector: {reason}") if reason else tx.mark_indexed(rows))
        self.backlog.changed()
        self._gone |= set(missing)
        await self._answers.advance({r.client_id for r in rows})
        self._loop.tell(ids, Outcome("lexical", reason) if reason else Outcome("indexed"))
        await self._remove_gone()
        return True

    async def _given_back(self, rows: Sequence[StoredMemory], error: PlannerMemoryError) -> None:
        """Nobody else gets them while they are leased."""
        async with self._store.begin(may_be_lost=True) as tx:
            await tx.mark_unindexed(rows, state="failed", error=error.detail)
        self._loop.tell([r.id for r in rows], Outcome("failed", error.detail))

    async def _follow_forgotten(self, gone: Sequence[Forgotten]) -> None:
        ids = [g.id for g in gone]
        async with self._store.begin(may_be_lost=True) as tx:
            back = {m.id for m in await tx.memories(ids)}  # forgotten, and imported again since
        await self._vectors.delete([each for each in ids if each not in back])
        async with self._store.begin(may_be_lost=True) as tx:
            await tx.confirm_forgotten(ids)
        await self._answers.advance({g.client_id for g in gone})

    async def _dense(self, batch: Sequence[Entry]) -> tuple[Dense, str]:
        """A vector per entry; those of neighbours, whose own text did not change, are looked up first."""
        name = self.embedder.name
        if name is None:
            return [None] * len(batch), ""
        found: Dense = [await self._answers.vector(name, e.row.id, e.text) if e.is_neighbour else None for e in batch]
        wanted = [i for i, v in enumerate(found) if v is None]
        made, reason = await self.embedder.embed([batch[i].text for i in wanted])
        for i, vector in zip(wanted, made, strict=True):
            if vector is not None:
                found[i] = vector
                await self._answers.keep_vector(name, batch[i].row.id, batch[i].text, vector)
        return found, reason
