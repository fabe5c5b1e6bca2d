"""The loop that brings committed rows into the index, whatever kind they are: one round at a time per process, woken or by itself."""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal
from uuid import UUID

import numpy as np
import structlog
from numpy.typing import NDArray

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.tenancy import spanning
from planner_memory.ports.embedder import Embedder

log = structlog.get_logger()
BATCH = 32
LEASE_SECONDS = 60
_EMBEDDER_REST_SECONDS = 5
Dense = list[NDArray[np.float32] | None]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`lexical`: the words are searchable, the meaning is not, because no embedder answered."""

    state: Literal["indexed", "lexical", "failed"]
    reason: str = ""


class IndexLoop:
    """PostgreSQL says what is pending; this holds nothing that a crash could lose.

    `round` takes the ids that somebody waits for, works off one batch and says whether there may be more; it calls `tell`. `end_leases` is called
    once, when the loop opens: what a killed process had leased is due at once. A batch that another live process has is written twice then, to the
    same effect.

    `handed` works off what its owner holds already and need not look for; it says whether there was anything, and comes before each round.
    """

    def __init__(
        self,
        rows: str,
        round: Callable[[Collection[UUID]], Awaitable[bool]],
        *,
        end_leases: Callable[[], Awaitable[object]],
        sweep_seconds: float,
        handed: Callable[[], Awaitable[bool]] | None = None,
    ) -> None:
        self._rows = rows
        self._round = round
        self._end_leases = end_leases
        self._handed = handed
        self._sweep_seconds = sweep_seconds
        self._waiting: dict[UUID, list[asyncio.Future[Outcome]]] = {}  # no empty list
        self._run: asyncio.Task[None] | None = None
        self._again = False
        self._soon: asyncio.TimerHandle | None = None
        self._sweeper: asyncio.Task[None] | None = None
        self._closing = False

    def open(self) -> None:
        """Starts to look for rows that came by SQL or were left over."""
        if self._sweeper is None:
            self._sweeper = asyncio.create_task(self._sweep())

    async def close(self) -> None:
        """Finishes the batch under way; the rest stays pending for the next process."""
        self._closing = True
        if self._soon is not None:
            self._soon.cancel()
        if self._sweeper is not None:
            self._sweeper.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._sweeper
            self._sweeper = None
        if self._run is not None and not self._run.done():
            await self._run

    def wake(self) -> asyncio.Task[None]:
        """Sees to it that everything pending now is looked at, and returns the run that does."""
        self._again = True
        return self._start()

    def wake_soon(self, seconds: float) -> None:
        """As `wake`, within so many seconds: what comes one by one, with nobody waiting, is then looked at together."""
        loop = asyncio.get_running_loop()
        if self._closing or (self._soon is not None and self._soon.when() <= loop.time() + seconds):
            return
        if self._soon is not None:
            self._soon.cancel()
        self._soon = loop.call_later(seconds, self._wake_now)

    def _wake_now(self) -> None:
        self._soon = None
        self.wake()

    def _start(self) -> asyncio.Task[None]:
        if self._run is None or self._run.done():
            self._run = asyncio.create_task(self._drain())
        return self._run

    async def wait_for(self, ids: Sequence[UUID], seconds: float, *, are_handed: bool = False) -> dict[UUID, Outcome]:
        """Wakes the run and waits, at most that long; the answer leaves out what is not done yet. `are_handed`: nothing else is looked for."""
        loop = asyncio.get_running_loop()
        futures: dict[UUID, asyncio.Future[Outcome]] = {each: loop.create_future() for each in ids}
        for each, future in futures.items():
            self._waiting.setdefault(each, []).append(future)
        self._again |= not are_handed
        self._start()
        try:
            if futures:
                await asyncio.wait(futures.values(), timeout=seconds)
        finally:  # whoever waits for the same row goes on waiting
            for each, future in futures.items():
                others = [f for f in self._waiting.pop(each, ()) if f is not future]
                if others:
                    self._waiting[each] = others
        return {each: future.result() for each, future in futures.items() if future.done()}

    def tell(self, ids: Iterable[UUID], outcome: Outcome) -> None:
        """Ends the waiting for these rows."""
        for each in ids:
            for waiting in self._waiting.pop(each, ()):
                if not waiting.done():
                    waiting.set_result(outcome)

    async def _sweep(self) -> None:
        with spanning("indexing"), contextlib.suppress(PlannerMemoryError):
            await self._end_leases()
        while True:
            self.wake()
            await asyncio.sleep(self._sweep_seconds)

    async def _drain(self) -> None:
        try:
            with spanning("indexing"):  # the task carries the scope of whoever woke it
                while not self._closing:
                    worked = self._handed is not None and await self._handed()
                    if self._again:
                        self._again = False
                        self._again |= await self._round(tuple(self._waiting))
                    elif not worked:
                        return
        except PlannerMemoryError as error:
            log.warning("indexing paused", rows=self._rows, reason=error.detail)
        except Exception:
            log.exception("indexing stopped; the rows stay pending", rows=self._rows)


class PatientEmbedder:
    """Vectors for a batch, or the reason why there are none; an embedder that failed is left alone for some seconds."""

    def __init__(self, embedder: Embedder | None) -> None:
        self._embedder = embedder
        self.rests_until = 0.0

    @property
    def name(self) -> str | None:
        """None when there is none."""
        return self._embedder.name if self._embedder else None

    async def embed(self, texts: Sequence[str]) -> tuple[Dense, str]:
        """One place per text. All are None with an empty reason when no embedder is configured, since none will come."""
        nothing: Dense = [None] * len(texts)
        if self._embedder is None or not texts:
            return nothing, ""
        if time.monotonic() < self.rests_until:
            return nothing, "the embedder did not answer a moment ago"
        try:
            return list(await self._embedder.embed(texts)), ""
        except PlannerMemoryError as error:
            self.rests_until = time.monotonic() + _EMBEDDER_REST_SECONDS
            return nothing, error.detail
