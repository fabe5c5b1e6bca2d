"""Bad input of every path of the gateway gives a problem that names the field, and no path is left out."""

from typing import Any

import httpx
from fastapi import FastAPI

from planner_memory.memory_gateway.document_routes import router as document_router
from planner_memory.memory_gateway.routes import router

BASE = "/api/v1/memory"
LONG = "x" * 300
ID = "01900000-0000-7000-8000-000000000001"
NODE: dict[str, Any] = {"node_id": "ws:1", "node_type": "task"}
EDGE: dict[str, Any] = {"from_node_id": "ws:1", "to_node_id": "ws:2", "edge_type": "mentions"}


def query(method: str, path: str, good: dict[str, Any], **bad: Any) -> list[Any]:
    return [(method, path, {"params": {**good, name: value}}, name) for name, value in bad.items()]


def body(method: str, path: str, good: dict[str, Any], **bad: Any) -> list[Any]:
    return [(method, path, {"json": {**good, name: value}}, name) for name, value in bad.items()]


FILTERS: dict[str, Any] = {
    "memory_type": "dream",
    "event_type": LONG,
    "thread_id": LONG,
    "since": "soon",
    "until": "soon",
    "as_of": "soon",
    "client_id": LONG,
}
MEMORY = {
    "content": " ",
    "client_id": LONG,
    "memory_type": "dream",
    "event_type": LONG,
    "event_source": LONG,
    "occurred_at": "soon",
    "thread_id": LONG,
    "person_id": "",
    "payload": [],
    "metadata": {"x": "\0"},
    "entities": [""],
    "supersedes": "x",
    "colour": 1,
}
CASES = [
    *body("POST", "/remember", {"content": "c"}, **MEMORY),
    *query("POST", "/remember", {}, wait="long"),
    *body("POST", "/remember/batch", {}, memories=[]),
    ("POST", "/remember/batch", {"json": {"memories": [{"content": "fine"}, {"content": ""}]}}, "memories[1].content"),
    *query("GET", "/recall", {"query": "q"}, **FILTERS, query=" ", k=0, min_score=2),
    *query("GET", "/similar/events", {}, event_id="x", text=" "),
    *query("GET", "/similar/events", {"text": "t"}, k=101, client_id=LONG),
    *query("GET", "/similar/projects", {"blueprint_id": "b"}, blueprint_id="", k=0, client_id=LONG),
    *query("GET", "/memories", {}, **FILTERS, cursor="eA==", limit=0, pinned="perhaps", include_superseded="perhaps"),
    *query("DELETE", "/memories", {"client_id": "c"}, **FILTERS),
    ("DELETE", "/memories", {}, "client_id"),
    ("GET", "/memories/x", {}, "memory_id"),
    ("PATCH", "/memories/x", {"json": {"content": "c"}}, "memory_id"),
    ("DELETE", "/memories/x", {}, "memory_id"),
    ("GET", "/memories/x/history", {}, "memory_id"),
    *body("PATCH", f"/memories/{ID}", {}, content="", payload=[], metadata=1, entities=[""], thread_id=LONG, event_type="", pinned="yes", colour=1),
    ("PATCH", f"/memories/{ID}", {"json": {"occurred_at": "soon"}}, "occurred_at"),
    ("PATCH", f"/memories/{ID}", {"json": {}}, ""),
    *query("GET", "/graph/neighbors", {"entity_id": "e"}, entity_id="", depth=0, direction="up", edge_type=LONG, client_id=LONG),
    *body("PUT", "/graph/nodes", {"nodes": [NODE]}, nodes=[], client_id=LONG, colour=1),
    ("PUT", "/graph/nodes", {"json": {"nodes": [NODE, {**NODE, "node_id": ""}]}}, "nodes[1].node_id"),
    ("PUT", "/graph/nodes", {"json": {"nodes": [{**NODE, "properties": {"x": "\0"}}]}}, "nodes[0].properties"),
    *body("PUT", "/graph/edges", {"edges": [EDGE]}, edges=[], client_id=LONG),
    ("PUT", "/graph/edges", {"json": {"edges": [{**EDGE, "edge_type": ""}]}}, "edges[0].edge_type"),
    ("PUT", "/graph/edges", {"json": {"edges": [EDGE]}}, "edges[0].from_node_id"),
    *query("GET", "/export", {}, client_id=LONG),
    *query("POST", "/import", {}, client_id=LONG),
    ("POST", "/import", {"content": "nonsense"}, "lines[0]"),
    *query("GET", "/retention", {}, client_id=LONG),
    *body("PUT", "/retention", {}, client_id=LONG, include_pinned="yes", colour=1),
    ("PUT", "/retention", {"json": {"memory_types": {"dream": 3}}}, "memory_types.dream"),
    ("PUT", "/retention", {"json": {"event_types": {"call": 0}}}, "event_types.call"),
    *body("POST", "/docs", {"content": "c"}, content="", title="", client_id=LONG, metadata=[1], doc_id="a/../b"),
    *query("GET", "/docs", {}, client_id=LONG, limit=0, offset=-1),
    *query("GET", "/search/docs", {"query": "q"}, query=" ", k=0, client_id=LONG),
    *query("GET", "/docs/d", {}, client_id=LONG),
    *query("DELETE", "/docs/d", {}, client_id=LONG),
]


async def test_every_bad_value_is_a_problem_that_names_its_field(both: httpx.AsyncClient) -> None:
    await both.post(f"{BASE}/remember", json={"content": "there"})
    wrong = []
    for method, path, sent, field in CASES:
        answer = await both.request(method, BASE + path, **sent)
        named = [e["field"] for e in answer.json().get("errors", [])] if answer.headers["content-type"] == "application/problem+json" else None
        # a change looks for its memory after its time was read, so that 422 comes before 404
        if answer.status_code != 422 or not named or not str(named[0]).startswith(field):
            wrong.append((method, path, sent, answer.status_code, named))
    assert wrong == []
    assert [m["content"] for m in (await both.get(f"{BASE}/memories")).json()["memories"]] == ["there"]


def test_no_path_is_left_out() -> None:
    app = FastAPI()
    app.include_router(router)
    app.include_router(document_router)
    shapes = {"{memory_id}": "*", "{doc_id}": "*"}
    paths = set()
    for path, methods in app.openapi()["paths"].items():
        short = path.removeprefix(BASE)
        for name, star in shapes.items():
            short = short.replace(name, star)
        paths |= {(method.upper(), short) for method in methods}
    tried = {(m, p.replace(ID, "*").replace("/memories/x", "/memories/*").replace("/docs/d", "/docs/*")) for m, p, _, _ in CASES}
    assert paths - tried == set()
