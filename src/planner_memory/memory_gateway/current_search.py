"""The embedder and the index in use, behind names that stay when both are exchanged while requests go on."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from planner_memory.ports.embedder import Embedder, Vectors
from planner_memory.ports.vectors import Channel, Filter, Hit, Point, Query, VectorIndex


@dataclass(frozen=True, slots=True)
class SearchPair:
    """Vectors of one embedder fit the index that was made for it, and no other."""

    embedder: Embedder
    vectors: VectorIndex


class CurrentSearch:
    """Holds the pair. What is under way when it is exchanged ends on the pair it began with, or fails and is tried again."""

    def __init__(self, pair: SearchPair) -> None:
        self.pair = pair
        self.embedder = CurrentEmbedder(self)
        self.vectors = CurrentVectors(self)

    def exchange(self, pair: SearchPair) -> SearchPair:
        """Puts the new pair in place, in one step, and returns the old one."""
        before, self.pair = self.pair, pair
        return before


class CurrentEmbedder:
    """Fulfils Embedder."""

    def __init__(self, search: CurrentSearch) -> None:
        self._search = search

    @property
    def name(self) -> str:
        return self._search.pair.embedder.name

    @property
    def dimension(self) -> int:
        return self._search.pair.embedder.dimension

    async def embed(self, texts: Sequence[str]) -> Vectors:
        return await self._search.pair.embedder.embed(texts)

    async def check(self) -> None:
        await self._search.pair.embedder.check()


class CurrentVectors:
    """Fulfils VectorIndex."""

    def __init__(self, search: CurrentSearch) -> None:
        self._search = search

    async def upsert(self, points: Sequence[Point]) -> None:
        await self._search.pair.vectors.upsert(points)

    async def delete(self, ids: Sequence[UUID]) -> None:
        await self._search.pair.vectors.delete(ids)

    async def search(self, query: Query) -> dict[Channel, list[Hit]]:
        return await self._search.pair.vectors.search(query)

    async def count(self, filter: Filter) -> int:
        return await self._search.pair.vectors.count(filter)

    async def clear(self) -> None:
        await self._search.pair.vectors.clear()

    async def check(self) -> None:
        await self._search.pair.vectors.check()

    async def close(self) -> None:
        await self._search.pair.vectors.close()
