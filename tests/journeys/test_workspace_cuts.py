"""Workspaces of every kind go away in the midst of a plan's flow, and Coda at every single request: in the end everything is there once."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any
from uuid import UUID

import pytest
from tests.contracts.test_workspace import CONSULTANCY
from tests.fakes.coda_benches import ZONE, CodaServers, rest, unlimited
from tests.fakes.coda_server import TOKEN
from tests.fakes.cut_line import CutTransport, Line
from tests.journeys.test_workspace import KINDS, Product, product_on

from planner_memory.adapters.coda.calls import CodaCalls
from planner_memory.adapters.coda.doc import CodaDoc
from planner_memory.adapters.coda.names import CodaNames
from planner_memory.adapters.coda.workspace import CodaWorkspace
from planner_memory.adapters.postgres.database import Database
from planner_memory.core.tenancy import spanning
from planner_memory.ports.workspace_records import ProcessTemplate, Task

PLACES = ((2, False), (5, True), (6, False), (6, True))  # of four rows read and two writes; every place on the tables is in the planner's tests


class Flow:
    """Plans one after the other, each cut at another place, and what has to be there after each."""

    def __init__(self, product: Product) -> None:
        self.product, self.plans, self.tasks = product, 0, 0

    async def plan(self) -> Any:
        ids = self.product.ids
        order = {"intent": f"Onboard Acme, number {self.plans}", "client_id": "acme", "project_id": ids["project-1"], "create_tasks": True}
        return await self.product.post("/plan", {**order, "engagement_id": ids["engagement-1"], "workflow_id": ids["workflow-1"]})

    async def delivered(self, plan_id: str) -> Any:
        """Waits between attempts are not waited for."""
        for _ in range(4):
            with spanning("workspace"):
                async with self.product.desk.begin() as tx:
                    await tx.try_again()
            await self.product.desk.sweep()
            if not await self.product.desk.writes(UUID(plan_id), "pending", limit=1):
                break
        return await self.product.get(f"/plans/{plan_id}")

    async def check(self, plan: Any) -> None:
        """Exactly one template and its tasks once; the plan knows them."""
        self.plans += 1
        self.tasks += len(plan["checklist"])
        assert (plan["workspace"]["pending"], plan["workspace"]["refused"]) == (0, 0), plan["workspace"]
        with spanning("workspace"):
            templates = await self.product.workspace.records(ProcessTemplate, ("acme",), limit=1000)
            made = [t for t in await self.product.workspace.records(Task, ("acme",), limit=1000) if t.process_template_id]
        assert len(templates) == self.plans
        assert len(made) == self.tasks
        of_plan = [t for t in made if t.process_template_id == plan["process_template_id"]]
        assert sorted(t.step_number or 0 for t in of_plan) == [s["step_number"] for s in plan["checklist"]]
        assert {t.id for t in of_plan} == set(plan["workspace"]["tasks"]["tasks"].values())


@pytest.mark.parametrize("kind", KINDS)
async def test_a_workspace_of_any_kind_may_go_away(kind: str, database: Database, coda_servers: CodaServers) -> None:
    async with KINDS[kind](database, coda_servers) as (workspace, seed):
        line = Line(workspace)
        async with product_on(line, await seed(CONSULTANCY), database) as product:
            flow = Flow(product)
            for cut_at, after in PLACES:
                line.calls.clear()
                line.cut_at, line.after = cut_at, after
                plan = await flow.plan()
                assert line.is_cut
                assert any("workspace" in w and "answer" in w for w in plan["warnings"])
                assert plan["workspace"]["pending"] > 0
                line.mend()
                await flow.check(await flow.delivered(plan["plan_id"]))


@pytest.fixture
async def coda(database: Database, coda_servers: CodaServers) -> AsyncIterator[tuple[Flow, CutTransport]]:
    transport = CutTransport()
    async with rest(coda_servers) as bench:
        server = bench.server
        calls = CodaCalls(TOKEN, server.base_url, limits=unlimited(), transport=transport, sleep=lambda _: asyncio.sleep(0))
        workspace = CodaWorkspace(CodaDoc(calls, server.doc.id, CodaNames()), CodaNames(), ZONE)
        async with product_on(workspace, await bench.seed(CONSULTANCY), database) as product:
            yield Flow(product), transport
        await workspace.close()


@pytest.mark.parametrize("after", [False, True])
async def test_coda_may_go_away_at_every_request(coda: tuple[Flow, CutTransport], after: bool) -> None:
    flow, transport = coda
    await flow.check(await flow.plan())
    place = 0
    while True:
        place += 1
        transport.cut(place, after=after)
        plan = await flow.plan()
        was_cut = transport.is_cut
        transport.mend()
        await flow.check(await flow.delivered(plan["plan_id"]))
        if not was_cut:
            break
        assert place < 100
    assert place > 6
