"""The scheduler over HTTP, on a real database and a real CalDAV server."""

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from psycopg.types.json import Jsonb
from tests.fakes.openrouter_server import KEY, OpenRouterServer
from tests.scheduler_engine.stands import Stand, on_caldav, on_google

from planner_memory.adapters.caldav.calendar import CalDavCalendar
from planner_memory.adapters.in_process.metered_model import MeteredLanguageModel
from planner_memory.adapters.openrouter.language_model import OpenRouterLanguageModel
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.adapters.postgres.model_calls import PostgresModelLedger
from planner_memory.adapters.postgres.preference_readings import PostgresPreferenceReadings
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.postgres.prompts import PostgresPrompts
from planner_memory.adapters.postgres.schedules import PostgresSchedules
from planner_memory.adapters.radicale.server import EmbeddedRadicale
from planner_memory.core.ids import new_id
from planner_memory.core.intervals import Interval
from planner_memory.core.tenancy import spanning, within
from planner_memory.ports.calendar import CalendarEvent
from planner_memory.prompting.versions import Prompts
from planner_memory.prompting.writer import Writer
from planner_memory.scheduler_engine import preference_routes
from planner_memory.scheduler_engine.routes import open_router, router
from planner_memory.scheduler_engine.service import Scheduler
from planner_memory.scheduler_engine.writing import CalendarWriter
from planner_memory.web.auth import hash_of
from planner_memory.web.face import Face, build_app

_spec = importlib.util.spec_from_file_location("scheduler_fakes", Path(__file__).with_name("fakes.py"))
assert _spec is not None
assert _spec.loader is not None
fakes = sys.modules.setdefault("scheduler_fakes", importlib.util.module_from_spec(_spec))
_spec.loader.exec_module(fakes)

NOW = datetime(2027, 3, 15, 7, 0, tzinfo=UTC)  # a Monday, 08:00 in Berlin
ZONE = "Europe/Berlin"


