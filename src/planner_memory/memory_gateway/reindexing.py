"""Builds the search index anew beside the one in use, with the same or another embedder, and then switches; reads and writes go on meanwhile."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import Conflict, NotStarted, PlannerMemoryError
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway.current_search import CurrentSearch, SearchPair
from planner_memory.memory_gateway.document_service import Documents
from planner_memory.memory_gateway.indexing import entries
from planner_memory.memory_gateway.texts import REACH
from planner_memory.ports.index_home import IndexHome
from planner_memory.ports.memories import MemoryStore, Selection

log = structlog.get_logger()
EmbedderKind = Literal["local", "openrouter", "none"]
_BATCH = 32
_EVERYTHING = Selection(clients=None, include_superseded=True)


@dataclass(frozen=True, slots=True)
class Progress:
    state: Literal["never", "running", "switched", "failed"] = "never"
    embedder: str | None = None
    done: int = 0
    total: int = 0
    started_at: datetime | None = None
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class Places:
    """How indexes are made and thrown away, by where they are kept."""

    make: Callable[[EmbedderKind | None, str], Awaitable[SearchPair]]  # the kind of embedder, None for the configured one; the location
    discard: Callable[[str, SearchPair], Awaitable[None]]  # closes the pair and removes what is kept at the location


class Reindexer:
    """One rebuild at a time. A rebuild that fails, or whose process dies, leaves the index in use as it was.

    Costs one embedding and one write per memory; needs room for both indexes until the switch.
    """

    def __init__(
        self,
        *,
        store: MemoryStore,
        documents: Documents,
        current: CurrentSearch,
        home: IndexHome,
        places: Places,
        clock: Clock,
        zone: Callable[[], Awaitable[ZoneInfo]],
    ) -> None:
        self._store = store
        self._documents = documents
        self._current = current
        self._home = home
        self._places = places
        self._clock = clock
        self._zone = zone
        self._task: asyncio.Task[None] | None = None
        self.progress = Progress()

    async def start(self, kind: EmbedderKind | None) -> Progress:
        """Begins a rebuild and answers at once; `progress` follows it.

        Raises:
            Conflict: one is under way.
            NotStarted: the embedder is not configured.
        """
        if self._task is not None and not self._task.done():
            raise Conflict("The index is being rebuilt already. GET /api/v1/memory/reindex says how far it is.")
        now = self._clock()
        location = f"rebuilt-{now:%Y%m%d%H%M%S}"
        try:
            pair = await self._places.make(kind, location)
        except NotStarted as error:
            raise Conflict(error.detail) from error
        self.progress = Progress("running", pair.embedder.name, started_at=now)
        self._task = asyncio.create_task(self._run(pair, location, now))
        return self.progress

    def was_emptied(self, total: int) -> None:
        """Notes that the index was emptied before it was opened, with so many memories to be indexed again in the background."""
        detail = "The index was emptied at the start. The memories follow in the background."
        self.progress = Progress("switched", self._current.embedder.name, total=total, started_at=self._clock(), detail=detail)

    async def close(self) -> None:
        """Breaks off a rebuild; the index in use stays."""
        if self._task is not None and not self._task.done():
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self, pair: SearchPair, location: str, started: datetime) -> None:
        switched = False
        try:
            with spanning("reindexing"):
                written = await self._fill(pair)
                before_location = await self._home.location()
                changed = await self._home.switch(location, embedder=pair.embedder.name, dimension=pair.embedder.dimension, changed_since=started)
                before, switched = self._current.exchange(pair), True
                await self._remove_forgotten(pair, written)
                await self._documents.reindex()
            self.progress = replace(self.progress, state="switched", detail=f"{changed} memories that changed meanwhile follow in the background.")
            log.info("the search index was built anew", embedder=pair.embedder.name, memories=len(written))
            await self._places.discard(before_location, before)
        except PlannerMemoryError as error:
            self.progress = replace(self.progress, state="failed" if not switched else "switched", detail=error.detail)
            log.warning("rebuilding the search index failed", reason=error.detail, switched=switched)
        finally:
            if not switched:
                await self._places.discard(location, pair)

    async def _fill(self, pair: SearchPair) -> list[UUID]:
        async with self._store.begin() as tx:
            ids = await tx.ids(_EVERYTHING)
        self.progress = replace(self.progress, total=len(ids))
        for start in range(0, len(ids), _BATCH):
            part = ids[start : start + _BATCH]
            async with self._store.begin() as tx:
                rows = await tx.memories(part)
                around = await tx.around([r.id for r in rows if r.thread_id is not None], 2 * REACH) if rows else []
            batch = [e for e in entries(rows, around, await self._zone()) if not e.is_neighbour]
            dense = await pair.embedder.embed([e.text for e in batch])
            await pair.vectors.upsert([e.point(v) for e, v in zip(batch, dense, strict=True)])
            self.progress = replace(self.progress, done=start + len(part))
        return ids

    async def _remove_forgotten(self, pair: SearchPair, written: list[UUID]) -> None:
        """What was forgotten while the new index was filled was removed from the old one alone."""
        async with self._store.begin() as tx:
            there = set(await tx.ids(_EVERYTHING))
        await pair.vectors.delete([each for each in written if each not in there])
