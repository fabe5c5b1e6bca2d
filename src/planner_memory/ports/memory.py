"""The memory as the other services use it: through the gateway's HTTP face, in one process or in four."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

MemoryType = Literal["fact", "preference", "episode", "event"]


@dataclass(frozen=True, slots=True)
class NewMemory:
    """Something to remember. `client_id` None means the person's own default client."""

    content: str
    client_id: str | None = None
    memory_type: MemoryType = "event"
    event_type: str = "note"
    event_source: str = "planner-memory"
    occurred_at: datetime | None = None
    thread_id: str | None = None
    person_id: str = "me"
    payload: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    entities: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Remembered:
    memory_id: UUID
    stored_in: tuple[str, ...]
    pending: tuple[str, ...]
    failed: tuple[str, ...]
    deduplicated: bool = False


@dataclass(frozen=True, slots=True)
class RecalledMemory:
    memory_id: UUID
    content: str
    score: float  # 0..1
    memory_type: str
    occurred_at: datetime
    thread_id: str | None
    metadata: Mapping[str, Any]
    collection: str


@dataclass(frozen=True, slots=True)
class Recall:
    results: tuple[RecalledMemory, ...]
    degraded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GraphNode:
    """`node_id` carries its origin: ws:workflow-7, coda:workflow-7, plan:<id>."""

    node_id: str
    node_type: str
    properties: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class GraphEdge:
    from_node_id: str
    to_node_id: str
    edge_type: str
    properties: Mapping[str, Any] = field(default_factory=dict)


class Memory(Protocol):
    """Raises Unavailable when the gateway does not answer, InvalidInput when it refuses what was sent."""

    async def remember(self, memory: NewMemory, *, idempotency_key: str | None = None) -> Remembered: ...

    async def recall(
        self,
        query: str,
        *,
        client_id: str | None = None,
        k: int = 10,
        memory_type: str | None = None,
        event_type: str | None = None,
    ) -> Recall:
        """Best first; nothing found is an empty answer."""
        ...

    async def put_graph(self, nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], *, client_id: str | None = None) -> None:
        """Adds or updates the nodes, then the edges. Safe to repeat."""
        ...

    async def check(self) -> None: ...
