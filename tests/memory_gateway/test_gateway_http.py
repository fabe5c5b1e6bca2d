"""The gateway as other services use it: the adapter over HTTP on a real gateway."""

from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from fastapi import APIRouter, FastAPI

from planner_memory.adapters.gateway_http.memory import GatewayMemory
from planner_memory.adapters.postgres.database import Database
from planner_memory.core.errors import InvalidInput, NotAllowed, NotAuthenticated, Unavailable, UpstreamInvalid
from planner_memory.memory_gateway.document_routes import router as document_router
from planner_memory.memory_gateway.routes import router
from planner_memory.ports.memory import GraphEdge, GraphNode, NewMemory


async def test_remember_recall_and_graph(http: httpx.AsyncClient) -> None:
    memory = GatewayMemory(http)
    await memory.check()
    at = datetime(2026, 5, 1, 12, tzinfo=UTC)
    sent = NewMemory(
        "Acme wants reports on Fridays", client_id="acme", memory_type="preference", occurred_at=at, metadata={"a": 1}, entities=("Acme",)
    )
    kept = await memory.remember(sent, idempotency_key="one")
    assert kept == await memory.remember(sent, idempotency_key="one")
    assert (kept.stored_in, kept.deduplicated) == (("postgres",), False)
    found = await memory.recall("reports", client_id="acme", memory_type="preference")
    assert [(r.memory_id, r.occurred_at, r.metadata, r.collection) for r in found.results] == [(kept.memory_id, at, {"a": 1}, "agent_memories")]
    assert found.degraded
    assert (await memory.recall("reports")).results == ()
    await memory.put_graph([GraphNode(f"ws:n-{i}", "n") for i in range(1_200)], [GraphEdge("ws:n-0", "ws:n-1199", "mentions")])
    seen = await http.get("/api/v1/memory/graph/neighbors", params={"entity_id": "ws:n-0"})
    assert seen.json()["neighbors"][0]["node_id"] == "ws:n-1199"


async def test_problems_come_back_as_our_errors(http: httpx.AsyncClient, database: Database) -> None:
    memory = GatewayMemory(http)
    with pytest.raises(InvalidInput) as refused:
        await memory.remember(NewMemory(""))
    assert refused.value.field == "content"
    http.headers["Authorization"] = "Bearer k-acme"
    with pytest.raises(NotAllowed):
        await memory.recall("x", client_id="borealis")
    http.headers["Authorization"] = "Bearer nobody"
    with pytest.raises(NotAuthenticated):
        await memory.recall("x")
    http.headers["Authorization"] = "Bearer k-all"
    await database.close()
    with pytest.raises(Unavailable):
        await memory.remember(NewMemory("lost?"))
    with pytest.raises(Unavailable):
        await memory.check()


async def test_silence_is_unavailable_and_nonsense_is_named() -> None:
    async with httpx.AsyncClient(base_url="http://127.0.0.1:9") as nobody:
        with pytest.raises(Unavailable):
            await GatewayMemory(nobody).recall("x")

    def nonsense(_: httpx.Request) -> httpx.Response:
        return httpx.Response(200, text="<html>")

    def slow(_: httpx.Request) -> httpx.Response:
        raise httpx.ReadTimeout("")

    async with httpx.AsyncClient(base_url="http://x", transport=httpx.MockTransport(nonsense)) as wrong:
        with pytest.raises(UpstreamInvalid):
            await GatewayMemory(wrong).recall("x")
    async with httpx.AsyncClient(base_url="http://x", transport=httpx.MockTransport(slow)) as late:
        with pytest.raises(Unavailable):
            await GatewayMemory(late).recall("x")


LINE = '{"kind": "memory", "memory_id": "01900000-0000-7000-8000-00000000000%d", "content": "Line %d", "occurred_at": "2026-05-01T12:00:00Z"}\n'
# a POST as it is sent first, and with another body
POSTS: dict[str, tuple[dict[str, Any], dict[str, Any]]] = {
    "/remember": ({"json": {"content": "The gate is open"}}, {"json": {"content": "The gate is shut"}}),
    "/remember/batch": ({"json": {"memories": [{"content": "a"}, {"content": "b"}]}}, {"json": {"memories": [{"content": "c"}]}}),
    "/import": ({"content": LINE % (1, 1)}, {"content": LINE % (2, 2)}),
    "/docs": ({"json": {"content": "# Rates\n\nA day costs 1200 euros."}}, {"json": {"content": "# Rates\n\nA day costs 1300 euros."}}),
}


@pytest.mark.parametrize("path", POSTS)
async def test_every_post_answers_once_per_key(both: httpx.AsyncClient, path: str) -> None:
    sent, other = POSTS[path]
    url, key = f"/api/v1/memory{path}", {"Idempotency-Key": "k-1"}
    first, again, changed = [await both.post(url, headers=key, **body) for body in (sent, sent, other)]
    assert first.status_code in (200, 201), first.text
    assert (again.status_code, again.json(), again.headers.get("idempotent-replayed")) == (first.status_code, first.json(), "true")
    assert changed.status_code == 409
    assert changed.headers["content-type"] == "application/problem+json"
    new_key = await both.post(url, headers={"Idempotency-Key": "k-2"}, **other)
    assert (new_key.status_code, new_key.headers.get("idempotent-replayed")) == (first.status_code, None)
    bound = await both.post(url, headers={**key, "Authorization": "Bearer k-acme"}, params={"client_id": "acme"}, **other)
    assert bound.status_code in ((409,) if path == "/import" else (200, 201)), "its lines are another client's by now"
    assert "Idempotency-Key" not in bound.text, "another API key's Idempotency-Key is another one"


def test_no_post_is_left_out() -> None:
    paths = {path.removeprefix("/api/v1/memory") for app in (router, document_router) for path in _posts(app)}
    assert paths == set(POSTS), "a rebuild of the index is started once whatever its key: 409 while one runs"


def _posts(of: APIRouter) -> list[str]:
    app = FastAPI()
    app.include_router(of)
    return [path for path, methods in app.openapi()["paths"].items() if "post" in methods]
