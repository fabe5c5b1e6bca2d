"""The scheduler's story: read, place, store, write to the calendar, tell the planner, remember."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import Conflict, InvalidInput, NotFound, PlannerMemoryError
from planner_memory.core.ids import new_id
from planner_memory.core.intervals import Interval, merged
from planner_memory.core.tenancy import spanning
from planner_memory.ports.calendar import Calendar
from planner_memory.ports.memory import Memory
from planner_memory.ports.planning import PlanStatus
from planner_memory.ports.profiles import ProfileStore
from planner_memory.ports.schedules import PlanToSchedule, SchedulerRun, ScheduleStore, Sprint
from planner_memory.scheduler_engine import answers, reasons
from planner_memory.scheduler_engine.availability import lost_time
from planner_memory.scheduler_engine.desk import Desk
from planner_memory.scheduler_engine.drafting import Draft, draft
from planner_memory.scheduler_engine.reading import Reader, rule_document, rule_from
from planner_memory.scheduler_engine.repair import repair
from planner_memory.scheduler_engine.schemas import BusyIn, RescheduleIn, ScheduleIn, WhatIfIn
from planner_memory.scheduler_engine.sprints import share_warnings, sprint_warnings
from planner_memory.scheduler_engine.telling import flagged, memory_of, unflagged
from planner_memory.scheduler_engine.terms import BEYOND, DEFAULT_WINDOW, Terms, busy_of, exceptions_of
from planner_memory.scheduler_engine.writing import CalendarWriter, changes
from planner_memory.web.health import HealthReport, State, state_of

log = structlog.get_logger()
Clients = Sequence[str] | None
_AT_ONCE = 2  # searches in threads at a time, so that a burst leaves the processor to others


class Scheduler:
    """Places tasks into one person's calendar. `clients` are those whose runs the caller may see; None means all."""

    def __init__(
        self,
        *,
        store: ScheduleStore,
        calendar: Calendar,
        profiles: ProfileStore,
        memory: Memory,
        plans: PlanStatus,
        clock: Clock = utc_now,
        default_client: str = "me",
        person_id: str = "me",
        writer: CalendarWriter | None = None,
    ) -> None:
        self._store = store
        self._calendar = calendar
        self._memory = memory
        self._plans = plans
        self._clock = clock
        self._default_client = default_client
        self._person_id = person_id
        self._writer = writer or CalendarWriter(calendar)
        self._reader = Reader(store=store, profiles=profiles, memory=memory, person_id=person_id)
        self._searches = asyncio.Semaphore(_AT_ONCE)
        self._writing = asyncio.Lock()  # one person, one calendar: two runs must not be written past one another
        self.desk = Desk(store=store, calendar=calendar, profiles=profiles, clock=clock, person_id=person_id, writing=self._writing)

    # --- schedule

    async def schedule(self, body: ScheduleIn, *, client: str, clients: Clients) -> SchedulerRun:
        """Places the tasks, or the plan's checklist, and writes them to the calendar unless it is a dry run.

        Raises:
            InvalidInput: the request contradicts itself; nothing was stored.
            NotFound: no such plan for this caller.
            UpstreamInvalid: the calendar refused writes; all were taken back.
        """
        now = self._clock()
        plan = await self._reader.plan(body.plan_id, clients) if body.plan_id else None
        terms = await self._reader.terms(body, plan, now, client=client)
        if not terms.tasks and not body.tasks:
            raise InvalidInput("The plan has no steps to place. Give tasks.", field="plan_id")
        sprints = await self._reader.sprints(terms, clients)
        run_id = new_id()
        own: set[str] = set() if plan is None else await self._event_ids_of(plan.id, clients)

        async def drafted() -> SchedulerRun:
            busy = await self._busy(terms, own)
            found = await self._search(draft, run_id, terms, busy)
            return self._run(run_id, body, terms, plan, found, now, client, sprints)

        if body.dry_run:
            run = await drafted()
            await self._add(run)
            return run
        async with self._writing:
            run = await drafted()
            previous = await self._applied_of(plan.id, clients) if plan else None
            if previous:
                run = replace(run, metadata={**run.metadata, "replaces": str(previous.id)})
            run = flagged(run, "applying")
            await self._add(run)
            run = await self._written(run, previous)
        return await self._told(run, "schedule_applied", "scheduled")

    async def _search(self, work: Any, *arguments: Any) -> Draft:
        async with self._searches:
            found: Draft = await asyncio.to_thread(work, *arguments)
            return found

    async def _busy(self, terms: Terms, own: set[str]) -> list[Interval]:
        """Busy time of the window and a while after it, less the blocks that are being placed anew."""
        whole = Interval(terms.window.start, terms.window.end + BEYOND)
        events = await self._calendar.events(whole, terms.hours.tz.key)
        return merged(e.interval for e in events if e.is_busy and e.event_id not in own)

    def _run(
        self,
        run_id: UUID,
        body: ScheduleIn,
        terms: Terms,
        plan: PlanToSchedule | None,
        found: Draft,
        now: datetime,
        client: str,
        sprints: Sequence[Sprint],
    ) -> SchedulerRun:
        spare = None
        if plan is not None and not body.tasks:
            spare = reasons.reserve([s["estimate"] for s in plan.checklist if s.get("estimate")], plan.estimate)
        warnings = [
            *found.warnings,
            *sprint_warnings(sprints, terms.tasks, found.blocks, terms.hours.tz),
            *share_warnings(body.runway_weeks, terms.tasks, found.blocks),
        ]
        if spare and spare["reserve_hours"] > 0:
            warnings.append(
                f"Placed at p50 ({spare['p50_hours']:g} h). Keep {spare['reserve_hours']:g} h in reserve to be done in four of five cases."
            )
        return SchedulerRun(
            id=run_id,
            plan_id=plan.id if plan else None,
            client_id=plan.client_id if plan and plan.client_id else client,
            person_id=self._person_id,
            status="proposed",
            created_at=now,
            schedule_blocks=found.blocks,
            unscheduled=found.unscheduled,
            request=body.model_dump(mode="json", exclude_unset=True),
            score=found.score,
            metadata={
                "seed": terms.seed,
                "time_zone": terms.hours.tz.key,
                "window": {"start": terms.window.start.isoformat(), "end": terms.window.end.isoformat()},
                "warnings": warnings,
                "moved": found.moved,
                "reserve": spare,
                "preferences": [rule_document(rule) for rule in terms.rules],
            },
        )

    async def _add(self, run: SchedulerRun) -> None:
        async with self._store.begin() as tx:
            await tx.add_run(run)

    async def _applied_of(self, plan_id: UUID, clients: Clients) -> SchedulerRun | None:
        async with self._store.begin() as tx:
            runs = await tx.runs(clients, plan_id=plan_id, limit=50)
        return next((r for r in runs if r.status == "applied"), None)

    async def _event_ids_of(self, plan_id: UUID, clients: Clients) -> set[str]:
        run = await self._applied_of(plan_id, clients)
        return {b["event_id"] for b in run.schedule_blocks} if run else set()

    # --- apply and undo

    async def apply(self, run_id: UUID, *, clients: Clients) -> SchedulerRun:
        """Writes a proposed run to the calendar; an applied one is answered as it is.

        Raises:
            Conflict: it was undone or failed, is being applied, or the calendar has changed in its place.
        """
        async with self._writing:
            run = await self.run(run_id, clients=clients)
            if run.status == "applied":
                return run
            if run.status != "proposed":
                raise Conflict(f"This run is {run.status}. Schedule anew with POST /api/v1/scheduler/schedule.")
            previous = await self._replaced_by(run, clients)
            await self._check_free(run, previous)
            async with self._store.begin() as tx:
                locked = await tx.run(run_id, clients, lock=True)
                if locked is None or locked.status != "proposed" or "applying" in locked.metadata:
                    raise Conflict("This run is being applied. Ask again in a moment.", retry_after=1)
                metadata = {**locked.metadata, **({"replaces": str(previous.id)} if previous else {})}
                run = flagged(replace(locked, metadata=metadata), "applying")
                await tx.save_run(run)
            run = await self._written(run, previous)
        return await self._told(run, "schedule_applied", "scheduled")

    async def _replaced_by(self, run: SchedulerRun, clients: Clients) -> SchedulerRun | None:
        """The applied run whose blocks this one takes over: the one it repairs, else the plan's."""
        if "replaces" in run.metadata:
            before = await self.run(UUID(run.metadata["replaces"]), clients=clients)
            if before.status != "applied" and "applying" not in run.metadata:
                raise Conflict("The schedule that this run repairs is no longer applied. Reschedule again.")
            return before
        return await self._applied_of(run.plan_id, clients) if run.plan_id else None

    async def _check_free(self, run: SchedulerRun, previous: SchedulerRun | None) -> None:
        if not run.schedule_blocks:
            return
        blocks = [Interval(datetime.fromisoformat(b["start"]), datetime.fromisoformat(b["end"])) for b in run.schedule_blocks]
        whole = Interval(min(b.start for b in blocks), max(b.end for b in blocks))
        own = {b["event_id"] for b in (*run.schedule_blocks, *(previous.schedule_blocks if previous else ()))}
        events = await self._calendar.events(whole, str(run.metadata.get("time_zone", "UTC")))
        taken = [e for e in events if e.is_busy and e.event_id not in own and any(e.interval.overlaps(b) for b in blocks)]
        if taken:
            raise Conflict(f"{taken[0].title or 'An event'!r} now stands where this run has a block. Schedule anew.", event_id=taken[0].event_id)

    async def _written(self, run: SchedulerRun, previous: SchedulerRun | None) -> SchedulerRun:
        """Makes the calendar agree with a run flagged as applying, and stores the outcome."""
        wanted = changes(previous.schedule_blocks if previous else (), run.schedule_blocks)
        try:
            links = await self._writer.write(run, wanted)
        except PlannerMemoryError as error:
            if error.status != 503:  # 503: not even the taking back succeeded; `recover` ends it
                await self._save(replace(unflagged(run), status="failed"))
            raise
        blocks = [{**b, "calendar_link": links.get(b["event_id"], b.get("calendar_link"))} for b in run.schedule_blocks]
        run = replace(unflagged(run), status="applied", schedule_blocks=blocks)
        async with self._store.begin() as tx:
            await tx.save_run(run)
            if previous:
                await tx.save_run(replace(previous, status="undone", metadata={**previous.metadata, "replaced_by": str(run.id)}))
        return run

    async def undo(self, run_id: UUID, *, clients: Clients) -> SchedulerRun:
        """Takes an applied run's blocks out of the calendar; an undone one is answered as it is.

        Raises:
            Conflict: it was never applied.
        """
        async with self._writing:
            run = await self.run(run_id, clients=clients)
            if run.status == "undone":
                return run
            if run.status != "applied":
                raise Conflict(f"This run is {run.status}, so there is nothing to undo.")
            run = flagged(run, "undoing")
            await self._save(run)
            run = await self._removed(run)
        return await self._told(run, "schedule_undone", "draft")

    async def _removed(self, run: SchedulerRun) -> SchedulerRun:
        await self._writer.remove(b["event_id"] for b in run.schedule_blocks)
        run = replace(unflagged(run), status="undone")
        await self._save(run)
        return run

    async def _save(self, run: SchedulerRun) -> None:
        async with self._store.begin() as tx:
            await tx.save_run(run)

    async def _told(self, run: SchedulerRun, event_type: str, plan_status: str) -> SchedulerRun:
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
            await self._save(run)
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
                async with self._writing:
                    run = await self.run(each.id, clients=None)
                    if "undoing" in run.metadata:
                        ended, event_type, plan_status = await self._removed(run), "schedule_undone", "draft"
                    elif "applying" in run.metadata:
                        ended = await self._written(run, await self._replaced_by(run, None))
                        event_type, plan_status = "schedule_applied", "scheduled"
                    else:
                        continue  # its own request has ended it meanwhile
                await self._told(ended, event_type, plan_status)
                done += 1
            except PlannerMemoryError as error:
                log.warning("run not recovered", run_id=str(each.id), detail=error.detail)
        return done

    # --- reschedule

    async def reschedule(self, body: RescheduleIn, *, clients: Clients) -> SchedulerRun:
        """Moves only what collides with the calendar as it is now, and what waits for it.

        Raises:
            NotFound: no such run, or the plan has no applied one.
            Conflict: the run is not applied.
        """
        before = await self._applied(body.run_id, body.plan_id, clients)
        now = self._clock()
        original, plan, terms = await self._terms_now(before, now, busy_in=body.extra_busy or ())
        removed = set(before.metadata.get("removed", []))
        sprints = await self._reader.sprints(terms, clients)
        run_id = new_id()
        own = {b["event_id"] for b in before.schedule_blocks}
        async with self._writing:
            found = await self._search(repair, run_id, terms, await self._busy(terms, own), before.schedule_blocks, now)
            run = self._run(run_id, original, terms, plan, found, now, before.client_id or self._default_client, sprints)
            busy = [*before.request.get("extra_busy", []), *(b.model_dump() for b in body.extra_busy or ())]
            run = replace(
                run,
                request={**before.request, **({"extra_busy": busy} if busy else {})},
                metadata={**run.metadata, "replaces": str(before.id), "removed": sorted(removed), **({"reason": body.reason} if body.reason else {})},
            )
            if body.dry_run:
                await self._add(run)
                return run
            run = flagged(run, "applying")
            await self._add(run)
            run = await self._written(run, before)
        return await self._told(run, "schedule_changed", "scheduled")

    async def _applied(self, run_id: UUID | None, plan_id: UUID | None, clients: Clients) -> SchedulerRun:
        run = await self.run(run_id, clients=clients) if run_id else await self._applied_of(plan_id, clients) if plan_id else None
        if run is None:
            raise NotFound("This plan has no applied schedule. Make one with POST /api/v1/scheduler/schedule.")
        if run.status != "applied":
            raise Conflict(f"This run is {run.status}. Only an applied one can be rescheduled.")
        return run

    async def _terms_now(
        self, before: SchedulerRun, now: datetime, *, busy_in: Sequence[BusyIn], exceptions: Mapping[date, Sequence[Any]] | None = None
    ) -> tuple[ScheduleIn, PlanToSchedule | None, Terms]:
        """The terms of an applied run from now on, with what is new in the calendar or in the hours."""
        original = ScheduleIn.model_validate(before.request)
        plan = await self._reader.plan(before.plan_id, None) if before.plan_id else None
        rules = [rule_from(each) for each in before.metadata.get("preferences", [])]
        terms = await self._reader.terms_again(original, plan, before.created_at, rules)
        ends = [datetime.fromisoformat(b["end"]) for b in before.schedule_blocks]
        removed = set(before.metadata.get("removed", []))
        kept = tuple(replace(t, depends_on=tuple(d for d in t.depends_on if d not in removed)) for t in terms.tasks if t.task_id not in removed)
        hours = replace(terms.hours, exceptions={**terms.hours.exceptions, **exceptions_of(exceptions)})
        return (
            original,
            plan,
            replace(
                terms,
                tasks=kept,
                hours=hours,
                window=Interval(max(now, terms.window.start), max([terms.window.end, now + DEFAULT_WINDOW, *ends])),
                extra_busy=(*terms.extra_busy, *busy_of(busy_in, hours.tz)),
            ),
        )

    async def what_if(self, body: WhatIfIn, *, clients: Clients) -> dict[str, Any]:
        """What a reschedule would move if that time were busy, or those days had those hours. Nothing is stored or written."""
        before = await self._applied(body.run_id, body.plan_id, clients)
        now = self._clock()
        _, _, terms = await self._terms_now(before, now, busy_in=body.extra_busy or (), exceptions=body.exceptions)
        off = lost_time(terms.hours, terms.window, exceptions_of(body.exceptions))
        terms = replace(terms, extra_busy=(*terms.extra_busy, *off))
        busy = await self._busy(terms, {b["event_id"] for b in before.schedule_blocks})
        found = await self._search(repair, new_id(), terms, busy, before.schedule_blocks, now)
        return answers.what_if(before, found)

    # --- reading

    async def run(self, run_id: UUID, *, clients: Clients) -> SchedulerRun:
        async with self._store.begin() as tx:
            run = await tx.run(run_id, clients)
        if run is None:
            raise NotFound(f"There is no scheduler run {run_id}. GET /api/v1/scheduler/schedules lists those that exist.")
        return run

    async def schedules(self, *, plan_id: UUID | None, clients: Clients, limit: int) -> list[SchedulerRun]:
        async with self._store.begin() as tx:
            return await tx.runs(clients, plan_id=plan_id, limit=limit)

    # --- health

    async def health(self) -> HealthReport:
        """A calendar that is down stops scheduling but not reading runs, so only PostgreSQL is essential."""
        checks = {"postgres": self._store.check, "calendar": self._calendar.check, "memory_gateway": self._memory.check}
        planner = getattr(self._plans, "check", None)
        if planner is not None:
            checks["planner_engine"] = planner
        states: list[State] = await asyncio.gather(*(state_of(check) for check in checks.values()))
        return HealthReport(dict(zip(checks, states, strict=True)), frozenset({"postgres"}))
