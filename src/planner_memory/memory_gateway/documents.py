"""Memories and receipts as the JSON documents that leave the gateway; instants in UTC."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any, Literal
from uuid import UUID

from planner_memory.memory_gateway.ranking import Ranked
from planner_memory.memory_gateway.texts import collection_of
from planner_memory.ports.memories import StoredMemory


def _instant(at: datetime | None) -> str | None:
    return at.astimezone(UTC).isoformat() if at else None


def memory_document(row: StoredMemory) -> dict[str, Any]:
    return {
        "memory_id": str(row.id),
        "client_id": row.client_id,
        "person_id": row.person_id,
        "content": row.content,
        "memory_type": row.memory_type,
        "event_type": row.event_type,
        "event_source": row.event_source,
        "occurred_at": _instant(row.occurred_at),
        "created_at": _instant(row.created_at),
        "thread_id": row.thread_id,
        "payload": row.payload,
        "metadata": row.metadata,
        "entities": list(row.entities),
        "pinned": row.pinned,
        "superseded_at": _instant(row.superseded_at),
        "superseded_by": str(row.superseded_by) if row.superseded_by else None,
        "collection": collection_of(row.memory_type),
        "index_state": row.index_state,
    }


def hit_document(row: StoredMemory, hit: Ranked) -> dict[str, Any]:
    return {
        "memory_id": str(row.id),
        "client_id": row.client_id,
        "content": row.content,
        "score": round(hit.score, 4),
        "scores": dict(hit.scores),
        "memory_type": row.memory_type,
        "event_type": row.event_type,
        "occurred_at": _instant(row.occurred_at),
        "thread_id": row.thread_id,
        "metadata": row.metadata,
        "entities": list(row.entities),
        "pinned": row.pinned,
        "superseded_at": _instant(row.superseded_at),
        "collection": collection_of(row.memory_type),
    }


@dataclass(frozen=True, slots=True)
class Kept:
    """What became of something to remember: the vendors that hold it, that do not yet, and that answered with failure."""

    memory_id: UUID
    stored_in: tuple[str, ...]
    pending: tuple[str, ...]
    failed: tuple[str, ...]
    deduplicated: bool
    warning: str | None = None


@dataclass(frozen=True, slots=True)
class StoreReceipt:
    """`removed`: counted as gone from there, `remaining`: how many that match are still found, where that can be counted."""

    state: Literal["removed", "pending", "off"]
    removed: int
    checked_at: str
    remaining: int | None = None
    detail: str | None = None


def receipt_document(ids: list[UUID], stores: Mapping[str, StoreReceipt], at: datetime) -> dict[str, Any]:
    state = "pending" if any(s.state == "pending" for s in stores.values()) else "complete"
    listed = {name: {k: v for k, v in asdict(s).items() if v is not None} for name, s in stores.items()}
    return {"removed": len(ids), "state": state, "checked_at": _instant(at), "stores": listed}
