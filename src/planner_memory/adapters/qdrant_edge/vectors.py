"""The search index inside the process: one Qdrant Edge shard in a folder, with its write-ahead log on, owned by one process."""

import asyncio
import shutil
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self, TypeVar, TypeVarTuple
from uuid import UUID

from qdrant_edge import Bm25, Bm25Config, CountRequest, EdgeShard, IdfParams, QueryBatchRequest, QueryRequest, SearchParams, UpdateOperation
from qdrant_edge import Point as EnginePoint
from qdrant_edge import Query as EngineQuery

from planner_memory.adapters.qdrant_edge.folder import IndexFolder
from planner_memory.adapters.qdrant_edge.layout import DENSE, INDEXES, LEXICAL, client_filter, config, engine_filter, engine_point, matches_nothing
from planner_memory.adapters.qdrant_edge.resident import let_go, trim
from planner_memory.core.errors import InvalidInput, NotStarted, Unavailable
from planner_memory.ports.vectors import Channel, Filter, Hit, Point, Query

Arguments = TypeVarTuple("Arguments")
Result = TypeVar("Result")

# Sizes of steps follow from one fact: the engine keeps Python's lock during a call, so the whole process waits for as long as one call takes.
_POINTS_PER_CALL = 64  # some 4 ms
_FLUSH_AFTER = 1_000  # changes; a flush takes 20 to 100 ms, and reading back 100,000 unflushed changes at the next start takes 13 s
_OPTIMIZE_AFTER = 2_000  # changes, when nobody has called for a while: 0.4 to 1 s
_OPTIMIZE_AT_LATEST = 20_000  # changes, however busy it is
_QUIET_SECONDS = 5.0


