"""A Valkey that dies, hangs, refuses and returns."""

import asyncio
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

import pytest
from tests.servers import ValkeyServer, free_port

from planner_memory.adapters.valkey.cache import ValkeyCache
from planner_memory.core.errors import NotConnected, NotStarted, Unavailable
from planner_memory.memory_gateway.answers import Answers, Counts


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    made = ValkeyServer(tmp_path)
    made.start()
    yield made
    made.kill()


def opened(server: ValkeyServer, *, timeout_seconds: float = 1.0, **options: Any) -> ValkeyCache:
    return ValkeyCache(server.url, timeout_seconds=timeout_seconds, **options)


async def until_answered(cache: ValkeyCache) -> None:
    async with asyncio.timeout(5):
        while True:
            try:
                await cache.get("k")
                return
            except Unavailable:
                await asyncio.sleep(0.02)


async def seconds_until_unavailable(cache: ValkeyCache) -> float:
    before = time.perf_counter()
    with pytest.raises(Unavailable):
        await cache.get("k")
    return time.perf_counter() - before


async def test_a_value_is_gone_when_its_time_is_over(server: ValkeyServer) -> None:
    cache = opened(server)
    await cache.put("k", b"v", expires_in_seconds=0.05)
    assert await cache.get("k") == b"v"
    await asyncio.sleep(0.08)
    assert await cache.get("k") is None
    await cache.close()


async def test_generations_outlive_answers_and_prefixes_do_not_meet(server: ValkeyServer) -> None:
    one, other = opened(server, prefix="one:"), opened(server, prefix="other:")
    moved = await one.advance("acme")
    await one.put("k", b"v", expires_in_seconds=3_600)
    assert await other.generation("acme") != moved
    assert await other.get("k") is None
    for name in ("one", "other"):
        assert 7_200_000 < await one._client.pttl(f"{name}:generation:acme") <= 86_400_000
    await one.close()
    await other.close()


async def test_two_processes_share_values_and_generations(server: ValkeyServer) -> None:
    one, other = opened(server), opened(server)
    await one.put("k", b"v", expires_in_seconds=60)
    moved = await one.advance("acme")
    assert (await other.get("k"), await other.generation("acme")) == (b"v", moved)
    await one.close()
    await other.close()


async def test_a_generation_that_the_server_pushed_out_brings_no_old_answer_back(tmp_path: Path) -> None:
    options = ("--maxmemory", "3mb", "--maxmemory-policy", "allkeys-lru", "--maxmemory-samples", "64")
    server = ValkeyServer(tmp_path, *options)
    server.start()
    try:
        cache = opened(server)
        answers, question = Answers(cache, Counts()), {"query": "who?"}
        before = await answers.key(["acme"], question)
        assert before is not None
        await answers.put(before, {"results": ["old"]})
        await asyncio.sleep(1.1)  # the server's clock of last use counts seconds
        for n in range(400):
            assert await answers.get(before) is not None, "the answer is used, so it stays"
            await cache.put(f"filler-{n}", b"x" * 20_000, expires_in_seconds=60)
            if not await cache._client.exists("planner-memory:generation:client:acme"):
                break
        else:
            pytest.fail("the generation was not pushed out")
        await answers.advance(["acme"])  # something was remembered
        assert await answers.get(await answers.key(["acme"], question)) is None
        await cache._client.delete("planner-memory:generation:client:acme")
        assert await answers.get(await answers.key(["acme"], question)) is None
        assert await answers.get(before) is not None, "it is there, and out of reach"
        await cache.close()
    finally:
        server.kill()


async def test_killed_in_the_middle_and_back_again(server: ValkeyServer) -> None:
    cache = opened(server, pause_seconds=0.2)
    await cache.put("k", b"v", expires_in_seconds=60)
    server.kill()
    assert await seconds_until_unavailable(cache) < 0.3
    assert median([await seconds_until_unavailable(cache) for _ in range(200)]) < 0.005, "during the pause nobody waits"
    with pytest.raises(Unavailable):
        await cache.advance("acme")
    with pytest.raises(Unavailable):
        await cache.put("k", b"v", expires_in_seconds=60)
    server.start()
    await until_answered(cache)
    assert await cache.get("k") is None
    await cache.put("k", b"w", expires_in_seconds=60)
    assert await cache.get("k") == b"w"
    await cache.close()


