"""A planner behind its HTTP face for benchmarks: a real PostgreSQL in a folder of its own, and a memory that knows nothing and answers at once."""

import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from planner_memory.adapters.pgserver.server import EmbeddedPostgres
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.adapters.postgres.migrations import migrate
from planner_memory.adapters.postgres.model_calls import PostgresModelLedger
from planner_memory.adapters.postgres.plans import PostgresPlans
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.postgres.prompts import PostgresPrompts
from planner_memory.core.ids import new_id
from planner_memory.planner_engine.routes import router
from planner_memory.planner_engine.service import Planner
from planner_memory.ports.language_model import LanguageModel
from planner_memory.ports.memory import GraphEdge, GraphNode, NewMemory, Recall, Remembered
from planner_memory.prompting.versions import Prompts
from planner_memory.prompting.writer import Writer
from planner_memory.web.auth import hash_of
from planner_memory.web.face import Face, build_app

KEY = "benchmark"


class NothingRemembered:
    """Fulfils Memory, so that only the planner's own work is measured."""

    async def remember(self, memory: NewMemory, *, idempotency_key: str | None = None) -> Remembered:
        return Remembered(new_id(), ("nowhere",), (), ())

    async def recall(
        self, query: str, *, client_id: str | None = None, k: int = 10, memory_type: str | None = None, event_type: str | None = None
    ) -> Recall:
        return Recall(())

    async def put_graph(self, nodes: Sequence[GraphNode], edges: Sequence[GraphEdge], *, client_id: str | None = None) -> None:
        return None

    async def check(self) -> None:
        return None


@dataclass
class Desk:
    client: httpx.AsyncClient

    async def post(self, path: str, body: dict[str, Any]) -> Any:
        answer = await self.client.post(f"/api/v1/planner{path}", json=body)
        if answer.is_error:
            raise SystemExit(f"{path} answered {answer.status_code}: {answer.text[:500]}")
        return answer.json()


def _passable(folder: Path) -> Path:
    """Open to the system user under whom PostgreSQL runs when this is root."""
    folder.chmod(0o755)
    return folder


@asynccontextmanager
async def database() -> AsyncIterator[Database]:
    with tempfile.TemporaryDirectory(prefix="planner-bench-") as folder:
        server = EmbeddedPostgres(_passable(Path(folder)) / "pg")
        dsn = await server.start()
        try:
            await migrate(dsn)
            opened = Database(dsn)
            await opened.open()
            await PostgresKeys(opened).add_key("benchmark", hash_of(KEY))
            yield opened
            await opened.close()
        finally:
            await server.stop()


@asynccontextmanager
async def desk(store: Database, model: LanguageModel | None = None) -> AsyncIterator[Desk]:
    keys, prompts = PostgresKeys(store), Prompts(PostgresPrompts(store))
    planner = Planner(
        store=PostgresPlans(store),
        memory=NothingRemembered(),
        profiles=PostgresProfiles(store, time_zone="Europe/Berlin"),
        writer=Writer(model=model, prompts=prompts, ledger=PostgresModelLedger(store)) if model else None,
        prompts=prompts,
    )
    app = build_app("planner-engine", Face(keys, keys), health=planner.health, routers=[router], state={"planner": planner})
    headers = {"Authorization": f"Bearer {KEY}"}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://planner", headers=headers, timeout=120) as client:
        yield Desk(client)
