"""What only concerns the index on a server: collections, aliases, keys, faults, and whether the stand-in is like the official client."""

import asyncio
import json
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any
from uuid import UUID, uuid4

import httpx
import numpy as np
import pytest
from tests.servers import PEERS_PYTHON, ROOT, QdrantServer, free_port

from planner_memory.adapters.qdrant.collections import COLLECTIONS, setup_collections
from planner_memory.adapters.qdrant.vectors import QdrantVectors
from planner_memory.core.errors import InvalidInput, NotConnected, NotStarted, Unavailable
from planner_memory.ports.vectors import Filter, Point, Query

EVERYTHING = Filter(include_superseded=True)
Opened = Callable[..., Awaitable[QdrantVectors]]


@pytest.fixture
def prefix() -> str:
    return f"{uuid4()}-"


@pytest.fixture
async def opened(qdrant_url: str, prefix: str) -> AsyncIterator[Opened]:
    made: list[QdrantVectors] = []

    async def open_one(embedder: str = "test@1", dimension: int = 4, **options: Any) -> QdrantVectors:
        made.append(await QdrantVectors.open(qdrant_url, embedder, dimension, **({"prefix": prefix} | options)))
        return made[-1]

    yield open_one
    for index in made:
        await index.close()


def point(number: int, text: str = "plan", collection: str = "events") -> Point:
    return Point(UUID(int=number), collection, "acme", {"text": text, "window": text}, np.eye(4, dtype=np.float32)[number % 4])


async def asked(url: str, method: str, path: str, body: object = None) -> Any:
    async with httpx.AsyncClient(base_url=url) as client:
        answer = await client.request(method, path, json=body)
    assert answer.is_success, answer.text
    return answer.json()["result"]


