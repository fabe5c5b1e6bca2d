"""What goes on behind the answers besides the index: copies for a second memory, and extraction. Without either nothing is done or named."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.memory_gateway.copying import Copier, Followed
from planner_memory.memory_gateway.documents import StoreReceipt
from planner_memory.memory_gateway.extracting import Extractor


@dataclass(frozen=True, slots=True)
class Copied:
    """What became of one memory at the second memory; `name` None: there is none."""

    name: str | None = None
    followed: Followed | None = None

    def say(self, there: list[str], pending: list[str], failed: list[str], warnings: list[str]) -> None:
        if self.name is None or self.followed is None:
            return
        if not self.followed.left:
            there.append(self.name)
        elif self.followed.reason:
            failed.append(self.name)
            warnings.append(f"{self.name} failed: {self.followed.reason} It is tried again until it holds.")
        else:
            pending.append(self.name)


@dataclass(frozen=True, slots=True)
class Following:
    copier: Copier | None = None
    extractor: Extractor | None = None

    def open(self) -> None:
        for part in (self.copier, self.extractor):
            if part:
                part.open()

    async def close(self) -> None:
        for part in (self.extractor, self.copier):
            if part:
                await part.close()

    def wake(self) -> None:
        for part in (self.copier, self.extractor):
            if part:
                part.wake()

    async def copied(self, memory_id: UUID, seconds: float) -> Copied:
        """Wakes both, and waits at most that long for the copy of one memory."""
        self.wake()
        if self.copier is None:
            return Copied()
        try:
            return Copied(self.copier.name, await self.copier.followed([memory_id], seconds))
        except PlannerMemoryError:  # the memory is committed; what is unknown is done later
            return Copied(self.copier.name, Followed(frozenset([memory_id])))

    async def receipts(self, ids: Sequence[UUID]) -> dict[str, StoreReceipt]:
        return {self.copier.name: await self.copier.receipt(ids)} if self.copier else {}

    def checks(self) -> dict[str, Callable[[], Awaitable[object]] | None]:
        return {self.copier.name: self.copier.check} if self.copier else {}

    async def report(self) -> dict[str, Any]:
        return await self.copier.report() if self.copier else {}
