"""Clients are apart: in the database whoever connects, in the product whatever is asked."""

import asyncio
import json
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import httpx
import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some
from tests.memory_gateway.conftest import gateway_over

from planner_memory.adapters.documents.reader import ChildProcessReader
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.documents import PostgresDocuments
from planner_memory.adapters.postgres.migrations import migrate
from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.tenancy import begin_with, current_scope, narrow_to, spanning, unscoped, within
from planner_memory.memory_gateway.document_routes import router as document_router
from planner_memory.memory_gateway.document_service import Documents

BASE = "/api/v1/memory"
ROWS = {
    "events": "insert into events (event_type, event_source, payload, client_id) values ('note', 'sql', '{\"text\": \"x\"}', %s)",
    "plans": "insert into plans (plan_title, intent, sop, client_id) values ('p', 'p', '{}', %s)",
    "scheduler_runs": "insert into scheduler_runs (schedule_blocks, client_id) values ('[]', %s)",
    "execution_runs": "insert into execution_runs (run_type, client_id) values ('Process', %s)",
    "graph_nodes": "insert into graph_nodes (node_type, node_id, client_id) values ('task', 'ws:1', %s)",
    "documents": "insert into documents (client_id, doc_id, title, content_hash, media_type) values (%s, 'd', 't', 'h', 'text/plain')",
    "retention_policies": "insert into retention_policies (client_id) values (%s)",
    "memory_followups": "insert into memory_followups (purpose, memory_id, client_id) values ('copy', gen_random_uuid(), %s)",
    "workspace_records": "insert into workspace_records (record_id, kind, name, client_id) values (gen_random_uuid()::text, 'task', 't', %s)",
    "workspace_writes": "insert into workspace_writes (key, kind, payload, client_id) values (gen_random_uuid()::text, 'task', '{}', %s)",
    "model_calls": "insert into model_calls (id, purpose, prompt_name, prompt_version, model, outcome, seconds, request_hash, client_id)"
    " values (gen_random_uuid(), 'plan', 'sop_generator', 'v1', 'm', 'answered', 1, 'h', %s)",
    "forgotten_memories": "insert into forgotten_memories (id, client_id) values (gen_random_uuid(), %s)",
}
DEPENDENT = {
    "graph_edges": "insert into graph_edges (from_node_id, to_node_id, edge_type, client_id) values ('ws:1', 'ws:1', 'mentions', %s)",
    "doc_chunks": "insert into doc_chunks (client_id, doc_id, chunk_index, content, content_hash) values (%s, 'd', 0, 'c', 'h')",
    "plan_revisions": "insert into plan_revisions (plan_id, revision, plan_title, sop, client_id) select id, 1, 'p', '{}', client_id from plans"
    " where client_id = %s",
    "memory_history": "insert into memory_history (memory_id, client_id, revision, changes) select id, client_id, 1, '{}' from events"
    " where client_id = %s",
}
TABLES = sorted(ROWS | DEPENDENT)


@asynccontextmanager
async def scoped(dsn: str, *, role: str | None, clients: list[str] | None = None, bypass: str = "") -> AsyncIterator[psycopg.AsyncConnection[Any]]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        await connection.execute(
            "select set_config('planner.clients', %s, true), set_config('planner.bypass', %s, true)", (json.dumps(clients) if clients else "", bypass)
        )
        if role:
            await connection.execute(f"set local role {role}".encode())
        yield connection


async def counts(connection: psycopg.AsyncConnection[Any]) -> dict[str, list[str]]:
    found = {}
    for table in TABLES:
        rows = await (await connection.execute(f"select distinct coalesce(client_id, 'me') from {table} order by 1".encode())).fetchall()
        found[table] = [client for (client,) in rows]
    return found


@pytest.fixture(params=["superuser", "owner"])
async def owned(request: pytest.FixtureRequest, empty_dsn: str) -> AsyncIterator[tuple[str, str | None]]:
    """A migrated database with rows of two clients: reached as a superuser that steps down, and as a plain role that owns the tables."""
    if request.param == "superuser":
        await migrate(empty_dsn)
        dsn, role, made = empty_dsn, "planner_service", None
    else:
        made = f"owner_{uuid.uuid4().hex[:12]}"
        async with await psycopg.AsyncConnection.connect(empty_dsn, autocommit=True) as connection:
            await connection.execute(f"create role {made} login; grant all on schema public to {made}".encode())
        dsn, role = psycopg.conninfo.make_conninfo(empty_dsn, user=made), None
        await migrate(dsn)
    for client in ("acme", "borealis"):
        async with scoped(dsn, role=role, clients=[client]) as connection:
            for insert in (ROWS | DEPENDENT).values():
                await connection.execute(insert.encode(), (client,))
    yield dsn, role
    if made:
        async with await psycopg.AsyncConnection.connect(empty_dsn, autocommit=True) as connection:
            await connection.execute(f"drop owned by {made} cascade; drop role {made}".encode())


