"""The planner behind its HTTP face, on a real database, with a fake memory and a clock that the test sets."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.fakes.openrouter_server import KEY, OpenRouterServer
from tests.planner_engine.fakes import FakeMemory

from planner_memory.adapters.in_process.metered_model import MeteredLanguageModel
from planner_memory.adapters.openrouter.language_model import OpenRouterLanguageModel
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.adapters.postgres.model_calls import PostgresModelLedger
from planner_memory.adapters.postgres.plans import PostgresPlans
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.postgres.prompts import PostgresPrompts
from planner_memory.adapters.postgres.workspace import PostgresWorkspace
from planner_memory.adapters.postgres.workspace_writes import PostgresWorkspaceWrites
from planner_memory.planner_engine.routes import router
from planner_memory.planner_engine.service import Planner
from planner_memory.planner_engine.workspace_desk import WorkspaceDesk
from planner_memory.prompting.versions import Prompts
from planner_memory.prompting.writer import Writer
from planner_memory.web.auth import hash_of
from planner_memory.web.face import Face, build_app
from planner_memory.web.metrics import Metrics
from planner_memory.web.model_measures import ModelMeasures


@dataclass
class Desk:
    client: httpx.AsyncClient
    memory: FakeMemory
    database: Database
    planner: Planner
    now: datetime

    async def post(self, path: str, body: dict[str, Any] | None = None, status: int | None = None, **headers: str) -> Any:
        answer = await self.client.post(f"/api/v1/planner{path}", json=body, headers=headers)
        assert status is None or answer.status_code == status, answer.text
        return answer.json() if status is not None else answer

    async def get(self, path: str, status: int = 200, **headers: str) -> Any:
        answer = await self.client.get(f"/api/v1/planner{path}", headers=headers)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def patch(self, path: str, body: dict[str, Any], status: int = 200) -> Any:
        answer = await self.client.patch(f"/api/v1/planner{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def put(self, path: str, body: dict[str, Any], status: int = 200) -> Any:
        answer = await self.client.put(f"/api/v1/planner{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    def wait(self, **duration: float) -> None:
        self.now += timedelta(**duration)


@asynccontextmanager
async def opened(database: Database, model: "Connected | None" = None, **more: Any) -> AsyncIterator[Desk]:
    """A desk; with a model, one whose planner asks the loopback server through the ledger."""
    keys = PostgresKeys(database)
    await keys.add_key("all", hash_of("k1"))
    await keys.add_key("acme", hash_of("k2"), client_ids=("acme",))
    await keys.add_key("two", hash_of("k3"), client_ids=("acme", "globex"))
    memory = FakeMemory()
    profiles = PostgresProfiles(database, time_zone="Europe/Berlin")
    metrics = Metrics("planner-engine")
    if "workspace" in more:
        rows, writes, tables = more["workspace"], PostgresWorkspaceWrites(database), PostgresWorkspace(database)
        tables = rows if isinstance(rows, PostgresWorkspace) else tables
        more["workspace"] = WorkspaceDesk(rows, writes, memory, lambda: made.now, tables=tables, seconds=30, task_seconds=30)
    prompts = Prompts(PostgresPrompts(database), default_version=model.version if model else "v1", clock=lambda: made.now)
    if model is not None:
        ledger = PostgresModelLedger(database)
        metered = MeteredLanguageModel(
            model.adapter,
            ledger,
            monthly_budget_usd=model.budget,
            on_call=ModelMeasures(metrics).observed,
            capture_content=model.capture,
            clock=lambda: made.now,
        )
        more = {"writer": Writer(model=metered, prompts=prompts, ledger=ledger), **more}
    planner = Planner(store=PostgresPlans(database), memory=memory, profiles=profiles, clock=lambda: made.now, prompts=prompts, **more)
    app = build_app("planner-engine", Face(keys, keys), health=planner.health, routers=[router], metrics=metrics, state={"planner": planner})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://planner", headers={"Authorization": "Bearer k1"}) as client:
        made = Desk(client, memory, database, planner, datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
        yield made


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with opened(database) as made:
        yield made


@dataclass
class Connected:
    """The language model behind a planner, and how it is metered."""

    adapter: OpenRouterLanguageModel
    budget: float | None = 200.0
    capture: bool = False
    version: str = "v1"


@pytest.fixture(scope="module")
def vendor() -> Iterator[OpenRouterServer]:
    with OpenRouterServer(dimension=8) as server:
        yield server


@pytest.fixture
async def connected(vendor: OpenRouterServer) -> AsyncIterator[Connected]:
    """Waits between attempts are not waited for."""
    vendor.reset()
    adapter = OpenRouterLanguageModel(KEY, vendor.base_url, "~anthropic/claude-loopback", limit_seconds=5, sleep=lambda _: asyncio.sleep(0))
    yield Connected(adapter)
    await adapter.close()


@pytest.fixture
async def writing_desk(database: Database, connected: Connected) -> AsyncIterator[Desk]:
    """A planner with a model. `vendor.say` sets what it answers."""
    async with opened(database, connected) as made:
        yield made