class QdrantEdgeVectors:
    """Use `await QdrantEdgeVectors.open(...)`. Calls are carried out one after another in one thread.

    BM25 (Robertson and Zaragoza 2009) with k = 0.9, b = 0.4 and English stemming; word statistics are per client when the filter names clients.
    Writes are in the log when `upsert` returns, so they survive the process; whether they survive a loss of power was not tested.
    """

    def __init__(self, folder: IndexFolder, shard: EdgeShard, dimension: int, worker: ThreadPoolExecutor) -> None:
        self._folder = folder
        self._shard: EdgeShard | None = shard
        self._dimension = dimension
        self._worker = worker
        self._loop = asyncio.get_running_loop()
        self._bm25 = {
            "text": Bm25(Bm25Config(k=0.9, b=0.4, avg_len=64, language="english", ascii_folding=True)),
            "window": Bm25(Bm25Config(k=0.9, b=0.4, avg_len=128, language="english", ascii_folding=True)),
        }
        self._unflushed = 0
        self._unoptimized = 0
        self._called_at = self._loop.time()
        self._timer: asyncio.TimerHandle | None = None
        self._upkeep: asyncio.Task[None] | None = None

    @classmethod
    async def open(cls, path: Path, embedder_name: str, dimension: int, *, rebuild: bool = False) -> Self:
        """Opens the index in the folder `path`, or makes an empty one. `rebuild` first throws away whatever the folder holds.

        Raises:
            NotStarted: another process has it open, another embedder filled it, or its files are damaged.
        """
        worker = ThreadPoolExecutor(max_workers=1, thread_name_prefix="vectors")
        folder = IndexFolder(path)
        try:
            shard = await asyncio.get_running_loop().run_in_executor(worker, _opened, folder, embedder_name, dimension, rebuild)
        except BaseException:
            folder.release()
            worker.shutdown(wait=False)
            raise
        return cls(folder, shard, dimension, worker)

    async def upsert(self, points: Sequence[Point]) -> None:
        """Raises InvalidInput when a vector has another dimension or a text another channel than the index; then nothing is written."""
        for point in points:
            self._require_fitting(point)
        for start in range(0, len(points), _POINTS_PER_CALL):
            part = points[start : start + _POINTS_PER_CALL]
            await self._on_worker(self._upsert, part)
            self._changed(len(part))

    async def delete(self, ids: Sequence[UUID]) -> None:
        if ids:
            await self._on_worker(self._delete, ids)
            self._changed(len(ids))

    async def search(self, query: Query) -> dict[Channel, list[Hit]]:
        """Exhaustive within the filter, so exact but for the one-byte rounding of dense vectors. "dense" is absent when the query has no vector."""
        for channel in query.channels:
            _require_channel(channel)
        if query.dense is not None:
            self._require_dimension(query.dense.shape)
        return await self._on_worker(self._search, query)

    async def count(self, filter: Filter) -> int:
        return 0 if matches_nothing(filter) else await self._on_worker(self._count, filter)

    async def clear(self) -> None:
        """Gives the disk space back as well."""
        await self._on_worker(self._clear)
        self._unflushed = self._unoptimized = 0

    async def check(self) -> None:
        await self._on_worker(lambda: self._open_shard().info())

    async def close(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        if self._shard is None:
            return
        if self._upkeep is not None:
            await asyncio.gather(self._upkeep, return_exceptions=True)
        try:
            if self._unoptimized >= _OPTIMIZE_AFTER:
                await self._on_worker(self._optimize)
            await self._on_worker(self._close)
        finally:
            self._worker.shutdown(wait=False)

    async def _on_worker(self, work: Callable[[*Arguments], Result], *arguments: *Arguments) -> Result:
        if self._shard is None:
            raise Unavailable("The search index is closed. Start the service again.")
        self._called_at = self._loop.time()
        try:
            return await self._loop.run_in_executor(self._worker, work, *arguments)
        except Unavailable:
            raise
        except Exception as error:  # the engine raises bare Exceptions
            raise Unavailable(f"The search index failed: {error}. If it keeps failing, stop the service and run `planner-memory reindex`.") from error

    def _open_shard(self) -> EdgeShard:
        if self._shard is None:
            raise Unavailable("The search index is closed. Start the service again.")
        return self._shard

    def _upsert(self, points: Sequence[Point]) -> None:
        made: list[EnginePoint] = [engine_point(point, self._bm25) for point in points]
        self._open_shard().update(UpdateOperation.upsert_points(made))

    def _delete(self, ids: Sequence[UUID]) -> None:
        known: list[int | UUID | str] = list(ids)
        self._open_shard().update(UpdateOperation.delete_points(known))

    def _search(self, query: Query) -> dict[Channel, list[Hit]]:
        requested = [*query.channels, *([] if query.dense is None else [DENSE])]
        answer: dict[Channel, list[Hit]] = {channel: [] for channel in requested}
        if matches_nothing(query.filter) or query.limit <= 0:
            return answer
        allowed, words_of = engine_filter(query.filter), client_filter(query.filter)
        lexical_params = SearchParams(idf=IdfParams(corpus=words_of)) if words_of else None
        asked, requests = [], []
        for channel in query.channels:
            words = self._bm25[channel].embed_query(query.text)
            if words.indices:
                asked.append(channel)
                nearest = EngineQuery.Nearest(words, using=channel)
                requests.append(QueryRequest(limit=query.limit, query=nearest, filter=allowed, params=lexical_params, with_payload=False))
        if query.dense is not None:
            asked.append(DENSE)
            nearest = EngineQuery.Nearest(query.dense.tolist(), using=DENSE)
            requests.append(QueryRequest(limit=query.limit, query=nearest, filter=allowed, with_payload=False))
        if requests:
            found = self._open_shard().query_batch(QueryBatchRequest(requests))
            for channel, points in zip(asked, found, strict=True):
                answer[channel] = [Hit(point.id if isinstance(point.id, UUID) else UUID(str(point.id)), point.score) for point in points]
        return answer

    def _count(self, filter: Filter) -> int:
        return self._open_shard().count(CountRequest(exact=True, filter=engine_filter(filter)))

    def _clear(self) -> None:
        self._open_shard().close()
        self._shard = _made_anew(self._folder, self._dimension)

    def _flush(self) -> None:
        self._unflushed = 0
        self._open_shard().flush()

    def _optimize(self) -> None:
        """Merges small segments. The flush afterwards lets go of the old files, the trim of the memory the merge needed."""
        self._unoptimized = 0
        merged = self._open_shard().optimize()
        self._flush()
        if merged:
            trim()

    def _close(self) -> None:
        shard = self._open_shard()
        self._shard = None
        try:
            shard.flush()
            shard.close()
        finally:
            self._folder.release()

    def _changed(self, count: int) -> None:
        """Notes changes and sees to it that they are flushed, at once when there are many, else when it is quiet."""
        self._unflushed += count
        self._unoptimized += count
        if self._unoptimized >= _OPTIMIZE_AT_LATEST:
            self._start(self._optimize)
        elif self._unflushed >= _FLUSH_AFTER:
            self._start(self._flush)
        if self._timer is None:
            self._timer = self._loop.call_later(_QUIET_SECONDS, self._when_quiet)

    def _when_quiet(self) -> None:
        self._timer = None
        if self._shard is None or not self._unflushed:
            return
        if self._loop.time() - self._called_at < _QUIET_SECONDS:
            self._timer = self._loop.call_later(_QUIET_SECONDS, self._when_quiet)
        else:
            self._start(self._optimize if self._unoptimized >= _OPTIMIZE_AFTER else self._flush)

    def _start(self, work: Callable[[], None]) -> None:
        if self._upkeep is None or self._upkeep.done():
            self._upkeep = self._loop.create_task(self._kept_up(work))

    async def _kept_up(self, work: Callable[[], None]) -> None:
        try:
            await self._on_worker(work)
        except Unavailable:
            # Nothing is lost: the log still holds every change, and the next call reports the same fault to someone who can act.
            return

    def _require_fitting(self, point: Point) -> None:
        for channel in point.lexical:
            _require_channel(channel)
        if point.dense is not None:
            self._require_dimension(point.dense.shape)

    def _require_dimension(self, shape: tuple[int, ...]) -> None:
        if shape != (self._dimension,):
            raise InvalidInput(f"A vector of shape {shape} was given to an index of dimension {self._dimension}.", field="dense")


def _require_channel(channel: Channel) -> None:
    if channel not in LEXICAL:
        raise InvalidInput(f"There is no lexical channel {channel!r}; there are {', '.join(LEXICAL)}.", field="channels")


def _opened(folder: IndexFolder, embedder_name: str, dimension: int, rebuild: bool) -> EdgeShard:
    folder.acquire()
    if rebuild:
        folder.discard()
    folder.require_or_record(embedder_name, dimension)
    if not folder.has_shard():
        return _made_anew(folder, dimension)
    try:
        shard = EdgeShard.load(str(folder.shard), config(dimension))
        _ensure_indexes(shard)
        let_go(folder.shard.resolve())
    except Exception as error:
        raise NotStarted(f"The search index in {folder.path} cannot be opened: {error}. Run `planner-memory reindex` to build it anew.") from error
    return shard


def _made_anew(folder: IndexFolder, dimension: int) -> EdgeShard:
    shutil.rmtree(folder.shard, ignore_errors=True)
    folder.shard.mkdir(parents=True)
    shard = EdgeShard.create(str(folder.shard), config(dimension))
    _ensure_indexes(shard)
    return shard


def _ensure_indexes(shard: EdgeShard) -> None:
    present = shard.info().payload_schema
    for field, schema in INDEXES.items():
        if field not in present:
            shard.update(UpdateOperation.create_field_index(field, schema))
