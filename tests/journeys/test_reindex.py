"""The search index is built anew while reads go on, and after the embedder was changed."""

import asyncio
import json
from pathlib import Path

import httpx
from tests.fakes.openrouter_server import KEY, OpenRouterServer
from tests.journeys.product import command, up

NOTES = [f"Invoice {n} of {client} is {state}." for n, (client, state) in enumerate([("Acme", "paid"), ("Globex", "open"), ("Initech", "late")] * 20)]


async def searchable(client: httpx.AsyncClient) -> None:
    while (await client.get("/health")).json()["pending_index"]:
        await asyncio.sleep(0.1)


async def test_to_another_embedder_while_reads_go_on(data_dir: Path) -> None:
    with OpenRouterServer() as server:
        vendor = {"OPENROUTER_API_KEY": KEY, "OPENROUTER_BASE_URL": server.base_url}
        with up(data_dir, **vendor) as running:
            async with running.client() as client:
                memories = [{"content": note, "thread_id": "books"} for note in NOTES]
                kept = (await client.post("/api/v1/memory/remember/batch", json={"memories": memories})).json()["memory_ids"]
                await searchable(client)
                stop, found = asyncio.Event(), []

                async def read() -> None:
                    while not stop.is_set():
                        answer = await client.get("/api/v1/memory/recall", params={"query": f"invoice of Globex {len(found)}"})
                        found.append(answer.status_code == 200 and len(answer.json()["results"]) > 0)

                reader = asyncio.create_task(read())
                outcome = json.loads(await command(data_dir, "reindex", "--embedder", "openrouter", "--json", **vendor))
                await client.delete(f"/api/v1/memory/memories/{kept[7]}")
                late = (await client.post("/api/v1/memory/remember", json={"content": "The lift is repaired."})).json()
                stop.set()
                await reader
                assert outcome["embedder"].startswith("openrouter:")
                assert found
                assert all(found)
                assert (await client.get("/health")).json()["services"]["memory-gateway"]["embedder"].startswith("openrouter:")
                top = (await client.get("/api/v1/memory/recall", params={"query": NOTES[16], "k": 3})).json()
                assert top["results"][0]["memory_id"] == kept[16]
                assert not top["degraded"]
                top = (await client.get("/api/v1/memory/recall", params={"query": "lift repaired", "k": 1})).json()
                assert top["results"][0]["memory_id"] == late["memory_id"]
        # the next start must use the same embedder, and says so
        refused = await command(data_dir, "up", "--port", "0", status=4)
        assert "planner-memory reindex" in refused
        with up(data_dir, PLANNER_EMBEDDER="openrouter", **vendor) as running:
            async with running.client() as client:
                top = (await client.get("/api/v1/memory/recall", params={"query": NOTES[5], "k": 1})).json()
                assert top["results"][0]["memory_id"] == kept[5]
    # and back, with nothing running and the vendor away
    outcome = json.loads(await command(data_dir, "reindex", "--json"))
    assert outcome["memories"] >= len(NOTES)
    with up(data_dir) as running:
        async with running.client() as client:
            top = (await client.get("/api/v1/memory/recall", params={"query": NOTES[5], "k": 1})).json()
            assert top["results"][0]["memory_id"] == kept[5]
            assert not top["degraded"]


async def test_on_words_alone_and_then_with_the_meaning(data_dir: Path) -> None:
    with up(data_dir, PLANNER_EMBEDDER="none") as running:
        async with running.client() as client:
            kept = (await client.post("/api/v1/memory/remember", json={"content": "The physician moved my appointment to noon."})).json()
            assert (kept["stored_in"], kept["pending"]) == (["postgres", "qdrant"], [])
            first, again = [(await client.get("/api/v1/memory/recall", params={"query": "my appointment"})).json() for _ in range(2)]
            assert [r["memory_id"] for r in first["results"]] == [kept["memory_id"]]
            assert first["degraded"] == ["embedder: none is configured, only words were matched"]
            assert (first["cached"], again["cached"]) == (False, True)
            assert (await client.get("/api/v1/memory/recall", params={"query": "doctor visit"})).json()["total"] == 0
            health = (await client.get("/health")).json()
            assert (health["status"], health["dependencies"]["embedder"], health["adapters"]["embedder"]) == ("healthy", "off", "none")
            refused = await client.post("/api/v1/memory/reindex", json={"embedder": "local"})
            assert refused.status_code == 409
            assert "PLANNER_EMBEDDER" in refused.json()["detail"]
    assert "planner-memory reindex" in await command(data_dir, "up", "--port", "0", status=4)
    outcome = json.loads(await command(data_dir, "reindex", "--embedder", "local", "--json"))
    assert outcome["embedder"].startswith("all-MiniLM")
    assert outcome["memories"] == 1, "counted although it is done before anybody looks"
    with up(data_dir) as running:
        async with running.client() as client:
            found = (await client.get("/api/v1/memory/recall", params={"query": "doctor visit"})).json()
            assert [r["memory_id"] for r in found["results"]] == [kept["memory_id"]]


LONG = " The meeting went through every open point of the contract, and each was written down with who does it and by when." * 12


async def test_an_index_of_an_earlier_version_is_built_anew_while_words_are_found(data_dir: Path) -> None:
    with up(data_dir) as running:
        async with running.client() as client:
            memories = [{"content": f"Protocol {n}.{LONG}"} for n in range(40)]
            memories.append({"content": "The physician moved my appointment to noon."})
            kept = (await client.post("/api/v1/memory/remember/batch", json={"memories": memories})).json()["memory_ids"]
            await searchable(client)
    marker = data_dir / "vectors" / "embedder.json"
    earlier = json.loads(marker.read_text()) | {"embedder": "all-MiniLM-L6-v2-int8@00000000"}
    marker.write_text(json.dumps(earlier))
    (data_dir / "vectors-rebuilt-20200101000000" / "shard").mkdir(parents=True)  # as a killed rebuild leaves it
    assert "planner-memory reindex" in await command(data_dir, "recall", "appointment", status=4), "nothing stays to build it anew"
    with up(data_dir) as running:
        assert ["00000000" in each for each in running.said["notices"]] == [True]
        async with running.client() as client:
            by_words, states = [], ["running"]
            while states[-1] == "running":
                found = (await client.get("/api/v1/memory/recall", params={"query": f"physician appointment {len(states)}", "k": 1})).json()
                late = (await client.post("/api/v1/memory/remember", json={"content": f"The lift was repaired {len(states)} times."})).json()
                states.append((await client.get("/api/v1/memory/reindex")).json()["state"])
                if states[-1] == "running":
                    by_words.append([r["memory_id"] for r in found["results"]] == [kept[-1]] and "only words" in found["degraded"][0].lower())
                    assert late["pending"] == ["embedder"]
            assert states[-1] == "switched"
            assert by_words
            assert all(by_words)
            await searchable(client)
            found = (await client.get("/api/v1/memory/recall", params={"query": "doctor visit", "k": 1})).json()
            assert ([r["memory_id"] for r in found["results"]], found["degraded"]) == ([kept[-1]], [])
            found = (await client.get("/api/v1/memory/recall", params={"query": "elevator fixed", "k": 1})).json()
            assert "lift" in found["results"][0]["content"]
            assert (await client.get("/health")).json()["status"] == "healthy"
    [folder] = data_dir.glob("vectors*")
    assert "00000000" not in (folder / "embedder.json").read_text(), "the next start finds nothing to do"
