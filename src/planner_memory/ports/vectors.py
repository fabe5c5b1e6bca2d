"""The search index over memories: derived from the store, rebuildable, never the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol
from uuid import UUID

import numpy as np
from numpy.typing import NDArray

Channel = str  # "dense", or the name of a lexical text: "text" (dated content) or "window" (content with its neighbours)


@dataclass(frozen=True, slots=True)
class Point:
    """One searchable memory. `lexical` holds the texts to index by BM25, by channel. `dense` is None when no embedder answered."""

    id: UUID
    collection: str
    client_id: str
    lexical: Mapping[Channel, str]
    dense: NDArray[np.float32] | None = None
    person_id: str = "me"
    memory_type: str = "event"
    event_type: str = ""
    thread_id: str | None = None
    occurred_at: datetime | None = None
    superseded: bool = False


@dataclass(frozen=True, slots=True)
class Filter:
    """Every condition given must hold. `clients` None means no restriction; an empty tuple matches nothing."""

    clients: tuple[str, ...] | None = None
    collections: tuple[str, ...] | None = None
    memory_types: tuple[str, ...] | None = None
    event_types: tuple[str, ...] | None = None
    thread_id: str | None = None
    since: datetime | None = None  # occurred at or after
    until: datetime | None = None  # occurred before
    include_superseded: bool = False


@dataclass(frozen=True, slots=True)
class Query:
    """What to look for: in each lexical channel the text, in "dense" the vector (left out when None)."""

    text: str
    dense: NDArray[np.float32] | None = None
    channels: tuple[Channel, ...] = ("text", "window")
    limit: int = 100  # per channel
    filter: Filter = field(default_factory=Filter)


@dataclass(frozen=True, slots=True)
class Hit:
    id: UUID
    score: float  # as the engine counts it: comparable within one channel of one answer only


class VectorIndex(Protocol):
    """A hybrid index. Writes are visible to the next search; they survive the process being killed once `upsert` has returned.

    Opening an index that another embedder filled raises NotStarted, whose detail names the command that rebuilds it. Where a method may raise
    Unavailable, one that needs an account may raise NotConnected instead.
    """

    async def upsert(self, points: Sequence[Point]) -> None:
        """Adds or replaces by id, all fields. Raises Unavailable."""
        ...

    async def delete(self, ids: Sequence[UUID]) -> None:
        """Removes by id; unknown ids are ignored. Raises Unavailable."""
        ...

    async def search(self, query: Query) -> dict[Channel, list[Hit]]:
        """Per channel that was asked for, the best `limit` hits, best first; a channel without a hit has an empty list. Raises Unavailable."""
        ...

    async def count(self, filter: Filter) -> int:
        """How many points match, exactly. Raises Unavailable."""
        ...

    async def clear(self) -> None:
        """Removes every point."""
        ...

    async def check(self) -> None:
        """Returns when the index answers, else raises Unavailable."""
        ...

    async def close(self) -> None:
        """Flushes and releases it. Safe to call twice."""
        ...
