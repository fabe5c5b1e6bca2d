"""Brings a run into the calendar and out of it again: by the journal, as a whole, and so that a crash at any moment is ended by the next one."""

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import Conflict, PlannerMemoryError
from planner_memory.core.ids import new_id
from planner_memory.core.intervals import Interval
from planner_memory.core.tenancy import spanning
from planner_memory.ports.calendar import Calendar, CalendarEvent
from planner_memory.ports.calendar_sync import QuestionKind
from planner_memory.ports.journal import CalendarWrite, JournalEntry, LiveBlock, Purpose
from planner_memory.ports.schedules import SchedulerRun, ScheduleStore
from planner_memory.scheduler_engine.blocks import live_of
from planner_memory.scheduler_engine.pins import to_keep
from planner_memory.scheduler_engine.pulling import Puller
from planner_memory.scheduler_engine.runs import Runs
from planner_memory.scheduler_engine.telling import Teller
from planner_memory.scheduler_engine.writing import Block, CalendarWriter, when, writes_of

log = structlog.get_logger()
Clients = Sequence[str] | None


class Applier:
    """Part of the scheduler."""

    def __init__(
        self,
        *,
        store: ScheduleStore,
        calendar: Calendar,
        writer: CalendarWriter,
        puller: Puller,
        teller: Teller,
        clock: Clock,
        person_id: str,
    ) -> None:
        self._store = store
        self._runs = Runs(store)
        self._calendar = calendar
        self._writer = writer
        self._puller = puller
        self._teller = teller
        self._clock = clock
        self._person_id = person_id

    @asynccontextmanager
    async def hold(self, *, pulls: bool = True) -> AsyncIterator[None]:
        """The person's calendar for the block alone: what was left in the middle is ended first, and what was done by hand is known.

        Raises:
            Unavailable, NotConnected: the calendar does not answer.
        """
        async with self._store.hold(self._person_id):
            with spanning("calendar"):
                await self._settle()
                if pulls:
                    await self._puller.pull()
            yield

    # --- apply and undo

    async def apply(self, run_id: UUID, *, clients: Clients) -> SchedulerRun:
        """Writes a proposed run to the calendar; an applied one is answered as it is.

        Raises:
            Conflict: it was undone or failed, or the calendar has changed in its place.
        """
        async with self.hold():
            run = await self._runs.run(run_id, clients=clients)
            if run.status == "applied":
                return run
            if run.status != "proposed":
                raise Conflict(f"This run is {run.status}. Schedule anew with POST /api/v1/scheduler/schedule.")
            previous = await self._replaced_by(run, clients)
            await self._check_free(run, previous)
            event_type = "schedule_changed" if "replaces" in run.metadata and run.metadata.get("is_repair") else "schedule_applied"
            run = await self.bring(run, previous, event_type)
        return await self.told(run)

    async def _replaced_by(self, run: SchedulerRun, clients: Clients) -> SchedulerRun | None:
        """The applied run whose blocks this one takes over: the one it repairs, else the plan's."""
        if "replaces" in run.metadata:
            before = await self._runs.run(UUID(run.metadata["replaces"]), clients=clients)
            if before.status != "applied":
                raise Conflict("The schedule that this run repairs is no longer applied. Reschedule again.")
            return before
        return await self._runs.applied_of(run.plan_id, clients) if run.plan_id else None

    async def _check_free(self, run: SchedulerRun, previous: SchedulerRun | None) -> None:
        if not run.schedule_blocks:
            return
        stood = {b["event_id"]: when(b) for b in previous.schedule_blocks} if previous else {}
        here = {b["event_id"]: when(b) for b in run.schedule_blocks}
        if previous and any(here.get(b["event_id"]) != when(b) for b in to_keep(run, previous, self._clock())):
            again = "Reschedule" if run.metadata.get("is_repair") else "Schedule"
            raise Conflict(f"You have moved a block of this plan by hand since this run was proposed. {again} again.")
        blocks = [Interval(*span) for i, span in here.items() if stood.get(i) != span]
        if not blocks:
            return
        whole = Interval(min(b.start for b in blocks), max(b.end for b in blocks))
        events = await self._calendar.events(whole, str(run.metadata.get("time_zone", "UTC")))
        taken = [e for e in events if e.is_busy and e.event_id not in {*here, *stood} and any(e.interval.overlaps(b) for b in blocks)]
        if taken:
            raise Conflict(f"{taken[0].title or 'An event'!r} now stands where this run has a block. Schedule anew.", event_id=taken[0].event_id)

    async def undo(self, run_id: UUID, *, clients: Clients) -> SchedulerRun:
        """Takes an applied run's blocks out of the calendar; an undone one is answered as it is.

        Raises:
            Conflict: it was never applied.
        """
        async with self.hold():
            run = await self._runs.run(run_id, clients=clients)
            if run.status == "undone":
                return run
            if run.status != "applied":
                raise Conflict(f"This run is {run.status}, so there is nothing to undo.")
            entry = self._entry(run, "undo", None, "schedule_undone")
            writes = writes_of(run, (), await self._live())
            async with self._store.begin() as tx:
                await tx.open_entry(entry, run.client_id, writes)
            run = await self._carried_out(entry, run, None, writes)
        return await self.told(run)

    async def told(self, run: SchedulerRun) -> SchedulerRun:
        warnings = await self._teller.told(run)
        return replace(run, metadata={**run.metadata, "warnings": [*run.metadata.get("warnings", []), *warnings]}) if warnings else run

    # --- by the journal; only while the calendar is held

    async def bring(self, run: SchedulerRun, previous: SchedulerRun | None, event_type: str, *, is_new: bool = False) -> SchedulerRun:
        """Makes the calendar agree with a run, which takes over from `previous`.

        Raises:
            Conflict: another live block stands there; nothing was stored or written.
            UpstreamInvalid, NotConnected: the calendar does not take it; all was taken back and the run has failed.
        """
        if previous:
            run = replace(run, metadata={**run.metadata, "replaces": str(previous.id)})
        live = await self._live()
        writes = writes_of(previous, run.schedule_blocks, live)
        entry = self._entry(run, "apply", previous.id if previous else None, event_type)
        async with self._store.begin() as tx:
            await (tx.add_run(run) if is_new else tx.save_run(run))
            await tx.occupy(*self._occupied(run, previous, live, {}))
            await tx.open_entry(entry, run.client_id, writes)
        return await self._carried_out(entry, run, previous, writes)

    async def edit(self, run: SchedulerRun, write: CalendarWrite) -> SchedulerRun:
        """Changes or removes one event of an applied run, as a person asks for.

        Raises:
            Conflict: another live block stands there, or the event was changed in the calendar meanwhile; nothing was changed.
        """
        live = await self._live()
        write = replace(write, etag=live[write.event_id].etag if write.event_id in live else None)
        entry = self._entry(run, "edit", None, "event_changed")
        async with self._store.begin() as tx:
            if write.wanted is not None:
                await tx.occupy(*self._occupied(replace(run, schedule_blocks=_edited(run.schedule_blocks, [write])), None, live, {}))
            await tx.open_entry(entry, run.client_id, [write])
        return await self._carried_out(entry, run, None, [write])

    def _entry(self, run: SchedulerRun, purpose: Purpose, replaces: UUID | None, event_type: str) -> JournalEntry:
        return JournalEntry(new_id(), run.id, self._person_id, purpose, "writing", replaces, event_type)

    async def _live(self) -> dict[str, LiveBlock]:
        with spanning("calendar"):
            async with self._store.begin() as tx:
                return {b.event_id: b for b in await tx.live_blocks(self._person_id)}

    @staticmethod
    def _occupied(
        run: SchedulerRun, previous: SchedulerRun | None, live: dict[str, LiveBlock], etags: dict[str, str | None]
    ) -> tuple[list[UUID], list[LiveBlock]]:
        ids = [run.id, *([previous.id] if previous else [])]
        known = {i: b.etag for i, b in live.items()} | etags
        return ids, live_of(run, run.schedule_blocks, known, [b for b in live.values() if b.run_id not in ids])

    async def _carried_out(
        self, entry: JournalEntry, run: SchedulerRun, previous: SchedulerRun | None, writes: Sequence[CalendarWrite]
    ) -> SchedulerRun:
        async def mark(write: CalendarWrite, event: CalendarEvent | None) -> None:
            async with self._store.begin() as tx:
                await tx.mark_write(entry.id, write.event_id, write.state, etag=event.etag if event else None, link=event.link if event else None)

        try:
            await self._writer.write(run, writes, mark)
        except PlannerMemoryError:
            async with self._store.begin() as tx:
                await tx.set_entry_state(entry.id, "taking back")
                writes = await tx.writes(entry.id)
            await self._taken_back(entry, run, previous, writes)
            raise
        return await self._kept(entry, run, previous)

    async def _kept(self, entry: JournalEntry, run: SchedulerRun, previous: SchedulerRun | None) -> SchedulerRun:
        live = await self._live()
        async with self._store.begin() as tx:
            writes = await tx.writes(entry.id)
            etags = {w.event_id: w.etag for w in writes if w.wanted is not None}
            if entry.purpose == "undo":
                run = replace(run, status="undone", metadata={**run.metadata, "to_tell": entry.event_type})
                await tx.occupy([run.id], [])
                await tx.withdraw(("deleted", "conflict"), self._clock(), run_id=run.id)
            else:
                blocks = _edited(run.schedule_blocks, writes)
                if entry.purpose == "apply":
                    run = replace(run, status="applied", schedule_blocks=blocks, metadata={**run.metadata, "to_tell": entry.event_type})
                else:
                    run = replace(run, schedule_blocks=blocks, metadata=_with_removed(run, blocks, writes))
                await tx.occupy(*self._occupied(run, previous, live, etags))
            await tx.save_run(run)
            if previous:
                metadata = {k: v for k, v in previous.metadata.items() if k != "to_tell"} | {"replaced_by": str(run.id)}
                await tx.save_run(replace(previous, status="undone", metadata=metadata))
                stale: tuple[QuestionKind, ...] = ("conflict",) if run.metadata.get("is_repair") else ("conflict", "deleted")
                await tx.withdraw(stale, self._clock(), run_id=previous.id)  # a schedule made anew has placed everything again
                await tx.move_questions(previous.id, run.id)
            await tx.set_entry_state(entry.id, "kept")
        return run

    async def _taken_back(self, entry: JournalEntry, run: SchedulerRun, previous: SchedulerRun | None, writes: Sequence[CalendarWrite]) -> None:
        origins = {r.id: r for r in (run, previous) if r}
        await self._writer.take_back(run, origins, writes)
        live = await self._live()
        unknown: dict[str, str | None] = {w.event_id: None for w in writes}  # what stands again has a new etag, which the next reading brings
        async with self._store.begin() as tx:
            if entry.purpose == "apply":
                await tx.save_run(replace(run, status="failed"))
                stands = previous or replace(run, schedule_blocks=())
                await tx.occupy(*self._occupied(stands, run, live, unknown))
            elif entry.purpose == "edit":
                await tx.occupy(*self._occupied(run, None, live, unknown))
            await tx.set_entry_state(entry.id, "taken back")

    # --- what a crash left

    async def recover(self) -> int:
        """Ends what a crash left in the middle: writes are finished, or taken back when they cannot be. Returns how many entries it ended."""
        with spanning("recovery"):
            async with self._store.begin() as tx:
                if not await tx.open_entries(self._person_id):
                    return 0
            try:
                async with self._store.hold(self._person_id):
                    return await self._settle()
            except PlannerMemoryError as error:
                log.warning("calendar writes not ended", detail=error.detail)
                return 0

    async def _settle(self) -> int:
        async with self._store.begin() as tx:
            entries = await tx.open_entries(self._person_id)
        for entry in entries:
            async with self._store.begin() as tx:
                run = await tx.run(entry.run_id, None)
                previous = await tx.run(entry.replaces, None) if entry.replaces else None
                writes = await tx.writes(entry.id)
            assert run is not None  # its entries go with it
            if entry.state == "taking back":
                await self._taken_back(entry, run, previous, writes)
                continue
            try:
                run = await self._carried_out(entry, run, previous, writes)
            except PlannerMemoryError as error:
                log.warning("run taken back", run_id=str(run.id), detail=error.detail)
                async with self._store.begin() as tx:
                    if any(each.id == entry.id for each in await tx.open_entries(self._person_id)):
                        raise
            else:
                await self._teller.told(run)
        return len(entries)


def _edited(blocks: Sequence[Block], writes: Sequence[CalendarWrite]) -> list[dict[str, Any]]:
    """The blocks as the writes leave them, in order of their starts."""
    wanted = {w.event_id: w.wanted for w in writes}
    left = [dict(wanted.get(b["event_id"]) or b) for b in blocks if b["event_id"] not in wanted or wanted[b["event_id"]] is not None]
    return sorted(left, key=lambda b: (datetime.fromisoformat(b["start"]), b["task_id"]))


def _with_removed(run: SchedulerRun, left: Sequence[Block], writes: Sequence[CalendarWrite]) -> dict[str, Any]:
    """A task whose last block was removed is not to come back with the next reschedule."""
    gone = {w.before["task_id"] for w in writes if w.operation == "delete" and w.before} - {b["task_id"] for b in left}
    return {**run.metadata, "removed": [*run.metadata.get("removed", []), *sorted(gone)]} if gone else dict(run.metadata)
