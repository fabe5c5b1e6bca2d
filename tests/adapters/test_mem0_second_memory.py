"""The second memory on mem0 against a loopback server: what is particular to mem0, and what goes wrong on the way."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from tests.fakes.mem0_server import KEY, Mem0Server, refused
from tests.fakes.scripted import Failure, changed, slow, truncated

from planner_memory.adapters.mem0.second_memory import Mem0SecondMemory
from planner_memory.core.errors import NotConnected, PlannerMemoryError, Unavailable, UpstreamInvalid
from planner_memory.ports.second_memory import Copy

COPY = Copy(UUID(int=7), "acme", "Maria prefers calls before noon", "preference", datetime(2026, 5, 4, 12, tzinfo=UTC))


@pytest.fixture(scope="module")
def shared() -> Iterator[Mem0Server]:
    with Mem0Server() as server:
        yield server


@pytest.fixture
def server(shared: Mem0Server) -> Mem0Server:
    shared.reset()
    return shared


async def at_once(_: float) -> None:
    await asyncio.sleep(0)


@pytest.fixture
async def memory(server: Mem0Server) -> AsyncIterator[Mem0SecondMemory]:
    made = Mem0SecondMemory(KEY, server.url, limit_seconds=0.5, sleep=at_once)
    yield made
    await made.close()


async def test_what_goes_over_the_line(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    await memory.keep(COPY)
    [sent] = server.requests["add"]
    assert sent["user_id"] == "acme"
    assert sent["messages"] == [{"role": "user", "content": "Maria prefers calls before noon"}]
    assert sent["infer"] is False
    assert sent["timestamp"] == int(COPY.occurred_at.timestamp())
    assert sent["metadata"]["planner_memory_id"] == str(UUID(int=7))


async def test_it_waits_until_mem0_has_taken_it_in(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    server.polls_until_done = 3
    await memory.keep(COPY)
    assert len(server.memories) == 1


async def test_a_copy_that_takes_long_is_not_sent_twice(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    server.polls_until_done = 12
    with pytest.raises(Unavailable, match="still taking"):
        await memory.keep(COPY)
    await memory.keep(COPY)
    assert len(server.requests["add"]) == len(server.memories) == 1


async def test_nothing_is_forgotten_before_it_is_taken_in(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    server.polls_until_done = 12
    with pytest.raises(Unavailable):
        await memory.keep(COPY)
    assert await memory.forget("acme", [COPY.memory_id]) == 1
    assert server.memories == {}


async def test_what_mem0_failed_to_store_is_sent_again(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    server.event_end = "FAILED"
    with pytest.raises(Unavailable, match="failed to store"):
        await memory.keep(COPY)
    server.event_end = "SUCCEEDED"
    await memory.keep(COPY)
    assert len(server.memories) == 1


async def test_an_answer_lost_on_the_way_leaves_one_copy(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    server.fail_next("add", slow(2))
    with pytest.raises(Unavailable):
        await memory.keep(COPY)
    await memory.keep(COPY)
    assert len(server.memories) == 1


async def _doubled(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    """As after a crash between mem0's answer and the end of its work."""
    await memory.keep(COPY)
    [record] = server.memories.values()
    server.memories["twin"] = record | {"id": "twin"}


async def test_twins_are_shown_once(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    await _doubled(memory, server)
    assert len(await memory.ask("calls", client_id="acme")) == 1


async def test_keeping_again_removes_a_twin(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    await _doubled(memory, server)
    await memory.keep(COPY)
    assert len(server.memories) == 1


async def test_forgetting_removes_both_twins_and_counts_one_memory(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    await _doubled(memory, server)
    assert await memory.forget("acme", [COPY.memory_id]) == 1
    assert server.memories == {}


async def test_what_others_wrote_is_neither_shown_nor_removed(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    server.memories = {"a": {"id": "a", "memory": "calls", "user_id": "acme", "metadata": None}}
    server.memories["b"] = server.memories["a"] | {"id": "b", "metadata": {"planner_memory_id": "not ours"}}
    assert await memory.ask("calls", client_id="acme") == []
    # a server that ignores the filter for metadata must not cost anyone their memories
    server.fail_next("list", changed(lambda answer: answer | {"results": list(server.memories.values())}))
    assert await memory.forget("acme", [COPY.memory_id]) == 0
    assert len(server.memories) == 2


async def test_all_pages_are_read(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    await memory.keep(COPY)
    [record] = server.memories.values()
    server.memories |= {f"twin{n}": record | {"id": f"twin{n}"} for n in range(120)}
    await memory.forget("acme", [COPY.memory_id])
    assert server.memories == {}


async def test_one_that_is_gone_meanwhile_counts_as_removed(memory: Mem0SecondMemory, server: Mem0Server) -> None:
    await memory.keep(COPY)
    server.fail_next("delete", refused(404))
    assert await memory.forget("acme", [COPY.memory_id]) == 1


@pytest.mark.parametrize(
    ("failure", "expected"),
    [
        (refused(402), NotConnected),
        (refused(403), NotConnected),
        (refused(400), UpstreamInvalid),
        (slow(2), Unavailable),
        (truncated(), UpstreamInvalid),
        (changed(lambda _: {"memories": []}), UpstreamInvalid),
        (changed(lambda _: ["x"]), UpstreamInvalid),
    ],
)
async def test_each_failure_has_its_error(memory: Mem0SecondMemory, server: Mem0Server, failure: Failure, expected: type[PlannerMemoryError]) -> None:
    server.fail_next("search", failure)
    with pytest.raises(expected):
        await memory.ask("x", client_id="acme")


@pytest.mark.parametrize(
    ("asked", "extra"),
    [("30", {"retry_after": 30}), ("2.5", {"retry_after": 2}), ("Mon, 04 May 2026 12:00:45 GMT", {"retry_after": 45}), ("soon", {})],
)
async def test_retry_after_is_handed_on(server: Mem0Server, asked: str, extra: dict[str, int]) -> None:
    memory = Mem0SecondMemory(KEY, server.url, limit_seconds=0.5, clock=lambda: COPY.occurred_at, sleep=at_once)
    server.fail_next("search", refused(429, headers={"Retry-After": asked}))
    with pytest.raises(Unavailable) as raised:
        await memory.ask("x", client_id="acme")
    assert raised.value.extra == extra
    await memory.close()


@pytest.mark.parametrize("record", [{"id": 3}, {"score": "high"}, {"metadata": []}, "x"])
async def test_odd_records_are_passed_over(memory: Mem0SecondMemory, server: Mem0Server, record: Any) -> None:
    server.fail_next("search", changed(lambda _: {"results": [record]}))
    assert await memory.ask("x", client_id="acme") == []


async def test_no_server_is_unavailable() -> None:
    memory = Mem0SecondMemory(KEY, "http://127.0.0.1:9")
    with pytest.raises(Unavailable, match="MEM0_BASE_URL"):
        await memory.check()
    await memory.close()


async def test_the_key_is_in_no_error(memory: Mem0SecondMemory, server: Mem0Server, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    server.fail_next("ping", refused(401, f"Token {KEY} is not valid"))
    with pytest.raises(NotConnected) as raised:
        await memory.check()
    assert KEY not in f"{raised.value!r} {raised.value.extra}"
    assert KEY not in caplog.text


async def test_a_closed_one_is_unavailable(memory: Mem0SecondMemory) -> None:
    await memory.close()
    with pytest.raises(Unavailable):
        await memory.check()
