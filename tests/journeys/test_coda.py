"""The running product with a workspace in Coda: what it says of it, and what the doctor finds missing in the doc."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from tests.fakes.coda_benches import CodaServers
from tests.fakes.coda_erp import erp
from tests.fakes.coda_mcp import MCP_TOKEN
from tests.fakes.coda_server import TOKEN
from tests.journeys.product import environment, up


def doctor(data_dir: Path, **more: str) -> Any:
    command = [sys.executable, "-m", "planner_memory", "doctor", "--json"]
    ran = subprocess.run(command, env=environment(data_dir, **more), capture_output=True, text=True, timeout=120, check=True)
    return json.loads(ran.stdout)


@pytest.mark.parametrize("way", ["coda", "coda-mcp"])
async def test_a_plan_from_a_workflow_in_coda(data_dir: Path, coda_servers: CodaServers, way: str) -> None:
    server = coda_servers.coda
    server.doc = erp()
    settings = {"CODA_API_TOKEN": TOKEN, "CODA_BASE_URL": server.base_url, "CODA_DOC_ID": server.doc.id}
    if way == "coda-mcp":
        settings |= {"CODA_MCP_URL": coda_servers.sdk().mcp_url, "CODA_MCP_TOKEN": MCP_TOKEN}
    with up(data_dir, **settings) as running:
        async with running.client() as client:
            answer = await client.post("/api/v1/planner/plan", json={"intent": "Onboard Acme", "client_id": "acme", "workflow_id": "WF-1"})
            assert answer.status_code == 201, answer.text
            plan = answer.json()
            assert [step["title"] for step in plan["checklist"]] == ["Collect the brief", "Set up the workspace", "Hold the welcome call"]
            assert plan["process_template_id"].startswith("coda:i-")
            assert plan["workspace"]["adapter"] == way
            assert plan["warnings"] == []
        table = server.doc.table("tasks")
        table.columns = [column for column in table.columns if column.name != "planner_key"]
        said = doctor(data_dir, **settings)
        assert (said["adapters"]["workspace"], said["dependencies"]["workspace"]) == (way, "up")
        (line,) = said["workspace_missing"]
        assert "tasks has no column key or planner_key" in line
    templates = server.doc.table("process_templates").rows.values()
    assert sum(row.id == plan["process_template_id"].removeprefix("coda:") for row in templates) == 1
