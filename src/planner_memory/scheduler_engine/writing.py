"""Writes a run's blocks to the calendar, all or nothing: what was written is taken back when one write fails for good."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from planner_memory.core.errors import NotConnected, PlannerMemoryError, Unavailable, UpstreamInvalid
from planner_memory.ports.calendar import Calendar, NewEvent
from planner_memory.ports.schedules import SchedulerRun

Answer = TypeVar("Answer")
Block = Mapping[str, Any]
_AT_ONCE = 4
_WAITS = (0.2, 1.0)


@dataclass(frozen=True, slots=True)
class Changes:
    """`puts` are to be written, `deletes` removed; `restores` is what stood in their places before."""

    puts: Sequence[Block]
    deletes: Sequence[str]
    restores: Sequence[Block]


def changes(old: Sequence[Block], new: Sequence[Block]) -> Changes:
    """What leads from one set of blocks to another. Blocks that are the same in both are not touched."""
    before = {b["event_id"]: b for b in old}
    after = {b["event_id"]: b for b in new}
    puts = [b for b in new if b["event_id"] not in before or _when(before[b["event_id"]]) != _when(b)]
    deletes = [i for i in before if i not in after]
    touched = {b["event_id"] for b in puts} | set(deletes)
    return Changes(puts, deletes, [b for b in old if b["event_id"] in touched])


def _when(block: Block) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(block["start"]), datetime.fromisoformat(block["end"])


def event_of(run: SchedulerRun, block: Block) -> NewEvent:
    start, end = _when(block)
    private = {"task_id": str(block["task_id"]), "run_id": str(run.id)}
    if run.plan_id:
        private["plan_id"] = str(run.plan_id)
    text = f"{block['rationale']}\n\nTask: {block['task_id']}"
    return NewEvent(block["event_id"], block["title"], start, end, str(run.metadata.get("time_zone", "UTC")), text, private)


class CalendarWriter:
    """Repeats what may succeed on another try; writing and taking back can both be run again after a crash."""

    def __init__(self, calendar: Calendar, *, waits: Sequence[float] = _WAITS) -> None:
        self._calendar = calendar
        self._waits = tuple(waits)

    async def write(self, run: SchedulerRun, wanted: Changes) -> dict[str, str | None]:
        """Makes the changes; answers the calendar's links by event id.

        Raises:
            UpstreamInvalid: some writes failed for good and all were taken back; `failed_tasks` names them.
            Unavailable: and some could not even be taken back, so that the run is unfinished.
        """
        links: dict[str, str | None] = {}
        failed: dict[str, PlannerMemoryError] = {}

        async def put(block: Block) -> None:
            if failed:
                return
            try:
                links[block["event_id"]] = (await self._again(lambda: self._calendar.put(event_of(run, block)))).link
            except PlannerMemoryError as error:
                failed[block["task_id"]] = error

        await _each(put, wanted.puts)
        if not failed:
            try:
                await self.remove(wanted.deletes)
            except PlannerMemoryError as error:
                gone = {b["event_id"]: b["task_id"] for b in wanted.restores}
                failed = {gone[i]: error for i in wanted.deletes}
        if failed:
            await self.take_back(run, wanted)
            first = next(iter(failed.values()))
            if isinstance(first, NotConnected):
                raise first
            raise UpstreamInvalid(
                f"The calendar did not take every block, so none was kept. {first.detail} Then apply the run again, or schedule anew.",
                failed_tasks=sorted(failed),
                scheduler_run_id=str(run.id),
            )
        return links

    async def take_back(self, run: SchedulerRun, wanted: Changes) -> None:
        """Removes what was written and puts back what stood there.

        Raises:
            Unavailable: the calendar does not answer.
        """
        stood = {b["event_id"] for b in wanted.restores}
        await self.remove([b["event_id"] for b in wanted.puts if b["event_id"] not in stood])

        async def restore(block: Block) -> None:
            await self._again(lambda: self._calendar.put(event_of(run, block)))

        await _each(restore, wanted.restores)

    async def remove(self, event_ids: Iterable[str]) -> None:
        async def delete(event_id: str) -> None:
            await self._again(lambda: self._calendar.delete(event_id))

        await _each(delete, list(event_ids))

    async def _again(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        for wait in self._waits:
            try:
                return await call()
            except Unavailable:
                await asyncio.sleep(wait)
        return await call()


async def _each(call: Callable[[Any], Awaitable[None]], items: Sequence[Any]) -> None:
    """Runs a call for all items, a few at a time; waits for every one before the first error is raised."""
    gate = asyncio.Semaphore(_AT_ONCE)

    async def one(item: Any) -> None:
        async with gate:
            await call(item)

    answers = await asyncio.gather(*(one(item) for item in items), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
