"""MCP servers in front of Coda: which dialect they speak, what they leave out, and what goes wrong on the way."""

import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.coda_benches import ZONE, CodaServers, over_mcp, unlimited
from tests.fakes.coda_erp import erp
from tests.fakes.coda_mcp import MCP_TOKEN, SdkMcpServer
from tests.fakes.coda_server import TOKEN, CodaServer
from tests.fakes.coda_server import refused as coda_refused
from tests.fakes.scripted import answering, truncated

from planner_memory.adapters.coda.mcp.dialects import CodaMcpWorkspace, Dialect, dialect_of
from planner_memory.adapters.coda.names import CodaNames
from planner_memory.core.errors import InvalidInput, NotConnected, NotFound, PlannerMemoryError, Unavailable, UpstreamInvalid
from planner_memory.ports.workspace import Workspace
from planner_memory.ports.workspace_records import Engagement, NewProcessTemplate, ProcessTemplate, ServiceBlueprint, Step, Task, TaskChange, Workflow
from planner_memory.settings import Settings
from planner_memory.wiring.coda import CodaMcp
from planner_memory.wiring.workspace import missing_in_workspace

STEPS = (Step(number=1, title="Call", description="With Ada", estimated_hours=1.0), Step(number=2, title="Hand over", dependencies=(1,)))


@pytest.fixture
def coda(coda_servers: CodaServers) -> CodaServer:
    """The loopback Coda, with one row of each kind."""
    coda_servers.coda.doc = erp()
    return coda_servers.coda


@asynccontextmanager
async def closing(workspace: CodaMcpWorkspace) -> AsyncIterator[CodaMcpWorkspace]:
    try:
        yield workspace
    finally:
        await workspace.close()


async def without_doc(dialect: Dialect, url: str) -> Workspace:
    return await CodaMcp(url, MCP_TOKEN, None, CodaNames(), ZONE, unlimited()).workspace(dialect)


# which dialect


async def test_each_dialect_is_found_out(coda: CodaServer, coda_servers: CodaServers) -> None:
    urls = {"proxy": coda_servers.plain(with_tools=False).mcp_url, "tools": coda_servers.plain(with_tools=True).mcp_url}
    urls["mcp"] = coda_servers.sdk().mcp_url
    assert {dialect: await dialect_of(url, MCP_TOKEN) for dialect, url in urls.items()} == {dialect: dialect for dialect in urls}
    assert await dialect_of(coda_servers.mcp_coda().mcp_url, MCP_TOKEN) == "mcp"
    assert coda.calls == ["GET /whoami"]  # finding out changes nothing


@pytest.mark.parametrize(("status", "wanted"), [(401, NotConnected), (503, Unavailable), (429, Unavailable), (404, UpstreamInvalid)])
async def test_a_server_that_does_not_say(coda_servers: CodaServers, status: int, wanted: type[PlannerMemoryError]) -> None:
    server = coda_servers.plain(with_tools=False)
    server.fail_next("mcp", *[answering(status, {"success": False, "error": "no"})] * 3)
    with pytest.raises(wanted):
        await dialect_of(server.mcp_url, MCP_TOKEN)


async def test_a_server_that_is_down_is_asked_again_later(coda: CodaServer, coda_servers: CodaServers) -> None:
    server = coda_servers.plain(with_tools=False)
    server.fail_next("mcp", *[answering(503, {"success": False})] * 6)
    async with closing(over_mcp(None, server.mcp_url, coda)) as workspace:
        await workspace.open()  # at the start of the process, which that must not keep from starting
        with pytest.raises(Unavailable):
            await workspace.check()
        await workspace.check()
        assert len(await workspace.records(Workflow, None)) == 2


def test_the_sdk_is_not_loaded_where_it_is_not_asked_for() -> None:
    program = "import sys, planner_memory.wiring.workspace; print([m for m in sys.modules if m == 'mcp' or m.startswith('mcp.')])"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert ran.stdout.strip() == "[]"


async def test_settings_that_lead_nowhere_are_told_by_the_doctor(coda: CodaServer, coda_servers: CodaServers, tmp_path: Path) -> None:
    def settings(**more: Any) -> Settings:
        return Settings(_env_file=None, **{"coda_api_token": TOKEN, "coda_base_url": coda.base_url, "coda_doc_id": coda.doc.id, **more})

    assert await missing_in_workspace(settings()) == []
    assert await missing_in_workspace(settings(workspace="postgresql")) == []
    mcp = {"coda_mcp_url": coda_servers.plain(with_tools=True).mcp_url, "coda_mcp_token": MCP_TOKEN}
    assert await missing_in_workspace(settings(**mcp)) == []
    (tmp_path / "names.yaml").write_text("tables: {offer: Products}")
    for more, said in (
        ({"coda_doc_id": "elsewhere"}, "CODA_DOC_ID"),
        ({"coda_api_token": "wrong"}, "CODA_API_TOKEN"),
        ({"coda_doc_id": None}, "CODA_DOC_ID"),
        ({"workspace": "coda-mcp"}, "CODA_MCP_URL"),
        ({**mcp, "coda_mcp_token": "wrong"}, "CODA_MCP_TOKEN"),
        ({**mcp, "coda_mcp_dialect": "proxy", "coda_doc_id": None}, "CODA_DOC_ID"),
        ({**mcp, "coda_doc_id": None}, "CODA_DOC_ID"),
        ({"coda_names": '{"tables": {"offer": "Products"}}'}, "no table Products"),
        ({"coda_names": str(tmp_path / "names.yaml")}, "no table Products"),
        ({"coda_names": str(tmp_path / "nowhere.yaml")}, "PLANNER_CODA_NAMES"),
        ({"coda_names": "{"}, "PLANNER_CODA_NAMES"),
    ):
        (line,) = await missing_in_workspace(settings(**more))
        assert said in line


