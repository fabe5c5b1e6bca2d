"""The planner behind its HTTP face, on a real database, with a fake memory and a clock that the test sets."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.planner_engine.fakes import FakeMemory

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.adapters.postgres.plans import PostgresPlans
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.planner_engine.routes import router
from planner_memory.planner_engine.service import Planner
from planner_memory.web.auth import hash_of
from planner_memory.web.face import Face, build_app


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


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    keys = PostgresKeys(database)
    await keys.add_key("all", hash_of("k1"))
    await keys.add_key("acme", hash_of("k2"), client_ids=("acme",))
    await keys.add_key("two", hash_of("k3"), client_ids=("acme", "globex"))
    memory = FakeMemory()
    profiles = PostgresProfiles(database, time_zone="Europe/Berlin")
    planner = Planner(store=PostgresPlans(database), memory=memory, profiles=profiles, clock=lambda: made.now)
    app = build_app("planner-engine", Face(keys, keys), health=planner.health, routers=[router], state={"planner": planner})
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://planner", headers={"Authorization": "Bearer k1"}) as client:
        made = Desk(client, memory, database, planner, datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
        yield made
