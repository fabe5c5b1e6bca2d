"""Doubles for the tests of the observer: a memory that writes events as the gateway does, a calendar, a failing workspace, jobs."""

import json
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from planner_memory.core.errors import Conflict, Unavailable
from planner_memory.core.ids import new_id
from planner_memory.core.intervals import Interval
from planner_memory.core.tenancy import spanning
from planner_memory.ports.calendar import CalendarEvent
from planner_memory.ports.memory import NewMemory, Remembered
from planner_memory.ports.workspace import PostedReflection, Reflection


class FakeMemory:
    """Keeps rows in `events`; an exact repeat within a thread is one row, another body under the same key is refused."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn
        self._keys: dict[str, NewMemory] = {}
        self.is_down = False

    async def remember(self, memory: NewMemory, *, idempotency_key: str | None = None) -> Remembered:
        if self.is_down:
            raise Unavailable("The gateway does not answer.")
        if idempotency_key is not None and self._keys.setdefault(idempotency_key, memory) != memory:
            raise Conflict("This key was used with another body.")
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection:
            found = await (
                await connection.execute(
                    "select id from events where client_id = %s and thread_id = %s and content = %s",
                    (memory.client_id, memory.thread_id, memory.content),
                )
            ).fetchone()
            if found:
                return Remembered(found[0], ("postgres",), (), (), deduplicated=True)
            memory_id: UUID = new_id()
            await connection.execute(
                "insert into events (id, event_type, event_source, client_id, person_id, memory_type, content, payload, occurred_at, thread_id,"
                " metadata)"
                " values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                (
                    memory_id,
                    memory.event_type,
                    memory.event_source,
                    memory.client_id,
                    memory.person_id,
                    memory.memory_type,
                    memory.content,
                    json.dumps(dict(memory.payload)),
                    memory.occurred_at,
                    memory.thread_id,
                    json.dumps(dict(memory.metadata)),
                ),
            )
        return Remembered(memory_id, ("postgres",), (), ())

    async def forget(self, memory_id: UUID) -> None:
        async with await psycopg.AsyncConnection.connect(self._dsn) as connection:
            await connection.execute("delete from events where id = %s", (memory_id,))

    async def recall(self, query: str, **_: Any) -> Any:
        raise NotImplementedError

    async def put_graph(self, nodes: Any, edges: Any, *, client_id: str | None = None) -> None:
        raise NotImplementedError

    async def check(self) -> None:
        if self.is_down:
            raise Unavailable("The gateway does not answer.")


class FakeCalendar:
    def __init__(self, events: list[CalendarEvent] | None = None) -> None:
        self.all = events or []
        self.is_down = False

    async def events(self, window: Interval, time_zone: str) -> list[CalendarEvent]:
        await self.check()
        return sorted((e for e in self.all if e.start < window.end and e.end > window.start), key=lambda e: e.start)

    async def check(self) -> None:
        if self.is_down:
            raise Unavailable("The calendar does not answer.")


class FlakyWorkspace:
    """A real workspace behind a line that may be cut: the next `failures` posts fail."""

    def __init__(self, real: Any) -> None:
        self._real = real
        self.failures = 0
        self.posts = 0
        self.is_silent = False

    async def post_reflection(self, reflection: Reflection, *, posted_at: datetime) -> str:
        if self.failures > 0:
            self.failures -= 1
            raise Unavailable("The workspace does not answer.")
        self.posts += 1
        posted: str = await self._real.post_reflection(reflection, posted_at=posted_at)
        return posted

    async def reflections(self, *arguments: Any, limit: int) -> list[PostedReflection]:
        found: list[PostedReflection] = await self._real.reflections(*arguments, limit=limit)
        return found

    async def posted(self, *arguments: Any) -> PostedReflection | None:
        found: PostedReflection | None = await self._real.posted(*arguments)
        return found

    async def put(self, *arguments: Any) -> int:
        with spanning("reflection"):
            count: int = await self._real.put(*arguments)
        return count

    async def records(self, *arguments: Any, **more: Any) -> Any:
        if self.is_silent:
            raise Unavailable("The workspace does not answer.")
        return await self._real.records(*arguments, **more)

    async def check(self) -> None:
        await self._real.check()


class FakeJobs:
    def __init__(self) -> None:
        self.handlers: dict[str, Any] = {}
        self.crons: dict[str, str | None] = {}
        self.deferred: list[tuple[str, dict[str, Any]]] = []

    def register(self, name: str, handler: Any, *, cron: str | None = None) -> None:
        self.handlers[name] = handler
        self.crons[name] = cron

    async def defer(self, name: str, *, lock: str | None = None, in_seconds: float = 0, **arguments: Any) -> bool:
        self.deferred.append((name, json.loads(json.dumps(arguments))))
        return True

    async def close(self) -> None: ...


class FakeClock:
    def __init__(self, now: datetime) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def advance(self, **parts: float) -> None:
        self.now += timedelta(**parts)
