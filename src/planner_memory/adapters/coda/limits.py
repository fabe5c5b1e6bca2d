"""Coda's rate limits, kept ahead of time: so many calls in any six seconds, over all that this process does with one token."""

import asyncio
import hashlib
from collections import deque
from collections.abc import Awaitable, Callable

from planner_memory.core.errors import Unavailable

READS, WRITES, SECONDS = 100, 10, 6.0


class Window:
    """At most `most` calls in any `seconds`. Callers wait in the order in which they came."""

    def __init__(
        self,
        most: int,
        seconds: float,
        *,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._most, self._seconds = most, seconds
        self._now, self._sleep = now, sleep
        self._taken: deque[float] = deque()
        self._turn = asyncio.Lock()

    async def take(self, longest_wait: float) -> None:
        """Waits for a place. Raises Unavailable, with `retry_after`, when it would take longer than that many seconds."""
        now = self._now or asyncio.get_running_loop().time
        asked = now()
        async with self._turn:
            while True:
                while self._taken and self._taken[0] <= now() - self._seconds:
                    self._taken.popleft()
                if len(self._taken) < self._most:
                    self._taken.append(now())
                    return
                wait = self._taken[0] + self._seconds - now()
                if now() + wait > asked + longest_wait:
                    raise Unavailable(
                        "So much is being asked of Coda that it would refuse more. It is tried again later.", retry_after=round(wait) or 1
                    )
                await self._sleep(wait)


class Limits:
    """A window for reads and one for writes."""

    def __init__(self, reads: Window | None = None, writes: Window | None = None) -> None:
        self.reads = reads or Window(READS, SECONDS)
        self.writes = writes or Window(WRITES, SECONDS)


class LimitsByToken:
    """The limits that all who use one token share, as Coda counts per user."""

    def __init__(self) -> None:
        self._known: dict[str, Limits] = {}

    def of(self, token: str) -> Limits:
        return self._known.setdefault(hashlib.sha256(token.encode()).hexdigest(), Limits())
