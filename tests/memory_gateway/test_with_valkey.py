"""The gateway on a real Valkey: what it says of it, and that an outage makes it slower and never wrong."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.servers import ValkeyServer

from planner_memory.adapters.valkey.cache import ValkeyCache
from planner_memory.core.errors import Unavailable

BASE = "/api/v1/memory"
Open = Callable[..., Any]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[ValkeyServer]:
    made = ValkeyServer(tmp_path)
    made.start()
    yield made
    made.kill()


@pytest.fixture
async def cache(server: ValkeyServer) -> AsyncIterator[ValkeyCache]:
    made = ValkeyCache(server.url, timeout_seconds=0.3, pause_seconds=0.1)
    yield made
    await made.close()


async def kept(http: httpx.AsyncClient, content: str, status: int = 201) -> dict[str, Any]:
    answer = await http.post(f"{BASE}/remember", json={"content": content})
    assert answer.status_code == status, answer.text
    return dict(answer.json())


async def recalled(http: httpx.AsyncClient) -> tuple[set[str], bool]:
    answer = (await http.get(f"{BASE}/recall", params={"query": "gate"})).json()
    return {r["content"] for r in answer["results"]}, answer["cached"]


async def answering(cache: ValkeyCache) -> None:
    async with asyncio.timeout(10):
        while True:
            try:
                await cache.check()
                return
            except Unavailable:
                await asyncio.sleep(0.05)


async def test_a_write_during_an_outage_is_told_and_the_answers_of_before_do_not_come_back(
    open_gateway: Open, server: ValkeyServer, cache: ValkeyCache
) -> None:
    async with open_gateway(cache=cache, cache_vendor="valkey") as (http, _):
        assert (await kept(http, "The gate is open"))["stored_in"] == ["postgres", "valkey"]
        assert [await recalled(http) for _ in range(2)] == [({"The gate is open"}, False), ({"The gate is open"}, True)]
        os.kill(server.pid, signal.SIGSTOP)  # it keeps what it holds: the old answer is still there afterwards
        try:
            during = await kept(http, "The gate is shut", status=207)
            assert (during["stored_in"], during["failed"]) == (["postgres"], ["valkey"])
            assert "valkey" in during["warning"]
            assert await recalled(http) == ({"The gate is open", "The gate is shut"}, False)
            health = (await http.get("/health")).json()
            assert (health["status"], health["dependencies"]["valkey"]) == ("degraded", "down")
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await answering(cache)
        assert await recalled(http) == ({"The gate is open", "The gate is shut"}, False), "not the answer that was kept before the write"
        assert await recalled(http) == ({"The gate is open", "The gate is shut"}, True)
        assert (await http.get("/health")).json()["status"] == "healthy"


async def test_two_gateways_on_one_valkey_see_one_anothers_writes(open_gateway: Open, server: ValkeyServer, cache: ValkeyCache) -> None:
    other = ValkeyCache(server.url, timeout_seconds=1)
    async with open_gateway(cache=cache, cache_vendor="valkey") as (one, _), open_gateway(cache=other, cache_vendor="valkey") as (two, _):
        await kept(one, "The gate is open")
        assert await recalled(two) == ({"The gate is open"}, False)
        assert await recalled(one) == ({"The gate is open"}, True)
        await kept(two, "The gate is shut")
        assert await recalled(one) == ({"The gate is open", "The gate is shut"}, False)
    await other.close()
