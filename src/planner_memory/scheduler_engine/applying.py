"""Brings a run into the calendar and out of it again, ends what a crash left in the middle, and tells planner and memory."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import Conflict, PlannerMemoryError
from planner_memory.core.intervals import Interval
from planner_memory.core.tenancy import spanning
from planner_memory.ports.calendar import Calendar
from planner_memory.ports.memory import Memory
from planner_memory.ports.planning import PlanStatus
from planner_memory.ports.schedules import SchedulerRun, ScheduleStore
from planner_memory.scheduler_engine.runs import Runs
from planner_memory.scheduler_engine.telling import flagged, memory_of, unflagged
from planner_memory.scheduler_engine.writing import CalendarWriter, changes

log = structlog.get_logger()
Clients = Sequence[str] | None


class Applier:
    """Part of the scheduler; `writing` is its lock on the person's calendar."""

    def __init__(self, *, store: ScheduleStore, calendar: Calendar, memory: Memory, plans: PlanStatus, clock: Clock, writer: CalendarWriter) -> None:
        self._store = store
        self._runs = Runs(store)
        self._calendar = calendar
        self._memory = memory
        self._plans = plans
        self._clock = clock
        self._writer = writer
        self.writing = asyncio.Lock()  # one person, one calendar: two runs must not be written past one another

    async def apply(self, run_id: UUID, *, clients: Clients) -> SchedulerRun:
        """Writes a proposed run to the calendar; an applied one is answered as it is.

        Raises:
            Conflict: it was undone or failed, is being applied, or the calendar has changed in its place.
        """
        async with self.writing:
            run = await self._runs.run(run_id, clients=clients)
            if run.status == "applied":
                return run
            if run.status != "proposed":
                raise Conflict(f"This run is {run.status}. Schedule anew with POST /api/v1/scheduler/schedule.")
            previous = await self.replaced_by(run, clients)
            await self.check_free(run, previous)
            async with self._store.begin() as tx:
                locked = await tx.run(run_id, clients, lock=True)
                if locked is None or locked.status != "proposed" or "applying" in locked.metadata:
                    raise Conflict("This run is being applied. Ask again in a moment.", retry_after=1)
                metadata = {**locked.metadata, **({"replaces": str(previous.id)} if previous else {})}
                run = flagged(replace(locked, metadata=metadata), "applying")
                await tx.save_run(run)
            run = await self.written(run, previous)
        return await self.told(run, "schedule_applied", "scheduled")

    async def undo(self, run_id: UUID, *, clients: Clients) -> SchedulerRun:
        """Takes an applied run's blocks out of the calendar; an undone one is answered as it is.

        Raises:
            Conflict: it was never applied.
        """
        async with self.writing:
            run = await self._runs.run(run_id, clients=clients)
            if run.status == "undone":
                return run
            if run.status != "applied":
                raise Conflict(f"This run is {run.status}, so there is nothing to undo.")
            run = flagged(run, "undoing")
            await self._runs.save(run)
            run = await self.removed(run)
        return await self.told(run, "schedule_undone", "draft")

    async def replaced_by(self, run: SchedulerRun, clients: Clients) -> SchedulerRun | None:
        """The applied run whose blocks this one takes over: the one it repairs, else the plan's."""
        if "replaces" in run.metadata:
            before = await self._runs.run(UUID(run.metadata["replaces"]), clients=clients)
            if before.status != "applied" and "applying" not in run.metadata:
                raise Conflict("The schedule that this run repairs is no longer applied. Reschedule again.")
            return before
        return await self._runs.applied_of(run.plan_id, clients) if run.plan_id else None

    async def check_free(self, run: SchedulerRun, previous: SchedulerRun | None) -> None:
        if not run.schedule_blocks:
            return
        blocks = [Interval(datetime.fromisoformat(b["start"]), datetime.fromisoformat(b["end"])) for b in run.schedule_blocks]
        whole = Interval(min(b.start for b in blocks), max(b.end for b in blocks))
        own = {b["event_id"] for b in (*run.schedule_blocks, *(previous.schedule_blocks if previous else ()))}
        events = await self._calendar.events(whole, str(run.metadata.get("time_zone", "UTC")))
        taken = [e for e in events if e.is_busy and e.event_id not in own and any(e.interval.overlaps(b) for b in blocks)]
        if taken:
            raise Conflict(f"{taken[0].title or 'An event'!r} now stands where this run has a block. Schedule anew.", event_id=taken[0].event_id)

    async def written(self, run: SchedulerRun, previous: SchedulerRun | None) -> SchedulerRun:
        """Makes the calendar agree with a run flagged as applying, and stores the outcome."""
        wanted = changes(previous.schedule_blocks if previous else (), run.schedule_blocks)
        try:
            links = await self._writer.write(run, wanted)
        except PlannerMemoryError as error:
            if error.status != 503:  # 503: not even the taking back succeeded; `recover` ends it
                await self._runs.save(replace(unflagged(run), status="failed"))
            raise
        blocks = [{**b, "calendar_link": links.get(b["event_id"], b.get("calendar_link"))} for b in run.schedule_blocks]
        run = replace(unflagged(run), status="applied", schedule_blocks=blocks)
        async with self._store.begin() as tx:
            await tx.save_run(run)
            if previous:
                await tx.save_run(replace(previous, status="undone", metadata={**previous.metadata, "replaced_by": str(run.id)}))
        return run

    async def removed(self, run: SchedulerRun) -> SchedulerRun:
        await self._writer.remove(b["event_id"] for b in run.schedule_blocks)
        run = replace(unflagged(run), status="undone")
        await self._runs.save(run)
        return run

    async def told(self, run: SchedulerRun, event_type: str, plan_status: str) -> SchedulerRun:
        """Tells planner and memory. One of them being down is a warning: the calendar is right already."""
        warnings: list[str] = []
        if run.plan_id:
            try:
                await self._plans.set_plan_status(run.plan_id, plan_status)
            except PlannerMemoryError as error:
                warnings.append(f"The planner was not told that the plan is {plan_status}: {error.detail}")
        try:
            await self._memory.remember(memory_of(run, event_type, self._clock()), idempotency_key=f"{event_type}:{run.id}")
        except PlannerMemoryError as error:
            warnings.append(f"This was not remembered: {error.detail}")
        if warnings:
            log.warning("schedule told in part", run_id=str(run.id), warnings=warnings)
            run = replace(run, metadata={**run.metadata, "warnings": [*run.metadata.get("warnings", []), *warnings]})
            await self._runs.save(run)
        return run

    async def recover(self) -> int:
        """Ends what a crash left in the middle: writes are finished, or taken back when they cannot be. Returns how many runs it ended."""
        with spanning("recovery"):
            return await self._recovered()

    async def _recovered(self) -> int:
        async with self._store.begin() as tx:
            unfinished = await tx.unfinished_runs()
        done = 0
        for each in unfinished:
            try:
                async with self.writing:
                    run = await self._runs.run(each.id, clients=None)
                    if "undoing" in run.metadata:
                        ended, event_type, plan_status = await self.removed(run), "schedule_undone", "draft"
                    elif "applying" in run.metadata:
                        ended = await self.written(run, await self.replaced_by(run, None))
                        event_type, plan_status = "schedule_applied", "scheduled"
                    else:
                        continue  # its own request has ended it meanwhile
                await self.told(ended, event_type, plan_status)
                done += 1
            except PlannerMemoryError as error:
                log.warning("run not recovered", run_id=str(each.id), detail=error.detail)
        return done
