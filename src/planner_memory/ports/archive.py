"""A client's rows as lines of JSON, out and in again, what was changed in them, and how long they are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

Kind = Literal["memory", "memory_history", "graph_node", "graph_edge", "document", "doc_chunk"]


@dataclass(frozen=True, slots=True)
class Line:
    """`text` is one JSON object without its kind; `place` is where the next page begins."""

    place: str
    text: str


@dataclass(frozen=True, slots=True)
class Change:
    revision: int  # 1 is the first change
    changed_at: datetime
    changes: Mapping[str, Any]  # field -> {"before": …, "after": …}


@dataclass(frozen=True, slots=True)
class Retention:
    """Days that memories are kept after they happened, by type; what no rule names is kept.

    A rule for an event type goes before one for its memory type.
    """

    client_id: str
    memory_types: Mapping[str, int] = field(default_factory=dict)
    event_types: Mapping[str, int] = field(default_factory=dict)
    include_pinned: bool = False


class ArchiveTransaction(Protocol):
    """Part of a memory transaction; all of it raises Unavailable."""

    async def lines(self, kind: Kind, client_id: str, *, after: str, limit: int) -> list[Line]:
        """The rows of a client behind a place ("" is the beginning), in an order that stays."""
        ...

    async def put_lines(self, kind: Kind, client_id: str, lines: Sequence[str]) -> int:
        """Writes the rows under the client and returns how many are new; those that are there stay as they are.

        Raises:
            Conflict: an id is taken by a row of another client.
            InvalidInput: a row belongs to one that is not there.
        """
        ...

    async def change(self, memory_id: UUID, changes: Mapping[str, Any]) -> None:
        """Sets the named columns of one memory; a history row is written and the row is due for indexing when anything is different."""
        ...

    async def disturb(self, ids: Sequence[UUID], reach: int) -> None:
        """What lies within `reach` places of one of them in its thread is due for indexing again."""
        ...

    async def history(self, memory_id: UUID) -> list[Change]:
        """Newest first."""
        ...

    async def retention(self, client_id: str) -> Retention | None: ...

    async def retentions(self) -> list[Retention]: ...

    async def put_retention(self, policy: Retention) -> None: ...

    async def expired(self, policy: Retention, now: datetime, limit: int) -> list[UUID]:
        """Memories that the policy keeps no longer, oldest first. Preferences only under a rule of their own, pinned ones only if it says so."""
        ...

    async def count_expired(self, policy: Retention, now: datetime) -> int: ...
