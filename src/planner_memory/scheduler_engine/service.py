"""The scheduler's story: read, place, store, write to the calendar, tell the planner, remember."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import InvalidInput, PlannerMemoryError
from planner_memory.core.ids import new_id
from planner_memory.ports.calendar import Calendar
from planner_memory.ports.jobs import Jobs
from planner_memory.ports.memory import Memory
from planner_memory.ports.planning import PlanStatus
from planner_memory.ports.preference_readings import PreferenceReadingStore
from planner_memory.ports.profiles import ProfileStore
from planner_memory.ports.schedules import SchedulerRun, ScheduleStore
from planner_memory.prompting.writer import Writer
from planner_memory.scheduler_engine.applying import Applier
from planner_memory.scheduler_engine.desk import Desk
from planner_memory.scheduler_engine.drafting import draft
from planner_memory.scheduler_engine.pins import pins_of
from planner_memory.scheduler_engine.proposals import proposed
from planner_memory.scheduler_engine.proposing import Proposer
from planner_memory.scheduler_engine.pulling import Puller
from planner_memory.scheduler_engine.questions import Questions
from planner_memory.scheduler_engine.reading import Reader
from planner_memory.scheduler_engine.remembered import Preferences
from planner_memory.scheduler_engine.rescheduling import Rescheduler
from planner_memory.scheduler_engine.runs import Runs
from planner_memory.scheduler_engine.schemas import RescheduleIn, ScheduleIn, WhatIfIn
from planner_memory.scheduler_engine.syncing import Synchroniser, SyncReport
from planner_memory.scheduler_engine.telling import Teller
from planner_memory.scheduler_engine.watching import Watcher
from planner_memory.scheduler_engine.writing import CalendarWriter
from planner_memory.web.health import HealthReport, State, state_of

log = structlog.get_logger()
Clients = Sequence[str] | None
_PATIENCE_SECONDS = 30.0
_TIMER = "scheduler-engine-sync"
_CALLED = "scheduler-engine-sync-when-called"


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
        public_url: str | None = None,
        readings: PreferenceReadingStore | None = None,
        model: Writer | None = None,
    ) -> None:
        self._store = store
        self._calendar = calendar
        self._memory = memory
        self._plans = plans
        self._clock = clock
        self._model = model
        self._person_id = person_id
        self._runs = Runs(store)
        self.preferences = Preferences(memory=memory, readings=readings, writer=model, person_id=person_id, clock=clock)
        self._reader = Reader(store=store, profiles=profiles, preferences=self.preferences, person_id=person_id)
        self._proposer = Proposer(store=store, calendar=calendar, person_id=person_id)
        writer = writer or CalendarWriter(calendar)
        self._teller = Teller(store=store, memory=memory, plans=plans, clock=clock)
        self._puller = Puller(store=store, calendar=calendar, profiles=profiles, clock=clock, person_id=person_id)
        self._applier = Applier(
            store=store, calendar=calendar, writer=writer, puller=self._puller, teller=self._teller, clock=clock, person_id=person_id
        )
        self._rescheduler = Rescheduler(
            runs=self._runs, reader=self._reader, proposer=self._proposer, applier=self._applier, clock=clock, default_client=default_client
        )
        self._synchroniser = Synchroniser(
            store=store,
            calendar=calendar,
            profiles=profiles,
            applier=self._applier,
            puller=self._puller,
            rescheduler=self._rescheduler,
            teller=self._teller,
            writer=writer,
            clock=clock,
            person_id=person_id,
        )
        self._jobs: Jobs | None = None
        self.watcher = Watcher(store=store, calendar=calendar, clock=clock, person_id=person_id, public_url=public_url)
        self.questions = Questions(store=store, applier=self._applier, rescheduler=self._rescheduler, plans=plans, clock=clock, person_id=person_id)
        self.desk = Desk(store=store, calendar=calendar, profiles=profiles, clock=clock, person_id=person_id, applier=self._applier)

    async def schedule(self, body: ScheduleIn, *, client: str, clients: Clients) -> SchedulerRun:
        """Places the tasks, or the plan's checklist, and writes them to the calendar unless it is a dry run.

        Blocks of the plan that were moved by hand, or are done, stay where they are.

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
        body = await self._reader.with_runway(body)
        run_id = new_id()
        proposal = None
        if body.use_model:
            replaced: set[str] = set() if plan is None else await self._runs.event_ids_of(plan.id, clients)
            busy_now = await self._proposer.busy(terms, replaced)
            proposal = await proposed(self._model, terms, busy_now, client_id=client, person_id=self._person_id)

        async def drafted() -> SchedulerRun:
            before = await self._runs.applied_of(plan.id, clients) if plan else None
            pins = pins_of(before, terms, now)
            busy = await self._proposer.busy(terms, {b["event_id"] for b in before.schedule_blocks} if before else set())
            found = await self._proposer.search(draft, run_id, pins.terms, [*busy, *pins.busy], proposal)
            return self._proposer.run(run_id, body, terms, plan, pins.with_them(found), now, client, sprints)

        if body.dry_run:
            run = await drafted()
            await self._runs.add(run)
            return run
        async with self._applier.hold():
            run = await drafted()
            previous = await self._runs.applied_of(plan.id, clients) if plan else None
            run = await self._applier.bring(run, previous, "schedule_applied", is_new=True)
        return await self._applier.told(run)

    # --- the parts' verbs

    async def reschedule(self, body: RescheduleIn, *, clients: Clients) -> SchedulerRun:
        return await self._rescheduler.reschedule(body, clients=clients)

    async def what_if(self, body: WhatIfIn, *, clients: Clients) -> dict[str, Any]:
        return await self._rescheduler.what_if(body, clients=clients)

    async def apply(self, run_id: UUID, *, clients: Clients) -> SchedulerRun:
        return await self._applier.apply(run_id, clients=clients)

    async def undo(self, run_id: UUID, *, clients: Clients) -> SchedulerRun:
        return await self._applier.undo(run_id, clients=clients)

    async def recover(self) -> int:
        """Ends what a crash left in the middle, and tells what it left untold. Returns how many changes of the calendar it ended.

        A calendar that hangs does not hold up the start for longer than half a minute: the timer goes on with it.
        """
        try:
            async with asyncio.timeout(_PATIENCE_SECONDS):
                ended = await self._applier.recover()
                await self._teller.told_again()
        except TimeoutError:
            log.warning("calendar writes not ended", detail="The calendar does not answer in time; the timer goes on with them.")
            return 0
        return ended

    async def run(self, run_id: UUID, *, clients: Clients) -> SchedulerRun:
        return await self._runs.run(run_id, clients=clients)

    async def schedules(self, *, plan_id: UUID | None, clients: Clients, limit: int) -> list[SchedulerRun]:
        return await self._runs.newest(plan_id=plan_id, clients=clients, limit=limit)

    # --- both directions

    async def sync(self) -> SyncReport:
        return await self._synchroniser.sync()

    def register_jobs(self, jobs: Jobs) -> None:
        """The timer reads the calendar in any case: a server that calls may forget to."""
        self._jobs = jobs
        jobs.register(_TIMER, self._synced, cron="*/5 * * * *")
        jobs.register(_CALLED, self._synced)

    async def called(self, secret: str) -> None:
        """The calendar's server says that something has changed; it is read in the background, once for many calls.

        Raises:
            NotAllowed: the secret is none of ours.
        """
        await self.watcher.admit(secret)
        if self._jobs is not None:
            await self._jobs.defer(_CALLED, lock=_CALLED)

    async def _synced(self) -> None:
        """The job. What does not work now is tried again with the next one; a person has to connect an account that is not connected."""
        try:
            await self.recover()
            await self._synchroniser.sync()
            await self.watcher.renew()
        except PlannerMemoryError as error:
            log.warning("calendar not read", detail=error.detail)

    # --- health

    async def health(self) -> HealthReport:
        """A calendar that is down stops scheduling but not reading runs, so only PostgreSQL is essential."""
        checks = {"postgres": self._store.check, "calendar": self._calendar.check, "memory_gateway": self._memory.check}
        planner = getattr(self._plans, "check", None)
        if planner is not None:
            checks["planner_engine"] = planner
        states: list[State] = await asyncio.gather(*(state_of(check) for check in checks.values()))
        return HealthReport(dict(zip(checks, states, strict=True)), frozenset({"postgres"}))
