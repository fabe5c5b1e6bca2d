"""Google calls when something changes: ordered with a public address, renewed in time, believed with its token alone, ended with the account."""

import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
import structlog
from tests.fakes import google_client
from tests.fakes.google_server import GoogleServer

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.postgres.schedules import PostgresSchedules
from planner_memory.ports.jobs import Handler
from planner_memory.scheduler_engine.connecting import Connections
from planner_memory.scheduler_engine.routes import open_router, router
from planner_memory.scheduler_engine.service import Scheduler
from planner_memory.scheduler_engine.writing import CalendarWriter
from planner_memory.web import observed
from planner_memory.web.auth import hash_of
from planner_memory.web.face import Face, build_app

PUBLIC = "https://planner.example"


@dataclass
class HeldJobs:
    """Jobs that wait until the test runs them."""

    handlers: dict[str, Handler] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)

    def register(self, name: str, handler: Handler, *, cron: str | None = None) -> None:
        self.handlers[name] = handler

    async def defer(self, name: str, /, *, lock: str | None = None, in_seconds: float = 0, **arguments: Any) -> bool:
        is_new = (lock or name) not in self.waiting
        self.waiting.setdefault(lock or name, name)
        return is_new

    async def run(self) -> int:
        waiting, self.waiting = self.waiting, {}
        for name in waiting.values():
            await self.handlers[name]()
        return len(waiting)

    async def close(self) -> None: ...


@dataclass
class Watched:
    google: GoogleServer
    scheduler: Scheduler
    connections: Connections
    calendar: Any
    jobs: HeldJobs
    http: httpx.AsyncClient
    clock: list[datetime]

    async def notified(self, channel_id: str, **changed: str) -> int:
        address, headers = self.google.notice(channel_id)
        assert address == f"{PUBLIC}/api/v1/scheduler/webhooks/calendar"
        answer = await self.http.post(address.removeprefix(PUBLIC), headers=headers | changed)  # without a key
        return answer.status_code


@pytest.fixture
async def watched(database: Database, tmp_path: Path) -> AsyncIterator[Watched]:
    with GoogleServer() as google:
        client = google_client.client_of(google, tmp_path)
        await google_client.connect(client.account)
        keys, jobs, clock = PostgresKeys(database), HeldJobs(), [datetime.now(UTC)]
        await keys.add_key("all", hash_of("k-all"))
        scheduler = Scheduler(
            store=PostgresSchedules(database),
            calendar=client.calendar,
            profiles=PostgresProfiles(database, time_zone="Europe/Berlin"),
            memory=sys.modules["scheduler_fakes"].FakeMemory(),
            plans=sys.modules["scheduler_fakes"].FakePlans(),
            clock=lambda: clock[0],
            writer=CalendarWriter(client.calendar, waits=(0,)),
            public_url=PUBLIC + "/",
        )
        scheduler.register_jobs(jobs)
        connections = Connections(client.calendar, client.account, scheduler.watcher)
        app = build_app(
            "scheduler-engine",
            Face(keys, keys),
            health=scheduler.health,
            routers=[router],
            open_routers=[open_router],
            state={"scheduler": scheduler},
        )
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://test") as http:
            yield Watched(google, scheduler, connections, client.calendar, jobs, http, clock)
        await client.close()


async def test_a_call_with_the_channels_token_has_the_calendar_read_once_for_many(
    watched: Watched, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # a logger of this test's own: a command run in this process earlier may have set the levels of all
    log = structlog.wrap_logger(structlog.PrintLogger(sys.stdout), [structlog.processors.JSONRenderer()], structlog.BoundLogger)
    monkeypatch.setattr(observed, "log", log)
    headers = {"Authorization": "Bearer k-all"}
    body = {"tasks": [{"task_id": "a", "title": "A", "estimated_minutes": 60}]}
    run = (await watched.http.post("/api/v1/scheduler/schedule", json=body, headers=headers)).json()
    (block,) = run["schedule_blocks"]
    await watched.jobs.handlers["scheduler-engine-sync"]()  # the timer orders the calls
    channel = next(iter(watched.google.store.channels))
    event = await watched.calendar.event(block["event_id"])
    own = next(c for c in watched.google.store.calendars.values() if c.is_of_app)
    later = event.start + timedelta(days=1)
    change = {"start": {"dateTime": later.isoformat()}, "end": {"dateTime": (later + timedelta(hours=1)).isoformat()}}
    watched.google.store.patch(own, block["event_id"], change, None)
    assert [await watched.notified(channel) for _ in range(5)] == [204] * 5
    assert await watched.jobs.run() == 1
    found = (await watched.http.get(f"/api/v1/scheduler/runs/{run['scheduler_run_id']}", headers=headers)).json()["schedule_blocks"][0]
    assert datetime.fromisoformat(found["start"]) == later
    assert found["pinned"]
    logged = "".join(capfd.readouterr())
    assert "webhooks/calendar" in logged
    assert watched.google.store.channels[channel]["token"] not in logged
    assert PUBLIC not in logged


@pytest.mark.parametrize("token", ["", "guessed", "x" * 300])
async def test_a_call_without_it_is_refused_and_has_nothing_read(watched: Watched, token: str) -> None:
    await watched.scheduler.watcher.renew()
    channel = next(iter(watched.google.store.channels))
    assert await watched.notified(channel, **{"X-Goog-Channel-Token": token}) == 403
    assert await watched.jobs.run() == 0


async def test_the_order_is_renewed_before_it_ends_and_the_old_one_ends_last(watched: Watched) -> None:
    assert await watched.scheduler.watcher.renew()
    first = dict(watched.google.store.channels)
    assert not await watched.scheduler.watcher.renew()
    ends = min(int(c["expiration"]) for c in first.values()) / 1000
    life = timedelta(seconds=ends) - timedelta(seconds=watched.clock[0].timestamp())
    watched.clock[0] += life * 3 / 4
    _, old = watched.google.notice(next(iter(first)))
    assert await watched.scheduler.watcher.renew()
    second = dict(watched.google.store.channels)
    assert second
    assert not set(first) & set(second)
    assert await watched.notified(next(iter(second))) == 204
    late = await watched.http.post("/api/v1/scheduler/webhooks/calendar", headers=old)
    assert late.status_code == 403


async def test_whoever_disconnects_is_called_no_more(watched: Watched) -> None:
    await watched.scheduler.watcher.renew()
    channel = next(iter(watched.google.store.channels))
    _, headers = watched.google.notice(channel)
    assert await watched.connections.disconnect()
    assert watched.google.store.channels == {}
    assert (await watched.http.post("/api/v1/scheduler/webhooks/calendar", headers=headers)).status_code == 403
    await watched.jobs.handlers["scheduler-engine-sync"]()  # the timer goes on, and says in the log that nothing is connected
    assert watched.google.store.channels == {}
