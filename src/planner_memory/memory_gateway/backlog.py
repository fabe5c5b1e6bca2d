"""Whose memories have waited for the index longer than is ordinary: those a search of the index alone would miss."""

import asyncio
import time
from collections.abc import Collection, Mapping

from planner_memory.core.tenancy import spanning
from planner_memory.ports.memories import MemoryStore, StoredMemory

_ORDINARY_SECONDS = 5
_LOOK_SECONDS = 1


class Backlog:
    """`unnoted` are rows that are in the index although the store does not know yet."""

    def __init__(self, store: MemoryStore, unnoted: Collection[StoredMemory]) -> None:
        self._store = store
        self._unnoted = unnoted
        self._look: asyncio.Task[Mapping[str, int]] | None = None
        self._holds_until, self._found_some = 0.0, False

    def look(self) -> asyncio.Task[Mapping[str, int]]:
        """How many rows of each client wait; clients without any are left out. The look under way, or the last one when it is a second old at most.

        The task is shared: shield it. It raises Unavailable when the store does not answer.
        """
        if self._look is None or (self._look.done() and self._holds_until < time.monotonic()):
            self._look = asyncio.create_task(self._looked())
        return self._look

    def changed(self, *, grew: bool = False) -> None:
        """Rows came into the index, or (`grew`) out of it: a look that found some, or with `grew` any, is not believed any longer."""
        if grew or self._found_some:
            self._look = None

    async def _looked(self) -> Mapping[str, int]:
        with spanning("indexing"):
            async with self._store.begin() as tx:
                found = await tx.overdue(_ORDINARY_SECONDS, but_for=tuple(self._unnoted))
        self._holds_until, self._found_some = time.monotonic() + _LOOK_SECONDS, bool(found)
        return found
