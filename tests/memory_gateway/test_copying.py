"""A second memory beside the first: what is remembered arrives there, once, and what is forgotten goes there too, whatever happens between."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import httpx
import psycopg
import pytest
from tests.fakes.mem0_server import KEY, Mem0Server, refused
from tests.fakes.scripted import slow
from tests.memory_gateway.conftest import gateway_over

from planner_memory.adapters.mem0.second_memory import Mem0SecondMemory
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.followups import PostgresFollowUps
from planner_memory.adapters.postgres.migrations import migrate
from planner_memory.core.tenancy import spanning, within
from planner_memory.memory_gateway.copying import Copier
from planner_memory.memory_gateway.echoes import Echoes
from planner_memory.memory_gateway.service import Gateway
from planner_memory.ports.memories import Selection
from planner_memory.ports.second_memory import Copy

BASE = "/api/v1/memory"
Opened = tuple[httpx.AsyncClient, Gateway]


@pytest.fixture
def mem0() -> Iterator[Mem0Server]:
    with Mem0Server() as server:
        yield server


@asynccontextmanager
async def copied_to(mem0: Mem0Server, database: Database, *, budget_seconds: float = 2, **options: Any) -> AsyncIterator[Opened]:
    second = Mem0SecondMemory(KEY, mem0.url)
    store = PostgresFollowUps(database)
    waits = {"first_wait_seconds": 0.05, "sweep_seconds": 0.05, **options}
    copier = Copier(store, second, lambda: datetime.now(UTC), **waits)
    echoes = Echoes(second, budget_seconds=budget_seconds)
    async with gateway_over(database, copier=copier, echoes=echoes) as (http, gateway):
        gateway.open()
        await until(lambda: followed(database))
        yield http, gateway
    await echoes.close()
    await second.close()


async def followed(database: Database) -> bool:
    async with database.begin() as tx:
        return bool(await tx.value("is_followed", purpose="copy")) and await tx.value("unfilled_follower", purpose="copy") is None


async def until(holds: Callable[[], Awaitable[bool] | bool], seconds: float = 8) -> None:
    ends = time.monotonic() + seconds
    while True:
        found = holds()
        if found if isinstance(found, bool) else await found:
            return
        assert time.monotonic() < ends, "it did not come true"
        await asyncio.sleep(0.02)


async def remember(http: httpx.AsyncClient, content: str, wait: str = "index", **more: Any) -> dict[str, Any]:
    answer = await http.post(f"{BASE}/remember?wait={wait}", json={"content": content, "client_id": "acme", **more})
    assert answer.status_code in (201, 207), answer.text
    return dict(answer.json())


def texts(mem0: Mem0Server, client_id: str = "acme") -> list[str]:
    return sorted(record["memory"] for record in mem0.memories.values() if record["user_id"] == client_id)


async def test_a_memory_is_copied_and_the_answer_says_so(mem0: Mem0Server, database: Database) -> None:
    async with copied_to(mem0, database) as (http, _):
        quick = await remember(http, "Bring the contract on Monday")
        assert ("mem0" in quick["stored_in"], quick["pending"], quick["failed"]) == (True, [], [])
        assert texts(mem0) == ["Bring the contract on Monday"]
        again = await remember(http, "Bring the contract on Monday")
        assert again["deduplicated"]
        assert "mem0" in again["stored_in"]
        mem0.polls_until_done = 4
        late = await remember(http, "Invoices go out on Friday")
        assert (late["pending"], late["failed"]) == (["mem0"], [])
        assert "mem0" in (await remember(http, "no waiting", wait="none"))["pending"]
        await until(lambda: len(texts(mem0)) == 3)
        health = (await http.get("/health")).json()
        assert health["dependencies"]["mem0"] == "up"
        await until(lambda: backlog_is(http, 0))


async def backlog_is(http: httpx.AsyncClient, count: int) -> bool:
    return bool((await http.get("/health")).json()["pending_mem0"] == count)


async def test_without_a_second_memory_nothing_is_named_and_nothing_is_noted(http: httpx.AsyncClient, database: Database) -> None:
    answer = await remember(http, "Bring the contract on Monday")
    assert (answer["stored_in"], answer["pending"]) == (["postgres"], [])
    assert "mem0" not in (await http.get("/health")).text
    receipt = (await http.delete(f"{BASE}/memories/{answer['memory_id']}")).json()
    assert "mem0" not in receipt["stores"]
    with spanning("copying"):
        async with PostgresFollowUps(database).begin() as tx:
            assert (await tx.followup_backlog("copy")).count == 0


async def test_what_was_there_before_is_copied_too(mem0: Mem0Server, http: httpx.AsyncClient, database: Database) -> None:
    await http.post(f"{BASE}/remember/batch", json={"memories": [{"content": f"note {n}", "client_id": "acme"} for n in range(12)]})
    async with copied_to(mem0, database):
        await until(lambda: len(texts(mem0)) == 12)
        assert mem0.most_at_once <= 4


async def test_an_edit_and_a_deletion_arrive(mem0: Mem0Server, database: Database) -> None:
    async with copied_to(mem0, database) as (http, _):
        memory_id = (await remember(http, "The budget is 10k"))["memory_id"]
        await http.patch(f"{BASE}/memories/{memory_id}", json={"content": "The budget is 12k"})
        await until(lambda: texts(mem0) == ["The budget is 12k"])
        receipt = (await http.delete(f"{BASE}/memories/{memory_id}")).json()
        assert receipt["stores"]["mem0"]["state"] == "removed", receipt
        assert receipt["state"] == "complete"
        assert texts(mem0) == []


async def test_a_deletion_while_it_is_down_is_pending_and_holds_later(mem0: Mem0Server, database: Database) -> None:
    async with copied_to(mem0, database) as (http, _):
        memory_id = (await remember(http, "The budget is 10k"))["memory_id"]
        await until(lambda: texts(mem0) == ["The budget is 10k"])
        mem0.fail_next("list", *[refused(503)] * 4)
        receipt = (await http.delete(f"{BASE}/memories/{memory_id}")).json()
        assert (receipt["state"], receipt["stores"]["mem0"]["state"]) == ("pending", "pending")
        await until(lambda: texts(mem0) == [])


async def test_all_of_a_client_is_forgotten_there(mem0: Mem0Server, database: Database) -> None:
    async with copied_to(mem0, database) as (http, _):
        batch = [{"content": f"note {n}", "client_id": client} for n in range(9) for client in ("acme", "borealis")]
        await http.post(f"{BASE}/remember/batch", json={"memories": batch})
        await until(lambda: len(mem0.memories) == 18)
        receipt = (await http.delete(f"{BASE}/memories", params={"client_id": "acme"})).json()
        assert receipt["stores"]["mem0"]["removed"] == 9
        assert (texts(mem0), len(texts(mem0, "borealis"))) == ([], 9)


async def test_while_it_is_down_nothing_is_lost_and_afterwards_nothing_is_there_twice(mem0: Mem0Server, database: Database) -> None:
    async with copied_to(mem0, database) as (http, _):
        mem0.fail_next("list", *[refused(503)] * 5)
        mem0.fail_next("add", *[refused(500)] * 2)
        answers = [await remember(http, f"note {n}", wait="index" if n == 0 else "none") for n in range(10)]
        assert answers[0]["failed"] == ["mem0"]
        assert "mem0 failed" in answers[0]["warning"]
        assert all(a["stored_in"] == ["postgres"] for a in answers)
        await until(lambda: len(mem0.memories) >= 10)
        await until(lambda: backlog_is(http, 0))
        assert texts(mem0) == sorted(f"note {n}" for n in range(10))


async def test_a_refused_account_is_told_apart(mem0: Mem0Server, database: Database) -> None:
    async with copied_to(mem0, database) as (http, _):
        mem0.fail_next("ping", refused(401))
        assert (await http.get("/health")).json()["dependencies"]["mem0"] == "unauthorized"
        assert (await http.get("/health")).status_code == 200


async def test_a_backlog_over_its_limit_is_reported_and_writes_go_on(mem0: Mem0Server, database: Database) -> None:
    async with copied_to(mem0, database, backlog_limit=3, first_wait_seconds=20) as (http, _):
        mem0.fail_next("list", *[refused(503)] * 20)
        for n in range(5):
            await remember(http, f"note {n}", wait="none")
        await until(lambda: bool(mem0.requests["list"]))
        health = (await http.get("/health")).json()
        assert (health["dependencies"]["mem0"], health["pending_mem0"], health["pending_mem0_limit"]) == ("down", 5, 3)
        assert health["status"] == "degraded"


async def test_what_a_dead_process_held_is_done_by_the_next_one(mem0: Mem0Server, http: httpx.AsyncClient, database: Database) -> None:
    store = PostgresFollowUps(database)
    with spanning("copying"):
        async with store.begin() as tx:
            await tx.start_following("copy", is_filled=True)
        memory_id = UUID((await remember(http, "note"))["memory_id"])
        async with store.begin() as tx:  # it claims, hands the copy over, and dies before it says so
            [claim] = await tx.claim_followups("copy", is_gone=False, first=[memory_id], limit=5, lease_seconds=0.5)
            [row] = await tx.memories([memory_id])
            assert await tx.claim_followups("copy", is_gone=False, first=[memory_id], limit=5, lease_seconds=0.5) == []
    from_dead = Mem0SecondMemory(KEY, mem0.url)
    await from_dead.keep(Copy(row.id, row.client_id, row.content, row.memory_type, row.occurred_at))
    await from_dead.close()
    async with copied_to(mem0, database) as (alive, _):
        await until(lambda: backlog_is(alive, 0))
        assert texts(mem0) == ["note"]
        with spanning("copying"):
            async with store.begin() as tx:  # the dead one wakes up late: its claim is worth nothing any more
                await tx.put_off_followups("copy", [claim], error="late", first_wait_seconds=1)
                assert (await tx.followup_backlog("copy")).count == 0


async def test_a_memory_deleted_while_it_is_handed_over_is_gone_in_the_end(mem0: Mem0Server, database: Database) -> None:
    async with copied_to(mem0, database) as (http, _):
        mem0.fail_next("add", slow(0.6))
        memory_id = (await remember(http, "secret", wait="none"))["memory_id"]
        await until(lambda: bool(mem0.requests["add"]))
        receipt = (await http.delete(f"{BASE}/memories/{memory_id}")).json()
        assert receipt["stores"]["mem0"]["state"] == "removed"
        assert texts(mem0) == []


async def test_two_processes_copy_each_memory_once(mem0: Mem0Server, database: Database) -> None:
    async with copied_to(mem0, database) as (http, _), copied_to(mem0, database):
        await http.post(f"{BASE}/remember/batch", json={"memories": [{"content": f"note {n}", "client_id": "acme"} for n in range(30)]})
        await until(lambda: backlog_is(http, 0))
        assert len(mem0.requests["add"]) == 30
        assert len(mem0.memories) == 30


async def test_recall_asks_it_too_and_checks_what_it_says(mem0: Mem0Server, database: Database) -> None:
    async with copied_to(mem0, database) as (http, _):
        kept = (await remember(http, "Maria likes the harbour"))["memory_id"]
        gone = (await remember(http, "Maria likes the old harbour"))["memory_id"]
        await remember(http, "Maria likes harbours elsewhere", client_id="borealis")
        await until(lambda: len(mem0.memories) == 3)
        answer = (await http.get(f"{BASE}/recall", params={"query": "the harbour", "client_id": "acme"})).json()
        assert {r["memory_id"] for r in answer["results"]} == {kept, gone}
        assert all("mem0" in r["scores"] for r in answer["results"])
        stale = next(record for record in mem0.memories.values() if record["metadata"]["planner_memory_id"] == gone)
        await http.delete(f"{BASE}/memories/{gone}")
        mem0.memories[stale["id"]] = stale  # it still says what was forgotten here
        answer = (await http.get(f"{BASE}/recall", params={"query": "the harbour", "client_id": "acme"})).json()
        assert [r["memory_id"] for r in answer["results"]] == [kept]


async def test_recall_does_not_wait_for_it_long(mem0: Mem0Server, database: Database) -> None:
    async with copied_to(mem0, database, budget_seconds=0.15) as (http, _):
        await remember(http, "Maria likes the harbour")
        mem0.fail_next("search", slow(0.6), refused(503))
        started = time.monotonic()
        answer = (await http.get(f"{BASE}/recall", params={"query": "harbour", "client_id": "acme"})).json()
        assert time.monotonic() - started < 0.5
        assert len(answer["results"]) == 1
        assert any(part.startswith("mem0: no answer within 150 ms") for part in answer["degraded"])
        answer = (await http.get(f"{BASE}/recall", params={"query": "the harbour", "client_id": "acme"})).json()
        assert any(part.startswith("mem0: mem0 cannot answer now: error 503") for part in answer["degraded"])
        asked = len(mem0.requests["search"])
        await asyncio.sleep(0.6)
        again = (await http.get(f"{BASE}/recall", params={"query": "harbour", "client_id": "acme"})).json()
        assert "mem0" in again["results"][0]["scores"]  # the late answer was kept
        assert not any(part.startswith("mem0") for part in again["degraded"])
        assert len(mem0.requests["search"]) == asked


async def test_plain_inserts_of_a_role_without_a_scope_are_noted_too(empty_dsn: str) -> None:
    """The tables belong to a role that stands below row-level security, as on a managed server."""
    owner = f"owner_{uuid4().hex[:12]}"
    async with await psycopg.AsyncConnection.connect(empty_dsn, autocommit=True) as admin:
        await admin.execute(f"create role {owner} login; grant all on schema public to {owner}".encode())
        try:
            dsn = psycopg.conninfo.make_conninfo(empty_dsn, user=owner)
            await migrate(dsn)
            database = Database(dsn)
            await database.open()
            with spanning("copying"):
                async with PostgresFollowUps(database).begin() as tx:
                    await tx.start_following("copy", is_filled=True)
            async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as automation:
                await automation.execute("insert into events (event_type, event_source, payload) values ('note', 'n8n', '{\"text\": \"x\"}')")
            with within(["me"]):
                async with PostgresFollowUps(database).begin() as tx:
                    [memory_id] = await tx.ids(Selection(clients=("me",)))
                    assert len(await tx.open_followups("copy", [memory_id])) == 1
                    await tx.change(memory_id, {"content": "y"})
                    await tx.forget([memory_id], 2)
                    [claim] = await tx.claim_followups("copy", is_gone=True, first=(), limit=5, lease_seconds=1)
                    assert (claim.memory_id, claim.revision) == (memory_id, 3)
            with within(["borealis"]):
                async with PostgresFollowUps(database).begin() as tx:
                    assert await tx.open_followups("copy", [memory_id]) == []
            await database.close()
        finally:
            await admin.execute(f"drop owned by {owner} cascade; drop role {owner}".encode())
