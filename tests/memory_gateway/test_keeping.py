"""Changing, moving and keeping memories through the HTTP face, on PostgreSQL alone."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from planner_memory.adapters.postgres.database import Database

BASE = "/api/v1/memory"
NOW = datetime.now(UTC)
Open = Callable[..., Any]


async def keep(http: httpx.AsyncClient, content: str, **more: object) -> str:
    answer = await http.post(f"{BASE}/remember", json={"content": content, **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["memory_id"])


async def read(http: httpx.AsyncClient, path: str, **params: object) -> Any:
    answer = await http.get(f"{BASE}{path}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def recalled(http: httpx.AsyncClient, query: str, **more: object) -> list[str]:
    return [r["content"] for r in (await read(http, "/recall", query=query, **more))["results"]]


async def test_a_change_is_found_at_once_and_leaves_what_was_before(http: httpx.AsyncClient) -> None:
    memory_id = await keep(http, "The workshop is on Monday", thread_id="t", metadata={"a": 1})
    assert await recalled(http, "workshop") == ["The workshop is on Monday"]
    change = {"content": "The workshop is on Friday", "pinned": True, "occurred_at": "2026-03-01T10:00:00+01:00", "entities": ["Ines"]}
    changed = await http.patch(f"{BASE}/memories/{memory_id}", json=change)
    assert changed.status_code == 200, changed.text
    assert (changed.json()["content"], changed.json()["pinned"], changed.json()["metadata"]) == ("The workshop is on Friday", True, {"a": 1})
    assert changed.json()["occurred_at"] == "2026-03-01T09:00:00+00:00"
    assert await recalled(http, "workshop") == ["The workshop is on Friday"]
    await http.patch(f"{BASE}/memories/{memory_id}", json={"metadata": {"b": [2]}})
    await http.patch(f"{BASE}/memories/{memory_id}", json={"metadata": {"b": [2]}})
    found = await read(http, f"/memories/{memory_id}/history")
    assert [(h["revision"], sorted(h["changes"])) for h in found["history"]] == [
        (2, ["metadata"]),
        (1, ["content", "entities", "occurred_at", "pinned"]),
    ]
    assert found["history"][0]["changes"]["metadata"] == {"before": {"a": 1}, "after": {"b": [2]}}
    assert found["history"][1]["changes"]["content"] == {"before": "The workshop is on Monday", "after": "The workshop is on Friday"}
    assert found["total"] == 2


async def test_superseding_is_in_the_history_and_forgetting_takes_the_history_along(http: httpx.AsyncClient, database: Database) -> None:
    old = await keep(http, "The rate is 90", memory_type="fact")
    new = await keep(http, "The rate is 110", memory_type="fact", supersedes=old)
    [change] = (await read(http, f"/memories/{old}/history"))["history"]
    assert change["changes"]["superseded_by"] == {"before": None, "after": new}
    assert (await http.delete(f"{BASE}/memories/{old}")).json()["removed"] == 1
    assert (await http.get(f"{BASE}/memories/{old}/history")).status_code == 404
    exported = (await http.get(f"{BASE}/export")).text
    assert old not in exported


async def test_pinned_memories_are_listed_by_themselves(http: httpx.AsyncClient) -> None:
    first, _ = await keep(http, "one"), await keep(http, "two")
    await http.patch(f"{BASE}/memories/{first}", json={"pinned": True})
    assert [m["memory_id"] for m in (await read(http, "/memories", pinned=True))["memories"]] == [first]
    assert [m["content"] for m in (await read(http, "/memories", pinned=False))["memories"]] == ["two"]


async def test_a_pinned_memory_comes_first_among_those_that_match_alike(http: httpx.AsyncClient) -> None:
    for n in range(4):
        await keep(http, f"The gate of hall {n} is repaired on Monday")
    found = (await read(http, "/recall", query="gate repaired"))["results"]
    last = found[-1]
    assert {r["pinned"] for r in found} == {False}
    await http.patch(f"{BASE}/memories/{last['memory_id']}", json={"pinned": True})
    found = (await read(http, "/recall", query="gate repaired"))["results"]
    assert (found[0]["memory_id"], found[0]["pinned"], found[0]["scores"]["pinned"]) == (last["memory_id"], True, 1)
    assert found[0]["score"] > last["score"]


async def test_another_clients_memory_is_not_changed(http: httpx.AsyncClient) -> None:
    memory_id = await keep(http, "Borealis only", client_id="borealis")
    bound = {"Authorization": "Bearer k-acme"}
    assert (await http.patch(f"{BASE}/memories/{memory_id}", json={"content": "mine now"}, headers=bound)).status_code == 404
    assert (await http.get(f"{BASE}/memories/{memory_id}/history", headers=bound)).status_code == 404
    assert (await read(http, f"/memories/{memory_id}"))["content"] == "Borealis only"


def runs_of(template: str, runs: dict[str, tuple[str, float | None, float | None, str | None]]) -> tuple[list[Any], list[Any]]:
    nodes: list[Any] = [{"node_id": template, "node_type": "template"}]
    edges: list[Any] = []
    for run, (project, estimated, actual, ended) in runs.items():
        nodes += [
            {"node_id": run, "node_type": "execution_run", "properties": {"estimated_hours": estimated, "actual_hours": actual, "ended_at": ended}}
        ]
        nodes += [{"node_id": project, "node_type": "project", "properties": {"name": project}}]
        edges += [{"from_node_id": template, "to_node_id": run, "edge_type": "template_used_in_run"}]
        edges += [{"from_node_id": run, "to_node_id": project, "edge_type": "run_belongs_to_project"}]
    return nodes, edges


async def test_similar_projects_walk_the_graph_and_count_runs(http: httpx.AsyncClient) -> None:
    runs = {
        "ws:run-1": ("ws:project-a", 2.0, 3.0, "2026-02-01T10:00:00+00:00"),
        "ws:run-2": ("ws:project-a", 4.0, 3.0, "not a time"),
        "ws:run-3": ("ws:project-a", None, 1.5, None),
        "ws:run-4": ("ws:project-b", 1.0, 2.0, "2026-03-01T10:00:00+00:00"),
    }
    nodes, edges = runs_of("ws:template-1", runs)
    nodes += [{"node_id": "ws:blueprint-1", "node_type": "blueprint"}, {"node_id": "ws:workflow-1", "node_type": "workflow"}]
    edges += [
        {"from_node_id": "ws:blueprint-1", "to_node_id": "ws:workflow-1", "edge_type": "blueprint_has_workflow"},
        {"from_node_id": "ws:workflow-1", "to_node_id": "ws:template-1", "edge_type": "workflow_has_template"},
    ]
    for client in ("me", "acme"):
        assert (await http.put(f"{BASE}/graph/nodes", json={"nodes": nodes, "client_id": client})).status_code == 200
    assert (await http.put(f"{BASE}/graph/edges", json={"edges": edges})).status_code == 200
    found = await read(http, "/similar/projects", blueprint_id="ws:blueprint-1")
    assert [p["project_id"] for p in found["projects"]] == ["ws:project-b", "ws:project-a"]
    b, a = found["projects"]
    assert (a["runs"], a["actual_hours"], a["mean_actual_hours"], a["estimate_ratio"]) == (3, 7.5, 2.5, 1.0)
    assert (b["estimate_ratio"], b["last_run_at"], b["template_ids"]) == (2.0, "2026-03-01T10:00:00+00:00", ["ws:template-1"])
    assert (found["total"], found["cut"]) == (2, False)
    assert len((await read(http, "/similar/projects", blueprint_id="ws:blueprint-1", k=1))["projects"]) == 1
    assert (await read(http, "/similar/projects", blueprint_id="ws:blueprint-1", client_id="acme"))["projects"] == []
    assert (await http.get(f"{BASE}/similar/projects", params={"blueprint_id": "ws:ghost"})).status_code == 404
    around = await read(http, "/graph/neighbors", entity_id="ws:workflow-1", depth=2)
    assert {n["node_id"]: n["execution_runs"] for n in around["neighbors"] if n["execution_runs"]} == {"ws:template-1": 4}


async def filled(http: httpx.AsyncClient) -> None:
    old = await keep(http, "The rate is 90", client_id="acme", memory_type="fact", payload={"big": 12345678901234567890, "odd": [None, "ü"]})
    await keep(http, "The rate is 110", client_id="acme", memory_type="fact", supersedes=old, entities=["Acme"], thread_id="t")
    await http.patch(f"{BASE}/memories/{old}", json={"pinned": True, "metadata": {"why": "kept"}})
    await http.post(
        f"{BASE}/remember/batch", json={"memories": [{"content": f"Turn {i}", "client_id": "acme", "thread_id": "t"} for i in range(600)]}
    )
    nodes = [{"node_id": f"ws:{i}", "node_type": "task", "properties": {"n": i}} for i in range(3)]
    await http.put(f"{BASE}/graph/nodes", json={"client_id": "acme", "nodes": nodes})
    edge = {"from_node_id": "ws:0", "to_node_id": "ws:1", "edge_type": "depends_on", "properties": {"hard": True}}
    await http.put(f"{BASE}/graph/edges", json={"client_id": "acme", "edges": [edge]})


async def exported(http: httpx.AsyncClient, client: str = "acme") -> str:
    answer = await http.get(f"{BASE}/export", params={"client_id": client})
    assert answer.status_code == 200
    return answer.text


async def bring(http: httpx.AsyncClient, text: str, **params: object) -> httpx.Response:
    return await http.post(f"{BASE}/import", content=text.encode(), params=params)


async def test_what_was_exported_comes_back_line_for_line(http: httpx.AsyncClient) -> None:
    await filled(http)
    before = await exported(http)
    again = (await bring(http, before)).json()
    assert (again["lines"], again["new"]) == (len(before.splitlines()), 0)
    assert await exported(http) == before
    await http.delete(f"{BASE}/memories", params={"client_id": "acme"})
    assert "memory_history" not in await exported(http)
    back = await bring(http, before)
    assert back.status_code == 200, back.text
    assert back.json()["kinds"]["memory"] == {"read": 602, "new": 602}
    assert back.json()["kinds"]["memory_history"] == {"read": 2, "new": 2}
    assert await exported(http) == before
    assert "12345678901234567890" in before
    assert await recalled(http, "rate", client_id="acme") == ["The rate is 110"]


async def test_the_lines_of_another_installation_are_found_here(http: httpx.AsyncClient, open_gateway: Open) -> None:
    line = {"kind": "memory", "memory_id": "01900000-0000-7000-8000-000000000001", "content": "From afar", "occurred_at": "2026-01-01T00:00:00Z"}
    assert (await bring(http, json.dumps({**line, "client_id": "old"}), client_id="acme")).json()["new"] == 1
    assert await recalled(http, "afar", client_id="acme") == ["From afar"]
    taken = await bring(http, json.dumps({**line, "client_id": "borealis"}))
    assert taken.status_code == 409
    bound = {"Authorization": "Bearer k-acme"}
    refused = await http.post(f"{BASE}/import", content=json.dumps({**line, "client_id": "borealis"}), headers=bound)
    assert refused.status_code == 403


async def test_documents_come_back_with_their_chunks_and_versions(both: httpx.AsyncClient) -> None:
    for text in ("# Rates\n\nA workshop day costs 1200 euros.", "# Rates\n\nA workshop day costs 1300 euros."):
        added = await both.post(f"{BASE}/docs", json={"content": text, "doc_id": "rates", "client_id": "acme", "metadata": {"by": "Ines"}})
        assert added.status_code == 201, added.text
    before = await exported(both)
    assert '"doc_chunk"' in before
    assert (await bring(both, before)).json()["new"] == 0
    assert (await both.delete(f"{BASE}/docs/rates", params={"client_id": "acme"})).status_code == 200
    assert await exported(both) == ""
    back = (await bring(both, before)).json()
    assert back["new"] == back["lines"] == len(before.splitlines())
    assert await exported(both) == before
    [hit] = (await read(both, "/search/docs", query="workshop day", client_id="acme"))["results"]
    assert (hit["content"].split()[-2], hit["metadata"], hit["heading"]) == ("1300", {"by": "Ines"}, "Rates")


GOOD = '{"kind": "memory", "memory_id": "01900000-0000-7000-8000-000000000009", "content": "good", "occurred_at": "2026-01-01T00:00:00Z"}'


@pytest.mark.parametrize(
    ("line", "field"),
    [
        ("", "lines"),
        ("not json", "lines[1]"),
        ("[]", "lines[1]"),
        ('{"kind": "dream"}', "lines[1].kind"),
        (GOOD.replace('"good"', "5"), "lines[1].content"),
        (GOOD.replace("2026-01-01T00:00:00Z", "2026-01-01T00:00:00"), "lines[1].occurred_at"),
        (GOOD.replace('"kind"', '"colour": 1, "kind"'), "lines[1].colour"),
        (GOOD[:-1] + ', "payload": {"x": "\\u0000"}}', "lines"),
        ('{"kind": "graph_edge", "from_node_id": "a", "to_node_id": "b", "edge_type": "mentions"}', "lines"),
        (
            (
                '{"kind": "doc_chunk", "id": "01900000-0000-7000-8000-000000000008", "doc_id": "d", "chunk_index": 0,'
                ' "content": "c", "content_hash": "h"}'
            ),
            "lines",
        ),
    ],
)
async def test_a_bad_line_is_named_and_nothing_is_stored(http: httpx.AsyncClient, line: str, field: str) -> None:
    answer = await bring(http, f"{GOOD}\n{line}" if line else "\n \n")
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field
    assert (await read(http, "/memories"))["memories"] == []


async def test_retention_forgets_what_is_over_its_time_and_nothing_else(open_gateway: Open) -> None:
    async with open_gateway() as (http, gateway):
        for content, more in {
            "old event": {},
            "old pinned": {},
            "old reading": {"event_type": "sensor"},
            "old preference": {"memory_type": "preference", "event_type": "sensor"},
            "old fact": {"memory_type": "fact"},
        }.items():
            await keep(http, content, occurred_at=(NOW - timedelta(days=40)).isoformat(), **more)
        await keep(http, "new event")
        await keep(http, "recent reading", event_type="sensor", occurred_at=(NOW - timedelta(days=10)).isoformat())
        await keep(http, "their old event", client_id="acme", occurred_at=(NOW - timedelta(days=40)).isoformat())
        [pinned] = [m for m in (await read(http, "/memories"))["memories"] if m["content"] == "old pinned"]
        await http.patch(f"{BASE}/memories/{pinned['memory_id']}", json={"pinned": True})
        assert (await read(http, "/retention")) == {"client_id": "me", "memory_types": {}, "event_types": {}, "include_pinned": False, "due": 0}
        rules = {"memory_types": {"event": 30}, "event_types": {"sensor": 7}}
        assert (await http.put(f"{BASE}/retention", json=rules)).json()["due"] == 3
        await gateway.retaining.sweep()
        await gateway.retaining.sweep()
        left = (await read(http, "/memories", client_id="me"))["memories"]
        assert sorted(m["content"] for m in left if m["event_type"] != "retention_applied") == [
            "new event",
            "old fact",
            "old pinned",
            "old preference",
        ]
        [receipt] = [m for m in left if m["event_type"] == "retention_applied"]
        assert (receipt["payload"]["removed"], receipt["payload"]["stores"]["postgres"]) == (3, "removed")
        assert [m["content"] for m in (await read(http, "/memories", client_id="acme"))["memories"]] == ["their old event"]
        assert (await read(http, "/retention"))["due"] == 0