# the proxy of REST calls


async def test_what_goes_over_the_line(coda: CodaServer, coda_servers: CodaServers) -> None:
    server = coda_servers.plain(with_tools=False)
    async with closing(over_mcp("proxy", server.mcp_url, coda)) as workspace:
        (task,) = await workspace.records(Task, None)
        server.requests.clear()
        await workspace.update_task(task.id, TaskChange(actual_hours=2.0), key="u")
    [write] = [sent for sent in server.requests["mcp"] if sent["method"] == "PUT"]
    table = coda.doc.table("tasks")
    row_id = task.id.removeprefix("coda:")
    assert write == {
        "method": "PUT",
        "path": f"/docs/{coda.doc.id}/tables/{table.id}/rows/{row_id}",
        "params": {},
        "data": {"row": {"cells": [{"column": table.column("actual_hours").id, "value": 2.0}]}},
    }


@pytest.mark.parametrize("inside", [False, True])
@pytest.mark.parametrize(
    ("status", "wanted", "tries"), [(401, NotConnected, 1), (403, NotConnected, 1), (404, NotConnected, 1), (500, Unavailable, 2)]
)
async def test_codas_refusals_come_through(
    coda: CodaServer, coda_servers: CodaServers, status: int, wanted: type[PlannerMemoryError], tries: int, inside: bool
) -> None:
    server = coda_servers.plain(with_tools=False)
    server.errors_inside = inside
    coda.fail_next("doc", *[coda_refused(status)] * 5)
    async with closing(over_mcp("proxy", server.mcp_url, coda)) as workspace:
        with pytest.raises(wanted):
            await workspace.check()
    assert len(coda.requests["doc"]) == tries


async def test_retry_after_comes_through(coda: CodaServer, coda_servers: CodaServers) -> None:
    coda.fail_next("doc", coda_refused(429, headers={"Retry-After": "60"}))
    async with closing(over_mcp("proxy", coda_servers.plain(with_tools=False).mcp_url, coda)) as workspace:
        with pytest.raises(Unavailable) as raised:
            await workspace.check()
    assert raised.value.extra == {"retry_after": 60}


async def test_a_server_of_another_kind(coda: CodaServer, coda_servers: CodaServers) -> None:
    server = coda_servers.plain(with_tools=False)
    async with closing(over_mcp("proxy", server.mcp_url, coda)) as workspace:
        for failure in (truncated(), answering(200, ["x"]), answering(200, "<html>")):
            server.fail_next("mcp", failure)
            with pytest.raises(UpstreamInvalid):
                await workspace.check()


# tools by name


@pytest.mark.parametrize("dialect", ["tools", "mcp"])
async def test_without_the_doc_tools_do_what_they_can(coda: CodaServer, coda_servers: CodaServers, dialect: Dialect) -> None:
    url = coda_servers.plain(with_tools=True).mcp_url if dialect == "tools" else coda_servers.sdk().mcp_url
    workspace = await without_doc(dialect, url)
    workflow = await workspace.record(Workflow, "WF-1", ("acme",))
    assert [step.title for step in workflow.steps] == ["Collect the brief", "Set up the workspace", "Hold the welcome call"]
    blueprint = await workspace.record(ServiceBlueprint, workflow.blueprint_id or "", None)
    assert blueprint.layers()["frontstage"] == "Welcome call; shared plan"
    assert [each.name for each in await workspace.records(Workflow, None, related_to=blueprint.id)] == ["Onboard a client"]

    before = len(coda.doc.table("process_templates").rows)
    new = NewProcessTemplate(
        name="Acme", client_id="acme", checklist=STEPS, workflow_id=workflow.id, blueprint_id=blueprint.id, engagement_id="coda:i-e"
    )
    made = await workspace.create_process_template(new, key="plan-1")
    again = await workspace.create_process_template(new, key="plan-1")
    other = await workspace.create_process_template(new, key="plan-2")
    assert (made.id, len(coda.doc.table("process_templates").rows)) == (again.id, before + 2)
    assert other.id != made.id
    assert (made.checklist, made.workflow_id, made.blueprint_id, made.engagement_id) == (STEPS, workflow.id, blueprint.id, "coda:i-e")
    assert {each.id for each in await workspace.records(ProcessTemplate, ("acme",), related_to=workflow.id)} > {made.id, other.id}
    with pytest.raises(NotFound):
        await workspace.record(ProcessTemplate, made.id, ("globex",))

    for call in (workspace.record(Engagement, "coda:i-e", None), workspace.update_task("coda:i-t", TaskChange(status="done"), key="k")):
        with pytest.raises(NotFound, match="CODA_DOC_ID"):
            await call
    with pytest.raises(InvalidInput, match="CODA_DOC_ID"):
        await workspace.create_tasks(made.id, None, client_id="acme", key="k")
    with pytest.raises(InvalidInput, match="CODA_DOC_ID"):
        await workspace.update_process_template(made.id, new, key="plan-1:2")
    assert await workspace.records(Task, None) == []
    await workspace.close()


