"""The cache of the one-process installation: bounded by bytes, least recently used first out."""

import itertools
from collections import OrderedDict
from collections.abc import Callable

_OVERHEAD = 200  # bytes an entry costs beside its key and value: dictionary slot, tuple, float and two object headers
_GENERATIONS = 50_000  # names, some 10 MB; the one not asked for longest goes first, and its answers with it


class InProcessCache:
    """All calls are made from one event loop; none of them waits, so no lock is needed.

    `max_bytes` bounds keys, values and a fixed overhead for each entry; generations come on top, bounded by their number. `clock` gives seconds
    that never go back.
    """

    def __init__(self, max_bytes: int, clock: Callable[[], float]) -> None:
        self._max_bytes = max_bytes
        self._clock = clock
        self._entries: OrderedDict[str, tuple[bytes, float]] = OrderedDict()  # key -> value, instant of expiry
        self._bytes = 0
        self._generations: OrderedDict[str, str] = OrderedDict()
        self._next = itertools.count(1)

    async def get(self, key: str) -> bytes | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        value, expires = entry
        if self._clock() >= expires:
            self._drop(key)
            return None
        self._entries.move_to_end(key)
        return value

    async def put(self, key: str, value: bytes, *, expires_in_seconds: float) -> None:
        """A value larger than the whole cache, or one that expires at once, is not kept; what the key held before is gone all the same."""
        self._drop(key)
        cost = _cost(key, value)
        if cost > self._max_bytes or expires_in_seconds <= 0:
            return
        while self._bytes + cost > self._max_bytes:
            self._drop(next(iter(self._entries)))
        self._entries[key] = (value, self._clock() + expires_in_seconds)
        self._bytes += cost

    async def generation(self, name: str) -> str:
        found = self._generations.get(name)
        if found is None:
            return await self.advance(name)
        self._generations.move_to_end(name)
        return found

    async def advance(self, name: str) -> str:
        new = self._generations[name] = str(next(self._next))
        self._generations.move_to_end(name)
        if len(self._generations) > _GENERATIONS:
            self._generations.popitem(last=False)
        return new

    async def check(self) -> None:
        """Always answers."""

    async def close(self) -> None:
        """Forgets every entry, but no generation."""
        self._entries.clear()
        self._bytes = 0

    def _drop(self, key: str) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._bytes -= _cost(key, entry[0])


def _cost(key: str, value: bytes) -> int:
    return len(key.encode()) + len(value) + _OVERHEAD
