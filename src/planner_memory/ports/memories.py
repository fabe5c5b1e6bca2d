"""Where memories are kept: the truth from which index and cache are derived."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from planner_memory.ports.archive import ArchiveTransaction
from planner_memory.ports.memory import GraphEdge, GraphNode

Direction = Literal["outgoing", "incoming", "both"]


@dataclass(frozen=True, slots=True)
class MemoryToStore:
    """One row to write. Texts hold no NUL, mappings are plain JSON, `content_hash` is the SHA-256 of the content in UTF-8."""

    id: UUID
    client_id: str
    content: str
    content_hash: str
    occurred_at: datetime
    occurred_at_given: bool  # false when the clock chose it
    memory_type: str = "event"
    event_type: str = "note"
    event_source: str = "api"
    person_id: str = "me"
    thread_id: str | None = None
    payload: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    entities: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class StoredMemory:
    id: UUID
    client_id: str
    person_id: str
    memory_type: str
    event_type: str
    event_source: str
    content: str
    payload: Any
    metadata: Any
    entities: Sequence[str]
    occurred_at: datetime
    thread_id: str | None
    pinned: bool
    created_at: datetime
    superseded_at: datetime | None
    superseded_by: UUID | None
    index_state: str
    index_due_at: datetime


@dataclass(frozen=True, slots=True)
class Added:
    """`row` is None when the memory is a repeat of the row `id`, which was there."""

    id: UUID
    row: StoredMemory | None


@dataclass(frozen=True, slots=True)
class Candidate:
    """What ranking needs of a row: its text cut to a few thousand characters."""

    id: UUID
    text: str
    occurred_at: datetime
    thread_id: str | None
    speaker: str | None
    entities: Sequence[str]
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class Selection:
    """Every condition given must hold. `clients` None means every client; superseded rows are left out unless asked for.

    With `as_of` the rows are those that held at that instant: they had happened and were not superseded yet.
    """

    clients: tuple[str, ...] | None = None
    memory_types: tuple[str, ...] | None = None
    event_types: tuple[str, ...] | None = None
    thread_id: str | None = None
    since: datetime | None = None  # occurred at or after
    until: datetime | None = None  # occurred before
    as_of: datetime | None = None
    include_superseded: bool = False
    pinned: bool | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    id: UUID
    score: float


@dataclass(frozen=True, slots=True)
class Pending:
    count: int
    oldest_at: datetime | None  # when the oldest of them was written


@dataclass(frozen=True, slots=True)
class Forgotten:
    id: UUID
    client_id: str


@dataclass(frozen=True, slots=True)
class StoredNode:
    node_id: str
    node_type: str
    properties: Any


@dataclass(frozen=True, slots=True)
class StoredEdge:
    from_node_id: str
    to_node_id: str
    edge_type: str
    properties: Any


@dataclass(frozen=True, slots=True)
class ProjectRun:
    """An execution run of a project. Hours and time are those of the run's record, else those noted at its node."""

    project_id: str
    properties: Any  # of the project
    run_id: str
    workflow_id: str
    template_id: str
    estimated_hours: float | None
    actual_hours: float | None
    ended_at: datetime | None


