"""A scheduler on a real calendar's server behind a proxy, for each family, as many new processes would meet it."""

import asyncio
import functools
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from tests.fakes import google_client
from tests.fakes.cutting_proxy import CuttingProxy, When
from tests.fakes.google_server import GoogleServer

from planner_memory.adapters.caldav.calendar import CalDavCalendar
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.postgres.schedules import PostgresSchedules
from planner_memory.adapters.radicale.server import EmbeddedRadicale
from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.intervals import Interval
from planner_memory.core.tenancy import spanning
from planner_memory.ports.calendar import Calendar, CalendarEvent
from planner_memory.scheduler_engine.service import Scheduler
from planner_memory.scheduler_engine.writing import CalendarWriter

NOW = datetime(2027, 3, 15, 7, 0, tzinfo=UTC)
SPRING = Interval(datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC))


def across_clients(test: Callable[..., Awaitable[None]]) -> Callable[..., Awaitable[None]]:
    @functools.wraps(test)
    async def scoped(*arguments: Any, **named: Any) -> None:
        with spanning("recovery"):
            await test(*arguments, **named)

    return scoped


@dataclass
class Stand:
    """A calendar's server behind a proxy. `fresh` makes a scheduler as a new process would, on what is stored alone."""

    proxy: CuttingProxy
    direct: Calendar
    connect: Callable[[], Awaitable[Calendar]]
    empty: Callable[[], Awaitable[None]]
    database: Database
    server: object
    cuts: tuple[When, ...]  # on a server that is asked for one thing after another, a request unseen is the one before it unanswered

    async def fresh(self) -> Scheduler:
        calendar = await self.connect()
        return Scheduler(
            store=PostgresSchedules(self.database),
            calendar=calendar,
            profiles=PostgresProfiles(self.database, time_zone="Europe/Berlin"),
            memory=sys.modules["scheduler_fakes"].FakeMemory(),
            plans=sys.modules["scheduler_fakes"].FakePlans(),
            clock=lambda: NOW,
            writer=CalendarWriter(calendar, waits=(0,)),
        )

    async def begin_anew(self) -> None:
        """Nothing is in the calendar, and nothing is known of it."""
        await self.empty()
        async with self.database.begin() as tx:
            await tx._connection.execute("delete from scheduler_runs")
            await tx._connection.execute("delete from calendar_sync")

    async def own(self) -> list[CalendarEvent]:
        return [e for e in await self.direct.events(SPRING, "Europe/Berlin") if e.is_own]

    async def killed_at(self, request: int, when: When, work: Callable[[Scheduler], Awaitable[Any]]) -> bool:
        """Whether the work was cut and ended there; else it went through."""
        scheduler = await self.fresh()
        task = asyncio.ensure_future(work(scheduler))
        self.proxy.cut_at(request, when, on_cut=task.cancel)
        with suppress(asyncio.CancelledError, PlannerMemoryError):
            await task
        was_cut = self.proxy.has_cut
        self.proxy.heal()
        return was_cut

    async def agrees(self) -> dict[str, Any]:
        """That calendar, live blocks and runs say the same; answers the blocks that stand, by event id."""
        with spanning("recovery"):
            async with self.database.begin() as tx:
                runs = await (await tx._connection.execute("select id, status, schedule_blocks from scheduler_runs")).fetchall()
                live = await (await tx._connection.execute("select event_id, starts_at from live_blocks")).fetchall()
                left = await (await tx._connection.execute("select id from calendar_journal where ended_at is null")).fetchall()
        stands = {b["event_id"]: datetime.fromisoformat(b["start"]) for r in runs if r["status"] == "applied" for b in r["schedule_blocks"]}
        events = await self.own()
        assert len(events) == len({e.event_id for e in events})
        assert {e.event_id: e.start for e in events} == stands
        assert {row["event_id"]: row["starts_at"] for row in live} == stands
        assert left == []
        return stands


@asynccontextmanager
async def on_caldav(radicale: EmbeddedRadicale, database: Database) -> AsyncIterator[Stand]:
    opened: list[CalDavCalendar] = []
    direct = CalDavCalendar(radicale.url, radicale.username, radicale.password)
    async with CuttingProxy(radicale.url) as proxy:

        async def connect() -> Calendar:
            opened.append(CalDavCalendar(proxy.url, radicale.username, radicale.password))
            return opened[-1]

        async def empty() -> None:
            async with direct._asked() as client:
                for each in await direct._calendars():
                    await client.delete(each.url)

        yield Stand(proxy, direct, connect, empty, database, radicale, ("after",))
        await empty()
        for calendar in (direct, *opened):
            await calendar.close()


@asynccontextmanager
async def on_google(database: Database, folder: Path) -> AsyncIterator[Stand]:
    with GoogleServer() as server:
        direct = google_client.client_of(server, folder)
        await google_client.connect(direct.account)
        opened = [direct]
        async with CuttingProxy(server.url) as proxy:

            async def connect() -> Calendar:
                opened.append(google_client.client_of(server, folder, base_url=proxy.url, patience_seconds=0))
                return opened[-1].calendar

            async def empty() -> None:
                for event in await direct.calendar.events(SPRING, "Europe/Berlin"):
                    await direct.calendar.delete(event.event_id)

            yield Stand(proxy, direct.calendar, connect, empty, database, server, ("before", "after"))
            for client in opened:
                await client.close()
