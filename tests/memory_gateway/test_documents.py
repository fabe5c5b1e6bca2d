"""Documents through the HTTP face: on PostgreSQL alone, and with the real index and embedder."""

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.document_files import docx, pdf

from planner_memory.adapters.documents.reader import ChildProcessReader
from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.documents import PostgresDocuments
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.core.errors import Unavailable
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway.document_routes import router
from planner_memory.memory_gateway.document_service import Documents
from planner_memory.ports.vectors import Filter
from planner_memory.web.auth import hash_of
from planner_memory.web.face import Face, build_app
from planner_memory.web.health import HealthReport

BASE = "/api/v1/memory"
ACME = {"Authorization": "Bearer k-acme"}
RATES = "# Rates\n\nA workshop day costs 1200 euros.\n\n# Travel\n\nTrains are booked in second class.\n"


@asynccontextmanager
async def documents_over(database: Database, **parts: Any) -> AsyncIterator[tuple[httpx.AsyncClient, Documents]]:
    keys = PostgresKeys(database)
    await keys.add_key("all", hash_of("k-all"))
    await keys.add_key("acme", hash_of("k-acme"), client_ids=("acme",))
    settings: dict[str, Any] = {
        "store": PostgresDocuments(database),
        "reader": ChildProcessReader(),
        "vectors": None,
        "embedder": None,
        "clock": lambda: datetime.now(UTC),
    }
    documents = Documents(**{**settings, **parts})

    async def health() -> HealthReport:
        return HealthReport({})

    app = build_app("memory-gateway", Face(keys, keys), health=health, routers=[router], state={"documents": documents})
    headers = {"Authorization": "Bearer k-all"}
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway", headers=headers) as client:
            yield client, documents
    finally:
        await documents.close()