async def test_changes_without_times(coda: CodaServer, coda_servers: CodaServers) -> None:
    workspace = await without_doc("tools", coda_servers.plain(with_tools=True).mcp_url)
    first = await workspace.changes(Workflow, None, limit=1)
    assert (len(first.records), first.has_more) == (1, True)
    rest = await workspace.changes(Workflow, first.cursor)
    assert (len(rest.records), rest.has_more) == (1, False)
    table = coda.doc.table("workflows")
    kept, gone = table.rows
    coda.doc.apply(table, kept, {table.column("description").id: "Three weeks."})
    del table.rows[gone]
    after = await workspace.changes(Workflow, rest.cursor)
    assert ([each.description for each in after.records], after.gone) == (["Three weeks."], (f"coda:{gone}",))
    assert (await workspace.changes(Workflow, after.cursor)).records == ()
    with pytest.raises(InvalidInput):
        await workspace.changes(Workflow, "no cursor")
    await workspace.close()


@pytest.mark.parametrize(("status", "wanted", "tries"), [(401, NotConnected, 1), (500, Unavailable, 2)])
async def test_a_tools_refusals(coda_servers: CodaServers, status: int, wanted: type[PlannerMemoryError], tries: int) -> None:
    server = coda_servers.plain(with_tools=True)
    workspace = await without_doc("tools", server.mcp_url)
    server.fail_next("mcp", *[answering(status, {"success": False, "error": f"scripted, {MCP_TOKEN}"})] * 5)
    with pytest.raises(wanted) as raised:
        await workspace.record(Workflow, "WF-1", None)
    assert len(server.requests["mcp"]) == tries
    assert MCP_TOKEN not in raised.value.detail
    await workspace.close()


# real MCP


async def test_a_server_without_the_tools_is_named(coda: CodaServer) -> None:
    with SdkMcpServer(coda, with_rows=False, with_tools=False) as server:
        async with closing(over_mcp(None, server.mcp_url, coda)) as workspace:
            with pytest.raises(UpstreamInvalid, match="none of the tools"):
                await workspace.check()
    with SdkMcpServer(coda, with_tools=False) as server, pytest.raises(NotConnected, match="CODA_DOC_ID"):
        await without_doc("mcp", server.mcp_url)


async def test_answers_that_mcp_coda_shortens_are_asked_for_in_parts(coda_servers: CodaServers) -> None:
    running = coda_servers.mcp_coda()
    for number in range(60):
        running.coda.doc.add_row("workflows", {"name": f"Flow {number:02}", "description": "x" * 2000})
    async with closing(over_mcp("mcp", running.mcp_url, running.coda)) as workspace:
        assert [each.name for each in await workspace.records(Workflow, None)] == [f"Flow {number:02}" for number in range(60)]
        running.coda.doc.add_row("workflows", {"name": "Long", "description": "x" * 30_000})
        with pytest.raises(UpstreamInvalid, match="shorten"):
            await workspace.records(Workflow, None)


async def test_codas_refusals_come_through_mcp_coda(coda_servers: CodaServers) -> None:
    running = coda_servers.mcp_coda()
    async with closing(over_mcp("mcp", running.mcp_url, running.coda)) as workspace:
        await workspace.check()
        for status, wanted in ((401, NotConnected), (403, NotConnected), (404, NotConnected)):
            running.coda.fail_next("doc", coda_refused(status))
            with pytest.raises(wanted):
                await workspace.check()
        running.coda.fail_next("doc", *[coda_refused(429, headers={"Retry-After": "60"})] * 2)
        with pytest.raises(Unavailable) as raised:
            await workspace.check()
        assert raised.value.extra == {"retry_after": 60}
        running.coda.fail_next("doc", *[coda_refused(500)] * 2)
        with pytest.raises(Unavailable):
            await workspace.check()


async def test_a_write_is_waited_for_through_mcp_coda(coda_servers: CodaServers) -> None:
    running = coda_servers.mcp_coda()
    running.coda.polls_until_done, running.coda.polls_unknown, running.coda.stale_reads = 2, 1, 2
    new = NewProcessTemplate(name="Acme", client_id="acme", checklist=STEPS)
    async with closing(over_mcp("mcp", running.mcp_url, running.coda)) as workspace:
        assert (await workspace.create_process_template(new, key="plan-1")).checklist == STEPS
    assert len(running.coda.doc.table("process_templates").rows) == 1
