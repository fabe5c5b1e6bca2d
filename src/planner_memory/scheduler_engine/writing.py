"""Writes a journal entry's events to the calendar, and takes them back. Both can be run again after a crash."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, TypeVar
from uuid import UUID

from planner_memory.core.errors import Conflict, NotConnected, PlannerMemoryError, Unavailable, UpstreamInvalid
from planner_memory.ports.calendar import Calendar, CalendarEvent, Color, NewEvent
from planner_memory.ports.journal import CalendarWrite, LiveBlock
from planner_memory.ports.schedules import SchedulerRun

Answer = TypeVar("Answer")
Block = Mapping[str, Any]
Mark = Callable[[CalendarWrite, CalendarEvent | None], Awaitable[None]]
_WAITS = (0.2, 1.0)
_LONGEST_WAIT = 10.0


def writes_of(before: SchedulerRun | None, after: Sequence[Block], live: Mapping[str, LiveBlock]) -> list[CalendarWrite]:
    """What leads from an applied run's blocks to others. Blocks that are the same in both are not touched."""
    stood = {b["event_id"]: b for b in before.schedule_blocks} if before else {}
    wanted = {b["event_id"]: b for b in after}
    origin = before.id if before else None
    writes = []
    for event_id, block in wanted.items():
        old = stood.get(event_id)
        if old is None:
            writes.append(CalendarWrite(event_id, "create", block))
        elif _face(old) != _face(block):
            writes.append(CalendarWrite(event_id, "update", block, old, origin, _etag(live, event_id)))
    writes += [CalendarWrite(i, "delete", None, old, origin, _etag(live, i)) for i, old in stood.items() if i not in wanted]
    return writes


def _etag(live: Mapping[str, LiveBlock], event_id: str) -> str | None:
    return live[event_id].etag if event_id in live else None


def when(block: Block) -> tuple[datetime, datetime]:
    return datetime.fromisoformat(block["start"]), datetime.fromisoformat(block["end"])


def _face(block: Block) -> tuple[Any, ...]:
    """What of a block is seen in the calendar, but for its description."""
    return (*when(block), block["title"], bool(block.get("done")))


@dataclass(frozen=True, slots=True)
class Look:
    """How own events look: minutes of the reminders (None leaves them to the calendar), colour, and the address that links begin with."""

    reminders: tuple[int, ...] | None = None
    color: Color | None = None
    base_url: str | None = None

    def event(self, run: SchedulerRun, block: Block) -> NewEvent:
        start, end = when(block)
        private = {"task_id": str(block["task_id"]), "run_id": str(run.id)}
        lines = [f"Task: {block['task_id']}"]
        if run.plan_id:
            private["plan_id"] = str(run.plan_id)
            title = run.metadata.get("plan_title")
            lines.append(f"Plan: {title} ({run.plan_id})" if title else f"Plan: {run.plan_id}")
        link = None
        if self.base_url:
            path = f"planner/plans/{run.plan_id}" if run.plan_id else f"scheduler/runs/{run.id}"
            link = f"{self.base_url.rstrip('/')}/api/v1/{path}"
            lines.append(link)
        return NewEvent(
            event_id=block["event_id"],
            title=block["title"],
            start=start,
            end=end,
            time_zone=str(run.metadata.get("time_zone", "UTC")),
            description=f"{block['rationale']}\n\n" + "\n".join(lines),
            private=private,
            is_done=bool(block.get("done")),
            reminders=self.reminders,
            color=self.color,
            link=link,
        )


