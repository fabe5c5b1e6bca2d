"""The gateway as other services use it: the adapter over HTTP on a real gateway."""

from datetime import UTC, datetime

import httpx
import pytest

from planner_memory.adapters.gateway_http.memory import GatewayMemory
from planner_memory.adapters.postgres.database import Database
from planner_memory.core.errors import InvalidInput, NotAllowed, NotAuthenticated, Unavailable, UpstreamInvalid
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
