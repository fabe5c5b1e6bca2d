"""What a second memory says to a question, asked beside the index and not waited for long: one more channel of the search."""

import asyncio
from collections.abc import Sequence
from uuid import UUID

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.ports.second_memory import Echo, SecondMemory

LIMIT = 50
_LONGEST_QUERY = 2_000


class Asked:
    """One question under way. Leave the block, and it is broken off if it is still open."""

    def __init__(self, task: "asyncio.Task[list[Echo]]", name: str, ends: float, budget_seconds: float) -> None:
        self._task = task
        self._name = name
        self._ends = ends
        self._budget_seconds = budget_seconds

    async def add_to(self, channels: dict[str, dict[UUID, float]], degraded: list[str]) -> None:
        """One more channel, when something was answered in time."""
        if scores := await self.scores(degraded):
            channels[self._name] = scores

    async def scores(self, degraded: list[str]) -> dict[UUID, float]:
        """The score of each memory it named, until the budget is spent; then nothing, and `degraded` says so."""
        left = self._ends - asyncio.get_running_loop().time()
        await asyncio.wait([self._task], timeout=max(0.0, left))
        if not self._task.done():
            degraded.append(f"{self._name}: no answer within {self._budget_seconds * 1000:.0f} ms, so it was not waited for.")
            return {}
        try:
            return {echo.memory_id: echo.score for echo in self._task.result()}
        except PlannerMemoryError as error:
            degraded.append(f"{self._name}: {error.detail}")
            return {}

    def stop(self) -> None:
        self._task.cancel()


class Echoes:
    """`budget_seconds` holds for one recall, from the moment it is asked. Memory ids are all that is used: the truth about them is read elsewhere."""

    def __init__(self, second: SecondMemory, *, budget_seconds: float = 0.15, limit: int = LIMIT) -> None:
        self._second = second
        self._budget_seconds = budget_seconds
        self._limit = limit

    @property
    def name(self) -> str:
        return self._second.name

    def ask(self, query: str, clients: Sequence[str]) -> Asked:
        """Begins to ask, for each of the clients, and returns at once."""
        task = asyncio.create_task(self._ask(query[:_LONGEST_QUERY], clients))
        return Asked(task, self.name, asyncio.get_running_loop().time() + self._budget_seconds, self._budget_seconds)

    async def _ask(self, query: str, clients: Sequence[str]) -> list[Echo]:
        answers = await asyncio.gather(*(self._second.ask(query, client_id=client, k=self._limit) for client in clients))
        return [echo for answer in answers for echo in answer]
