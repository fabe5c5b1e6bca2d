"""What is still to be done for memories after they were stored, changed or deleted, kept beside them so that no crash loses it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from planner_memory.ports.memories import MemoryTransaction, StoredMemory

Purpose = Literal["copy", "extraction"]


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A claimed one. `is_gone`: the memory was deleted, so that what was derived from it has to go. `revision` and `leased_until` name the claim."""

    memory_id: UUID
    client_id: str
    is_gone: bool
    revision: int
    leased_until: datetime


@dataclass(frozen=True, slots=True)
class Open:
    """One that is not done yet; `error` says why the last attempt failed."""

    memory_id: UUID
    error: str | None


@dataclass(frozen=True, slots=True)
class Backlog:
    count: int
    oldest_at: datetime | None


class FollowUpTransaction(MemoryTransaction, Protocol):
    """Reads and writes of one transaction; all of it raises Unavailable when the store does not answer."""

    async def start_following(self, purpose: Purpose, *, is_filled: bool) -> None:
        """From the commit on every stored, changed or deleted memory is noted for this purpose. Once on, nothing changes.

        `is_filled`: the memories of before are not wanted, so that `fill` has nothing to do.
        """
        ...

    async def fill(self, purpose: Purpose) -> int:
        """Makes the memories of before due, once; returns how many. To be called in a transaction after that of `start_following`."""
        ...

    async def stop_following(self, purpose: Purpose) -> None:
        """Nothing is noted any more, and what is noted is dropped."""
        ...

    async def claim_followups(self, purpose: Purpose, *, is_gone: bool, first: Sequence[UUID], limit: int, lease_seconds: float) -> list[FollowUp]:
        """Leases due ones, those of `first` before the oldest. Nobody else gets them until the lease ends."""
        ...

    async def finish_followups(self, purpose: Purpose, done: Sequence[FollowUp]) -> None:
        """Takes them off the list; one whose memory has changed since it was claimed is due again at once. A lease that was lost changes nothing."""
        ...

    async def put_off_followups(self, purpose: Purpose, failed: Sequence[FollowUp], *, error: str, first_wait_seconds: float) -> None:
        """Gives them back, due again after a wait that doubles with each attempt, at most five minutes."""
        ...

    async def open_followups(self, purpose: Purpose, ids: Sequence[UUID]) -> list[Open]:
        """Those of the memories for which something is still to be done."""
        ...

    async def followup_backlog(self, purpose: Purpose) -> Backlog: ...

    async def extracted_on(self, topic: str, *, client_id: str, person_id: str, memory_type: str) -> list[StoredMemory]:
        """What was extracted on a topic, superseded or not, by time."""
        ...

    async def extracted_from(self, memory_ids: Sequence[UUID]) -> list[StoredMemory]:
        """What was extracted from any of these, in no order."""
        ...

    async def is_said_already(self, content: str, *, client_id: str, memory_type: str) -> bool:
        """Whether a memory of this type that is not superseded and was not extracted has exactly this content."""
        ...

    async def put_provenance(self, memory_id: UUID, metadata: Mapping[str, Any], occurred_at: datetime) -> None:
        """Replaces the metadata and the time of an extracted memory."""
        ...


class FollowUpStore(Protocol):
    def begin(self) -> AbstractAsyncContextManager[FollowUpTransaction]:
        """A transaction, committed when the block ends and rolled back when it raises. Raises Unavailable."""
        ...