@dataclass
class Place:
    """A running scheduler and everything round it that a test wants to look at."""

    http: httpx.AsyncClient
    scheduler: Scheduler
    calendar: Any
    memory: Any
    plans: Any
    database: Database
    bound: httpx.AsyncClient

    async def post(self, path: str, body: dict[str, Any] | None = None, status: int = 201) -> Any:
        answer = await self.http.post(f"/api/v1/scheduler{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(self, path: str, status: int = 200) -> Any:
        answer = await self.http.get(f"/api/v1/scheduler{path}")
        assert answer.status_code == status, answer.text
        return answer.json()

    async def events(self) -> list[CalendarEvent]:
        return await self.calendar.events(Interval(datetime(2027, 3, 1, tzinfo=UTC), datetime(2027, 5, 1, tzinfo=UTC)), ZONE)

    async def plan(self, hours: list[float], client: str = "me") -> UUID:
        plan_id = new_id()
        checklist = [
            {
                "task_id": f"plan:{plan_id}:{n}",
                "step_number": n,
                "step_key": f"step-{n}",
                "title": f"Step {n}",
                "description": "",
                "estimated_hours": h,
                "estimate": {"p50": h, "p80": h * 1.5},
                "dependencies": [n - 1] if n > 1 else [],
                "energy": "high",
                "billable": True,
                "deliverable": "",
            }
            for n, h in enumerate(hours, 1)
        ]
        with within((client,)):
            async with self.database.begin() as tx:
                await tx._connection.execute(
                    "insert into plans (id, plan_title, intent, sop, client_id) values (%s, 'Onboard Acme', 'onboard', %s, %s)",
                    (plan_id, Jsonb({"checklist": checklist}), client),
                )
        return plan_id

    async def done(self, plan_id: UUID, task_id: str) -> None:
        """As the planner stores that a task is done."""
        with spanning("recovery"):
            async with self.database.begin() as tx:
                done = Jsonb({"done": {task_id: NOW.isoformat()}})
                await tx._connection.execute("update plans set metadata = metadata || %s where id = %s", (done, plan_id))

    async def stored(self, run_id: str) -> dict[str, Any]:
        with spanning("recovery"):
            async with self.database.begin() as tx:
                cursor = await tx._connection.execute("select * from scheduler_runs where id = %s", (run_id,))
                row = await cursor.fetchone()
        assert row is not None
        return dict(row)

    async def count(self) -> int:
        with spanning("recovery"):
            async with self.database.begin() as tx:
                cursor = await tx._connection.execute("select count(*) as n from scheduler_runs")
                row = await cursor.fetchone()
        assert row is not None
        return int(row["n"])


@pytest.fixture(scope="module")
def vendor() -> Iterator[OpenRouterServer]:
    with OpenRouterServer(dimension=8) as server:
        yield server


@pytest.fixture
async def writer(vendor: OpenRouterServer, database: Database) -> AsyncIterator[Writer]:
    """A language model. `vendor.say` sets what it answers."""
    vendor.reset()
    adapter = OpenRouterLanguageModel(KEY, vendor.base_url, "~anthropic/claude-loopback", limit_seconds=5, sleep=lambda _: asyncio.sleep(0))
    ledger = PostgresModelLedger(database)
    metered = MeteredLanguageModel(adapter, ledger, monthly_budget_usd=200.0, clock=lambda: NOW)
    yield Writer(model=metered, prompts=Prompts(PostgresPrompts(database)), ledger=ledger)
    await adapter.close()


@pytest.fixture(scope="session")
async def radicale(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[EmbeddedRadicale]:
    server = EmbeddedRadicale(tmp_path_factory.mktemp("radicale"), port=0)
    await server.start()
    yield server
    await server.stop()


@pytest.fixture(params=["caldav", "google"])
async def stand(request: pytest.FixtureRequest, database: Database, radicale: EmbeddedRadicale, tmp_path: Path) -> AsyncIterator[Stand]:
    on = on_caldav(radicale, database) if request.param == "caldav" else on_google(database, tmp_path)
    async with on as made:
        yield made


@pytest.fixture
async def place(database: Database, radicale: EmbeddedRadicale) -> AsyncIterator[Place]:
    real = CalDavCalendar(radicale.url, radicale.username, radicale.password)
    calendar = fakes.FaultyCalendar(real)
    memory, plans = fakes.FakeMemory(), fakes.FakePlans()
    keys = PostgresKeys(database)
    await keys.add_key("all", hash_of("k-all"))
    await keys.add_key("acme", hash_of("k-acme"), client_ids=("acme",))
    scheduler = Scheduler(
        store=PostgresSchedules(database),
        calendar=calendar,
        profiles=PostgresProfiles(database, time_zone=ZONE),
        memory=memory,
        plans=plans,
        clock=lambda: NOW,
        writer=CalendarWriter(calendar, waits=(0,)),
        readings=PostgresPreferenceReadings(database),
    )
    app = build_app(
        "scheduler-engine", Face(keys, keys), health=scheduler.health, routers=[router, preference_routes.router], state={"scheduler": scheduler}
    )
    app = build_app(
        "scheduler-engine",
        Face(keys, keys),
        health=scheduler.health,
        routers=[router, preference_routes.router],
        open_routers=[open_router],
        state={"scheduler": scheduler},
    )
    transport = httpx.ASGITransport(app)
    async with (
        httpx.AsyncClient(transport=transport, base_url="http://test", headers={"Authorization": "Bearer k-all"}) as http,
        httpx.AsyncClient(transport=transport, base_url="http://test", headers={"Authorization": "Bearer k-acme"}) as bound,
    ):
        yield Place(http, scheduler, calendar, memory, plans, database, bound)
    async with real._asked() as client:
        for each in await real._calendars():
            await client.delete(each.url)
    await real.close()
