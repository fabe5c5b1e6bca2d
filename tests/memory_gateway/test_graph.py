"""The graph through the HTTP face."""

import time
from typing import Any

import httpx

BASE = "/api/v1/memory"


async def put(http: httpx.AsyncClient, edges: list[tuple[str, str, str]], client_id: str | None = None) -> None:
    names = sorted({name for start, end, _ in edges for name in (start, end)})
    nodes = [{"node_id": n, "node_type": n.split(":")[1].split("-")[0], "properties": {"name": n}} for n in names]
    for i in range(0, len(nodes), 1_000):
        answer = await http.put(f"{BASE}/graph/nodes", json={"client_id": client_id, "nodes": nodes[i : i + 1_000]})
        assert answer.status_code == 200, answer.text
    sent = [{"from_node_id": a, "to_node_id": b, "edge_type": t} for a, b, t in edges]
    for i in range(0, len(sent), 1_000):
        answer = await http.put(f"{BASE}/graph/edges", json={"client_id": client_id, "edges": sent[i : i + 1_000]})
        assert answer.status_code == 200, answer.text


async def around(http: httpx.AsyncClient, entity_id: str, **more: Any) -> dict[str, Any]:
    answer = await http.get(f"{BASE}/graph/neighbors", params={"entity_id": entity_id, **more})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


CHAIN = [
    ("ws:workflow-7", "ws:template-1", "workflow_has_template"),
    ("ws:template-1", "ws:run-1", "template_used_in_run"),
    ("ws:run-1", "ws:project-1", "run_belongs_to_project"),
    ("ws:blueprint-1", "ws:workflow-7", "blueprint_has_workflow"),
]


async def test_depth_two_from_a_workflow_reaches_its_runs(http: httpx.AsyncClient) -> None:
    await put(http, CHAIN)
    found = await around(http, "ws:workflow-7")
    assert found["entity"] == {"node_id": "ws:workflow-7", "node_type": "workflow", "properties": {"name": "ws:workflow-7"}}
    by_id = {n["node_id"]: n for n in found["neighbors"]}
    assert by_id.keys() == {"ws:template-1", "ws:run-1", "ws:blueprint-1"}
    run = by_id["ws:run-1"]
    assert (run["distance"], run["path"]) == (2, ["ws:workflow-7", "ws:template-1", "ws:run-1"])
    assert (run["edge_type"], run["direction"], run["properties"]) == ("template_used_in_run", "outgoing", {"name": "ws:run-1"})
    assert by_id["ws:blueprint-1"]["direction"] == "incoming"
    assert found["cut"] is False


async def test_depth_type_and_direction_narrow(http: httpx.AsyncClient) -> None:
    await put(http, CHAIN)

    async def ids(**more: Any) -> list[str]:
        return [n["node_id"] for n in (await around(http, "ws:workflow-7", **more))["neighbors"]]

    assert await ids(depth=1, direction="outgoing") == ["ws:template-1"]
    assert await ids(direction="incoming") == ["ws:blueprint-1"]
    assert await ids(edge_type="workflow_has_template") == ["ws:template-1"]
    assert len(await ids(depth=3)) == 4
    for wrong in ({"depth": 0}, {"depth": 99}, {"direction": "up"}):
        answer = await http.get(f"{BASE}/graph/neighbors", params={"entity_id": "ws:workflow-7", **wrong})
        assert answer.json()["errors"][0]["field"] in wrong


async def test_cycles_and_hubs_end_and_say_that_they_were_cut(http: httpx.AsyncClient) -> None:
    ring = [(f"ws:ring-{i}", f"ws:ring-{(i + 1) % 5}", "depends_on") for i in range(5)]
    await put(http, [*ring, ("ws:ring-0", "ws:ring-0", "mentions")])
    found = await around(http, "ws:ring-0", depth=6)
    assert sorted((n["node_id"], n["distance"]) for n in found["neighbors"]) == [
        ("ws:ring-1", 1),
        ("ws:ring-2", 2),
        ("ws:ring-3", 2),
        ("ws:ring-4", 1),
    ]
    spokes = [("ws:hub-0", f"ws:spoke-{i}", "mentions") for i in range(3_000)]
    await put(http, spokes)
    started = time.perf_counter()
    hub = await around(http, "ws:spoke-7", depth=6)
    assert time.perf_counter() - started < 2
    assert hub["cut"] is True
    assert len(hub["neighbors"]) == 500
    assert hub["neighbors"][0]["node_id"] == "ws:hub-0"


async def test_an_unknown_node_is_404_or_422_and_clients_are_apart(http: httpx.AsyncClient) -> None:
    await put(http, CHAIN, client_id="acme")
    assert (await http.get(f"{BASE}/graph/neighbors", params={"entity_id": "ws:workflow-7"})).status_code == 404
    assert (await around(http, "ws:workflow-7", client_id="acme"))["neighbors"]
    edges = [
        {"from_node_id": "ws:workflow-7", "to_node_id": "ws:template-1", "edge_type": "mentions"},
        {"from_node_id": "ws:workflow-7", "to_node_id": "ws:ghost", "edge_type": "mentions"},
    ]
    answer = await http.put(f"{BASE}/graph/edges", json={"client_id": "acme", "edges": edges})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "edges[1].to_node_id"
    assert "ws:ghost" in answer.json()["detail"]
    found = await around(http, "ws:workflow-7", client_id="acme", depth=1, edge_type="mentions")
    assert found["neighbors"] == []


async def test_putting_a_node_again_merges_what_is_known_of_it(http: httpx.AsyncClient) -> None:
    for properties in ({"name": "Onboarding", "hours": 3}, {"hours": 4}, {"hours": 4}):
        await http.put(f"{BASE}/graph/nodes", json={"nodes": [{"node_id": "ws:w", "node_type": "workflow", "properties": properties}]})
    assert (await around(http, "ws:w"))["entity"]["properties"] == {"name": "Onboarding", "hours": 4}
