"""What a second memory says to a question, asked beside the index and not waited for long: one more channel of the search."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Sequence
from typing import Protocol
from uuid import UUID

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.ports.second_memory import SecondMemory

LIMIT = 50
_LONGEST_QUERY = 2_000
_LATE_AT_ONCE = 8
_LATE_SECONDS = 60.0
_LATE_KEPT = 256
Key = tuple[str, tuple[str, ...]]
Scores = dict[UUID, float]


class Lacking(Protocol):
    def lacks(self, what: str) -> None: ...


class Echoes:
    """`budget_seconds` holds for one recall, from the moment it is asked. Memory ids are all that is used: the truth about them is read elsewhere.

    An answer that comes too late is kept for a minute, for the same question asked again.
    """

    def __init__(self, second: SecondMemory, *, budget_seconds: float = 0.15, limit: int = LIMIT) -> None:
        self._second = second
        self._limit = limit
        self._late: OrderedDict[Key, tuple[float, Scores]] = OrderedDict()
        self._open: set[asyncio.Task[Scores]] = set()
        self.budget_seconds = budget_seconds

    @property
    def name(self) -> str:
        return self._second.name

    def ask(self, query: str, clients: Sequence[str]) -> "Asked":
        """Begins to ask, for each of the clients, and returns at once. To be ended with `Asked.stop`."""
        key = (query[:_LONGEST_QUERY], tuple(clients))
        return Asked(self, key, asyncio.create_task(self._ask(key)))

    def leave(self, key: Key, task: "asyncio.Task[Scores]") -> None:
        """Lets a late question go on when few do, so that its answer is there next time."""
        if task.done() or len(self._open) >= _LATE_AT_ONCE:
            task.cancel()
            return
        self._open.add(task)
        task.add_done_callback(lambda done: self._keep(key, done))

    async def close(self) -> None:
        """Breaks off what is still open."""
        for task in self._open:
            task.cancel()
        await asyncio.gather(*self._open, return_exceptions=True)

    async def _ask(self, key: Key) -> Scores:
        kept = self._late.pop(key, None)
        if kept is not None and kept[0] > time.monotonic():
            return kept[1]
        query, clients = key
        answers = await asyncio.gather(*(self._second.ask(query, client_id=client, k=self._limit) for client in clients))
        return {echo.memory_id: echo.score for answer in answers for echo in answer}

    def _keep(self, key: Key, done: "asyncio.Task[Scores]") -> None:
        self._open.discard(done)
        if not done.cancelled() and done.exception() is None:
            self._late[key] = (time.monotonic() + _LATE_SECONDS, done.result())
            while len(self._late) > _LATE_KEPT:
                self._late.popitem(last=False)


class Asked:
    """One question under way."""

    def __init__(self, echoes: Echoes, key: Key, task: "asyncio.Task[Scores]") -> None:
        self._echoes = echoes
        self._key = key
        self._task = task
        self._ends = time.monotonic() + echoes.budget_seconds

    async def add_to(self, channels: dict[str, Scores], lacking: Lacking) -> None:
        """Waits until the budget is spent, and adds one more channel when something was answered; otherwise `lacking` hears why not."""
        name = self._echoes.name
        await asyncio.wait([self._task], timeout=max(0.0, self._ends - time.monotonic()))
        if not self._task.done():
            lacking.lacks(f"{name}: no answer within {self._echoes.budget_seconds * 1000:.0f} ms, so it was not waited for.")
            return
        try:
            scores = self._task.result()
        except PlannerMemoryError as error:
            lacking.lacks(f"{name}: {error.detail}")
            return
        if scores:
            channels[name] = scores

    def stop(self) -> None:
        self._echoes.leave(self._key, self._task)
