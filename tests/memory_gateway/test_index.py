"""The gateway with its index and its embedder: what is found, and what happens when one of them is away."""

import asyncio
import math
import time
from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest

from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.memories import PostgresMemories
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.core.errors import Unavailable
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway.index_loop import IndexLoop
from planner_memory.ports.vectors import Filter

BASE = "/api/v1/memory"
Open = Callable[..., Any]


class Switch:
    """A real part whose calls can be refused, as if its server were away."""

    def __init__(self, part: Any, *refused: str) -> None:
        self._part = part
        self._refused = refused
        self.is_away = False

    def __getattr__(self, name: str) -> Any:
        if self.is_away and name in self._refused:

            async def away(*_: Any, **__: Any) -> None:
                raise Unavailable("It was switched off.")

            return away
        return getattr(self._part, name)


async def settled(http: httpx.AsyncClient, count: int = 0) -> None:
    until = time.monotonic() + 20
    while (pending := (await http.get("/health")).json()["pending_index"]) != count:
        assert time.monotonic() < until, f"{pending} still pending"
        await asyncio.sleep(0.05)


async def found(http: httpx.AsyncClient, query: str, **more: Any) -> Sequence[dict[str, Any]]:
    answer = await http.get(f"{BASE}/recall", params={"query": query, **more})
    assert answer.status_code == 200, answer.text
    results: list[dict[str, Any]] = answer.json()["results"]
    return results


async def test_what_was_remembered_is_found_at_once_by_words_and_by_meaning(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder
) -> None:
    await embedder.check()
    async with open_gateway(vectors=vectors, embedder=embedder) as (http, _):
        kept = await http.post(f"{BASE}/remember", json={"content": "The physician moved my appointment to noon"})
        assert kept.status_code == 201
        await settled(http)
        await http.post(f"{BASE}/remember", json={"content": "Bought paint for the fence"})
        await settled(http)
        answer = (await http.get(f"{BASE}/recall", params={"query": "doctor visit"})).json()
        assert answer["degraded"] == []
        best = answer["results"][0]
        assert best["memory_id"] == kept.json()["memory_id"]
        assert best["scores"]["dense"] > 0
        assert best["scores"]["lexical"] == 0
        assert all(0 <= v <= 1 for r in answer["results"] for v in (r["score"], *r["scores"].values()))


async def test_remember_says_where_it_is(open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder) -> None:
    await embedder.check()
    engine = Switch(vectors, "upsert", "search", "delete", "count", "check")
    async with open_gateway(vectors=engine, embedder=embedder, sweep_seconds=0.1) as (http, gateway):
        later = await http.post(f"{BASE}/remember?wait=none", json={"content": "Quick note about the gate"})
        assert (later.status_code, later.json()["stored_in"], later.json()["pending"]) == (201, ["postgres"], ["qdrant"])
        await settled(http)
        again = (await http.post(f"{BASE}/remember", json={"content": "Quick note about the gate"})).json()
        assert (again["deduplicated"], again["stored_in"], again["pending"]) == (True, ["postgres", "qdrant"], [])
        engine.is_away = True
        failed = await http.post(f"{BASE}/remember", json={"content": "Stored during the outage of the gate"})
        assert (failed.status_code, failed.json()["stored_in"], failed.json()["failed"]) == (207, ["postgres"], ["qdrant"])
        assert "tried again" in failed.json()["warning"]
        answer = (await http.get(f"{BASE}/recall", params={"query": "outage"})).json()
        assert [r["content"] for r in answer["results"]] == ["Stored during the outage of the gate"]
        assert "qdrant: It was switched off." in answer["degraded"][0]
        health = (await http.get("/health")).json()
        assert (health["status"], health["dependencies"]["qdrant"], health["pending_index"]) == ("degraded", "down", 1)
        gone = (await http.delete(f"{BASE}/memories/{later.json()['memory_id']}")).json()
        assert (gone["state"], gone["stores"]["postgres"]["removed"], gone["stores"]["qdrant"]["state"]) == ("pending", 1, "pending")
        assert await vectors.count(Filter()) == 1
        engine.is_away = False
        gateway.open()
        await settled(http)
        assert [r["content"] for r in await found(http, "gate")] == ["Stored during the outage of the gate"]
        assert await vectors.count(Filter()) == 1