async def test_a_transaction_sees_and_writes_the_rows_of_its_scope_alone(owned: tuple[str, str | None]) -> None:
    dsn, role = owned
    async with scoped(dsn, role=role, clients=["acme"]) as connection:
        assert await counts(connection) == {key: ["acme"] for key in TABLES}
        for table in TABLES:
            cursor = await connection.execute(f"update {table} set client_id = client_id where client_id = 'borealis'".encode())
            assert cursor.rowcount == 0, table
            assert (await connection.execute(f"delete from {table} where client_id = 'borealis'".encode())).rowcount == 0, table
    async with scoped(dsn, role=role, bypass="indexing") as connection:
        assert await counts(connection) == {key: ["acme", "borealis"] for key in TABLES}
    for insert in ROWS.values():
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with scoped(dsn, role=role, clients=["acme"]) as connection:
                await connection.execute(insert.encode(), ("third",))


async def test_without_a_scope_there_are_no_rows_and_nothing_is_written(owned: tuple[str, str | None]) -> None:
    dsn, role = owned
    async with scoped(dsn, role=role) as connection:
        assert await counts(connection) == {key: [] for key in TABLES}
    for insert in ROWS.values():
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            async with scoped(dsn, role=role) as connection:
                await connection.execute(insert.encode(), ("acme",))
    async with await psycopg.AsyncConnection.connect(dsn) as automation:  # plain SQL of an automation, which names no scope at all
        await automation.execute(ROWS["events"].encode(), ("acme",))


async def test_the_products_own_transactions_fail_closed(owned: tuple[str, str | None]) -> None:
    dsn, _ = owned
    database = Database(dsn)
    await database.open()
    try:

        async def seen() -> set[str]:
            async with database.begin() as tx:
                rows = await (await tx._connection.execute("select client_id from events")).fetchall()
            return {row["client_id"] for row in rows}

        assert await seen() == set()
        with within(["acme"]):
            assert await seen() == {"acme"}
        with spanning("indexing"):
            assert await seen() == {"acme", "borealis"}
        assert await seen() == set()
        for scope in (unscoped(), within(["acme"])):
            with scope, pytest.raises(PlannerMemoryError, match="outside this request's scope"):
                async with database.begin() as tx:
                    await tx._connection.execute(ROWS["graph_nodes"].replace("ws:1", "ws:2").encode(), ("borealis",))
    finally:
        await database.close()


async def test_a_scope_stays_in_its_task_and_its_request() -> None:
    async def elsewhere() -> object:
        narrow_to(["borealis"])
        return current_scope()

    with within(["acme"]):
        await asyncio.create_task(elsewhere())
        assert current_scope().clients == ("acme",)  # type: ignore[union-attr]
        with unscoped():
            assert current_scope() is None
            begin_with(("acme", "borealis"))
            narrow_to(["acme"])
            assert current_scope().clients == ("acme",)  # type: ignore[union-attr]
            narrow_to(["borealis"])
            assert current_scope().clients == ("acme", "borealis")  # type: ignore[union-attr]
        assert current_scope().clients == ("acme",)  # type: ignore[union-attr]
    with pytest.raises(ValueError, match="not the name"), spanning("curiosity"):  # type: ignore[arg-type]
        pass


CLIENTS = ("acme", "borealis", "me")
Call = tuple[str, str, int]
CALLS = some.lists(
    some.tuples(
        some.sampled_from(
            (
                "remember",
                "prefer",
                "recall",
                "preferences",
                "list",
                "get",
                "change",
                "history",
                "export",
                "graph",
                "neighbors",
                "docs",
                "similar",
                "import",
            )
        ),
        some.sampled_from(CLIENTS),
        some.integers(0, 5),
    ),
    min_size=8,
    max_size=30,
)


