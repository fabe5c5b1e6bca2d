"""Reads what has changed in the calendar since the last time, and learns what a person did to the blocks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import UUID

from planner_memory.core.clock import Clock
from planner_memory.core.ids import new_id
from planner_memory.core.local_time import zone
from planner_memory.ports.calendar import Calendar
from planner_memory.ports.calendar_sync import BlockChange, Question, QuestionKind
from planner_memory.ports.profiles import ProfileStore
from planner_memory.ports.schedules import SchedulerRun, Schedules, ScheduleStore
from planner_memory.scheduler_engine.blocks import settled
from planner_memory.scheduler_engine.learning import Learned, learned, rows_after, run_after, sentence
from planner_memory.scheduler_engine.writing import when

_EVENT_TYPES = {
    "moved": "block_moved",
    "deleted": "block_deleted",
    "finished": "block_finished",
    "reopened": "block_reopened",
    "renamed": "block_renamed",
}


@dataclass(frozen=True, slots=True)
class Pulled:
    """`others`: something else than a block has changed too, or may have."""

    changes: Sequence[Learned]
    others: bool
    is_full: bool


class Puller:
    """Part of the scheduler; works while the person's calendar is held, across clients."""

    def __init__(self, *, store: ScheduleStore, calendar: Calendar, profiles: ProfileStore, clock: Clock, person_id: str) -> None:
        self._store = store
        self._calendar = calendar
        self._profiles = profiles
        self._clock = clock
        self._person_id = person_id

    async def pull(self) -> Pulled:
        """What was learnt is stored with the new token in one transaction, so that it is learnt once.

        Raises:
            Unavailable, NotConnected: the calendar does not answer; nothing was learnt.
        """
        tz = zone((await self._profiles.profile(self._person_id)).time_zone)
        async with self._store.begin() as tx:
            token = await tx.token(self._person_id)
        found = await self._calendar.changes(token, tz.key)
        if token == found.token and not found.is_full:
            return Pulled((), found.others, is_full=False)
        async with self._store.begin() as tx:
            live = await tx.live_blocks(self._person_id)
            runs = {r.id: r for r in await tx.runs_by_id(list({b.run_id for b in live}))}
            stood = {b["event_id"]: b for r in runs.values() for b in r.schedule_blocks}
            changes = learned([b for b in live if b.event_id in stood], {i: str(b["title"]) for i, b in stood.items()}, found)
            rows = rows_after(live, changes, found)
            before = {b.event_id: b for b in live}
            kept = settled(rows, {c.block.event_id for c in changes if c.kind == "moved"})
            names = {r.event_id for r in kept}
            kept += [r for r in rows if r.event_id not in names and r != before[r.event_id]]
            await tx.replace_live([*(r.event_id for r in kept), *(c.block.event_id for c in changes if c.kind == "deleted")], kept)
            now = self._clock()
            for run_id in dict.fromkeys(c.block.run_id for c in changes):
                mine = [c for c in changes if c.block.run_id == run_id]
                runs[run_id] = run_after(runs[run_id], mine, zone(str(runs[run_id].metadata.get("time_zone", tz.key))))
                await tx.save_run(runs[run_id])
            for change in changes:
                await self._noted(tx, change, runs[change.block.run_id], stood[change.block.event_id], now, tz)
            await tx.set_token(self._person_id, found.token, now)
        return Pulled(changes, found.others, found.is_full)

    async def _noted(self, tx: Schedules, change: Learned, run: SchedulerRun, stood: Mapping[str, Any], now: datetime, tz: Any) -> None:
        """Keeps the change for memory, and asks what only the person can decide. `run` is as it is after the change, `stood` the block before."""
        key = new_id()
        block, event = change.block, change.event
        payload = {
            "scheduler_run_id": str(run.id),
            "plan_id": str(run.plan_id) if run.plan_id else None,
            "task_id": block.task_id,
            "event_id": block.event_id,
            "was": [block.starts_at.isoformat(), block.ends_at.isoformat()],
            "now": [event.start.isoformat(), event.end.isoformat()] if event else None,
        }
        content = sentence(change, str(stood["title"]), tz)
        await tx.add_change(BlockChange(f"calendar:{key}", run.client_id, run.person_id, _EVENT_TYPES[change.kind], now, content, payload))
        details: dict[str, Any] = {"title": stood["title"], "says": content}
        kind: QuestionKind
        if change.kind == "deleted":
            kind, details = "deleted", {**details, "block": dict(stood)}
        elif change.kind == "reopened":
            return await tx.withdraw(("finished",), now, run_id=run.id, task_id=block.task_id)
        elif change.kind == "finished" and block.task_id not in await tx.done_tasks([block.task_id]):
            blocks = [b for b in run.schedule_blocks if b["task_id"] == block.task_id]
            if not all(b.get("done") for b in blocks):
                return None  # the rest of the task is still ahead
            spans = [when(b) for b in blocks]
            seconds = sum((end - start).total_seconds() for start, end in spans)
            span = {"started_at": min(s for s, _ in spans).isoformat(), "ended_at": max(e for _, e in spans).isoformat()}
            kind, details = "finished", {**details, **span, "actual_hours": round(seconds / 3600, 4)}
        else:
            return None
        await tx.ask(Question(key, run.client_id, run.person_id, run.id, kind, block.task_id, block.event_id, details, now), f"{kind}:{key}")
        return None

    async def marked_done(self, done: set[str]) -> None:
        """Stores that the blocks of these event ids carry the completion mark now."""
        async with self._store.begin() as tx:
            live = [b for b in await tx.live_blocks(self._person_id) if b.event_id in done]
            runs: dict[UUID, SchedulerRun] = {r.id: r for r in await tx.runs_by_id(list({b.run_id for b in live}))}
            await tx.replace_live([b.event_id for b in live], [replace(b, is_done=True) for b in live])
            for run in runs.values():
                blocks = [{**b, "done": True} if b["event_id"] in done else b for b in run.schedule_blocks]
                await tx.save_run(replace(run, schedule_blocks=blocks))