async def test_a_memory_that_can_be_searched_says_so_before_it_is_written_down(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("planner_memory.memory_gateway.indexer._NOTED_SECONDS", 3_600)
    async with open_gateway(vectors=vectors, embedder=embedder) as (http, _):
        kept = (await http.post(f"{BASE}/remember", json={"content": "The gate is green"})).json()
        await settled(http)
        assert (await http.get(f"{BASE}/memories/{kept['memory_id']}")).json()["index_state"] == "indexed"
        assert [m["index_state"] for m in (await http.get(f"{BASE}/memories")).json()["memories"]] == ["indexed"]


async def test_without_the_embedder_words_are_searchable_and_the_meaning_follows(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder
) -> None:
    model = Switch(embedder, "embed", "check")
    model.is_away = True
    async with open_gateway(vectors=vectors, embedder=model) as (http, gateway):
        kept = await http.post(f"{BASE}/remember", json={"content": "The plumber repaired the boiler"})
        assert (kept.status_code, kept.json()["stored_in"], kept.json()["pending"]) == (201, ["postgres", "qdrant"], ["embedder"])
        answer = (await http.get(f"{BASE}/recall", params={"query": "plumber"})).json()
        assert len(answer["results"]) == 1
        assert answer["degraded"] == ["embedder: It was switched off. Only words were matched."]
        assert (await http.get("/health")).json()["pending_index"] == 1
        model.is_away = False
        gateway._indexer.embedder.rests_until = 0
        gateway.open()
        await settled(http)
        assert [r["content"] for r in await found(http, "heating craftsman")] == ["The plumber repaired the boiler"]


async def test_a_rebuild_that_breaks_off_when_the_index_is_empty_leaves_no_memory_that_counts_as_indexed(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder
) -> None:
    class Killed(Switch):
        async def clear(self) -> None:
            await vectors.clear()
            raise Unavailable("The process was killed here.")

    async with open_gateway(vectors=Killed(vectors), embedder=embedder) as (http, gateway):
        await http.post(f"{BASE}/remember", json={"content": "The plumber repaired the boiler"})
        await settled(http)
        with pytest.raises(Unavailable):
            await gateway.reindex()
        gateway.open()
        await settled(http)
        assert await vectors.count(Filter()) == 1


async def test_memories_that_wait_for_an_emptied_index_are_found_by_their_words_and_named(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder, database: Database
) -> None:
    async def asked(http: httpx.AsyncClient, client: str) -> tuple[list[str], list[str], bool]:
        answer = (await http.get(f"{BASE}/recall", params={"query": "plumber", "client_id": client})).json()
        return [r["content"] for r in answer["results"]], answer["degraded"], answer["cached"]

    engine = Switch(vectors, "upsert")
    async with open_gateway(vectors=engine, embedder=embedder) as (http, gateway):
        for content in ("The plumber repaired the boiler", "The fence was painted"):
            await http.post(f"{BASE}/remember", json={"content": content, "client_id": "acme"})
        await settled(http)
        assert (await asked(http, "borealis"))[1] == []
        async with await psycopg.AsyncConnection.connect(database.dsn) as connection:
            await connection.execute("update events set created_at = now() - interval '1 hour'")
        engine.is_away = True
        assert await gateway.reindex() == 2
        kept = await http.post(f"{BASE}/remember", json={"content": "The plumber is new here", "client_id": "borealis"})
        assert kept.status_code == 207
        assert (await asked(http, "borealis"))[1] == [], "waiting for a moment is ordinary"
        for _ in range(2):
            found, degraded, cached = await asked(http, "acme")
            assert found == ["The plumber repaired the boiler"]
            assert ["2 of the memories" in each for each in degraded] == [True]
            assert not cached, "an answer that lacks something is not kept"
        engine.is_away = False
        gateway.open()
        await settled(http)
        assert await asked(http, "acme") == (["The plumber repaired the boiler", "The fence was painted"], [], False)


async def test_rows_written_edited_and_deleted_by_sql_are_followed(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder, database: Database
) -> None:
    async def sql(text: str) -> None:
        async with await psycopg.AsyncConnection.connect(database.dsn) as connection:
            await connection.execute(text.encode())

    async with open_gateway(vectors=vectors, embedder=embedder, sweep_seconds=0.05) as (http, gateway):
        gateway.open()
        await sql("insert into events (event_type, event_source, payload) values ('task', 'n8n', '{\"text\": \"Water the ficus\"}')")
        await settled(http)
        assert await vectors.count(Filter()) == 1
        await sql("update events set content = 'Water the cactus'")
        await asyncio.sleep(0.1)
        await settled(http)
        assert [r["scores"]["lexical"] > 0 for r in await found(http, "cactus")] == [True]
        await sql("delete from events")
        until = time.monotonic() + 10
        while await vectors.count(Filter()):
            assert time.monotonic() < until
            await asyncio.sleep(0.05)


async def test_a_new_turn_changes_the_windows_of_its_neighbours_and_forgetting_changes_them_back(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder
) -> None:
    async def window(http: httpx.AsyncClient, query: str) -> set[str]:
        return {r["content"] for r in await found(http, query) if r["scores"]["window"] > 0}

    async with open_gateway(vectors=vectors, embedder=embedder) as (http, _):
        ids = []
        for i, text in enumerate(("Which colour?", "Let me think.", "Hm.", "Vermilion, please.")):
            body = {"content": text, "thread_id": "t", "occurred_at": f"2026-01-01T10:0{i}:00Z"}
            ids.append((await http.post(f"{BASE}/remember", json=body)).json()["memory_id"])
            await settled(http)
        assert await window(http, "vermilion") == {"Let me think.", "Hm.", "Vermilion, please."}
        receipt = (await http.delete(f"{BASE}/memories/{ids[3]}")).json()
        assert receipt["stores"]["qdrant"]["state"] == "removed"
        await settled(http)
        assert await window(http, "vermilion") == set()


async def test_forgetting_a_client_empties_the_index_of_them(open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder) -> None:
    async with open_gateway(vectors=vectors, embedder=embedder) as (http, _):
        for client in ("acme", "borealis"):
            batch = [{"content": f"{client} note {i}", "client_id": client} for i in range(40)]
            assert (await http.post(f"{BASE}/remember/batch", json={"memories": batch})).status_code == 201
        await settled(http)
        receipt = (await http.delete(f"{BASE}/memories", params={"client_id": "acme"})).json()
        assert receipt["stores"]["qdrant"] | {"checked_at": ""} == {"state": "removed", "removed": 40, "remaining": 0, "checked_at": ""}
        assert await vectors.count(Filter(clients=("acme",))) == 0
        assert await vectors.count(Filter(clients=("borealis",))) == 40
        assert await found(http, "note", client_id="acme") == []


async def test_superseded_rows_leave_the_search_but_not_the_past(open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder) -> None:
    async with open_gateway(vectors=vectors, embedder=embedder) as (http, _):
        old = {"content": "The office is in Altona", "memory_type": "fact", "occurred_at": "2025-01-01T00:00:00Z"}
        old_id = (await http.post(f"{BASE}/remember", json=old)).json()["memory_id"]
        new = {"content": "The office is in Ottensen", "memory_type": "fact", "occurred_at": "2026-01-01T00:00:00Z", "supersedes": old_id}
        assert UUID((await http.post(f"{BASE}/remember", json=new)).json()["memory_id"])
        await settled(http)
        assert [r["content"] for r in await found(http, "where is the office")] == [new["content"]]
        assert [r["content"] for r in await found(http, "where is the office", as_of="2025-06-01")] == [old["content"]]


async def test_what_a_killed_process_had_leased_is_due_at_once_at_the_next_start(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder, database: Database
) -> None:
    async with open_gateway() as (http, _):  # without an index the rows stay pending
        await http.post(f"{BASE}/remember/batch", json={"memories": [{"content": f"Leased note {n}"} for n in range(3)]})
    with spanning("indexing"):
        async with PostgresMemories(database).begin() as tx:  # the process that dies after this took them for an hour
            assert len(await tx.claim(first=[], limit=10, lease_seconds=3_600)) == 3
    async with open_gateway(vectors=vectors, embedder=embedder) as (http, gateway):
        gateway.open()
        await settled(http)
    assert await vectors.count(Filter()) == 3


async def measured(http: httpx.AsyncClient) -> dict[str, float]:
    lines = (await http.get("/metrics")).text.splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if not line.startswith("#"))}