async def test_a_restart_that_nobody_saw_is_survived(server: ValkeyServer) -> None:
    cache = opened(server)
    before = await cache.advance("acme")
    server.kill()
    server.start()
    assert await cache.generation("acme") != before
    await cache.close()


async def test_a_server_that_hangs_costs_one_time_out(server: ValkeyServer) -> None:
    cache = opened(server, timeout_seconds=0.05, pause_seconds=0.1)
    await cache.get("k")
    os.kill(server.pid, signal.SIGSTOP)
    try:
        assert 0.02 < await seconds_until_unavailable(cache) < 0.5
        waited = []
        for _ in range(20):  # over several pauses
            waited.append(await seconds_until_unavailable(cache))
            await asyncio.sleep(0.02)
        assert median(waited) < 0.01
    finally:
        os.kill(server.pid, signal.SIGCONT)
    await until_answered(cache)
    await cache.close()


async def test_a_check_ends_the_pause(server: ValkeyServer) -> None:
    cache = opened(server, pause_seconds=3600)
    server.kill()
    with pytest.raises(Unavailable):
        await cache.check()
    server.start()
    await cache.check()
    assert await cache.get("k") is None
    await cache.close()


async def test_a_call_given_up_does_not_mix_up_answers(server: ValkeyServer) -> None:
    cache = opened(server, timeout_seconds=1)
    for n in range(30):
        await cache.put(f"k{n}", str(n).encode(), expires_in_seconds=60)
    calls = [asyncio.create_task(cache.get(f"k{n}")) for n in range(30)]
    await asyncio.sleep(0)
    for call in calls[::2]:
        call.cancel()
    await asyncio.gather(*calls, return_exceptions=True)
    assert [await cache.get(f"k{n}") for n in range(30)] == [str(n).encode() for n in range(30)]
    await cache.close()


async def test_more_callers_than_connections(server: ValkeyServer) -> None:
    cache = opened(server, timeout_seconds=1)
    moved = await asyncio.gather(*(cache.advance("acme") for _ in range(200)))
    assert len(set(moved)) == 200
    assert await cache.generation("acme") in moved
    await cache.close()


async def test_a_wrong_password_is_named_but_not_told(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path, "--requirepass", "right-secret")
    server.start()
    try:
        for user_part in (":wrong-secret@", ""):
            cache = ValkeyCache(f"valkey://{user_part}127.0.0.1:{server.port}/0")
            with pytest.raises(NotConnected, match="VALKEY_URL") as refused:
                await cache.check()
            assert "secret" not in repr(refused.value) + str(refused.value.__cause__)
            await cache.close()
        cache = ValkeyCache(f"valkey://:right-secret@127.0.0.1:{server.port}/0")
        await cache.check()
        await cache.close()
    finally:
        server.kill()


async def test_a_full_server_says_unavailable_and_stays_readable(tmp_path: Path) -> None:
    server = ValkeyServer(tmp_path, "--maxmemory", "1", "--maxmemory-policy", "noeviction")
    server.start()
    try:
        cache = opened(server)
        with pytest.raises(Unavailable, match="OutOfMemory"):
            await cache.put("k", b"v", expires_in_seconds=60)
        assert await cache.get("k") is None
        await cache.close()
    finally:
        server.kill()


async def test_no_error_tells_the_password() -> None:
    cache = ValkeyCache(f"valkey://me:hush@127.0.0.1:{free_port()}/0")
    with pytest.raises(Unavailable) as failed:
        await cache.check()
    assert "hush" not in repr(failed.value)
    for url in ("http://me:hush@127.0.0.1/0", "valkey://me:hush@127.0.0.1:port/0", "hush"):
        with pytest.raises(NotStarted, match="VALKEY_URL") as refused:
            ValkeyCache(url)
        assert "hush" not in repr(refused.value)
    await cache.close()
    await cache.close()


async def test_a_closed_cache_says_so(server: ValkeyServer) -> None:
    cache = opened(server)
    await cache.close()
    for call in (cache.get("k"), cache.advance("acme"), cache.check()):
        with pytest.raises(Unavailable, match="closed"):
            await call
