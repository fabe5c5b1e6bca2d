"""What a person states in passing becomes a fact or a preference of its own, which names where it was said."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from tests.memory_gateway.conftest import gateway_over

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.followups import PostgresFollowUps
from planner_memory.core.tenancy import spanning

BASE = "/api/v1/memory"
Memories = list[dict[str, Any]]


@asynccontextmanager
async def opened(database: Database, *, extract: bool = True) -> AsyncIterator[httpx.AsyncClient]:
    async with gateway_over(database, extractions=PostgresFollowUps(database), extract=extract, sweep_seconds=0.05) as (http, gateway):
        gateway.open()
        if extract:
            await until(lambda: is_followed(database))
        yield http


@pytest.fixture
async def http(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    async with opened(database) as client:
        yield client


async def is_followed(database: Database) -> bool:
    async with database.begin() as tx:
        return bool(await tx.value("is_followed", purpose="extraction"))


async def until(holds: Callable[[], Awaitable[bool]], seconds: float = 8) -> None:
    ends = time.monotonic() + seconds
    while not await holds():
        assert time.monotonic() < ends, "it did not come true"
        await asyncio.sleep(0.02)


async def done(database: Database) -> None:
    async def nothing_is_due() -> bool:
        with spanning("extraction"):
            async with PostgresFollowUps(database).begin() as tx:
                return (await tx.followup_backlog("extraction")).count == 0

    await until(nothing_is_due)


async def remember(http: httpx.AsyncClient, content: str, **more: Any) -> str:
    answer = await http.post(f"{BASE}/remember", json={"content": content, "client_id": "acme", **more})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["memory_id"])


async def listed(http: httpx.AsyncClient, memory_type: str, **more: Any) -> Memories:
    answer = await http.get(f"{BASE}/memories", params={"client_id": "acme", "memory_type": memory_type, **more})
    assert answer.status_code == 200, answer.text
    return list(answer.json()["memories"])


async def test_a_preference_is_extracted_with_its_provenance(http: httpx.AsyncClient, database: Database) -> None:
    text = "Long day. I never take calls before 10:00. See you tomorrow."
    source = await remember(http, text, occurred_at="2026-03-02T18:00:00Z", person_id="me")
    await done(database)
    [found] = await listed(http, "preference")
    assert (found["content"], found["client_id"], found["event_source"]) == ("I never take calls before 10:00.", "acme", "extraction")
    start, end = found["metadata"]["span"]
    assert text[start:end] == found["content"]
    assert found["metadata"]["source_memory_ids"] == [source]
    assert found["metadata"]["rule"] == "preference:never"
    assert found["occurred_at"] == "2026-03-02T18:00:00+00:00"
    answer = (await http.get(f"{BASE}/recall", params={"query": "calls", "client_id": "acme", "memory_type": "preference"})).json()
    assert [r["memory_id"] for r in answer["results"]] == [found["memory_id"]]
    assert await listed(http, "preference", client_id="borealis") == []


async def test_the_newer_of_one_topic_supersedes_and_the_older_is_found_as_of(http: httpx.AsyncClient, database: Database) -> None:
    await remember(http, "I never take calls before 10:00.", occurred_at="2026-03-02T18:00:00Z")
    await done(database)
    await remember(http, "I never take calls before 9:00.", occurred_at="2026-04-02T18:00:00Z")
    await done(database)
    assert [m["content"] for m in await listed(http, "preference")] == ["I never take calls before 9:00."]
    assert [m["content"] for m in await listed(http, "preference", as_of="2026-03-15")] == ["I never take calls before 10:00."]
    asked = {"query": "calls", "client_id": "acme", "memory_type": "preference"}
    for as_of, content in (({}, "9:00"), ({"as_of": "2026-03-15"}, "10:00")):
        answer = (await http.get(f"{BASE}/recall", params=asked | as_of)).json()
        assert [r["content"] for r in answer["results"]] == [f"I never take calls before {content}."]


async def test_what_was_said_earlier_and_comes_later_does_not_take_over(http: httpx.AsyncClient, database: Database) -> None:
    for month, hour in ((3, 8), (5, 10), (4, 9)):
        await remember(http, f"I never take calls before {hour}:00.", occurred_at=f"2026-0{month}-02T18:00:00Z")
        await done(database)
    assert [m["content"] for m in await listed(http, "preference")] == ["I never take calls before 10:00."]
    for as_of, hour in (("2026-03-15", 8), ("2026-04-15", 9), ("2026-05-15", 10)):
        assert [m["content"] for m in await listed(http, "preference", as_of=as_of)] == [f"I never take calls before {hour}:00."]


async def test_the_same_words_again_add_a_source_and_it_goes_with_its_last_one(http: httpx.AsyncClient, database: Database) -> None:
    sources = [
        await remember(http, f"{lead} Acme's budget is €12,000.", occurred_at=f"2026-03-0{n}T18:00:00Z") for n, lead in ((1, "Hi."), (2, "Yo."))
    ]
    await done(database)
    [found] = await listed(http, "fact")
    assert found["metadata"]["source_memory_ids"] == sources
    assert (found["entities"], found["metadata"]["value"]) == (["Acme"], "€12,000")
    assert (await http.delete(f"{BASE}/memories/{sources[0]}")).json()["removed"] == 1
    [found] = await listed(http, "fact")
    assert found["metadata"]["source_memory_ids"] == sources[1:]
    assert (await http.delete(f"{BASE}/memories/{sources[1]}")).json()["removed"] == 2
    assert await listed(http, "fact", include_superseded=True) == []


async def test_when_the_newer_is_forgotten_the_older_holds_again(http: httpx.AsyncClient, database: Database) -> None:
    ids = [await remember(http, f"I never take calls before {h}:00.", occurred_at=f"2026-0{h}-02T18:00:00Z") for h in (7, 8, 9)]
    await done(database)
    await http.delete(f"{BASE}/memories/{ids[1]}")
    assert [m["content"] for m in await listed(http, "preference", as_of="2026-08-15")] == ["I never take calls before 7:00."]
    await http.delete(f"{BASE}/memories/{ids[2]}")
    assert [m["content"] for m in await listed(http, "preference")] == ["I never take calls before 7:00."]


async def test_rows_deleted_by_plain_sql_take_what_was_extracted_with_them(http: httpx.AsyncClient, database: Database) -> None:
    source = await remember(http, "I never take calls before 10:00.")
    await done(database)
    with spanning("recovery"):
        async with database.begin() as tx:
            await tx._connection.execute("delete from events where id = %s::uuid", (source,))
    assert await listed(http, "preference") == []


async def test_an_edit_is_read_again(http: httpx.AsyncClient, database: Database) -> None:
    source = await remember(http, "I never take calls before 10:00.")
    await done(database)
    await http.patch(f"{BASE}/memories/{source}", json={"content": "I never take calls before 11:00."})
    await done(database)
    assert [m["content"] for m in await listed(http, "preference", include_superseded=True)] == ["I never take calls before 11:00."]
    await http.patch(f"{BASE}/memories/{source}", json={"content": "Nothing of the kind."})
    await done(database)
    assert await listed(http, "preference", include_superseded=True) == []


@pytest.mark.parametrize(
    "more",
    [
        {"event_source": "observer-agent"},
        {"event_source": "planner-engine"},
        {"event_source": "extraction"},
        {"metadata": {"role": "assistant"}},
        {"metadata": {"speaker": "Caroline"}},
        {"memory_type": "preference"},
    ],
)
async def test_only_a_persons_own_words_are_read(http: httpx.AsyncClient, database: Database, more: dict[str, Any]) -> None:
    await remember(http, "Hi. I never take calls before 10:00.", **more)
    await done(database)
    assert [m for m in await listed(http, "preference") if m["event_source"] == "extraction" and "rule" in m["metadata"]] == []


async def test_what_the_person_keeps_as_a_preference_is_not_said_twice(http: httpx.AsyncClient, database: Database) -> None:
    await remember(http, "I never take calls before 10:00.", memory_type="preference")
    await remember(http, "I never take calls before 10:00.")
    await done(database)
    assert len(await listed(http, "preference")) == 1


async def test_switched_off_nothing_is_extracted_and_nothing_is_noted(database: Database) -> None:
    async with opened(database):
        pass
    async with opened(database, extract=False) as http:

        async def is_off() -> bool:
            return not await is_followed(database)

        await until(is_off)
        await remember(http, "I never take calls before 10:00.")
        await done(database)
        assert await listed(http, "preference") == []


async def test_two_processes_extract_once(database: Database) -> None:
    async with opened(database) as http, opened(database):
        memories = [{"content": f"Note {n}. I never take calls before 10:00.", "client_id": "acme"} for n in range(20)]
        assert (await http.post(f"{BASE}/remember/batch", json={"memories": memories})).status_code == 201
        await done(database)
        [found] = await listed(http, "preference", include_superseded=True)
        assert len(found["metadata"]["source_memory_ids"]) == 20