class World:
    """Every text and name that is stored holds the name of its client, so that a leak can be seen in any answer."""

    def __init__(self, http: httpx.AsyncClient) -> None:
        self.http = http
        self.ids: dict[str, list[str]] = {c: [] for c in CLIENTS}

    def secret(self, client: str, n: int) -> str:
        return f"ledger of {client} number {n}"

    async def call(self, doing: str, client: str, n: int, who: str) -> httpx.Response:
        http, headers, params = self.http, {"Authorization": f"Bearer k-{who}"}, {"client_id": client}
        owners = [c for c in CLIENTS if self.ids[c]]
        some_id = self.ids[owners[n % len(owners)]][n % len(self.ids[owners[n % len(owners)]])] if owners else str(uuid.uuid4())
        if doing in ("remember", "prefer"):
            body = {"content": self.secret(client, n), "client_id": client, "memory_type": "event" if doing == "remember" else "preference"}
            answer = await http.post(f"{BASE}/remember", json=body, headers=headers)
            if answer.status_code == 201:
                self.ids[client].append(answer.json()["memory_id"])
            return answer
        if doing in ("recall", "preferences"):
            more = {"memory_type": "preference"} if doing == "preferences" else {}
            return await http.get(f"{BASE}/recall", params={"query": "ledger number", "k": 50, **params, **more}, headers=headers)
        if doing in ("get", "history"):
            return await http.get(f"{BASE}/memories/{some_id}{'/history' if doing == 'history' else ''}", headers=headers)
        if doing == "change":
            return await http.patch(f"{BASE}/memories/{some_id}", json={"pinned": n % 2 == 0}, headers=headers)
        if doing == "graph":
            nodes = [{"node_id": f"ws:{i}", "node_type": "task", "properties": {"of": self.secret(client, i)}} for i in (0, n + 1)]
            await http.put(f"{BASE}/graph/nodes", json={"nodes": nodes, **params}, headers=headers)
            edge = {"from_node_id": "ws:0", "to_node_id": f"ws:{n + 1}", "edge_type": "mentions"}
            return await http.put(f"{BASE}/graph/edges", json={"edges": [edge], **params}, headers=headers)
        if doing == "import":
            line = {"kind": "memory", "memory_id": str(uuid.uuid4()), "content": self.secret(client, n), "occurred_at": "2026-01-01T00:00:00Z"}
            return await http.post(f"{BASE}/import", params=params, content=json.dumps(line), headers=headers)
        if doing == "docs":
            body = {"content": f"# Ledger\n\n{self.secret(client, n)}", "media_type": "text/markdown", "doc_id": f"d{n}", **params}
            await http.post(f"{BASE}/docs", json=body, headers=headers)
            return await http.get(f"{BASE}/search/docs", params={"query": "ledger number", "k": 50, **params}, headers=headers)
        if doing == "similar":
            asked = {"event_id": some_id} if n % 2 else {"text": "ledger", **params}
            return await http.get(f"{BASE}/similar/events", params={**asked, "k": 50}, headers=headers)
        path = {"list": "memories", "export": "export", "neighbors": "graph/neighbors"}[doing]
        more = {"entity_id": "ws:0"} if doing == "neighbors" else {}
        return await http.get(f"{BASE}/{path}", params={**params, **more}, headers=headers)


def visible(doing: str, client: str, who: str) -> set[str]:
    """Whose words an answer may hold. Preferences of the person, kept under the default client, belong to every client that may read them."""
    return {client, "me"} if doing == "preferences" and who == "all" else {client}


def _check(answer: httpx.Response, doing: str, client: str, who: str) -> None:
    by_id = doing in ("get", "history", "change", "similar")
    if who == "acme" and client != "acme" and not by_id:
        assert answer.status_code == 403, (doing, client, answer.text)
    if answer.status_code >= 400:
        assert answer.status_code in (403, 404), (doing, client, answer.text)
        assert "ledger" not in answer.text
        return
    named = {c for c in CLIENTS if f"ledger of {c} " in answer.text}
    if who == "acme":
        assert named <= {"acme"}, (doing, client, who)
    elif by_id:
        assert len(named) <= 1, (doing, client, who)
    else:
        assert named <= visible(doing, client, who), (doing, client, who)


async def _played(calls: list[Call], keys: list[str], cluster: str, template: str) -> None:
    name = f"tenancy_{uuid.uuid4().hex}"
    async with await psycopg.AsyncConnection.connect(cluster, autocommit=True) as admin:
        await admin.execute(f"create database {name} template {template}".encode())
        database = Database(psycopg.conninfo.make_conninfo(cluster, dbname=name))
        try:
            await database.open()
            documents = Documents(
                store=PostgresDocuments(database), reader=ChildProcessReader(), vectors=None, embedder=None, clock=lambda: datetime.now(UTC)
            )
            async with gateway_over(database, routers=[document_router], state={"documents": documents}) as (http, _):
                world = World(http)
                for (doing, client, n), who in zip(calls, keys, strict=False):
                    _check(await world.call(doing, client, n, who), doing, client, who)
                    if doing == "remember":  # what was cached for one client must not answer for another
                        for each in CLIENTS:
                            _check(await world.call("recall", each, n, "all"), "recall", each, "all")
        finally:
            await database.close()
            await admin.execute(f"drop database {name} with (force)".encode())


def test_no_key_sees_another_clients_words(cluster: str, template: str) -> None:
    """Random calls by a key of one client and by one of all: an answer about a client never holds another's words."""

    @settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
    @given(calls=CALLS, keys=some.lists(some.sampled_from(("acme", "all")), min_size=30, max_size=30))
    def leaks(calls: list[Call], keys: list[str]) -> None:
        with asyncio.Runner() as runner:
            runner.run(_played(calls, keys, cluster, template))

    leaks()