class MemoryTransaction(ArchiveTransaction, Protocol):
    """Reads and writes of one transaction; all of it raises Unavailable when the store does not answer."""

    async def lock(self, clients: Sequence[str]) -> None:
        """Waits until no other transaction that locked one of the clients is open, so that repeats are seen."""
        ...

    async def add(self, memories: Sequence[MemoryToStore]) -> None: ...

    async def add_unless_repeated(self, memories: Sequence[MemoryToStore], *, lease_seconds: float = 0) -> list[Added]:
        """Adds those that are not stored already, in order. A repeat has client, thread, type and content in common with a row that is not
        superseded; outside a thread it must also have the same time, or, when none was given, a row younger than a day.

        They are compared with what was there before, not with one another. With `lease_seconds` the new rows are leased, as by `claim`.
        """
        ...

    async def supersede(self, old: UUID, new: UUID, at: datetime) -> None: ...

    async def memories(self, ids: Sequence[UUID]) -> list[StoredMemory]:
        """Those that exist, in no order."""
        ...

    async def listed(self, selection: Selection, *, before: tuple[datetime, UUID] | None, limit: int) -> list[StoredMemory]:
        """Newest first by (occurred_at, id), strictly before the given place."""
        ...

    async def candidates(self, ids: Sequence[UUID], selection: Selection) -> list[Candidate]:
        """Those of the ids that match the selection."""
        ...

    async def by_words(self, text: str, selection: Selection, limit: int, *, unindexed_only: bool = False) -> list[Scored]:
        """Rows that hold any word of the text, by full-text search, best first. Scores are comparable within the answer.

        With `unindexed_only` those alone that are not marked as indexed.
        """
        ...

    async def ids(self, selection: Selection) -> list[UUID]: ...

    async def forget(self, ids: Sequence[UUID], reach: int) -> list[UUID]:
        """Deletes them and returns those that were there. What lies within `reach` places of one in its thread is due for indexing again."""
        ...

    async def claim(self, *, first: Sequence[UUID], limit: int, lease_seconds: float) -> list[StoredMemory]:
        """Takes rows that are due for indexing, those of `first` before the oldest, and leases them.

        Until the lease ends nobody else gets them; `index_due_at` of the answer names the lease.
        """
        ...

    async def around(self, ids: Sequence[UUID], reach: int) -> list[StoredMemory]:
        """The rows of the same threads within `reach` places of each of the ids, themselves among them, once each."""
        ...

    async def mark_indexed(self, rows: Sequence[StoredMemory]) -> list[UUID]:
        """Marks those that did not change since they were claimed. Returns the ids that do not exist any more.

        Those that changed, or that somebody else has claimed since, are due again: what was written of them may lie over what is newer.
        """
        ...

    async def mark_unindexed(self, rows: Sequence[StoredMemory], *, state: str, error: str) -> list[UUID]:
        """Gives claimed rows back, due again after a wait that doubles with each attempt, at most five minutes. Returns as `mark_indexed`."""
        ...

    async def end_leases(self) -> int:
        """Makes every row that is not indexed due now, whoever leased it; returns how many."""
        ...

    async def mark_all_pending(self) -> int: ...

    async def pending(self, *, but_for: Sequence[StoredMemory] = ()) -> Pending:
        """What is not marked as indexed; rows of `but_for` do not count as long as they did not change."""
        ...

    async def overdue(self, seconds: float, *, but_for: Sequence[StoredMemory] = ()) -> dict[str, int]:
        """As `pending`, for rows that were written so long ago: how many of each client that has any."""
        ...

    async def forgotten(self, limit: int) -> list[Forgotten]:
        """Deleted rows that the index has not confirmed yet, oldest first."""
        ...

    async def confirm_forgotten(self, ids: Sequence[UUID]) -> None: ...

    async def put_nodes(self, client_id: str, nodes: Sequence[GraphNode]) -> None:
        """Adds them; of one that is there the type is replaced and the properties are merged, new values winning."""
        ...

    async def put_edges(self, client_id: str, edges: Sequence[GraphEdge]) -> None: ...

    async def nodes(self, client_id: str, node_ids: Sequence[str]) -> list[StoredNode]: ...

    async def edges_at(
        self, client_id: str, frontier: Sequence[str], known: Sequence[str], *, edge_type: str | None, direction: Direction, limit: int
    ) -> list[StoredEdge]:
        """Edges that lead from the frontier to a node outside `known`, one per such node, ordered by that node."""
        ...

    async def run_counts(self, client_id: str, node_ids: Sequence[str]) -> dict[str, int]:
        """How many execution runs each template among the nodes was used in; the others are left out."""
        ...

    async def projects(self, client_id: str, blueprint_id: str, *, runs: int) -> list[ProjectRun]:
        """The execution runs below a blueprint (its workflows, their templates, their runs) and their projects, at most so many, newest first."""
        ...


class MemoryStore(Protocol):
    def begin(self, *, may_be_lost: bool = False, locking: Sequence[str] = ()) -> AbstractAsyncContextManager[MemoryTransaction]:
        """A transaction, committed when the block ends and rolled back when it raises. Raises Unavailable. `locking`: begins with a `lock` of these.

        With `may_be_lost` a crash of the store may undo it: for what is only noted about the index, and made again when the note is missing.
        """
        ...

    async def add_unless_repeated(self, memory: MemoryToStore, *, lease_seconds: float = 0) -> Added:
        """As `add_unless_repeated` of a transaction that locks the memory's client, with this one memory alone: the short way for the usual case.

        Sent again with the same id, it answers with the row that it stored: that is no repeat.
        """
        ...

    async def check(self) -> None: ...
