"""How memories lie on the server: vectors and payload, and the translation of points and filters into the API's JSON."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from qdrant_edge import Bm25, Bm25Config, SparseVector

from planner_memory.adapters.qdrant.collections import DENSE
from planner_memory.ports.vectors import Channel, Filter, Point

Json = dict[str, Any]


def bm25() -> dict[Channel, Bm25]:
    """The word splitting and weighting of the embedded index, with its numbers, so that both rank alike."""
    return {
        "text": Bm25(Bm25Config(k=0.9, b=0.4, avg_len=64, language="english", ascii_folding=True)),
        "window": Bm25(Bm25Config(k=0.9, b=0.4, avg_len=128, language="english", ascii_folding=True)),
    }


def point_json(point: Point, weights: Mapping[Channel, Bm25]) -> Json:
    """A lexical text without a single word of weight (empty, stop words only) is left out, as is a missing dense vector."""
    vectors: Json = {} if point.dense is None else {DENSE: point.dense.tolist()}
    for channel, text in point.lexical.items():
        sparse = weights[channel].embed_document(text)
        if sparse.indices:
            vectors[channel] = sparse_json(sparse)
    payload: Json = {
        "client_id": point.client_id,
        "collection": point.collection,
        "person_id": point.person_id,
        "memory_type": point.memory_type,
        "event_type": point.event_type,
        "superseded": point.superseded,
    }
    if point.thread_id is not None:
        payload["thread_id"] = point.thread_id
    if point.occurred_at is not None:
        payload["occurred_at"] = _instant(point.occurred_at)
    return {"id": str(point.id), "vector": vectors, "payload": payload}


def sparse_json(sparse: SparseVector) -> Json:
    return {"indices": list(sparse.indices), "values": list(sparse.values)}


def matches_nothing(filter: Filter) -> bool:
    return () in (filter.clients, filter.collections, filter.memory_types, filter.event_types)


def filter_json(filter: Filter) -> Json:
    """All conditions but the one on collections, which is met by asking only those."""
    must = [*_any_of("client_id", filter.clients), *_any_of("memory_type", filter.memory_types), *_any_of("event_type", filter.event_types)]
    if filter.thread_id is not None:
        must.append({"key": "thread_id", "match": {"value": filter.thread_id}})
    bounds = {"gte": filter.since, "lt": filter.until}
    within = {name: _instant(bound) for name, bound in bounds.items() if bound is not None}
    if within:
        must.append({"key": "occurred_at", "range": within})
    if not filter.include_superseded:
        must.append({"key": "superseded", "match": {"value": False}})
    return {"must": must}


def lexical_params(filter: Filter) -> Json:
    """The texts over which words are counted for IDF: those of the clients asked for, so that no client's ranking tells of another's words."""
    return {"params": {"idf": {"corpus": {"must": _any_of("client_id", filter.clients)}}}} if filter.clients else {}


def _any_of(field: str, values: tuple[str, ...] | None) -> list[Json]:
    if values is None:
        return []
    return [{"key": field, "match": {"value": values[0]} if len(values) == 1 else {"any": list(values)}}]


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat()
