"""Bounds and ageing of the in-process cache, which the contract cannot see."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from planner_memory.adapters.in_process import cache as in_process
from planner_memory.adapters.in_process.cache import _OVERHEAD, InProcessCache


class Seconds:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def room_for(entries: int, size: int) -> int:
    return entries * (1 + size + _OVERHEAD)  # keys of one character


async def test_a_value_lives_until_its_time_and_no_longer() -> None:
    seconds = Seconds()
    cache = InProcessCache(10_000, seconds)
    await cache.put("k", b"v", expires_in_seconds=10)
    seconds.now = 9.999
    assert await cache.get("k") == b"v"
    seconds.now = 10.0
    assert await cache.get("k") is None


async def test_putting_again_starts_the_time_anew() -> None:
    seconds = Seconds()
    cache = InProcessCache(10_000, seconds)
    await cache.put("k", b"v", expires_in_seconds=10)
    seconds.now = 8
    await cache.put("k", b"v", expires_in_seconds=10)
    seconds.now = 15
    assert await cache.get("k") == b"v"


async def test_the_least_recently_used_goes_first() -> None:
    cache = InProcessCache(room_for(3, 10), Seconds())
    for key in "abc":
        await cache.put(key, b"0123456789", expires_in_seconds=60)
    await cache.get("a")
    await cache.put("d", b"0123456789", expires_in_seconds=60)
    assert [key for key in "abcd" if await cache.get(key) is not None] == ["a", "c", "d"]


async def test_a_large_value_pushes_out_as_many_as_it_needs() -> None:
    cache = InProcessCache(room_for(4, 10), Seconds())
    for key in "abcd":
        await cache.put(key, b"0123456789", expires_in_seconds=60)
    await cache.put("e", b"x" * (room_for(2, 10) - _OVERHEAD - 1), expires_in_seconds=60)
    assert [key for key in "abcde" if await cache.get(key) is not None] == ["c", "d", "e"]


async def test_a_value_larger_than_the_cache_is_not_kept_and_takes_no_room() -> None:
    cache = InProcessCache(room_for(1, 10), Seconds())
    await cache.put("a", b"0123456789", expires_in_seconds=60)
    await cache.put("b", b"x" * 10_000, expires_in_seconds=60)
    assert await cache.get("b") is None
    assert await cache.get("a") == b"0123456789"


async def test_a_value_too_large_still_replaces_the_old_one() -> None:
    cache = InProcessCache(room_for(1, 10), Seconds())
    await cache.put("a", b"old", expires_in_seconds=60)
    await cache.put("a", b"x" * 10_000, expires_in_seconds=60)
    assert await cache.get("a") is None


@pytest.mark.parametrize("limit", [0, 500, 3000])
@given(steps=some.lists(some.tuples(some.sampled_from("abcdefgh"), some.integers(0, 900), some.floats(-1, 20), some.floats(0, 5)), max_size=40))
async def test_it_never_holds_more_than_it_may(limit: int, steps: list[tuple[str, int, float, float]]) -> None:
    seconds = Seconds()
    cache = InProcessCache(limit, seconds)
    for key, size, lives_for, passes in steps:
        await cache.put(key, b"x" * size, expires_in_seconds=lives_for)
        seconds.now += passes
        await cache.get(key)
        held = sum(len(key) + len(value) + _OVERHEAD for key, (value, _) in cache._entries.items())
        assert held == cache._bytes <= limit


async def test_generations_are_bounded_and_one_that_was_dropped_does_not_come_back(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(in_process, "_GENERATIONS", 3)
    cache = InProcessCache(1_000, Seconds())
    first = [await cache.generation(name) for name in ("a", "b", "c", "a", "d")]
    assert len(cache._generations) == 3
    assert await cache.generation("a") == first[0], "the one asked for last stays"
    assert await cache.generation("b") not in first