def by_official_client(url: str, code: str) -> Any:
    """Runs `code` with the official client as `client`; what it assigns to `answer` comes back."""
    program = f"import json\nfrom qdrant_client import QdrantClient, models\nclient = QdrantClient(url={url!r})\n{code}\nprint(json.dumps(answer))"
    done = subprocess.run([str(PEERS_PYTHON), "-W", "error::UserWarning", "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


# collections


async def test_setup_makes_the_four_collections_and_may_be_repeated(qdrant_url: str, prefix: str) -> None:
    names = [prefix + each for each in ("doc_chunks", "events", "agent_memories", "daily_threads")]
    assert await setup_collections(qdrant_url, 1536, embedder_name="e", prefix=prefix) == dict.fromkeys(names, "made")
    assert await setup_collections(qdrant_url, 1536, embedder_name="e", prefix=prefix) == dict.fromkeys(names, "there")
    for name in names:
        info = await asked(qdrant_url, "GET", f"/collections/{name}")
        params = info["config"]["params"]
        assert (params["vectors"]["dense"]["size"], params["vectors"]["dense"]["distance"]) == (1536, "Cosine")
        assert {channel: each["modifier"] for channel, each in params["sparse_vectors"].items()} == {"text": "idf", "window": "idf"}
        assert params["on_disk_payload"] is True
        assert {field: each["data_type"] for field, each in info["payload_schema"].items()} == {
            "client_id": "keyword",
            "collection": "keyword",
            "person_id": "keyword",
            "memory_type": "keyword",
            "event_type": "keyword",
            "thread_id": "keyword",
            "occurred_at": "datetime",
            "superseded": "bool",
        }
        assert info["payload_schema"]["client_id"]["params"]["is_tenant"] is True


async def test_processes_that_start_at_once_make_them_once(opened: Opened) -> None:
    one, other = await asyncio.gather(opened(), opened())
    await one.upsert([point(1)])
    assert await other.count(EVERYTHING) == 1


async def test_a_setup_cut_short_is_finished(qdrant_url: str, prefix: str, opened: Opened) -> None:
    metadata = {"planner_memory": {"embedder": "test@1", "dimension": 4, "layout": 1}}
    body = {"vectors": {"dense": {"size": 4, "distance": "Cosine"}}, "sparse_vectors": {"text": {"modifier": "idf"}, "window": {"modifier": "idf"}}}
    await asked(qdrant_url, "PUT", f"/collections/{prefix}events", body | {"metadata": metadata})
    await opened()
    assert len((await asked(qdrant_url, "GET", f"/collections/{prefix}events"))["payload_schema"]) == 8


async def test_collections_without_an_owner_belong_to_the_first_embedder_that_fits(qdrant_url: str, prefix: str, opened: Opened) -> None:
    await setup_collections(qdrant_url, 4, prefix=prefix)
    with pytest.raises(NotStarted, match="planner-memory reindex"):
        await opened("test@1", 8)
    await opened("test@1")
    await opened("test@1")
    with pytest.raises(NotStarted, match="planner-memory reindex"):
        await opened("other@1")
    await setup_collections(qdrant_url, 4, prefix=prefix)


@pytest.mark.parametrize(("embedder", "dimension"), [("other@1", 4), ("test@1", 8)])
async def test_another_embedder_is_refused_and_may_rebuild(opened: Opened, embedder: str, dimension: int) -> None:
    index = await opened()
    await index.upsert([point(1)])
    with pytest.raises(NotStarted, match="planner-memory reindex"):
        await opened(embedder, dimension)
    assert await index.count(EVERYTHING) == 1, "a refusal must not touch what is there"
    rebuilt = await opened(embedder, dimension, rebuild=True)
    assert await rebuilt.count(EVERYTHING) == 0
    await rebuilt.upsert([Point(UUID(int=1), "events", "acme", {"text": "plan"}, np.ones(dimension, dtype=np.float32))])
    await opened(embedder, dimension)
    with pytest.raises(NotStarted):
        await opened()


async def test_an_alias_may_be_switched_to_a_rebuilt_collection(qdrant_url: str, prefix: str, opened: Opened) -> None:
    index = await opened()
    await index.upsert([point(1, "old")])
    await setup_collections(qdrant_url, 4, embedder_name="test@1", prefix=f"{prefix}next-")
    rebuilt = await opened(prefix=f"{prefix}next-")
    await rebuilt.upsert([point(2, "new")])
    for each in COLLECTIONS:
        await asked(qdrant_url, "DELETE", f"/collections/{prefix}{each}")
        alias = {"create_alias": {"collection_name": f"{prefix}next-{each}", "alias_name": f"{prefix}{each}"}}
        await asked(qdrant_url, "POST", "/collections/aliases", {"actions": [alias]})
    assert [hit.id.int for hit in (await index.search(Query(text="new old")))["text"]] == [2]
    again = await opened(rebuild=True)
    assert await again.count(EVERYTHING) == 0


async def test_a_collection_of_another_program_is_left_alone(qdrant_url: str, prefix: str, opened: Opened) -> None:
    await asked(qdrant_url, "PUT", f"/collections/{prefix}events", {"vectors": {"size": 4, "distance": "Cosine"}})
    for options in ({}, {"rebuild": True}):
        with pytest.raises(NotStarted, match="did not make"):
            await opened(**options)
    listed = await asked(qdrant_url, "GET", "/collections")
    assert [each["name"] for each in listed["collections"] if each["name"].startswith(prefix)] == [f"{prefix}events"]


# points


async def test_each_point_lies_in_the_collection_it_names(qdrant_url: str, prefix: str, opened: Opened) -> None:
    index = await opened()
    await index.upsert([point(n, collection=each) for n, each in enumerate(COLLECTIONS, 1)])
    for each in COLLECTIONS:
        assert (await asked(qdrant_url, "POST", f"/collections/{prefix}{each}/points/count", {"exact": True}))["count"] == 1
    hits = (await index.search(Query(text="plan", filter=Filter(collections=("events", "doc_chunks", "none")))))["text"]
    assert {hit.id.int for hit in hits} == {1, 2}
    with pytest.raises(InvalidInput, match="daily_threads"):
        await index.upsert([point(9), point(10, collection="invoices")])
    assert await index.count(EVERYTHING) == 4


async def test_a_point_that_moves_is_in_one_collection_only(opened: Opened) -> None:
    index = await opened()
    await index.upsert([point(1), point(2)])
    await index.upsert([point(1, collection="agent_memories")])
    assert await index.count(EVERYTHING) == 2
    assert await index.count(Filter(collections=("agent_memories",))) == 1
    await index.upsert([point(2, collection="daily_threads"), point(2, collection="events")])
    assert await index.count(Filter(collections=("events",))) == 1
    await index.delete([UUID(int=1), UUID(int=2)])
    assert await index.count(EVERYTHING) == 0


async def test_hits_of_all_collections_are_merged_best_first(opened: Opened) -> None:
    index = await opened()
    vectors = [np.array([1, n, 0, 0], dtype=np.float32) for n in range(8)]
    await index.upsert([Point(UUID(int=n + 1), COLLECTIONS[n % 4], "acme", {}, vector) for n, vector in enumerate(vectors)])
    hits = (await index.search(Query(text="", dense=vectors[0], limit=5)))["dense"]
    assert [hit.id.int for hit in hits] == [1, 2, 3, 4, 5]


async def test_a_vector_that_is_not_finite_is_refused(opened: Opened) -> None:
    index = await opened()
    bad = np.array([1, np.nan, 0, 0], dtype=np.float32)
    with pytest.raises(InvalidInput):
        await index.upsert([Point(UUID(int=1), "events", "acme", {}, bad)])
    with pytest.raises(InvalidInput):
        await index.search(Query(text="", dense=bad))


# the official client on the same server


async def test_the_official_client_reads_what_the_adapter_wrote(qdrant_url: str, prefix: str, opened: Opened) -> None:
    index = await opened()
    await index.upsert([point(1, "invoice invoice"), point(2, "meeting")])
    weights = index._bm25["text"].embed_query("invoice")
    seen = by_official_client(
        qdrant_url,
        f"""
name = {prefix!r} + "events"
info = client.get_collection(name)
record = client.retrieve(name, [1, "00000000-0000-0000-0000-000000000001"], with_vectors=True)[0]
words = models.SparseVector(indices={list(weights.indices)}, values={list(weights.values)})
acme = models.Filter(must=[models.FieldCondition(key="client_id", match=models.MatchValue(value="acme"))])
params = models.SearchParams(idf=models.IdfCorpusParams(corpus=acme))
found = client.query_points(name, query=words, using="text", query_filter=acme, search_params=params, limit=5).points
answer = dict(metadata=info.config.metadata, distance=info.config.params.vectors["dense"].distance, indexes=sorted(info.payload_schema),
    payload=record.payload, dense=record.vector["dense"], found=[[p.id, p.score] for p in found], count=client.count(name).count)
""",
    )
    assert seen["metadata"] == {"planner_memory": {"embedder": "test@1", "dimension": 4, "layout": 1}}
    assert (seen["distance"], seen["count"], seen["dense"]) == ("Cosine", 2, [0, 1, 0, 0])
    assert "client_id" in seen["indexes"]
    assert seen["payload"]["client_id"] == "acme"
    mine = (await index.search(Query(text="invoice", filter=Filter(clients=("acme",)))))["text"]
    assert [[str(hit.id), pytest.approx(hit.score)] for hit in mine] == seen["found"] != []


async def test_the_adapter_finds_what_the_official_client_wrote(qdrant_url: str, prefix: str, opened: Opened) -> None:
    index = await opened()
    weights = index._bm25["text"].embed_document("invoice")
    listed = by_official_client(
        qdrant_url,
        f"""
name = {prefix!r} + "events"
payload = dict(client_id="acme", collection="events", memory_type="fact", superseded=False, occurred_at="2026-05-04T12:00:00+02:00")
words = models.SparseVector(indices={list(weights.indices)}, values={list(weights.values)})
client.upsert(name, [models.PointStruct(id={str(UUID(int=7))!r}, vector=dict(dense=[0.0, 2.0, 0.0, 0.0], text=words), payload=payload)])
client.update_collection_aliases([models.CreateAliasOperation(create_alias=models.CreateAlias(collection_name=name, alias_name=name + "-alias"))])
answer = dict(exists=client.collection_exists(name + "-alias"), names=[each.name for each in client.get_collections().collections],
    aliases=[each.alias_name for each in client.get_aliases().aliases])
""",
    )
    assert listed["exists"]
    assert {prefix + each for each in COLLECTIONS} <= set(listed["names"])
    assert f"{prefix}events-alias" in listed["aliases"]
    answer = await index.search(Query(text="invoices", dense=np.array([0, 1, 0, 0], dtype=np.float32), filter=Filter(memory_types=("fact",))))
    assert ([hit.id.int for hit in answer["text"]], [hit.id.int for hit in answer["dense"]]) == ([7], [7])
    assert answer["dense"][0].score == pytest.approx(1)


async def test_the_stand_in_refuses_what_the_official_models_refuse(qdrant_url: str, prefix: str, opened: Opened) -> None:
    await opened()
    async with httpx.AsyncClient(base_url=f"{qdrant_url}/collections/{prefix}events") as client:
        for path, body in (
            ("/points/count", {"filter": {"musst": []}}),
            ("/points/query/batch", {"searches": [{"query": [1], "nonsense": 1}]}),
            ("/points/delete", {"ids": [1]}),
            ("/points", {"ids": "all"}),
        ):
            answer = await client.post(path, json=body)
            assert answer.status_code == 400, (path, answer.text)


# keys and faults


async def test_a_wrong_key_is_named_and_does_not_stop_the_start() -> None:
    server = QdrantServer("--api-key", "right-secret")
    try:
        for key in ("wrong-secret", None):
            index = await QdrantVectors.open(server.url, "test@1", 4, api_key=key)
            for call in (index.check(), index.search(Query(text="plan")), index.upsert([point(1)])):
                with pytest.raises(NotConnected, match="QDRANT_API_KEY") as refused:
                    await call
                assert "secret" not in repr(refused.value)
            await index.close()
        index = await QdrantVectors.open(server.url, "test@1", 4, api_key="right-secret")
        await index.upsert([point(1)])
        await index.check()
        server.kill()
        for call in (index.check(), index.search(Query(text="plan")), index.upsert([point(1)]), index.count(EVERYTHING), index.clear()):
            with pytest.raises(Unavailable):
                await call
        await index.close()
    finally:
        server.kill()


async def served(status: int | None, body: bytes = b"{}") -> tuple[asyncio.Server, str]:
    """A server that answers every request alike; with `status` None it never answers."""

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        if status is None:
            await reader.read()
        else:
            writer.write(b"HTTP/1.1 %d X\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%b" % (status, len(body), body))
            await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    return server, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    ("status", "body", "expected"),
    [
        (500, b"oops", Unavailable),
        (503, b'{"status": {"error": "loading"}}', Unavailable),
        (429, b"", Unavailable),
        (302, b"", Unavailable),
        (200, b"<html>a proxy</html>", Unavailable),
        (200, b"[]", Unavailable),
        (401, b"", NotConnected),
        (403, b'{"status": {"error": "Forbidden"}}', NotConnected),
        (None, b"", Unavailable),
    ],
)
async def test_faults_become_ours(status: int | None, body: bytes, expected: type[Exception]) -> None:
    server, url = await served(status, body)
    index = await QdrantVectors.open(url, "test@1", 4, search_timeout_seconds=0.2, write_timeout_seconds=0.2)
    for call in (
        index.check(),
        index.search(Query(text="plan")),
        index.upsert([point(1)]),
        index.delete([UUID(int=1)]),
        index.count(EVERYTHING),
        index.clear(),
    ):
        with pytest.raises(expected):
            await call
    with pytest.raises(expected):
        await QdrantVectors.open(url, "test@1", 4, rebuild=True, search_timeout_seconds=0.2)
    await index.close()
    server.close()


async def test_a_server_that_comes_later_is_used_and_prepared() -> None:
    port = free_port()
    index = await QdrantVectors.open(f"http://127.0.0.1:{port}", "test@1", 4)
    with pytest.raises(Unavailable, match="QDRANT_URL"):
        await index.search(Query(text="plan"))
    server = QdrantServer("--port", str(port))
    try:
        await index.upsert([point(1)])
        assert await index.count(EVERYTHING) == 1
        other = await QdrantVectors.open(f"http://127.0.0.1:{free_port()}", "other@1", 4)
        other._connection._client.base_url = httpx.URL(server.url)
        with pytest.raises(Unavailable, match="planner-memory reindex"):
            await other.search(Query(text="plan"))
        await other.close()
    finally:
        server.kill()
        await index.close()


async def test_a_collection_that_vanished_is_not_made_anew_behind_ones_back(qdrant_url: str, prefix: str, opened: Opened) -> None:
    index = await opened()
    await index.upsert([point(1)])
    await asked(qdrant_url, "DELETE", f"/collections/{prefix}events")
    for call in (index.search(Query(text="plan")), index.upsert([point(2)]), index.check(), index.count(EVERYTHING)):
        with pytest.raises(Unavailable, match="setup-collections"):
            await call


async def test_an_old_server_is_refused() -> None:
    server, url = await served(200, b'{"title": "qdrant", "version": "1.18.2"}')
    with pytest.raises(NotStarted, match=r"1\.19"):
        await QdrantVectors.open(url, "test@1", 4)
    server.close()


@pytest.mark.parametrize("url", ["", "qdrant:6333", "redis://me:hush@h:1", "http://me:hush@h:port"])
async def test_an_address_that_cannot_be_one(url: str) -> None:
    with pytest.raises(NotStarted, match="QDRANT_URL") as refused:
        await QdrantVectors.open(url, "test@1", 4)
    assert "hush" not in repr(refused.value) + repr(refused.value.__cause__)


async def test_the_script_makes_them_too(qdrant_url: str, prefix: str) -> None:
    command = [sys.executable, str(ROOT / "setup_collections.py"), "--url", qdrant_url, "--dimension", "8", "--prefix", prefix]
    for outcome in ("made", "there"):
        done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
        assert (done.returncode, done.stdout.splitlines()) == (0, [f"{prefix}{each}: {outcome}" for each in COLLECTIONS]), done.stderr
    command[3] = f"http://127.0.0.1:{free_port()}"
    failed = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True, timeout=60, check=False)
    assert failed.returncode == 1
    assert "does not answer" in failed.stderr
