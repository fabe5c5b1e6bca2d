"""Doubles of the services beyond the scheduler, and a calendar that fails on command."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from planner_memory.core.errors import Unavailable
from planner_memory.core.ids import new_id
from planner_memory.core.intervals import Interval
from planner_memory.ports.calendar import Calendar, CalendarEvent, NewEvent
from planner_memory.ports.memory import GraphEdge, GraphNode, NewMemory, Recall, RecalledMemory, Remembered
from planner_memory.ports.planning import FinishedTask


class FakeMemory:
    def __init__(self) -> None:
        self.remembered: list[NewMemory] = []
        self.preferences: list[str] = []
        self.down = False

    async def remember(self, memory: NewMemory, *, idempotency_key: str | None = None) -> Remembered:
        await self.check()
        self.remembered.append(memory)
        return Remembered(new_id(), ("postgres",), (), ())

    async def recall(self, query: str, **_: Any) -> Recall:
        await self.check()
        said = datetime(2027, 3, 1, tzinfo=UTC)
        return Recall(tuple(RecalledMemory(new_id(), text, 0.9, "preference", said, None, {}, "agent_memories") for text in self.preferences))

    async def put_graph(self, nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], *, client_id: str | None = None) -> None: ...

    async def check(self) -> None:
        if self.down:
            raise Unavailable("The memory gateway does not answer.")


class FakePlans:
    def __init__(self) -> None:
        self.statuses: list[tuple[UUID, str]] = []
        self.finished: list[FinishedTask] = []
        self.down = False

    async def set_plan_status(self, plan_id: UUID, status: str) -> None:
        await self.check()
        self.statuses.append((plan_id, status))

    async def record_finished(self, task: FinishedTask) -> None:
        await self.check()
        self.finished.append(task)

    async def check(self) -> None:
        if self.down:
            raise Unavailable("The planner does not answer.")


class Killed(BaseException):
    """Stands for the process ending in the middle of a write."""


class FaultyCalendar:
    """A real calendar that refuses every write from the nth on, until `heal`; or dies at it."""

    def __init__(self, calendar: Calendar) -> None:
        self._calendar = calendar
        self.heal()

    def fail_at(self, write: int, *, dies: bool = False) -> None:
        self._writes, self._fails_at, self._dies = 0, write, dies

    def heal(self) -> None:
        self._writes, self._fails_at, self._dies = 0, 1 << 30, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._calendar, name)  # what does not write

    async def events(self, window: Interval, time_zone: str) -> list[CalendarEvent]:
        return await self._calendar.events(window, time_zone)

    async def put(self, event: NewEvent, *, if_match: str | None = None, only_new: bool = False) -> CalendarEvent:
        self._writes += 1
        if self._writes >= self._fails_at:
            raise Killed if self._dies else Unavailable("The calendar server does not take the event.")
        return await self._calendar.put(event, if_match=if_match, only_new=only_new)

    async def delete(self, event_id: str, *, if_match: str | None = None) -> bool:
        return await self._calendar.delete(event_id, if_match=if_match)

    async def import_events(self, ics: str) -> int:
        return await self._calendar.import_events(ics)

    async def check(self) -> None:
        await self._calendar.check()

    async def close(self) -> None: ...
