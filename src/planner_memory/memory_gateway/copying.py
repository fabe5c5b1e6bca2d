"""Hands what was remembered to a second memory in the background, and has it forget what was forgotten here. No write ever waits for it."""

import asyncio
import contextlib
import time
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import PlannerMemoryError, Unavailable
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway.documents import StoreReceipt
from planner_memory.ports.followups import FollowUp, FollowUpStore
from planner_memory.ports.second_memory import Copy, SecondMemory

log = structlog.get_logger()
AT_ONCE = 4
BACKLOG_LIMIT = 10_000
_FORGOTTEN_AT_ONCE = 25
_RECEIPT_SECONDS = 2.0
_LONGEST_REST_SECONDS = 30.0
_CLOSING_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Followed:
    """`left`: memories for which the second memory is not done yet; `reason`: why its last attempt at one of them failed."""

    left: frozenset[UUID]
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class _Unit:
    """What one task does: one copy to keep, or some to forget, client after client."""

    claims: Sequence[FollowUp]
    copy: Copy | None


class Copier:
    """One per process; many processes work beside one another. PostgreSQL says what is due, so that a crash loses nothing.

    At most `AT_ONCE` calls are under way at once. While the second memory does not answer it is tried one call at a time, with rests that double.
    A backlog over `backlog_limit` is reported by `check` and `report`; nothing is dropped because of it.
    """

    def __init__(
        self,
        store: FollowUpStore,
        second: SecondMemory,
        clock: Clock,
        *,
        backlog_limit: int = BACKLOG_LIMIT,
        lease_seconds: float = 60,
        first_wait_seconds: float = 1,
        sweep_seconds: float = 2,
    ) -> None:
        self._store = store
        self._second = second
        self._clock = clock
        self._backlog_limit = backlog_limit
        self._lease_seconds = lease_seconds
        self._first_wait_seconds = first_wait_seconds
        self._sweep_seconds = sweep_seconds
        self._worker: asyncio.Task[None] | None = None
        self._woken = asyncio.Event()
        self._finished = asyncio.Event()
        self._first: dict[UUID, int] = {}
        self._failures = 0
        self._rests_until = 0.0
        self._is_following = False
        self._closing = False

    @property
    def name(self) -> str:
        return self._second.name

    def open(self) -> None:
        """Starts to work off what is due; when this is the first time, everything that is stored is due. Call inside the running event loop."""
        if not self._closing and (self._worker is None or self._worker.done()):
            self._worker = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Finishes the calls under way, for some seconds at most; the rest stays due for the next process."""
        self._closing = True
        self._woken.set()
        if self._worker is not None:
            await asyncio.wait([self._worker], timeout=2 * _CLOSING_SECONDS)
            self._worker.cancel()
            await asyncio.gather(self._worker, return_exceptions=True)

    def wake(self) -> None:
        self._woken.set()
        self.open()

    async def followed(self, ids: Sequence[UUID], seconds: float) -> Followed:
        """Wakes the work, waits until the second memory has followed these memories or failed at one, at most that long, and says what is left."""
        self.wake()
        ends = time.monotonic() + seconds
        for each in ids:
            self._first[each] = self._first.get(each, 0) + 1
        try:
            while True:
                finished = self._finished  # of now: whatever ends while the question is under way is not missed
                found = await self._left(ids)
                if not found.left or found.reason or time.monotonic() >= ends:
                    return found
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(finished.wait(), min(1.0, max(0.0, ends - time.monotonic())))
        finally:
            for each in ids:
                self._first[each] -= 1
                if not self._first[each]:
                    del self._first[each]

    async def receipt(self, ids: Sequence[UUID]) -> StoreReceipt:
        """What became of the copies of memories that were deleted here. What is not gone within two seconds follows in the background."""
        try:
            found = await self.followed(ids, _RECEIPT_SECONDS) if ids else Followed(frozenset())
        except PlannerMemoryError as error:
            found = Followed(frozenset(ids), error.detail)
        removed, at = len(set(ids)) - len(found.left), self._clock().isoformat()
        if not found.left:
            return StoreReceipt("removed", removed, at, 0)
        reason = f"{found.reason} " if found.reason else ""
        return StoreReceipt("pending", removed, at, len(found.left), f"{reason}It is tried again until it holds.")

    async def check(self) -> None:
        """Raises what the second memory raises, and Unavailable when the backlog is over its limit."""
        await self._second.check()
        backlog = await self._backlog()
        if backlog > self._backlog_limit:
            raise Unavailable(f"{backlog} memories wait for {self.name}, more than {self._backlog_limit}. See the account's limits there.")

    async def report(self) -> dict[str, Any]:
        """How many copies and removals are due, and from which number on that counts as too many; null when PostgreSQL does not say."""
        try:
            backlog: int | None = await self._backlog()
        except PlannerMemoryError:
            backlog = None
        return {f"pending_{self.name}": backlog, f"pending_{self.name}_limit": self._backlog_limit}

    async def _backlog(self) -> int:
        with spanning("health"):
            async with self._store.begin() as tx:
                return (await tx.followup_backlog("copy")).count

    async def _left(self, ids: Sequence[UUID]) -> Followed:
        if not self._is_following:
            return Followed(frozenset(ids))
        async with self._store.begin() as tx:
            found = await tx.open_followups("copy", ids)
        return Followed(frozenset(f.memory_id for f in found), next((f.error for f in found if f.error), None))

    async def _work(self) -> None:
        running: set[asyncio.Task[None]] = set()
        with spanning("copying"):  # the task carries the scope of whoever woke it
            while not self._closing:
                self._woken.clear()
                try:
                    await self._follow()
                    for unit in await self._claimed(self._places() - len(running)):
                        running.add(asyncio.create_task(self._handle(unit)))
                except PlannerMemoryError as error:
                    log.warning("copying paused", reason=error.detail)
                except Exception:
                    log.exception("copying paused; what is due stays due")
                waking = asyncio.create_task(self._woken.wait())
                rest = self._rests_until - time.monotonic()
                await asyncio.wait({*running, waking}, timeout=rest if rest > 0 else self._sweep_seconds, return_when=asyncio.FIRST_COMPLETED)
                waking.cancel()
                running = {task for task in running if not task.done()}
            if running:
                _, late = await asyncio.wait(running, timeout=_CLOSING_SECONDS)
                for task in late:
                    task.cancel()

    async def _follow(self) -> None:
        if self._is_following:
            return
        async with self._store.begin() as tx:
            await tx.start_following("copy", is_filled=False)
        async with self._store.begin() as tx:
            count = await tx.fill("copy")
        if count:
            log.info("the memories of before are copied too", second_memory=self.name, count=count)
        self._is_following = True

    def _places(self) -> int:
        if time.monotonic() < self._rests_until:
            return 0
        return 1 if self._failures else AT_ONCE

    async def _claimed(self, places: int) -> list[_Unit]:
        if places < 1:
            return []
        async with self._store.begin() as tx:
            gone = await tx.claim_followups(
                "copy", is_gone=True, first=list(self._first), limit=_FORGOTTEN_AT_ONCE, lease_seconds=self._lease_seconds
            )
            units = [_Unit(gone, None)] if gone else []
            if len(units) < places:
                there = await tx.claim_followups(
                    "copy", is_gone=False, first=list(self._first), limit=places - len(units), lease_seconds=self._lease_seconds
                )
                rows = {row.id: row for row in await tx.memories([c.memory_id for c in there])} if there else {}
                for claim in there:
                    row = rows.get(claim.memory_id)
                    is_text = row is not None and row.content.strip() != ""
                    copy = Copy(row.id, row.client_id, row.content, row.memory_type, row.occurred_at) if row is not None and is_text else None
                    units.append(_Unit([claim], copy))
        return units

    async def _handle(self, unit: _Unit) -> None:
        failure = None
        try:
            async with asyncio.timeout(self._lease_seconds * 2 / 3):
                if unit.copy is not None:
                    await self._second.keep(unit.copy)
                else:
                    by_client = defaultdict(list)
                    for claim in unit.claims:
                        by_client[claim.client_id].append(claim.memory_id)
                    for client_id, ids in by_client.items():
                        await self._second.forget(client_id, ids)
        except PlannerMemoryError as error:
            failure = error.detail
            self._rest(error.extra.get("retry_after"))
        except TimeoutError:
            failure = f"{self.name} did not finish within {self._lease_seconds * 2 / 3:.0f} s."
            self._rest(None)
        except Exception:
            failure = f"{self.name} failed in a way that is in the log."
            log.exception("a copy failed", second_memory=self.name)
            self._rest(None)
        else:
            self._failures, self._rests_until = 0, 0.0
        try:
            async with self._store.begin() as tx:
                if failure is None:
                    await tx.finish_followups("copy", unit.claims)
                else:
                    await tx.put_off_followups("copy", unit.claims, error=failure, first_wait_seconds=self._first_wait_seconds)
        except PlannerMemoryError as error:  # the lease ends by itself, and doing it twice changes nothing
            log.warning("copying paused", reason=error.detail)
        finished, self._finished = self._finished, asyncio.Event()
        finished.set()

    def _rest(self, asked_seconds: object) -> None:
        self._failures += 1
        rest = min(_LONGEST_REST_SECONDS, self._first_wait_seconds / 2 * 2 ** min(self._failures - 1, 10))
        if isinstance(asked_seconds, int | float):
            rest = max(rest, min(300.0, float(asked_seconds)))
        self._rests_until = time.monotonic() + rest
