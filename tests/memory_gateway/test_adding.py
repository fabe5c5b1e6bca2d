"""One memory goes to the database in one round trip, and means there what it means in a transaction."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.memories import PostgresMemories
from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.ids import new_id
from planner_memory.core.tenancy import spanning, within
from planner_memory.memory_gateway.texts import content_hash
from planner_memory.ports.memories import Added, MemoryToStore

AT = datetime(2026, 11, 3, 9, tzinfo=UTC)
Add = Callable[[PostgresMemories, MemoryToStore], Awaitable[Added]]


def draft(content: str, **changes: object) -> MemoryToStore:
    base = MemoryToStore(new_id(), "acme", content, content_hash(content), AT, occurred_at_given=True, entities=["Acme", 'said "yes", {twice}'])
    return replace(base, **{"payload": {"text": content}, **changes})  # type: ignore[arg-type]


async def alone(store: PostgresMemories, memory: MemoryToStore) -> Added:
    return await store.add_unless_repeated(memory, lease_seconds=60)


async def in_a_transaction(store: PostgresMemories, memory: MemoryToStore) -> Added:
    async with store.begin(locking=[memory.client_id]) as tx:
        return (await tx.add_unless_repeated([memory], lease_seconds=60))[0]


@pytest.mark.parametrize("first", [alone, in_a_transaction])
@pytest.mark.parametrize("second", [alone, in_a_transaction])
async def test_both_ways_store_the_same_row_and_know_each_others_repeats(database: Database, first: Add, second: Add) -> None:
    store = PostgresMemories(database)
    with within(["acme"]):
        for given in (
            draft("outside a thread, dated"),
            draft("outside a thread, undated", occurred_at_given=False),
            draft("in a thread", thread_id="t"),
            draft("a fact", memory_type="fact", event_type="preference", metadata={"speaker": "Ana"}),
            draft("it's 100 % of {\"a\\\": 'quoted'} text", entities=()),
        ):
            added = await first(store, given)
            assert added.id == given.id
            assert added.row is not None
            async with store.begin() as tx:
                [there] = await tx.memories([added.id])
            assert there == added.row
            assert there.index_due_at > datetime.now(UTC) + timedelta(seconds=50), "it is leased"
            again = await second(store, replace(given, id=new_id()))
            assert (again.id, again.row) == (given.id, None)
            if not given.occurred_at_given:
                continue
            later = replace(given, id=new_id(), occurred_at=AT + timedelta(hours=1))
            assert ((await second(store, later)).row is None) == (given.thread_id is not None)


async def test_the_same_memory_sent_at_once_is_stored_once(database: Database) -> None:
    store = PostgresMemories(database)
    with within(["acme"]):
        answers = await asyncio.gather(*(alone(store, draft("sent by an impatient client", occurred_at_given=False)) for _ in range(12)))
    assert len({each.id for each in answers}) == 1
    assert sum(each.row is not None for each in answers) == 1


async def test_a_row_outside_the_scope_is_refused_and_the_connection_lives_on(database: Database) -> None:
    store = PostgresMemories(database)
    with within(["borealis"]), pytest.raises(PlannerMemoryError, match="outside this request's scope"):
        await alone(store, draft("of acme"))
    with within(["acme"]):
        assert (await alone(store, draft("of acme"))).row is not None
    with spanning("health"):
        async with store.begin() as tx:
            assert (await tx.pending()).count == 1


async def test_connections_that_died_in_the_pool_do_not_fail_an_add(database: Database, dsn: str) -> None:
    store = PostgresMemories(database)
    with within(["acme"]):
        await asyncio.gather(*(alone(store, draft(f"number {n}")) for n in range(12)))
        async with await psycopg.AsyncConnection.connect(dsn, autocommit=True) as other:
            others = "from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
            await other.execute(f"select pg_terminate_backend(pid) {others}".encode())
        assert (await alone(store, draft("after the server had sent them away"))).row is not None


async def test_what_is_sent_again_because_its_answer_was_lost_is_no_repeat(database: Database) -> None:
    store, sent = PostgresMemories(database), draft("the answer got lost")
    with within(["acme"]):
        added = await alone(store, sent)
        assert await alone(store, sent) == added
        assert added.row is not None
