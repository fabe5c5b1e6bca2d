"""Both directions: what was done in the calendar is learnt, what is done is marked there, and what no longer fits is proposed anew."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import Conflict, PlannerMemoryError
from planner_memory.core.ids import new_id
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import zone
from planner_memory.core.tenancy import spanning
from planner_memory.ports.calendar import Calendar
from planner_memory.ports.calendar_sync import Question
from planner_memory.ports.journal import LiveBlock
from planner_memory.ports.profiles import ProfileStore
from planner_memory.ports.schedules import SchedulerRun, ScheduleStore
from planner_memory.scheduler_engine.applying import Applier
from planner_memory.scheduler_engine.pulling import Pulled, Puller
from planner_memory.scheduler_engine.rescheduling import Rescheduler
from planner_memory.scheduler_engine.schemas import RescheduleIn
from planner_memory.scheduler_engine.telling import Teller, named
from planner_memory.scheduler_engine.writing import CalendarWriter

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Collision:
    """Something that has come to stand where a block is."""

    block: LiveBlock
    title: str
    span: Interval
    key: str


@dataclass(frozen=True, slots=True)
class SyncReport:
    """`changes` are those made by hand; `marked` blocks carry the completion mark now; `proposed` are runs that repair what collides."""

    pulled: Pulled
    marked: int
    proposed: Sequence[UUID]
    told: int


class Synchroniser:
    """Part of the scheduler; works across clients, as the calendar is the person's."""

    def __init__(
        self,
        *,
        store: ScheduleStore,
        calendar: Calendar,
        profiles: ProfileStore,
        applier: Applier,
        puller: Puller,
        rescheduler: Rescheduler,
        teller: Teller,
        writer: CalendarWriter,
        clock: Clock,
        person_id: str,
    ) -> None:
        self._store = store
        self._calendar = calendar
        self._profiles = profiles
        self._applier = applier
        self._puller = puller
        self._rescheduler = rescheduler
        self._teller = teller
        self._writer = writer
        self._clock = clock
        self._person_id = person_id

    async def sync(self) -> SyncReport:
        """Safe to repeat: with nothing new in the calendar it changes nothing.

        Raises:
            Unavailable, NotConnected: the calendar does not answer.
            Conflict: another change of the calendar is under way.
        """
        with spanning("calendar"):
            async with self._applier.hold(pulls=False):
                pulled = await self._puller.pull()
                marked = await self._marked()
                proposed = await self._proposed()
            return SyncReport(pulled, marked, proposed, await self._teller.told_again())

    async def _live(self) -> list[LiveBlock]:
        async with self._store.begin() as tx:
            return await tx.live_blocks(self._person_id)

    async def _marked(self) -> int:
        """Gives the blocks of tasks that the planner knows to be done their mark."""
        open_ones = [b for b in await self._live() if not b.is_done]
        async with self._store.begin() as tx:
            done = await tx.done_tasks([b.task_id for b in open_ones])
            runs = {r.id: r for r in await tx.runs_by_id(list({b.run_id for b in open_ones if b.task_id in done}))}
        marked = set()
        for row in open_ones:
            block = next((b for b in runs[row.run_id].schedule_blocks if b["event_id"] == row.event_id), None) if row.run_id in runs else None
            if row.task_id not in done or block is None:
                continue
            try:
                await self._writer.put(runs[row.run_id], {**block, "done": True}, etag=row.etag)
            except Conflict:
                continue  # changed by hand a moment ago: the next time
            marked.add(row.event_id)
        if marked:
            await self._puller.marked_done(marked)
        return len(marked)

    # --- what has come in the way

    async def _proposed(self) -> list[UUID]:
        """A proposed repair for each run with a block on which something else has landed, once per situation."""
        live = await self._live()
        collisions = await self._collisions(live)
        asked = []
        async with self._store.begin() as tx:
            for question in await tx.questions(self._person_id, None):
                if question.kind == "conflict" and question.run_id not in {c.block.run_id for c in collisions}:
                    await tx.withdraw(("conflict",), self._clock(), run_id=question.run_id)
        for run_id in dict.fromkeys(c.block.run_id for c in collisions):
            mine = [c for c in collisions if c.block.run_id == run_id]
            key = "conflict:" + hashlib.sha256("\0".join(sorted(f"{run_id} {c.key}" for c in mine)).encode()).hexdigest()
            async with self._store.begin() as tx:
                if await tx.was_asked(key):
                    continue
            try:
                found = await self._asked(run_id, mine, key)
            except PlannerMemoryError as error:
                log.warning("no repair proposed", run_id=str(run_id), detail=error.detail)
            else:
                asked.append(found.id)
        return asked

    async def _asked(self, run_id: UUID, collisions: Sequence[Collision], key: str) -> SchedulerRun:
        titles = list(dict.fromkeys(c.title for c in collisions))
        body = RescheduleIn(run_id=run_id, reason=f"{named(titles)} came in the way", dry_run=True)
        proposal = await self._rescheduler.reschedule(body, clients=None)
        moves = {b["task_id"]: b["title"] for b in proposal.schedule_blocks if b["task_id"] in proposal.metadata.get("moved", [])}
        details: dict[str, Any] = {
            "title": named(titles),
            "says": f"{named(titles)} came in the way. {len(moves) or 'No'} {'task' if len(moves) == 1 else 'tasks'} would move.",
            "proposal_run_id": str(proposal.id),
            "moves": list(moves.values()),
            "without_a_place": [u["task_id"] for u in proposal.unscheduled],
        }
        first = collisions[0].block
        question = Question(new_id(), proposal.client_id, self._person_id, run_id, "conflict", first.task_id, first.event_id, details, self._clock())
        async with self._store.begin() as tx:
            await tx.withdraw(("conflict",), self._clock(), run_id=run_id)
            await tx.ask(question, key)
        return proposal

    async def _collisions(self, live: Sequence[LiveBlock]) -> list[Collision]:
        now = self._clock()
        ahead = [b for b in live if b.starts_at > now and not b.is_pinned and not b.is_done]
        if not ahead:
            return []
        tz = zone((await self._profiles.profile(self._person_id)).time_zone)
        events = await self._calendar.events(Interval(now, max(b.ends_at for b in ahead)), tz.key)
        names = {b.event_id for b in live}
        foreign = [e for e in events if e.is_busy and not e.is_own and e.event_id not in names]
        found = []
        for block in ahead:
            here = f"{block.event_id} {block.starts_at.isoformat()}"
            for event in foreign:
                if event.interval.overlaps(block.interval):
                    key = f"{here} {event.event_id} {event.start.isoformat()} {event.end.isoformat()}"
                    found.append(Collision(block, f"'{event.title or 'An event'}'", event.interval, key))
            for other in live:
                if other.event_id != block.event_id and other.is_pinned and other.interval.overlaps(block.interval):
                    key = f"{here} {other.event_id} {other.starts_at.isoformat()} {other.ends_at.isoformat()}"
                    found.append(Collision(block, "A block that you moved", other.interval, key))
        return found
