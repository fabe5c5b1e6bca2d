"""The search over chunks: words and meaning from the index, words from PostgreSQL for what the index does not hold yet or when it is down."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from uuid import UUID

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.memory_gateway.document_indexer import COLLECTION, indexed_text
from planner_memory.memory_gateway.ranking import fused
from planner_memory.memory_gateway.words import Corpus, words
from planner_memory.ports.documents import DocumentStore, StoredChunk
from planner_memory.ports.embedder import Embedder, Vectors
from planner_memory.ports.memories import Scored
from planner_memory.ports.vectors import Filter, Query, VectorIndex

_PER_CHANNEL = 100
_WEIGHTS = {"text": 1.0, "dense": 1.0}


@dataclass(frozen=True, slots=True)
class FoundChunk:
    chunk: StoredChunk
    score: float  # 0..1


@dataclass(slots=True)
class FoundChunks:
    hits: list[FoundChunk]
    degraded: list[str] = field(default_factory=list)


class DocumentSearch:
    def __init__(self, *, store: DocumentStore, vectors: VectorIndex | None, embedder: Embedder | None, index_vendor: str) -> None:
        self._store = store
        self._vectors = vectors
        self._embedder = embedder
        self._index_vendor = index_vendor

    async def find(self, query: str, clients: tuple[str, ...] | None, k: int) -> FoundChunks:
        """The k best, ties by document and place. The store has the last word on what exists and whose it is."""
        degraded: list[str] = []
        channels: dict[str, dict[UUID, float]] = {}
        if self._vectors is None:
            degraded.append(f"{self._index_vendor}: no index is configured, the words were looked up in postgres")
        else:
            try:
                channels = await self._in_index(self._vectors, query, clients, degraded)
            except PlannerMemoryError as error:
                degraded[:] = [f"{self._index_vendor}: {error.detail} The words were looked up in postgres."]
        async with self._store.begin() as tx:
            by_words = await tx.by_words(query, clients, 2 * _PER_CHANNEL, unindexed_only=bool(channels))
            ids = {each for scores in channels.values() for each in scores} | {h.id for h in by_words}
            chunks = {c.id: c for c in await tx.chunks(sorted(ids), clients)} if ids else {}
        if by_words:
            channels["text"] = _scored_here(query, chunks, channels.get("text", {}), by_words)
        known = {name: {each: s for each, s in scores.items() if each in chunks} for name, scores in channels.items()}
        scores = fused({name: found for name, found in known.items() if found}, _WEIGHTS)
        best = sorted(scores, key=lambda each: (-scores[each], chunks[each].doc_id, chunks[each].chunk_index))[:k]
        return FoundChunks([FoundChunk(chunks[each], min(1.0, scores[each])) for each in best], degraded)

    async def _in_index(self, vectors: VectorIndex, query: str, clients: tuple[str, ...] | None, degraded: list[str]) -> dict[str, dict[UUID, float]]:
        meaning = await self._meaning(query, degraded)
        asked = Query(
            text=query,
            dense=meaning[0] if meaning is not None else None,
            channels=("text",),
            limit=_PER_CHANNEL,
            filter=Filter(clients=clients, collections=(COLLECTION,)),
        )
        return {name: {h.id: h.score for h in hits} for name, hits in (await vectors.search(asked)).items()}

    async def _meaning(self, query: str, degraded: list[str]) -> Vectors | None:
        if self._embedder is None:
            degraded.append("embedder: none is configured, only words were matched")
            return None
        try:
            return await self._embedder.embed([query])
        except PlannerMemoryError as error:
            degraded.append(f"embedder: {error.detail} Only words were matched.")
            return None


def _scored_here(query: str, chunks: Mapping[UUID, StoredChunk], from_index: Mapping[UUID, float], by_words: list[Scored]) -> dict[UUID, float]:
    """BM25 over all that was found by words: scores of the index and of PostgreSQL cannot be compared, and the latter know no rare words."""
    rank = {h.id: h.score for h in by_words}
    listed = [chunks[each] for each in {*from_index, *rank} if each in chunks]
    scores = Corpus([indexed_text(c) for c in listed]).bm25(dict.fromkeys(words(query), 1.0))
    return {c.id: s + 1e-6 * rank.get(c.id, 0.0) for c, s in zip(listed, scores, strict=True)}