class CalendarWriter:
    """Repeats what may succeed on another try, and waits as long as a server asks it to, within reason."""

    def __init__(self, calendar: Calendar, *, waits: Sequence[float] = _WAITS, look: Look | None = None) -> None:
        self._calendar = calendar
        self._waits = tuple(waits)
        self._look = look or Look()

    async def write(self, run: SchedulerRun, writes: Sequence[CalendarWrite], mark: Mark) -> None:
        """Makes the writes that are still intended; `mark` is told of each one that the calendar has taken, or that somebody came before.

        Raises:
            UpstreamInvalid: the calendar does not take some of them; `failed_tasks` names them. What was written stands.
            NotConnected: it does not take the credentials any more.
            Conflict: an event was changed by somebody else meanwhile.
        """
        failed: dict[str, PlannerMemoryError] = {}

        async def one(write: CalendarWrite) -> None:
            if failed:
                return
            try:
                await mark(replace(write, state="written"), await self._again(lambda: self._made(run, write)))
            except PlannerMemoryError as error:
                if isinstance(error, SomebodyElse):
                    await mark(replace(write, state="refused"), None)
                failed[_task_of(write)] = error

        open_ones = [w for w in writes if w.state == "intended"]
        at_once = self._calendar.capabilities.writes_at_once
        await _each(one, [w for w in open_ones if w.operation != "delete"], at_once)
        await _each(one, [w for w in open_ones if w.operation == "delete"], at_once)
        if failed:
            first = next(iter(failed.values()))
            if isinstance(first, NotConnected | Conflict):
                raise first
            raise UpstreamInvalid(
                f"The calendar did not take every block, so none was kept. {first.detail} Then apply the run again, or schedule anew.",
                failed_tasks=sorted(failed),
                scheduler_run_id=str(run.id),
            )

    async def _made(self, run: SchedulerRun, write: CalendarWrite) -> CalendarEvent | None:
        try:
            if write.operation == "delete":
                await self._calendar.delete(write.event_id, if_match=write.etag)
                return None
            assert write.wanted is not None
            return await self._calendar.put(self._look.event(run, write.wanted), if_match=write.etag if write.operation == "update" else None)
        except Conflict as error:
            now = await self._calendar.event(write.event_id)  # an earlier try of ours may have arrived, and its answer not
            if now is None if write.operation == "delete" else _is(now, write.wanted):
                return now
            raise SomebodyElse(error.detail + " Ask again; the change is taken into account then.", event_id=write.event_id) from error

    async def take_back(self, run: SchedulerRun, origins: Mapping[UUID, SchedulerRun], writes: Sequence[CalendarWrite]) -> None:
        """Removes what was written and puts back what stood there. What somebody else has changed meanwhile is left as it is.

        Raises:
            Unavailable, NotConnected: the calendar does not answer; some may still stand.
        """

        async def one(write: CalendarWrite) -> None:
            await self._again(lambda: self._unmade(origins.get(write.before_run_id or run.id, run), write))

        await _each(one, [w for w in writes if w.state != "refused"], self._calendar.capabilities.writes_at_once)

    async def _unmade(self, origin: SchedulerRun, write: CalendarWrite) -> None:
        now = await self._calendar.event(write.event_id)
        if write.operation == "create":
            if now is not None:
                await self._calendar.delete(write.event_id)
            return
        assert write.before is not None
        if now is None if write.operation == "delete" else _is(now, write.wanted):
            await self._calendar.put(self._look.event(origin, write.before))

    async def put(self, run: SchedulerRun, block: Block, *, etag: str | None) -> CalendarEvent:
        return await self._again(lambda: self._calendar.put(self._look.event(run, block), if_match=etag))

    async def _again(self, call: Callable[[], Awaitable[Answer]]) -> Answer:
        for wait in self._waits:
            try:
                return await call()
            except Unavailable as error:
                await asyncio.sleep(min(max(wait, float(error.extra.get("retry_after", 0))), _LONGEST_WAIT))
        return await call()


class SomebodyElse(Conflict):
    """An event was changed in the calendar while it was to be written; what they did stays."""


def _is(event: CalendarEvent | None, block: Block | None) -> bool:
    return event is not None and block is not None and (event.start, event.end) == when(block)


def _task_of(write: CalendarWrite) -> str:
    return str((write.wanted or write.before or {}).get("task_id", write.event_id))


async def _each(call: Callable[[Any], Awaitable[None]], items: Iterable[Any], at_once: int) -> None:
    """Runs a call for all items, a few at a time; waits for every one before the first error is raised."""
    gate = asyncio.Semaphore(at_once)

    async def one(item: Any) -> None:
        async with gate:
            await call(item)

    answers = await asyncio.gather(*(one(item) for item in items), return_exceptions=True)
    for answer in answers:
        if isinstance(answer, BaseException):
            raise answer
