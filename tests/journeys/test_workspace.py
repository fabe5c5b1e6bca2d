"""Blueprint, workflow and graph through HTTP on every workspace: from an engagement to the plan, from the plan to the workspace, and to its graph.

A workspace kind is one more parameter: a context manager that gives the workspace and a function which puts rows there and answers with their ids.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from datetime import UTC, date, datetime, timedelta
from typing import Any

import httpx
import pytest
from tests.contracts.test_workspace import CONSULTANCY
from tests.fakes.coda_benches import BENCHES, CodaServers
from tests.memory_gateway.conftest import gateway_over

from planner_memory.adapters.gateway_http.memory import GatewayMemory
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.adapters.postgres.plans import PostgresPlans
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.postgres.schedules import PostgresSchedules
from planner_memory.adapters.postgres.workspace import PostgresWorkspace
from planner_memory.adapters.postgres.workspace_writes import PostgresWorkspaceWrites
from planner_memory.core.tenancy import spanning
from planner_memory.planner_engine.routes import router
from planner_memory.planner_engine.service import Planner
from planner_memory.planner_engine.workspace_desk import WorkspaceDesk
from planner_memory.ports.workspace import Workspace
from planner_memory.ports.workspace_records import FinanceSnapshot, ProcessTemplate, Record, Task
from planner_memory.web.face import Face, build_app
from planner_memory.web.metrics import Metrics

Seed = Callable[[Sequence[Record]], Awaitable[Mapping[str, str]]]
Opened = tuple[Workspace, Seed]


@asynccontextmanager
async def tables(database: Database, _: CodaServers) -> AsyncIterator[Opened]:
    workspace = PostgresWorkspace(database)

    async def seed(records: Sequence[Record]) -> Mapping[str, str]:
        with spanning("workspace"):
            await workspace.put(records, None)
        return {r.id: f"ws:{r.id}" for r in records}

    yield workspace, seed


def coda(name: str) -> Callable[[Database, CodaServers], AbstractAsyncContextManager[Opened]]:
    """A Coda doc by one of the ways to reach it."""

    @asynccontextmanager
    async def opened(_: Database, servers: CodaServers) -> AsyncIterator[Opened]:
        async with BENCHES[name](servers) as bench:
            yield bench.workspace, bench.seed

    return opened


KINDS: dict[str, Callable[[Database, CodaServers], AbstractAsyncContextManager[Opened]]] = {
    "postgresql": tables,
    **{name: coda(name) for name in BENCHES},
}


class Product:
    """Planner and gateway over one database, asked through HTTP."""

    def __init__(
        self,
        http: httpx.AsyncClient,
        gateway: httpx.AsyncClient,
        workspace: Workspace,
        ids: Mapping[str, str],
        desk: WorkspaceDesk,
        database: Database,
    ) -> None:
        self.http, self.gateway, self.workspace, self.ids, self.desk, self.database = http, gateway, workspace, ids, desk, database

    async def post(self, path: str, body: dict[str, Any], status: int = 201) -> Any:
        answer = await self.http.post(f"/api/v1/planner{path}", json=body)
        assert answer.status_code == status, answer.text
        return answer.json()

    async def get(self, path: str) -> Any:
        answer = await self.http.get(f"/api/v1/planner{path}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def neighbors(self, entity_id: str, **query: Any) -> list[dict[str, Any]]:
        answer = await self.gateway.get("/api/v1/memory/graph/neighbors", params={"entity_id": entity_id, **query})
        assert answer.status_code == 200, answer.text
        found: list[dict[str, Any]] = answer.json()["neighbors"]
        return found


@asynccontextmanager
async def product_on(workspace: Workspace, ids: Mapping[str, str], database: Database) -> AsyncIterator[Product]:
    async with gateway_over(database) as (gateway, _):
        memory = GatewayMemory(gateway)
        own = workspace if isinstance(workspace, PostgresWorkspace) else PostgresWorkspace(database)
        desk = WorkspaceDesk(workspace, PostgresWorkspaceWrites(database), memory, lambda: datetime.now(UTC), tables=own, seconds=60, task_seconds=60)
        profiles, keys = PostgresProfiles(database, time_zone="Europe/Berlin"), PostgresKeys(database)
        planner = Planner(store=PostgresPlans(database), memory=memory, profiles=profiles, workspace=desk)
        metrics = Metrics("planner-engine")
        app = build_app("planner-engine", Face(keys, keys), health=planner.health, routers=[router], metrics=metrics, state={"planner": planner})
        headers = {"Authorization": "Bearer k-all"}
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://planner", headers=headers) as http:
            yield Product(http, gateway, workspace, ids, desk, database)
        await desk.close()


@pytest.fixture(params=KINDS)
async def product(request: pytest.FixtureRequest, database: Database, coda_servers: CodaServers) -> AsyncIterator[Product]:
    async with KINDS[request.param](database, coda_servers) as (workspace, seed):
        ids = await seed((*CONSULTANCY, FinanceSnapshot(id="finance-0", name="January", taken_on=date(2026, 1, 1), runway_weeks=7)))
        async with product_on(workspace, ids, database) as made:
            yield made


async def test_blueprint_workflow_and_graph(product: Product) -> None:
    ids, workspace = product.ids, product.workspace

    # the engagement's blueprint is the context of the plan, and its template refers to it
    order = {"intent": "Onboard Acme by 2027-03-26", "context": {"client_id": "acme", "engagement_id": ids["engagement-1"]}}
    plan = await product.post("/plan", order)
    told = plan["metadata"]["workspace"]
    assert (told["engagement"]["id"], told["offer"]["id"]) == (ids["engagement-1"], ids["offer-1"])
    assert told["service_blueprint"]["layers"]["customer_actions"] == "Signs\nSends logos"
    assert plan["blueprint_id"] == ids["blueprint-1"]
    with spanning("workspace"):
        template = await workspace.record(ProcessTemplate, plan["process_template_id"], ("acme",))
    assert template.blueprint_id == ids["blueprint-1"]
    assert [s.title for s in template.checklist] == [s["title"] for s in plan["checklist"]]

    # the workflow's steps are adapted, and the template made in the workspace keeps its parent
    order = {"intent": "Onboard Acme", "client_id": "acme", "workflow_id": ids["workflow-1"], "project_id": ids["project-1"], "create_tasks": True}
    plan = await product.post("/plan", order)
    assert [s["title"] for s in plan["checklist"]] == ["Kick-off call", "Collect access", "Hand over"]
    assert plan["workflow_id"] == ids["workflow-1"]
    assert (plan["workspace"]["pending"], plan["workspace"]["refused"], plan["workspace"]["tasks"]["state"]) == (0, 0, "done")
    assert any("no usable hours for step 3" in w for w in plan["warnings"])
    with spanning("workspace"):
        template = await workspace.record(ProcessTemplate, plan["process_template_id"], ("acme",))
        tasks = await workspace.records(Task, ("acme",), related_to=template.id)
    assert (template.workflow_id, template.template_type) == (ids["workflow-1"], "Operational")
    assert sorted(t.step_number or 0 for t in tasks) == [1, 2, 3]
    assert {t.project_id for t in tasks} == {ids["project-1"]}

    # from the workflow's node, its templates and the runs that used them
    start = datetime(2027, 3, 15, 9, tzinfo=UTC)
    task_id = plan["checklist"][0]["task_id"]
    run = {"task_id": task_id, "client_id": "acme", "project_id": ids["project-1"], "engagement_id": ids["engagement-1"], "actual_hours": 1.5}
    made = await product.post("/execution-runs", {**run, "started_at": start.isoformat(), "ended_at": (start + timedelta(hours=2)).isoformat()})
    synced = await product.post("/workspace/sync", {}, 200)
    assert synced["problems"] == []
    with spanning("workspace"):
        async with PostgresSchedules(product.database).begin() as tx:
            assert await tx.runway_weeks("me") == 7  # the scheduler reads it in PostgreSQL, wherever the workspace is
            assert [s.name for s in await tx.sprints("me", date(2027, 3, 15), date(2027, 3, 15), None)] == ["Week 11"]
    assert (await product.post("/workspace/sync", {}, 200))["records"]["workflow"] == 0
    near = {n["node_id"]: n for n in await product.neighbors(ids["workflow-1"], client_id="acme", depth=2)}
    assert near[template.id]["edge_type"] == "workflow_has_template"
    assert near[f"run:{made['run_id']}"]["edge_type"] == "template_used_in_run"
    assert near[f"run:{made['run_id']}"]["distance"] == 2
    assert near[ids["blueprint-1"]]["edge_type"] == "blueprint_has_workflow"
    assert near[template.id]["execution_runs"] == 1
    around = {n["node_id"]: n["edge_type"] for n in await product.neighbors(ids["project-1"], client_id="acme", depth=1)}
    assert around[f"run:{made['run_id']}"] == "run_belongs_to_project"
    assert around[ids["engagement-1"]] == "project_serves_engagement"
    assert {n["node_id"] for n in await product.neighbors(ids["blueprint-1"])} >= {ids["workflow-1"], ids["workflow-2"]}

    # what was done reaches the task
    with spanning("workspace"):
        first = await workspace.record(Task, plan["workspace"]["tasks"]["tasks"][task_id], ("acme",))
    assert (first.status, first.actual_hours) == ("done", 1.5)
