"""The search behind recall: words and meaning from the index, then the truth from the store, then the order."""

import asyncio
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.memory_gateway.backlog import Backlog
from planner_memory.memory_gateway.dates import named_intervals
from planner_memory.memory_gateway.echoes import Asked, Echoes
from planner_memory.memory_gateway.ranking import Ranked, Weights, ranked
from planner_memory.memory_gateway.words import Corpus, words
from planner_memory.ports.embedder import Embedder
from planner_memory.ports.memories import Candidate, MemoryStore, Scored, Selection, StoredMemory
from planner_memory.ports.vectors import Filter, Hit, Query, VectorIndex

_PER_CHANNEL = 60  # each further ten cost some 0.7 ms a recall
_PER_CHANNEL_OF_WORDS = 150  # when words are all there is
Channels = Mapping[str, Mapping[UUID, float]]
Order = Callable[[Channels, Sequence[Candidate], Collection[str]], list[Ranked]]


@dataclass(slots=True)
class Found:
    """`rows` of the hits that are still there. `is_whole`: every part that is configured took part, so that the answer may be kept."""

    hits: list[Ranked] = field(default_factory=list)
    rows: dict[UUID, StoredMemory] = field(default_factory=dict)
    degraded: list[str] = field(default_factory=list)
    is_whole: bool = True

    def lacks(self, what: str) -> None:
        """Notes a part that failed."""
        self.degraded.append(what)
        self.is_whole = False


def recall_clients(asked: str, default_client: str, memory_types: tuple[str, ...] | None, *, may_see_person: bool) -> tuple[str, ...]:
    """Whose memories an answer may hold: the client's own; for preferences also the person's, which are kept under the default client."""
    if memory_types == ("preference",) and may_see_person and asked != default_client:
        return (asked, default_client)
    return (asked,)


def index_filter(selection: Selection) -> Filter:
    """The selection as far as the index knows it; the store checks the rest, and everything again."""
    until = selection.until
    if selection.as_of is not None:
        after = selection.as_of + timedelta(microseconds=1)
        until = min(until, after) if until else after
    return Filter(
        clients=selection.clients,
        memory_types=selection.memory_types,
        event_types=selection.event_types,
        thread_id=selection.thread_id,
        since=selection.since,
        until=until,
        include_superseded=selection.include_superseded or selection.as_of is not None,
    )


