"""Two processes, a slow embedder and an index that is away for a moment: what the index holds in the end is what the store holds."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from typing import Any
from uuid import UUID, uuid4

import pytest
from tests.memory_gateway.test_index import BASE, Switch, found, settled

from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.memory_gateway.index_loop import IndexLoop, Outcome
from planner_memory.ports.vectors import Filter

Open = Callable[..., Any]


class Held(Switch):
    """A real embedder that keeps what it is asked first until it is let go."""

    def __init__(self, part: Any) -> None:
        super().__init__(part)
        self.is_asked, self.go_on, self.sizes = asyncio.Event(), asyncio.Event(), list[int]()

    async def embed(self, texts: Sequence[str]) -> Any:
        self.sizes.append(len(texts))
        self.is_asked.set()
        await self.go_on.wait()
        return await self._part.embed(texts)


async def test_what_was_changed_while_a_slow_process_indexed_it_is_found_as_it_is_now(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder
) -> None:
    slow = Held(embedder)
    async with open_gateway(vectors=vectors, embedder=slow) as (http, first), open_gateway(vectors=vectors, embedder=embedder) as (other, second):
        kept = await http.post(f"{BASE}/remember?wait=none", json={"content": "Water the ficus"})
        await slow.is_asked.wait()
        await other.patch(f"{BASE}/memories/{kept.json()['memory_id']}", json={"content": "Water the cactus"})
        await settled(other)
        slow.go_on.set()
        await first.index_pending()  # the older text lies over the newer one now
        await first.index_pending()
        await second.index_pending()
        await settled(other)
        assert [r["scores"]["lexical"] > 0 for r in await found(other, "cactus")] == [True]
        assert [r["scores"]["lexical"] for r in await found(other, "ficus")] == [0]


async def test_what_was_forgotten_while_it_was_embedded_leaves_the_index_when_that_answers_again(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder
) -> None:
    slow, engine = Held(embedder), Switch(vectors, "delete")
    async with open_gateway(vectors=engine, embedder=slow) as (http, first), open_gateway(vectors=vectors, embedder=embedder) as (other, second):
        kept = await http.post(f"{BASE}/remember?wait=none", json={"content": "Water the ficus"})
        await slow.is_asked.wait()
        await other.delete(f"{BASE}/memories/{kept.json()['memory_id']}")
        await second.index_pending()  # nothing is left to say that it has to go
        engine.is_away = True
        slow.go_on.set()
        await first.index_pending()
        assert await vectors.count(Filter()) == 1
        engine.is_away = False
        await first.index_pending()
        assert await vectors.count(Filter()) == 0


async def test_a_slow_embedder_leaves_a_flood_in_the_store(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("planner_memory.memory_gateway.indexer._HANDED_AT_MOST", 5)
    slow = Held(embedder)
    async with open_gateway(vectors=vectors, embedder=slow) as (http, gateway):
        await http.post(f"{BASE}/remember?wait=none", json={"content": "The first"})
        await slow.is_asked.wait()
        for n in range(12):
            await http.post(f"{BASE}/remember?wait=none", json={"content": f"Note {n}"})
        assert len(gateway._indexer._handed) == 5
        slow.go_on.set()
        await settled(http)
    assert sorted(slow.sizes) == [1, 5, 7]
    assert await vectors.count(Filter()) == 13


async def test_what_is_in_hand_longer_than_its_lease_is_left_to_whoever_claims_it(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with open_gateway(vectors=vectors, embedder=embedder) as (http, gateway):
        monkeypatch.setattr("planner_memory.memory_gateway.indexer.LEASE_SECONDS", 1e-6)
        monkeypatch.setattr("planner_memory.memory_gateway.indexer._HANDED_SECONDS", 3_600)
        await http.post(f"{BASE}/remember?wait=none", json={"content": "Water the ficus"})
        assert len(gateway._indexer._handed) == 1
        told = list[str]()
        written = gateway._indexer._written

        async def noted(*rows: Any, note_later: bool = False) -> Any:
            told.append("handed" if note_later else "claimed")
            return await written(*rows, note_later=note_later)

        monkeypatch.setattr(gateway._indexer, "_written", noted)
        await gateway.index_pending()
        await settled(http)
    assert (told, gateway._indexer._handed) == (["claimed"], [])


async def test_rows_claimed_with_a_forgotten_one_that_the_index_cannot_take_out_are_not_left_leased(
    open_gateway: Open, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder
) -> None:
    engine = Switch(vectors, "upsert", "delete")
    async with open_gateway(vectors=engine, embedder=embedder) as (http, gateway):
        kept = (await http.post(f"{BASE}/remember", json={"content": "Water the ficus"})).json()
        await settled(http)
        engine.is_away = True
        await http.delete(f"{BASE}/memories/{kept['memory_id']}")
        await http.post(f"{BASE}/remember/batch", json={"memories": [{"content": "Water the cactus"}]})
        await gateway.index_pending()
        assert [m["index_state"] for m in (await http.get(f"{BASE}/memories")).json()["memories"]] == ["failed"]


async def test_two_wait_for_one_row_and_the_one_that_goes_takes_nothing_from_the_other() -> None:
    row, go_on = uuid4(), asyncio.Event()

    async def work(waiting: Collection[UUID]) -> bool:
        await go_on.wait()
        loop.tell(waiting, Outcome("indexed"))
        return False

    async def no_leases() -> None:
        return

    loop = IndexLoop("rows", work, end_leases=no_leases, sweep_seconds=60)
    patient = asyncio.create_task(loop.wait_for([row], 60))
    gone = asyncio.create_task(loop.wait_for([row], 60))
    assert await loop.wait_for([row], 0.01) == {}
    gone.cancel()
    await asyncio.wait([gone])
    go_on.set()
    assert await asyncio.wait_for(patient, 10) == {row: Outcome("indexed")}
    await loop.close()
