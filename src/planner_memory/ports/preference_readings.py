"""What each remembered preference was understood to ask of schedules: once by the language model, or as the person corrected it."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Reading:
    """`rules` are JSON-ready; none of them means that the memory asks nothing. `notes` say which model and prompt it was.

    A reading goes with its memory, and with the memory's words: when they change it is gone, whoever made it.
    """

    memory_id: UUID
    read_by: Literal["model", "person"]
    rules: Sequence[Mapping[str, Any]]
    read_at: datetime
    notes: Mapping[str, Any] = field(default_factory=dict)


class PreferenceReadings(Protocol):
    """One open transaction."""

    async def readings(self, memory_ids: Sequence[UUID]) -> list[Reading]:
        """Those there are, in no order."""
        ...

    async def save(self, reading: Reading) -> bool:
        """Stores or replaces it; a model's never replaces a person's. False when there is no such memory, or a person's reading stays."""
        ...

    async def remove(self, memory_id: UUID) -> bool:
        """False when there was none."""
        ...

    async def text_of(self, memory_id: UUID) -> str | None:
        """The words of a remembered preference; None when there is no such memory."""
        ...


class PreferenceReadingStore(Protocol):
    """Raises Unavailable when the database does not answer."""

    def begin(self) -> AbstractAsyncContextManager[PreferenceReadings]:
        """A transaction, committed when the block ends and rolled back when it raises."""
        ...
