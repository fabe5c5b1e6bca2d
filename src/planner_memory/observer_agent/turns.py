"""One reflection of a kind at a time, over all processes: two triggers at 18:00 are one reflection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import timedelta

from planner_memory.core.errors import Conflict, Unavailable
from planner_memory.core.ids import new_id
from planner_memory.ports.facts import FactStore
from planner_memory.ports.workspace import Mode

_LASTS, _TRIES, _TRY_AGAIN_SECONDS = timedelta(minutes=3), 300, 0.2


class Turns:
    def __init__(self, store: FactStore, *, person_id: str) -> None:
        self._store = store
        self._person_id = person_id
        self._one_at_a_time = asyncio.Lock()

    @asynccontextmanager
    async def turn(self, mode: Mode, scope: str) -> AsyncIterator[None]:
        """Alone among all processes.

        Raises:
            Conflict: another process has been making this kind of reflection for longer than a caller should wait.
        """
        holder = new_id()
        async with self._one_at_a_time:
            for _ in range(_TRIES):
                if await self._store.take_turn(self._person_id, scope, mode, holder, _LASTS):
                    break
                await asyncio.sleep(_TRY_AGAIN_SECONDS)
            else:
                raise Conflict("Another process is making this reflection. Ask again in a minute.")
            try:
                yield
            finally:
                with suppress(Unavailable):  # then the turn ends by itself
                    await self._store.end_turn(holder)