class Retriever:
    def __init__(
        self,
        *,
        store: MemoryStore,
        vectors: VectorIndex | None,
        embedder: Embedder | None,
        backlog: Backlog | None = None,
        weights: Weights | None = None,
        echoes: Echoes | None = None,
    ) -> None:
        self._echoes = echoes
        self._store = store
        self._vectors = vectors
        self._embedder = embedder
        self._backlog = backlog
        self._weights = weights or Weights()

    async def find(
        self, query: str, selection: Selection, *, now: datetime, tz: ZoneInfo, k: int, min_score: float = 0, without: UUID | None = None
    ) -> Found:
        """The best candidates in order, k at most. `degraded` names each part that did not take part, and why."""
        asked = self._echoes.ask(query, selection.clients or ()) if self._echoes else None

        def best(channels: Channels, candidates: Sequence[Candidate], cut: Collection[str]) -> list[Ranked]:
            dates = named_intervals(query, now, tz)
            order = ranked(query, channels, candidates, now=now, dates=dates, cut=cut, weights=self._weights, limit=k + 1)
            return [h for h in order if h.id != without and h.score >= min_score][:k]

        try:
            return await self._found(query, selection, asked, best)
        finally:
            if asked:
                asked.stop()

    async def _found(self, query: str, selection: Selection, asked: Asked | None, best: Order) -> Found:
        found = Found()
        if self._vectors is None:
            found.degraded.append("qdrant: no index is configured, the words were looked up in postgres")
            await self._by_words(query, selection, asked, best, found)
            return found
        try:
            await self._by_index(self._vectors, query, selection, asked, best, found)
        except PlannerMemoryError as error:
            if (unreachable := await self._store_is_down()) is not None:
                raise unreachable from error
            found = Found()
            found.lacks(f"qdrant: {error.detail} The words were looked up in postgres.")
            await self._by_words(query, selection, asked, best, found)
        return found

    async def _by_index(self, vectors: VectorIndex, query: str, selection: Selection, asked: Asked | None, best: Order, found: Found) -> None:
        """Words while the embedder works, then meaning; then the rows of both in one statement, since each costs as much as forty rows.

        Rows that wait for the index longer than is ordinary are looked up by their words in the store, too.
        """
        limit = _PER_CHANNEL_OF_WORDS if self._embedder is None else _PER_CHANNEL
        search = Query(text=query, limit=limit, filter=index_filter(selection))
        meaning = asyncio.create_task(self._meaning(query, found))
        await asyncio.sleep(0)  # the embedder first: it lets go of the interpreter while it works, the engine does not
        backlog = self._backlog.look() if self._backlog else None
        try:
            channels = _scores(await vectors.search(search))
            vector = await meaning
        finally:
            meaning.cancel()
        if vector is not None:
            channels |= _scores(await vectors.search(replace(search, dense=vector, channels=())))
        if asked:
            await asked.add_to(channels, found)
        cut = [name for name, scores in channels.items() if name not in ("text", "window") or len(scores) >= limit]
        waiting = _of(await asyncio.shield(backlog), selection.clients) if backlog else 0
        if waiting:
            found.lacks(
                f"qdrant: {waiting} of the memories asked are not wholly in the index yet. They were looked up by their words in postgres, too."
            )
        elif not _ids(channels):
            return
        async with self._store.begin() as tx:
            late = await tx.by_words(query, selection, 2 * limit, unindexed_only=True) if waiting else []
            candidates = await tx.candidates(list(_ids(channels) | {h.id for h in late}), selection)
            if late:
                channels["text"] = _scored_here(query, candidates, channels.get("text", {}), late)
            found.hits = best(channels, candidates, cut)
            found.rows = {r.id: r for r in await tx.memories([h.id for h in found.hits])}

    async def _store_is_down(self) -> PlannerMemoryError | None:
        try:
            await self._store.check()
        except PlannerMemoryError as error:
            return error
        return None

    async def _by_words(self, query: str, selection: Selection, asked: Asked | None, best: Order, found: Found) -> None:
        async with self._store.begin() as tx:
            hits = await tx.by_words(query, selection, 2 * _PER_CHANNEL)
        channels: dict[str, dict[UUID, float]] = {"text": {h.id: h.score for h in hits}}
        if asked:
            await asked.add_to(channels, found)
        async with self._store.begin() as tx:
            candidates = await tx.candidates(list(_ids(channels)), selection)
            channels["text"] = _scored_here(query, candidates, {}, hits)
            found.hits = best(channels, candidates, ())
            found.rows = {r.id: r for r in await tx.memories([h.id for h in found.hits])}

    async def _meaning(self, query: str, found: Found) -> NDArray[np.float32] | None:
        if self._embedder is None:
            found.degraded.append("embedder: none is configured, only words were matched")
            return None
        try:
            vector: NDArray[np.float32] = (await self._embedder.embed([query]))[0]
        except PlannerMemoryError as error:
            found.lacks(f"embedder: {error.detail} Only words were matched.")
            return None
        return vector


def _ids(channels: Channels) -> set[UUID]:
    return set[UUID]().union(*channels.values())


def _scores(answer: Mapping[str, Sequence[Hit]]) -> dict[str, dict[UUID, float]]:
    return {channel: {h.id: h.score for h in hits} for channel, hits in answer.items()}


def _scored_here(query: str, candidates: Sequence[Candidate], from_index: Collection[UUID], by_words: Sequence[Scored]) -> dict[UUID, float]:
    """BM25 over what was found by words: full-text search has no inverse document frequency, and its scores do not compare with the index's."""
    rank = {h.id: h.score for h in by_words}
    listed = [c for c in candidates if c.id in rank or c.id in from_index]
    scores = Corpus([c.text for c in listed]).bm25(dict.fromkeys(words(query), 1.0))
    return {c.id: s + 1e-6 * rank.get(c.id, 0.0) for c, s in zip(listed, scores, strict=True)}


def _of(waiting: Mapping[str, int], clients: tuple[str, ...] | None) -> int:
    return sum(waiting.values() if clients is None else (waiting.get(each, 0) for each in clients))
