"""The workspace's rows over HTTP: read in, listed, shown, changed; impossible files named by line; clients apart."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from tests.planner_engine.conftest import Desk, opened

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.workspace import PostgresWorkspace

EXAMPLE = Path("examples/workspace.yaml").read_text(encoding="utf-8")


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    async with opened(database, workspace=PostgresWorkspace(database)) as made:
        yield made


async def read_in(desk: Desk, text: str, status: int = 200, **more: Any) -> Any:
    return await desk.post("/workspace/import", {"text": text, **more}, status)


async def test_the_example_is_read_in_once_and_found(desk: Desk) -> None:
    checked = await read_in(desk, EXAMPLE, dry_run=True)
    assert (checked["changed"], checked["warnings"]) == (0, [])
    assert (await desk.get("/workspace/workflows"))["total"] == 0
    first = await read_in(desk, EXAMPLE)
    assert first["changed"] == first["total"] == sum(first["kinds"].values())
    assert len(first["kinds"]) == 12
    assert (await read_in(desk, EXAMPLE))["changed"] == 0
    listed = await desk.get("/workspace/workflows?related_to=blueprint-onboarding")
    assert [w["id"] for w in listed["records"]] == ["ws:workflow-onboarding"]
    review = await desk.get("/workspace/workflow/workflow-review")
    assert [(s["title"], s["estimated_hours"]) for s in review["steps"]][:2] == [("Agree on the scope", 2.0), ("Interview six people", 9.0)]
    shown = await desk.get("/workspace/engagements/ws:engagement-kiruna")
    assert shown["named_by"]["project"] == [{"id": "ws:project-kiruna", "name": "Kiruna goods receipt"}]
    assert (await desk.get("/workspace/results/result-waiting"))["client_id"] == "kiruna"  # from its engagement, four relations up
    blueprint = await desk.get("/workspace/service-blueprints/blueprint-onboarding")
    assert blueprint["frontstage"] == "Welcome mail within one working day\nKick-off call with agenda and minutes"
    assert ("ws:blueprint-onboarding", "ws:workflow-onboarding", "blueprint_has_workflow") in desk.memory.edges
    assert ("ws:project-kiruna", "ws:engagement-kiruna", "project_serves_engagement") in desk.memory.edges


async def test_rows_are_changed_and_removed(desk: Desk) -> None:
    await read_in(desk, EXAMPLE)
    changed = await desk.put(
        "/workspace/workflows/workflow-review", {"name": "Review anew", "blueprint_id": "blueprint-review", "steps": ["One (2 h)"]}
    )
    assert (changed["name"], changed["steps"][0]["estimated_hours"], changed["estimated_hours"]) == ("Review anew", 2.0, None)
    assert desk.memory.nodes["me", "ws:workflow-review"].properties["name"] == "Review anew"
    assert (await desk.client.delete("/api/v1/planner/workspace/workflows/workflow-review")).status_code == 204
    await desk.get("/workspace/workflows/workflow-review", 404)
    assert (await desk.client.delete("/api/v1/planner/workspace/workflows/workflow-review")).status_code == 404
    await desk.put("/workspace/offers/workflow-onboarding", {"name": "The id of a workflow"}, 409)
    wrong = await desk.put("/workspace/workflows/w", {"nmae": "x", "estimated_hours": "a day", "steps": [{"title": "a", "hours": 0}]}, 422)
    said = {e["field"]: e["detail"] for e in wrong["errors"]}
    assert "name" in said["nmae"]
    assert {"nmae", "steps[0].estimated_hours", "name"} <= said.keys()


async def test_a_csv_of_one_kind(desk: Desk) -> None:
    rows = (
        "\ufeffworkflow_id,name,service_blueprint,steps,estimated_hours,automation_status\r\n"
        'w-1,"Invoices, monthly",b-1,"1. Collect hours (1,5 h)\n2. Send (0.5 h)",2,Manual\r\n'
        "\r\nw-2,Close the books,,,,\r\n"
    )
    answer = await read_in(desk, rows, format="csv", kind="workflows")
    assert (answer["changed"], len(answer["warnings"])) == (2, 1)
    assert "b-1" in answer["warnings"][0]
    shown = await desk.get("/workspace/workflows/w-1")
    assert [(s["title"], s["estimated_hours"]) for s in shown["steps"]] == [("Collect hours", 1.5), ("Send", 0.5)]
    wrong = await read_in(desk, rows.replace("w-2,Close", "w-1,Close").replace("Manual", "By hand"), 422, format="csv", kind="workflows")
    assert [e["line"] for e in wrong["errors"]] == [2]
    assert "automation_status" in wrong["detail"]
    twice = await read_in(desk, rows.replace("w-2,Close", "w-1,Close"), 422, format="csv", kind="workflows")
    assert (twice["errors"][0]["line"], twice["errors"][0]["field"]) == (5, "id")


BAD_FILES = {
    "an unknown column": ("offers:\n- id: a\n  name: A\n  colour: red\n", "line 4, colour"),
    "an unknown kind": ("ofers:\n- id: a\n", "Did you mean offers"),
    "a missing name": ("offers:\n- id: a\n- id: b\n  name: B\n", "line 2, name"),
    "hours that are none": ("workflows:\n- id: a\n  name: A\n  steps:\n  - title: x\n    hours: -1\n", "line 6, steps[0].estimated_hours"),
    "a dependency on nothing": ("workflows:\n- id: a\n  name: A\n  steps:\n  - {title: x, after: [7]}\n", "line 5, steps[0].dependencies"),
    "an instant without zone": ("tasks:\n- id: a\n  name: A\n  scheduled_start_at: 2027-03-15T09:00:00\n", "line 4, scheduled_start_at"),
    "a sprint without hours": ("sprints:\n- {id: a, name: A, starts_on: 2027-03-15, ends_on: 2027-03-21}\n", "planned_billable_hours"),
    "no YAML": ("offers:\n- id: [\n", "line"),
    "a bomb": ("a: &a [1, 1]\noffers: [*a, *a]\n", "line 2: aliases"),
    "a well": ("offers: " + "[" * 60 + "]" * 60, "nested too deeply"),
    "a huge cell": (f"offers:\n- id: a\n  name: A\n  description: {'x' * 1_000_000}\n", "line 4, description"),
    "half a surrogate pair": ('offers:\n- id: a\n  name: "\\ud800"\n', "line"),
    "nothing": ("# only a comment\n", "line 1"),
    "a list": ("- 1\n", "line 1"),
    "a scalar": ("offers: all of them\n", "line 1"),
    "the same id twice": ("offers:\n- {id: a, name: A}\n- {id: ws:a, name: B}\n", "line 3, id"),
    "an odd id": ("offers:\n- {id: a b, name: A}\n", "line 2, id"),
    "an endless number": ("finance_snapshots:\n- {id: a, name: A, taken_on: 2027-03-01, runway_weeks: .inf}\n", "runway_weeks"),
}


@pytest.mark.parametrize("case", BAD_FILES)
async def test_an_impossible_file_is_named_and_nothing_stored(desk: Desk, case: str) -> None:
    text, said = BAD_FILES[case]
    problem = await read_in(desk, text, 422)
    assert said in json.dumps(problem), problem
    assert len(json.dumps(problem)) < 20_000
    assert (await desk.get("/workspace/offers"))["total"] == 0


async def test_clients_are_apart(desk: Desk) -> None:
    await read_in(desk, EXAMPLE)
    acme = {"Authorization": "Bearer k2"}  # bound to the client acme
    assert (await desk.get("/workspace/engagements", **acme))["total"] == 0
    assert (await desk.get("/workspace/offers", **acme))["total"] == 2
    await desk.get("/workspace/engagements/engagement-kiruna", 404, **acme)
    await desk.get("/workspace/finance-snapshots", 403, **acme)
    path = "/api/v1/planner/workspace"
    for method, where, body, status in (
        ("PUT", "/engagements/engagement-kiruna", {"name": "Mine", "client_id": "acme"}, 409),
        ("PUT", "/offers/offer-review", {"name": "Mine"}, 403),
        ("PUT", "/offers/offer-review", {"name": "Mine", "client_id": "acme"}, 409),
        ("DELETE", "/offers/offer-review", None, 404),
        ("PUT", "/projects/own", {"name": "Own", "client_id": "acme"}, 200),
        ("POST", "/import", {"text": "projects:\n- {id: p, name: P, client: kiruna}\n"}, 403),
    ):
        answer = await desk.client.request(method, path + where, json=body, headers=acme)
        assert answer.status_code == status, (where, answer.text)
    assert (await desk.get("/workspace/offers/offer-review"))["name"] == "Process review"
    assert (await desk.get("/workspace/projects/own"))["client_id"] == "acme"