async def test_a_scrape_tells_of_the_cache_and_of_what_waits_for_the_index(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder, database: Database
) -> None:
    engine = Switch(vectors, "upsert", "search", "delete", "count", "check")
    async with open_gateway(vectors=engine, embedder=embedder, sweep_seconds=0.1) as (http, gateway):
        await http.post(f"{BASE}/remember", json={"content": "The gate is open"})
        await settled(http)
        for _ in range(3):
            await found(http, "gate")
        numbers = await measured(http)
        assert (numbers["memory_gateway_cache_hits_total"], numbers["memory_gateway_cache_misses_total"]) == (2, 1)
        assert (numbers["memory_gateway_pending_index"], numbers["memory_gateway_pending_index_oldest_seconds"]) == (0, 0)
        assert numbers[f'memory_gateway_requests_total{{method="GET",route="{BASE}/recall",status="200"}}'] == 3
        engine.is_away = True
        await http.post(f"{BASE}/remember", json={"content": "The gate is shut"})
        await asyncio.sleep(0.2)
        numbers = await measured(http)
        assert numbers["memory_gateway_pending_index"] == 1
        assert numbers["memory_gateway_pending_index_oldest_seconds"] >= 0.2
        engine.is_away = False
        gateway.open()
        await settled(http)
        assert (await measured(http))["memory_gateway_pending_index"] == 0
        await database.close()
        assert math.isnan((await measured(http))["memory_gateway_pending_index"])


async def test_what_is_handed_over_goes_before_the_next_round_of_a_backlog_and_no_wake_is_lost() -> None:
    told: list[str] = []
    handed = ["first"]

    async def work_off() -> bool:
        told.extend(handed)
        worked = bool(handed)
        handed.clear()
        return worked

    async def look(waiting: object) -> bool:
        told.append("round")
        if told.count("round") == 1:
            handed.append("second")
        return told.count("round") < 3

    async def no_leases() -> None:
        return

    loop = IndexLoop("rows", look, end_leases=no_leases, sweep_seconds=60, handed=work_off)
    await loop.wake()
    assert told == ["first", "round", "second", "round", "round"]
    handed.append("third")
    await loop.wait_for([uuid4()], 0.01, are_handed=True)
    assert told[5:] == ["third"], "nobody asked for a round"
    loop.wake_soon(60)
    loop.wake_soon(0.01)
    loop.wake_soon(60)
    while len(told) == 6:
        await asyncio.sleep(0.01)
    await loop.close()
    assert told[6:] == ["round"]
