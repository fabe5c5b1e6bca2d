"""What every cache promises. A new adapter adds a name to `params` and a branch to `made`."""

import asyncio
from collections.abc import AsyncIterator
from uuid import uuid4

import pytest

from planner_memory.adapters.in_process.cache import InProcessCache
from planner_memory.adapters.valkey.cache import ValkeyCache
from planner_memory.ports.cache import Cache


class Seconds:
    """A clock that moves when told."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def seconds() -> Seconds:
    return Seconds()


@pytest.fixture(params=["in_process", "valkey"])
async def cache(request: pytest.FixtureRequest, seconds: Seconds) -> AsyncIterator[Cache]:
    made: Cache
    if request.param == "valkey":
        made = ValkeyCache(request.getfixturevalue("valkey_url"), prefix=f"{uuid4()}:", timeout_seconds=1)
    else:
        made = InProcessCache(100_000, seconds)
    yield made
    await made.close()


async def test_a_key_never_put_is_absent(cache: Cache) -> None:
    assert await cache.get("unknown") is None


async def test_a_value_comes_back_byte_for_byte(cache: Cache) -> None:
    value = bytes(range(256))
    await cache.put("answers:acme:ä b", value, expires_in_seconds=60)
    assert await cache.get("answers:acme:ä b") == value


async def test_an_empty_value_is_a_value(cache: Cache) -> None:
    await cache.put("k", b"", expires_in_seconds=60)
    assert await cache.get("k") == b""


async def test_the_last_value_wins(cache: Cache) -> None:
    await cache.put("k", b"old", expires_in_seconds=60)
    await cache.put("k", b"new", expires_in_seconds=60)
    assert await cache.get("k") == b"new"


async def test_a_generation_stays_until_it_is_moved_on_and_never_comes_back(cache: Cache) -> None:
    first = await cache.generation("acme")
    assert await cache.generation("acme") == first
    seen = {first, await cache.generation("globex")}
    for _ in range(20):
        moved = await cache.advance("acme")
        assert await cache.generation("acme") == moved
        seen.add(moved)
    assert len(seen) == 22, "no two are the same, whatever their name"


async def test_all_who_ask_for_a_generation_at_the_same_time_get_the_same(cache: Cache) -> None:
    assert len(set(await asyncio.gather(*(cache.generation("new") for _ in range(30))))) == 1


async def test_generations_and_keys_do_not_meet(cache: Cache) -> None:
    await cache.put("acme", b"5", expires_in_seconds=60)
    assert await cache.generation("acme") != "5"
    await cache.advance("acme")
    assert await cache.get("acme") == b"5"


async def test_a_time_to_live_that_is_over_before_it_began_keeps_nothing(cache: Cache) -> None:
    await cache.put("k", b"old", expires_in_seconds=60)
    await cache.put("k", b"new", expires_in_seconds=0)
    assert await cache.get("k") is None


async def test_it_answers_a_check(cache: Cache) -> None:
    await cache.check()
