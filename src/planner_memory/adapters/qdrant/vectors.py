"""The search index on a Qdrant server, over its REST API."""

import asyncio
from collections.abc import Awaitable, Iterable, Iterator, Sequence
from itertools import islice
from operator import attrgetter
from typing import Any, Self, TypeVar
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

from planner_memory.adapters.qdrant.collections import COLLECTIONS, DENSE, LEXICAL, path, prepare
from planner_memory.adapters.qdrant.connection import Connection, encoded
from planner_memory.adapters.qdrant.points import Json, bm25, filter_json, lexical_params, matches_nothing, point_json, sparse_json
from planner_memory.core.errors import InvalidInput, NotConnected, NotFound, NotStarted, Unavailable
from planner_memory.ports.vectors import Channel, Filter, Hit, Point, Query

Item = TypeVar("Item")

_POINTS_PER_REQUEST = 200  # of 1,536 dimensions: some 7 MB, where a server refuses 32
_IDS_PER_REQUEST = 2_000


class QdrantVectors:
    """Use `await QdrantVectors.open(...)`. Each memory lies in the collection that it names; a search asks those that the filter allows at once.

    BM25 (Robertson and Zaragoza 2009) with k = 0.9, b = 0.4 and English stemming. Word statistics are per collection, and per client when the
    filter names clients: scores of two collections are merged as they come, though a rare word weighs less in a small collection.
    """

    def __init__(self, connection: Connection, embedder_name: str, dimension: int, prefix: str) -> None:
        self._connection = connection
        self._embedder_name = embedder_name
        self._dimension = dimension
        self._names = {each: prefix + each for each in COLLECTIONS}
        self._prefix = prefix
        self._bm25 = bm25()
        self._prepared = False
        self._preparing = asyncio.Lock()

    @classmethod
    async def open(
        cls,
        url: str,
        embedder_name: str,
        dimension: int,
        *,
        api_key: str | None = None,
        prefix: str = "",
        rebuild: bool = False,
        search_timeout_seconds: float = 2.0,
        write_timeout_seconds: float = 30.0,
    ) -> Self:
        """Makes collections that are missing. A server that does not answer or refuses the key is no reason not to start: everything is looked
        at again with the next call. `prefix` is put before the names of the collections; `rebuild` first empties them.

        Raises:
            NotStarted: another embedder filled the index, a collection is another program's, or the server is older than 1.19.
            Unavailable, NotConnected: only with `rebuild`.
        """
        connection = Connection(url, api_key=api_key, read_seconds=search_timeout_seconds, write_seconds=write_timeout_seconds)
        made = cls(connection, embedder_name, dimension, prefix)
        try:
            await prepare(connection, dimension, embedder_name, prefix=prefix, rebuild=rebuild)
            made._prepared = True
        except (Unavailable, NotConnected):
            if rebuild:
                await connection.close()
                raise
        except BaseException:
            await connection.close()
            raise
        return made

    async def upsert(self, points: Sequence[Point]) -> None:
        """Raises InvalidInput when a vector has another dimension, or a point names a channel or collection that is none; then nothing is written."""
        for point in points:
            self._require_fitting(point)
        await self._require_prepared()
        last = {point.id: point for point in points}
        for part in _parts(last.values(), _POINTS_PER_REQUEST):
            by_collection: dict[str, list[Point]] = {}
            for point in part:
                by_collection.setdefault(point.collection, []).append(point)
            await asyncio.gather(*(self._put(collection, some) for collection, some in by_collection.items()))
            await asyncio.gather(*(self._move_out(collection, part) for collection in COLLECTIONS))

    async def delete(self, ids: Sequence[UUID]) -> None:
        if not ids:
            return
        await self._require_prepared()
        for part in _parts(ids, _IDS_PER_REQUEST):
            await asyncio.gather(*(self._remove(collection, {"points": [str(each) for each in part]}) for collection in COLLECTIONS))

    async def search(self, query: Query) -> dict[Channel, list[Hit]]:
        """ "dense" is absent when the query has no vector. It is approximate where a client has so many memories that the server built a graph."""
        for channel in query.channels:
            _require_channel(channel)
        if query.dense is not None:
            self._require_vector(query.dense)
        await self._require_prepared()
        answer: dict[Channel, list[Hit]] = {channel: [] for channel in (*query.channels, *([] if query.dense is None else [DENSE]))}
        searches = {} if matches_nothing(query.filter) or query.limit <= 0 else self._searches(query)
        if not searches:
            return answer
        body = encoded({"searches": list(searches.values())})
        found = await asyncio.gather(*(self._ask(collection, "/points/query/batch", body) for collection in self._allowed(query.filter)))
        for of_collection in found:
            for channel, result in zip(searches, of_collection, strict=True):
                answer[channel] += [Hit(UUID(str(point["id"])), point["score"]) for point in result["points"]]
        return {channel: _best(hits, query.limit) for channel, hits in answer.items()}

    async def count(self, filter: Filter) -> int:
        if matches_nothing(filter):
            return 0
        await self._require_prepared()
        body = encoded({"filter": filter_json(filter), "exact": True})
        found = await asyncio.gather(*(self._ask(collection, "/points/count", body) for collection in self._allowed(filter)))
        return sum(each["count"] for each in found)

    async def clear(self) -> None:
        await self._require_prepared()
        await asyncio.gather(*(self._remove(collection, {"filter": {}}) for collection in COLLECTIONS))

    async def check(self) -> None:
        await self._require_prepared()
        await asyncio.gather(*(self._known(self._connection.ask("GET", path(name))) for name in self._names.values()))

    async def close(self) -> None:
        await self._connection.close()

    def _searches(self, query: Query) -> dict[Channel, Json]:
        """One search per channel that has something to look for, the same for every collection."""
        asked: dict[Channel, Json] = {}
        common = {"limit": query.limit, "filter": filter_json(query.filter), "with_payload": False, "with_vector": False}
        for channel in query.channels:
            words = self._bm25[channel].embed_query(query.text)
            if words.indices:
                asked[channel] = common | {"query": sparse_json(words), "using": channel} | lexical_params(query.filter)
        if query.dense is not None:
            asked[DENSE] = common | {"query": query.dense.tolist(), "using": DENSE}
        return asked

    async def _put(self, collection: str, points: Iterable[Point]) -> None:
        body = encoded({"points": [point_json(point, self._bm25) for point in points]})
        await self._known(self._connection.change("PUT", path(self._names[collection], "/points?wait=true"), body))

    async def _move_out(self, collection: str, points: Iterable[Point]) -> None:
        """Takes points out of a collection that are written into another one, as happens when a memory's type is changed."""
        elsewhere = [str(point.id) for point in points if point.collection != collection]
        if not elsewhere:
            return
        body = encoded({"ids": elsewhere, "with_payload": False, "with_vector": False})
        old = await self._ask(collection, "/points", body)
        if old:
            await self._remove(collection, {"points": [each["id"] for each in old]})

    async def _remove(self, collection: str, which: Json) -> None:
        await self._known(self._connection.change("POST", path(self._names[collection], "/points/delete?wait=true"), encoded(which)))

    async def _ask(self, collection: str, rest: str, body: bytes) -> Any:
        return await self._known(self._connection.ask("POST", path(self._names[collection], rest), body))

    async def _known(self, call: Awaitable[Any]) -> Any:
        try:
            return await call
        except NotFound as error:
            raise Unavailable(
                f"{error.detail} A collection is missing. Run `planner-memory setup-collections`, then `planner-memory reindex`."
            ) from error

    async def _require_prepared(self) -> None:
        if self._prepared:
            return
        async with self._preparing:
            if self._prepared:
                return
            try:
                await prepare(self._connection, self._dimension, self._embedder_name, prefix=self._prefix)
            except NotStarted as error:
                raise Unavailable(error.detail) from error  # the service has started long ago
            self._prepared = True

    def _allowed(self, filter: Filter) -> list[str]:
        return [each for each in COLLECTIONS if filter.collections is None or each in filter.collections]

    def _require_fitting(self, point: Point) -> None:
        if point.collection not in COLLECTIONS:
            raise InvalidInput(f"There is no collection {point.collection!r}; there are {', '.join(COLLECTIONS)}.", field="collection")
        for channel in point.lexical:
            _require_channel(channel)
        if point.dense is not None:
            self._require_vector(point.dense)

    def _require_vector(self, vector: NDArray[np.float32]) -> None:
        if vector.shape != (self._dimension,):
            raise InvalidInput(f"A vector of shape {vector.shape} was given to an index of dimension {self._dimension}.", field="dense")
        if not np.isfinite(vector).all():
            raise InvalidInput("A vector holds a number that is not finite.", field="dense")


def _require_channel(channel: Channel) -> None:
    if channel not in LEXICAL:
        raise InvalidInput(f"There is no lexical channel {channel!r}; there are {', '.join(LEXICAL)}.", field="channels")


def _best(hits: Iterable[Hit], limit: int) -> list[Hit]:
    """Best first, each memory once: while it moves between collections it may be found in both."""
    best: dict[UUID, Hit] = {}
    for hit in sorted(hits, key=attrgetter("score"), reverse=True):
        best.setdefault(hit.id, hit)
    return list(islice(best.values(), limit))


def _parts(items: Iterable[Item], size: int) -> Iterator[list[Item]]:
    rest = iter(items)
    while part := list(islice(rest, size)):
        yield part