@pytest.fixture
async def http(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with documents_over(database) as (client, _):
        yield client


async def add(http: httpx.AsyncClient, content: str, **more: object) -> dict[str, Any]:
    answer = await http.post(f"{BASE}/docs", json={"content": content, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


async def upload(http: httpx.AsyncClient, name: str, content: bytes, **fields: str) -> httpx.Response:
    return await http.post(f"{BASE}/docs", files={"file": (name, content)}, data=fields)


async def found(http: httpx.AsyncClient, query: str, **more: object) -> list[dict[str, Any]]:
    answer = await http.get(f"{BASE}/search/docs", params={"query": query, **more})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["results"])


async def test_without_documents_a_search_is_empty(http: httpx.AsyncClient) -> None:
    answer = await http.get(f"{BASE}/search/docs", params={"query": "rates"})
    assert (answer.status_code, answer.json()["results"], answer.json()["total"]) == (200, [], 0)
    assert any("qdrant" in d for d in answer.json()["degraded"])
    assert (await http.get(f"{BASE}/docs")).json() == {"documents": [], "total": 0}


async def test_a_text_is_stored_found_read_and_listed(http: httpx.AsyncClient) -> None:
    added = await add(http, RATES, title="Price list", metadata={"year": 2026}, doc_id="prices/2026", source="https://example.org/p")
    assert {k: added[k] for k in ("doc_id", "version", "unchanged", "stored_in", "pending", "chunks")} == {
        "doc_id": "prices/2026",
        "version": 1,
        "unchanged": False,
        "stored_in": ["postgres"],
        "pending": [],
        "chunks": 1,
    }
    [hit] = await found(http, "what does a workshop cost?")
    assert (hit["doc_id"], hit["title"], hit["chunk_index"], hit["page"], hit["metadata"]) == ("prices/2026", "Price list", 0, None, {"year": 2026})
    assert "1200 euros" in hit["content"]
    assert 0 <= hit["similarity_score"] <= 1
    read = (await http.get(f"{BASE}/docs/prices/2026")).json()
    assert (read["media_type"], read["source"], read["chunks"], read["client_id"]) == ("text/markdown", "https://example.org/p", 1, "me")
    assert [d["doc_id"] for d in (await http.get(f"{BASE}/docs")).json()["documents"]] == ["prices/2026"]
    assert (await http.get(f"{BASE}/docs/nothing")).status_code == 404


async def test_every_kind_of_file_is_taken_and_keeps_its_pages_and_headings(http: httpx.AsyncClient) -> None:
    files = {
        "a.md": b"# Rates\n\nThe marmalade clause",
        "b.txt": b"The tangerine clause",
        "c.html": b"<h2>Law</h2><p>The kumquat clause</p>",
        "d.pdf": pdf([["nothing here"], ["The pomelo clause"]]),
        "e.docx": docx(),
    }
    for name, content in files.items():
        answer = await upload(http, name, content, metadata='{"from": "test"}', client_id="7")
        assert answer.status_code == 201, answer.text
    [law] = await found(http, "kumquat", client_id="7")
    assert (law["title"], law["heading"], law["metadata"]) == ("c", "Law", {"from": "test"})
    assert [h["title"] for h in await found(http, "tangerine", client_id="7")] == ["b"]
    [page] = await found(http, "pomelo", client_id="7")
    assert (page["title"], page["page"]) == ("d", 1)
    assert [h["title"] for h in await found(http, "laptop", client_id="7")] == ["Onboarding handbook"]
    assert len((await http.get(f"{BASE}/docs", params={"client_id": 7})).json()["documents"]) == 5


async def test_the_same_content_again_changes_nothing(http: httpx.AsyncClient) -> None:
    first = await add(http, RATES)
    read = (await http.get(f"{BASE}/docs/{first['doc_id']}")).json()
    again = await add(http, RATES)
    assert (again["doc_id"], again["version"], again["unchanged"], again["chunks"]) == (first["doc_id"], 1, True, first["chunks"])
    assert (await http.get(f"{BASE}/docs/{first['doc_id']}")).json() == read
    other = await add(http, RATES, client_id="acme")
    assert (other["unchanged"], other["doc_id"] == first["doc_id"]) == (False, False)


@pytest.mark.parametrize("known_by", [{"doc_id": "d"}, {"source": "/home/x/rates.md"}])
async def test_a_new_version_replaces_the_chunks(http: httpx.AsyncClient, database: Database, known_by: dict[str, str]) -> None:
    first = await add(http, RATES, metadata={"kept": True}, **known_by)
    second = await add(http, "# Rates\n\nA workshop day costs 1500 euros.", **known_by)
    assert (second["doc_id"], second["version"], second["unchanged"]) == (first["doc_id"], 2, False)
    [hit] = await found(http, "workshop")
    assert "1500" in hit["content"]
    assert hit["metadata"] == {"kept": True}
    assert await found(http, "trains") == []
    assert (await http.get(f"{BASE}/docs")).json()["total"] == 1


async def test_a_version_that_cannot_be_read_leaves_the_one_before(http: httpx.AsyncClient) -> None:
    await add(http, RATES, doc_id="d")
    answer = await upload(http, "new.pdf", b"%PDF-1.7 broken", doc_id="d")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "file"
    assert (await http.get(f"{BASE}/docs/d")).json()["version"] == 1
    assert len(await found(http, "trains")) == 1


async def test_two_versions_at_once_end_as_one_whole_document(http: httpx.AsyncClient) -> None:
    texts = [f"# Number {n}\n\n" + f"edition{n} " * 400 for n in range(4)]
    answers = await asyncio.gather(*(add(http, text, doc_id="d") for text in texts))
    assert sorted(a["version"] for a in answers) == [1, 2, 3, 4]
    last = max(answers, key=lambda a: a["version"])
    number = answers.index(last)
    hits = await found(http, " ".join(f"edition{n}" for n in range(4)), k=50)
    assert hits
    assert all(f"edition{number}" in h["content"] for h in hits)


async def test_a_document_is_removed_with_a_receipt(http: httpx.AsyncClient) -> None:
    await add(http, RATES, doc_id="d")
    receipt = (await http.delete(f"{BASE}/docs/d")).json()
    assert (receipt["doc_id"], receipt["removed"], receipt["state"]) == ("d", 1, "complete")
    assert receipt["stores"]["postgres"]["state"] == "removed"
    assert receipt["stores"]["qdrant"]["state"] == "off"
    assert await found(http, "workshop") == []
    assert (await http.delete(f"{BASE}/docs/d")).status_code == 404


async def test_no_client_sees_another_ones_documents(http: httpx.AsyncClient) -> None:
    await add(http, RATES, doc_id="d", client_id="other")
    await add(http, "# Ours\n\nAcme's own workshop", doc_id="ours", client_id="acme")
    assert [h["doc_id"] for h in await found(http, "workshop", client_id="acme")] == ["ours"]
    asked = await http.get(f"{BASE}/search/docs", params={"query": "workshop"}, headers=ACME)
    assert [h["doc_id"] for h in asked.json()["results"]] == ["ours"]
    assert (await http.get(f"{BASE}/search/docs", params={"query": "workshop", "client_id": "other"}, headers=ACME)).status_code == 403
    for method in ("GET", "DELETE"):
        assert (await http.request(method, f"{BASE}/docs/d", headers=ACME)).status_code == 404
    assert [d["doc_id"] for d in (await http.get(f"{BASE}/docs", headers=ACME)).json()["documents"]] == ["ours"]
    assert (await http.post(f"{BASE}/docs", json={"content": "x", "client_id": "other"}, headers=ACME)).status_code == 403
    await add(http, "one more", doc_id="d", client_id="acme")
    twice = await http.get(f"{BASE}/docs/d")
    assert (twice.status_code, twice.json()["errors"][0]["field"]) == (422, "client_id")
    assert (await http.get(f"{BASE}/docs/d", params={"client_id": "other"})).json()["title"] == "Rates"


async def test_bad_requests_name_their_field(http: httpx.AsyncClient) -> None:
    bad: list[tuple[dict[str, Any], str]] = [
        ({"json": {"title": "x"}}, "content"),
        ({"json": {"content": ""}}, "content"),
        ({"json": {"content": " \n"}}, "content"),
        ({"json": {"content": "x", "colour": "red"}}, "colour"),
        ({"json": {"content": "x", "doc_id": "a/../b"}}, "doc_id"),
        ({"json": {"content": "x", "metadata": [1]}}, "metadata"),
        ({"json": {"content": "x", "media_type": "image/png"}}, "content"),
        ({"content": b"{", "headers": {"content-type": "application/json"}}, "body"),
        ({"content": b"x", "headers": {"content-type": "text/markdown"}}, "Content-Type"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data; boundary=x"}}, "file"),
        ({"files": {"file": ("a.md", b"x")}, "data": {"metadata": "{"}}, "metadata"),
        ({"files": {"other": ("a.md", b"x")}}, "file"),
        ({"files": {"file": ("a.png", b"\x89PNG\0")}}, "file"),
    ]
    for request, field in bad:
        answer = await http.post(f"{BASE}/docs", **request)
        assert answer.status_code == 422, (request, answer.text)
        assert answer.json()["errors"][0]["field"] == field, (request, answer.text)
    assert (await upload(http, "a.txt", b"x" * 10_000_001)).status_code == 413
    assert (await http.get(f"{BASE}/docs")).json()["total"] == 0


async def test_a_zip_bomb_does_not_take_the_service_down(http: httpx.AsyncClient) -> None:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", b"\0" * 150_000_000)
    assert (await upload(http, "a.docx", out.getvalue())).status_code == 422
    await add(http, RATES)


@asynccontextmanager
async def indexed(database: Database, folder: Path) -> AsyncIterator[tuple[httpx.AsyncClient, Documents, QdrantEdgeVectors]]:
    embedder = OnnxEmbedder()
    vectors = await QdrantEdgeVectors.open(folder / "vectors", embedder.name, embedder.dimension)
    try:
        async with documents_over(database, vectors=vectors, embedder=embedder) as (http, documents):
            await embedder.check()
            yield http, documents, vectors
    finally:
        await vectors.close()
        await embedder.close()


async def test_words_and_meaning_are_matched_in_the_real_index(database: Database, tmp_path: Path) -> None:
    async with indexed(database, tmp_path) as (http, documents, vectors):
        await add(http, RATES, doc_id="rates")
        await add(http, "# Leave\n\nEverybody has thirty days of vacation a year.", doc_id="leave")
        await add(http, "# Leave\n\nAcme has twenty days of vacation.", doc_id="acme", client_id="acme")
        await documents.index_pending()
        assert await vectors.count(Filter(clients=("me",), collections=("doc_chunks",))) == 2
        answer = (await http.get(f"{BASE}/search/docs", params={"query": "how long are my holidays"})).json()
        assert answer["degraded"] == []
        assert answer["results"][0]["doc_id"] == "leave"  # not one word in common
        assert all(0 <= r["similarity_score"] <= 1 for r in answer["results"])
        assert {r["client_id"] for r in answer["results"]} == {"me"}
        assert (await found(http, "second class trains"))[0]["doc_id"] == "rates"
        again = await add(http, RATES, doc_id="rates")
        assert (again["unchanged"], again["stored_in"]) == (True, ["postgres", "qdrant"])

        await add(http, "# Rates\n\nWorkshops are free.", doc_id="rates")
        assert all("1200" not in h["content"] for h in await found(http, "workshop day euros"))
        await documents.index_pending()
        assert await vectors.count(Filter(clients=("me",), collections=("doc_chunks",))) == 2
        assert (await documents.pending()).count == 0

        receipt = (await http.delete(f"{BASE}/docs/leave")).json()
        assert (receipt["stores"]["qdrant"]["state"], receipt["stores"]["qdrant"]["removed"]) == ("removed", 1)
        assert await vectors.count(Filter(clients=("me",), collections=("doc_chunks",))) == 1

        await vectors.clear()
        assert await documents.reindex() == 2
        await documents.index_pending()
        assert await vectors.count(Filter(collections=("doc_chunks",))) == 2


class Interrupted:
    """The real index behind a switch."""

    def __init__(self, vectors: QdrantEdgeVectors) -> None:
        self._vectors = vectors
        self.is_down = False

    def __getattr__(self, name: str) -> Any:
        async def called(*arguments: Any) -> Any:
            if self.is_down:
                raise Unavailable("The index does not answer.")
            return await getattr(self._vectors, name)(*arguments)

        return called


class NoEmbedder:
    name, dimension = "none", 384

    async def embed(self, texts: Sequence[str]) -> Any:
        raise Unavailable("The embedder does not answer.")


async def test_an_outage_of_the_index_loses_nothing_and_is_told(database: Database, tmp_path: Path) -> None:
    embedder = OnnxEmbedder()
    real = await QdrantEdgeVectors.open(tmp_path / "vectors", embedder.name, embedder.dimension)
    vectors = Interrupted(real)
    async with documents_over(database, vectors=vectors, embedder=NoEmbedder()) as (http, documents):
        added = await add(http, RATES, doc_id="rates")
        assert (added["stored_in"], added["pending"]) == (["postgres", "qdrant"], ["embedder"])
        answer = (await http.get(f"{BASE}/search/docs", params={"query": "workshop"})).json()
        assert answer["total"] == 1
        assert [d.split(":")[0] for d in answer["degraded"]] == ["embedder"]
        vectors.is_down = True
        late = await http.post(f"{BASE}/docs", json={"content": "# Late\n\nA late workshop", "doc_id": "late"})
        assert (late.status_code, late.json()["failed"]) == (207, ["qdrant"])
        answer = (await http.get(f"{BASE}/search/docs", params={"query": "workshop"})).json()
        assert {r["doc_id"] for r in answer["results"]} == {"rates", "late"}
        assert [d.split(":")[0] for d in answer["degraded"]] == ["qdrant"]
        receipt = (await http.delete(f"{BASE}/docs/rates")).json()
        assert (receipt["state"], receipt["stores"]["qdrant"]["state"]) == ("pending", "pending")
        vectors.is_down = False
        await documents.index_pending()
        assert await real.count(Filter(collections=("doc_chunks",))) <= 1
        assert {r["doc_id"] for r in await found(http, "workshop")} == {"late"}
    await real.close()
    await embedder.close()


async def test_chunks_that_a_killed_process_had_leased_are_due_at_once_at_the_next_start(
    database: Database, vectors: QdrantEdgeVectors, embedder: OnnxEmbedder
) -> None:
    async with documents_over(database) as (http, _):  # without an index the chunks stay pending
        await add(http, RATES)
    with spanning("indexing"):
        async with PostgresDocuments(database).begin() as tx:  # the process that dies after this took them for an hour
            assert len(await tx.claim(first=[], limit=10, lease_seconds=3_600)) == 1
    async with documents_over(database, vectors=vectors, embedder=embedder) as (_, documents):
        documents.open()
        async with asyncio.timeout(20):
            while (await documents.pending()).count:
                await asyncio.sleep(0.05)
    assert await vectors.count(Filter(collections=("doc_chunks",))) == 1
