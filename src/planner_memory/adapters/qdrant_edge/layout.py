"""How memories lie in the engine: vectors, payload fields and their indexes, and the translation of points and filters."""

from collections.abc import Mapping
from datetime import UTC, datetime

from qdrant_edge import (
    Bm25,
    DatetimeIndexParams,
    Distance,
    EdgeConfig,
    EdgeOptimizersConfig,
    EdgeSparseVectorParams,
    EdgeVectorParams,
    FieldCondition,
    HnswIndexConfig,
    KeywordIndexParams,
    MatchAny,
    MatchValue,
    Memory,
    Modifier,
    RangeDateTime,
    SparseVector,
    VectorStorageDatatype,
)
from qdrant_edge import Filter as EngineFilter
from qdrant_edge import Point as EnginePoint

from planner_memory.ports.vectors import Channel, Filter, Point

DENSE = "dense"
LEXICAL: tuple[Channel, ...] = ("text", "window")

_COLD = Memory.Cold  # mapped from disk and left to the page cache: 23 MB instead of 150 of our own at 100,000 memories

INDEXES: dict[str, KeywordIndexParams | DatetimeIndexParams] = {
    "client_id": KeywordIndexParams(is_tenant=True, memory=_COLD),
    "collection": KeywordIndexParams(memory=_COLD),
    "person_id": KeywordIndexParams(memory=_COLD),
    "memory_type": KeywordIndexParams(memory=_COLD),
    "event_type": KeywordIndexParams(memory=_COLD),
    "thread_id": KeywordIndexParams(memory=_COLD),
    "occurred_at": DatetimeIndexParams(memory=_COLD),
    # A keyword, not a bool: the engine's bool index made a filtered search ten times slower (4 ms for 0.4 at 20,000 points).
    "superseded": KeywordIndexParams(memory=_COLD),
}


def config(dimension: int) -> EdgeConfig:
    """Dense cosine vectors of one byte per dimension, searched exhaustively within the filter, and one BM25 vector per lexical channel.

    No HNSW graph: a scan takes some 5 ms over 100,000 memories of 384 dimensions, and building graphs would stop the process for long, since
    the engine keeps Python's lock while it optimizes. Small segments bound that pause to about a second.
    """
    return EdgeConfig(
        vectors={DENSE: EdgeVectorParams(size=dimension, distance=Distance.Cosine, datatype=VectorStorageDatatype.Turbo8, memory=_COLD)},
        sparse_vectors={channel: EdgeSparseVectorParams(modifier=Modifier.Idf, memory=_COLD) for channel in LEXICAL},
        hnsw_config=HnswIndexConfig(m=0, ef_construct=100, full_scan_threshold=10_000, memory=_COLD),
        optimizers=EdgeOptimizersConfig(default_segment_number=12, max_segment_size=16_000, indexing_threshold=6_000),
        payload_memory=_COLD,
        id_tracker_memory=_COLD,
        wal_enabled=True,
        max_search_threads=2,
    )


def engine_point(point: Point, bm25: Mapping[Channel, Bm25]) -> EnginePoint:
    """A lexical text without a single word of weight (empty, stop words only) is left out, as is a missing dense vector."""
    vectors: dict[str, list[float] | SparseVector | list[list[float]]] = {} if point.dense is None else {DENSE: point.dense.tolist()}
    for channel, text in point.lexical.items():
        sparse = bm25[channel].embed_document(text)
        if sparse.indices:
            vectors[channel] = sparse
    payload: dict[str, str] = {
        "client_id": point.client_id,
        "collection": point.collection,
        "person_id": point.person_id,
        "memory_type": point.memory_type,
        "event_type": point.event_type,
        "superseded": _yes_or_no(point.superseded),
    }
    if point.thread_id is not None:
        payload["thread_id"] = point.thread_id
    if point.occurred_at is not None:
        payload["occurred_at"] = _instant(point.occurred_at)
    return EnginePoint(point.id, vectors, payload)


def matches_nothing(filter: Filter) -> bool:
    return () in (filter.clients, filter.collections, filter.memory_types, filter.event_types)


def engine_filter(filter: Filter) -> EngineFilter | None:
    """None when nothing restricts the answer."""
    must = [*_any_of("client_id", filter.clients), *_any_of("collection", filter.collections)]
    must += [*_any_of("memory_type", filter.memory_types), *_any_of("event_type", filter.event_types)]
    if filter.thread_id is not None:
        must += _any_of("thread_id", (filter.thread_id,))
    if filter.since is not None or filter.until is not None:
        since, until = (None if bound is None else _instant(bound) for bound in (filter.since, filter.until))
        must.append(FieldCondition("occurred_at", range=RangeDateTime(gte=since, lt=until)))
    if not filter.include_superseded:
        must += _any_of("superseded", (_yes_or_no(False),))
    return EngineFilter(must=list(must)) if must else None


def client_filter(filter: Filter) -> EngineFilter | None:
    """The texts over which words are counted for IDF: those of the clients asked for, so that no client's ranking tells of another's words."""
    return EngineFilter(must=list(_any_of("client_id", filter.clients))) if filter.clients else None


def _any_of(field: str, values: tuple[str, ...] | None) -> list[FieldCondition]:
    if values is None:
        return []
    return [FieldCondition(field, match=MatchValue(values[0]) if len(values) == 1 else MatchAny(list(values)))]


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()


def _yes_or_no(value: bool) -> str:
    return "yes" if value else "no"
