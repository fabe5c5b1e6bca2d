"""The scheduler's story: read, place, store, write to the calendar, tell the planner, remember."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import Conflict, InvalidInput, NotFound, PlannerMemoryError
from planner_memory.core.ids import new_id
from planner_memory.core.intervals import Interval, merged
from planner_memory.core.tenancy import spanning
from planner_memory.ports.calendar import Calendar
from planner_memory.ports.memory import Memory, NewMemory
from planner_memory.ports.planning import PlanStatus
from planner_memory.ports.profiles import ProfileStore
from planner_memory.ports.schedules import PlanToSchedule, SchedulerRun, ScheduleStore
from planner_memory.scheduler_engine import reasons
from planner_memory.scheduler_engine.desk import Desk
from planner_memory.scheduler_engine.drafting import Draft, draft
from planner_memory.scheduler_engine.repair import repair
from planner_memory.scheduler_engine.schemas import RescheduleIn, ScheduleIn
from planner_memory.scheduler_engine.tasks import Task, tasks_of_checklist
from planner_memory.scheduler_engine.terms import BEYOND, DEFAULT_WINDOW, Terms, busy_of, terms_of
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
        self._profiles = profiles
        self._memory = memory
        self._plans = plans
        self._clock = clock
        self._default_client = default_client
        self._person_id = person_id
        self._writer = writer or CalendarWriter(calendar)
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
        plan = await self._plan(body.plan_id, clients) if body.plan_id else None
        profile = await self._profiles.profile(self._person_id)
        terms = terms_of(body, profile, now, self._tasks_of(plan, body, profile.largest_task_minutes))
        if not terms.tasks:
            raise InvalidInput("The plan has no steps to place. Give tasks.", field="plan_id")
        run_id = new_id()
        own: set[str] = set() if plan is None else await self._event_ids_of(plan.id, clients)

        async def drafted() -> SchedulerRun:
            busy = await self._busy(terms, own)
            found = await self._search(draft, run_id, terms, busy)
            return self._run(run_id, body, terms, plan, found, now, client)

        if body.dry_run:
            run = await drafted()
            await self._add(run)
            return run
        async with self._writing:
            run = await drafted()
            previous = await self._applied_of(plan.id, clients) if plan else None
            if previous:
                run = replace(run, metadata={**run.metadata, "replaces": str(previous.id)})
            run = _flagged(run, "applying")
            await self._add(run)
            run = await self._written(run, previous)
        return await self._told(run, "schedule_applied", "scheduled")

    def _tasks_of(self, plan: PlanToSchedule | None, body: ScheduleIn, largest: int | None) -> list[Task]:
        return tasks_of_checklist(plan.checklist, plan.deadline_at, largest) if plan and not body.tasks else []

    async def _plan(self, plan_id: UUID, clients: Clients) -> PlanToSchedule:
        async with self._store.begin() as tx:
            plan = await tx.plan(plan_id, clients)
        if plan is None:
            raise NotFound(f"There is no plan {plan_id}. GET /api/v1/planner/plans lists those that exist.")
        return plan

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
        self, run_id: UUID, body: ScheduleIn, terms: Terms, plan: PlanToSchedule | None, found: Draft, now: datetime, client: str
    ) -> SchedulerRun:
        spare = None
        if plan is not None and not body.tasks:
            spare = reasons.reserve([s["estimate"] for s in plan.checklist if s.get("estimate")], plan.estimate)
        warnings = list(found.warnings)
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
                run = _flagged(replace(locked, metadata=metadata), "applying")
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
                await self._save(replace(_unflagged(run), status="failed"))
            raise
        blocks = [{**b, "calendar_link": links.get(b["event_id"], b.get("calendar_link"))} for b in run.schedule_blocks]
        run = replace(_unflagged(run), status="applied", schedule_blocks=blocks)
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
            run = _flagged(run, "undoing")
            await self._save(run)
            run = await self._removed(run)
        return await self._told(run, "schedule_undone", "draft")

    async def _removed(self, run: SchedulerRun) -> SchedulerRun:
        await self._writer.remove(b["event_id"] for b in run.schedule_blocks)
        run = replace(_unflagged(run), status="undone")
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
            await self._memory.remember(_memory_of(run, event_type, self._clock()), idempotency_key=f"{event_type}:{run.id}")
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
        before = (
            await self.run(body.run_id, clients=clients) if body.run_id else await self._applied_of(body.plan_id, clients) if body.plan_id else None
        )
        if before is None:
            raise NotFound("This plan has no applied schedule. Make one with POST /api/v1/scheduler/schedule.")
        if before.status != "applied":
            raise Conflict(f"This run is {before.status}. Only an applied one can be rescheduled.")
        now = self._clock()
        original = ScheduleIn.model_validate(before.request)
        plan = await self._plan(before.plan_id, None) if before.plan_id else None
        profile = await self._profiles.profile(self._person_id)
        terms = terms_of(original, profile, before.created_at, self._tasks_of(plan, original, profile.largest_task_minutes))
        extra = busy_of(body.extra_busy or (), terms.hours.tz)
        ends = [datetime.fromisoformat(b["end"]) for b in before.schedule_blocks]
        window = Interval(now, max([terms.window.end, now + DEFAULT_WINDOW, *ends]))
        removed = set(before.metadata.get("removed", []))
        kept = tuple(replace(t, depends_on=tuple(d for d in t.depends_on if d not in removed)) for t in terms.tasks if t.task_id not in removed)
        terms = replace(terms, tasks=kept, window=window, extra_busy=(*terms.extra_busy, *extra))
        run_id = new_id()
        own = {b["event_id"] for b in before.schedule_blocks}
        async with self._writing:
            found = await self._search(repair, run_id, terms, await self._busy(terms, own), before.schedule_blocks, now)
            run = self._run(run_id, original, terms, plan, found, now, before.client_id or self._default_client)
            busy = [*before.request.get("extra_busy", []), *(b.model_dump() for b in body.extra_busy or ())]
            run = replace(
                run,
                request={**before.request, **({"extra_busy": busy} if busy else {})},
                metadata={**run.metadata, "replaces": str(before.id), "removed": sorted(removed), **({"reason": body.reason} if body.reason else {})},
            )
            if body.dry_run:
                await self._add(run)
                return run
            run = _flagged(run, "applying")
            await self._add(run)
            run = await self._written(run, before)
        return await self._told(run, "schedule_changed", "scheduled")

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


def _flagged(run: SchedulerRun, flag: str) -> SchedulerRun:
    return replace(run, metadata={**run.metadata, flag: True})


def _unflagged(run: SchedulerRun) -> SchedulerRun:
    return replace(run, metadata={k: v for k, v in run.metadata.items() if k not in ("applying", "undoing")})


def _memory_of(run: SchedulerRun, event_type: str, now: datetime) -> NewMemory:
    verb = {"schedule_applied": "Scheduled", "schedule_undone": "Took back", "schedule_changed": "Rescheduled"}[event_type]
    titles = list(dict.fromkeys(str(b["title"]) for b in run.schedule_blocks))
    named = ", ".join(titles[:5]) + (f" and {len(titles) - 5} more" if len(titles) > 5 else "")
    return NewMemory(
        content=f"{verb} {len(run.schedule_blocks)} blocks for {len(titles)} tasks: {named}." if titles else f"{verb} a schedule without blocks.",
        client_id=run.client_id,
        event_type=event_type,
        event_source="scheduler-engine",
        occurred_at=now,
        person_id=run.person_id,
        payload={
            "scheduler_run_id": str(run.id),
            "plan_id": str(run.plan_id) if run.plan_id else None,
            "blocks": len(run.schedule_blocks),
            "unscheduled": len(run.unscheduled),
            "moved": list(run.metadata.get("moved", [])),
        },
        metadata={"scheduler_run_id": str(run.id)},
    )
