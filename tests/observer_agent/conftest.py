"""The observer behind its HTTP face, on a real PostgreSQL, with a clock that the test sets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb
from tests.observer_agent.fakes import FakeCalendar, FakeClock, FakeJobs, FakeMemory, FlakyWorkspace
from tests.observer_agent.rows import at

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.facts import PostgresFacts
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.postgres.workspace import PostgresWorkspace
from planner_memory.observer_agent.routes import router
from planner_memory.observer_agent.service import Observer
from planner_memory.ports.calendar import CalendarEvent
from planner_memory.web.auth import hash_of
from planner_memory.web.face import Face, build_app

FRIDAY = at("2026-11-20 17:00")  # 18:00 in Berlin
REFLECT = "/api/v1/observer/reflect"


@dataclass
class Desk:
    http: httpx.AsyncClient
    dsn: str
    clock: FakeClock
    memory: FakeMemory
    workspace: FlakyWorkspace
    calendar: FakeCalendar
    jobs: FakeJobs
    profiles: PostgresProfiles
    observer: Observer
    waited: list[float]

    async def reflect(self, mode: str = "daily", status: int = 200, **query: Any) -> Any:
        answer = await self.http.post(REFLECT, params={"mode": mode, **query})
        assert answer.status_code == status, answer.text
        return answer.json()

    async def sql(self, text: str, *values: Any) -> list[Any]:
        async with await psycopg.AsyncConnection.connect(self.dsn) as connection:
            cursor = await connection.execute(text.encode(), values)
            return await cursor.fetchall() if cursor.description else []

    async def run(self, start: str, end: str | None, task: str = "t1", *, hours: float | None = None, **more: Any) -> None:
        took = hours if hours is not None or end is None else (at(end) - at(start)) / timedelta(hours=1)
        columns = {"task_id": task, "title": f"Task {task}", "started_at": at(start), "ended_at": end and at(end), "actual_hours": took, **more}
        names = ", ".join(columns)
        await self.sql(f"insert into execution_runs ({names}) values ({', '.join(['%s'] * len(columns))})", *columns.values())

    async def schedule(self, *blocks: tuple[str, str, str], billable: bool = False, client_id: str = "me", status: str = "applied") -> None:
        rows = [
            {
                "event_id": f"e-{task}",
                "task_id": task,
                "title": f"Task {task}",
                "start": at(start).isoformat(),
                "end": at(end).isoformat(),
                "billable": billable,
            }
            for task, start, end in blocks
        ]
        await self.sql(
            "insert into scheduler_runs (schedule_blocks, client_id, status, created_at) values (%s, %s, %s, %s)",
            Jsonb(rows),
            client_id,
            status,
            self.clock.now - timedelta(days=3),
        )

    async def plan(self, title: str, sop: Any, *, deadline: str, made: str, status: str = "active", changed: str | None = None) -> Any:
        rows = await self.sql(
            "insert into plans (plan_title, intent, sop, deadline_at, status, created_at, updated_at)"
            " values (%s, 'i', %s, %s, %s, %s, %s) returning id",
            title,
            Jsonb(sop),
            at(deadline),
            status,
            at(made),
            at(changed or made),
        )
        return rows[0][0]

    async def thread(self) -> list[Any]:
        return await self.sql("select mode, reflection, period_end from daily_thread order by period_start")


@pytest.fixture
async def desk(database: Database, dsn: str) -> AsyncIterator[Desk]:
    keys = PostgresKeys(database)
    await keys.add_key("first", hash_of("k1"))
    await keys.add_key("acme only", hash_of("k2"), client_ids=("acme",))
    await keys.add_key("two", hash_of("k3"), client_ids=("acme", "globex"))
    clock, waited = FakeClock(FRIDAY), list[float]()
    memory, calendar, workspace, jobs = FakeMemory(dsn), FakeCalendar(), FlakyWorkspace(PostgresWorkspace(database)), FakeJobs()

    async def sleep(seconds: float) -> None:
        waited.append(seconds)

    profiles = PostgresProfiles(database, time_zone="Europe/Berlin")
    observer = Observer(
        store=PostgresFacts(database),
        workspace=workspace,
        calendar=calendar,  # type: ignore[arg-type]
        profiles=profiles,
        memory=memory,
        clock=clock,
        sleep=sleep,
    )
    observer.register_jobs(jobs)
    app = build_app("observer-agent", Face(keys, keys), health=observer.health, routers=[router], state={"observer": observer})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk", headers={"Authorization": "Bearer k1"}) as http:
        yield Desk(http, dsn, clock, memory, workspace, calendar, jobs, profiles, observer, waited)


async def busy_day(desk: Desk) -> None:
    await desk.run("2026-11-20 08:00", "2026-11-20 10:00", "a", estimated_hours=1, billable=True)
    await desk.run("2026-11-20 10:00", "2026-11-20 10:30", "b", billable=False)
    await desk.run("2026-11-20 16:30", None, "c")
    await desk.schedule(
        ("a", "2026-11-20 08:00", "2026-11-20 09:00"), ("d", "2026-11-20 12:00", "2026-11-20 13:00"), ("e", "2026-11-21 09:00", "2026-11-21 10:00")
    )
    desk.calendar.all.append(CalendarEvent("m", "Call", at("2026-11-20 14:00"), at("2026-11-20 14:45")))
    await desk.sql(
        "insert into events (event_type, event_source, payload, occurred_at) values ('task_created', 'n8n', '{}', %s), ('note', 'api', '{}', %s)",
        at("2026-11-20 09:00"),
        at("2026-11-20 09:00"),
    )
