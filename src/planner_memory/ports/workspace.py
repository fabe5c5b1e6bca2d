"""The workspace's daily thread: where the person reads reflections."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal, Protocol
from uuid import UUID

from planner_memory.core.intervals import Interval

Mode = Literal["daily", "weekly"]


@dataclass(frozen=True, slots=True)
class Reflection:
    """One entry of the thread. `thread_on` is the local day on which the period ends.

    `client_id` is None when it is about the person's whole work.
    """

    reflection_id: UUID
    person_id: str
    client_id: str | None
    mode: Mode
    period: Interval
    thread_on: date
    content: str
    metrics: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class PostedReflection:
    posted_id: str
    reflection: Reflection
    posted_at: datetime


class Workspace(Protocol):
    """Raises Unavailable when the workspace does not answer and NotConnected when it refuses the credentials."""

    async def post_reflection(self, reflection: Reflection, *, posted_at: datetime) -> str:
        """Writes it to the thread and returns the entry's id.

        There is one entry per person, client, mode and period start: a second post replaces the first.
        """
        ...

    async def reflections(self, person_id: str, client_id: str | None, mode: Mode | None, *, limit: int) -> list[PostedReflection]:
        """Latest period first."""
        ...

    async def posted(self, person_id: str, client_id: str | None, mode: Mode, period_start: datetime) -> PostedReflection | None:
        """The entry of that period, or None."""
        ...

    async def check(self) -> None: ...
