"""The journal of calendar writes and the live blocks: part of an open transaction of schedules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from planner_memory.core.intervals import Interval

Purpose = Literal["apply", "undo", "edit"]


@dataclass(frozen=True, slots=True)
class LiveBlock:
    """A block that stands, or is about to stand, in the calendar. `contested`: a person put it onto another one.

    `etag` is that of the last state known.
    """

    event_id: str
    run_id: UUID
    client_id: str | None
    person_id: str
    task_id: str
    starts_at: datetime
    ends_at: datetime
    state: str = "placed"
    is_pinned: bool = False
    is_done: bool = False
    etag: str | None = None

    @property
    def interval(self) -> Interval:
        return Interval(self.starts_at, self.ends_at)


@dataclass(frozen=True, slots=True)
class CalendarWrite:
    """One event to be written. `wanted` is the block that is to stand, None for a delete; `before` the one that stood, None for a create.

    `etag` is that of what stood, if it is known, and of what stands, once it is `written`. `refused`: somebody else has changed the event.
    """

    event_id: str
    operation: Literal["create", "update", "delete"]
    wanted: Mapping[str, Any] | None = None
    before: Mapping[str, Any] | None = None
    before_run_id: UUID | None = None
    etag: str | None = None
    state: str = "intended"


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One change of the calendar as a whole. Open while its state is `writing` or `taking back`; then `kept` or `taken back`."""

    id: UUID
    run_id: UUID
    person_id: str
    purpose: Purpose
    state: str
    replaces: UUID | None
    event_type: str


class Journal(Protocol):
    """All of it within one transaction."""

    async def open_entry(self, entry: JournalEntry, client_id: str | None, writes: Sequence[CalendarWrite]) -> None:
        """
        Raises:
            Conflict: another entry of the person is open.
        """
        ...

    async def open_entries(self, person_id: str | None) -> list[JournalEntry]:
        """The oldest first; of everybody when no person is given."""
        ...

    async def writes(self, entry_id: UUID) -> list[CalendarWrite]:
        """In the order in which they were opened."""
        ...

    async def mark_write(self, entry_id: UUID, event_id: str, state: str, *, etag: str | None, link: str | None) -> None: ...

    async def set_entry_state(self, entry_id: UUID, state: str) -> None: ...

    async def occupy(self, run_ids: Sequence[UUID], blocks: Sequence[LiveBlock]) -> None:
        """Takes the place of all live blocks of these runs.

        Raises:
            Conflict: another live block of the person stands there; nothing of the transaction can be kept.
        """
        ...

    async def live_blocks(self, person_id: str) -> list[LiveBlock]:
        """In order of their starts."""
        ...

    async def replace_live(self, event_ids: Sequence[str], blocks: Sequence[LiveBlock]) -> None:
        """Removes the live blocks of those ids, then adds these. Raises as `occupy`."""
        ...
