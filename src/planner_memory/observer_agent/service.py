"""Compares what was planned with what happened: facts by SQL and calendar, prose from the facts, posted once and remembered."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, get_args
from zoneinfo import ZoneInfo

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import InvalidInput, PlannerMemoryError
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import at_wall_time, day_interval, days_between, instant, zone
from planner_memory.core.tenancy import spanning, within
from planner_memory.observer_agent import brief as briefs
from planner_memory.observer_agent import drift, narrative, periods
from planner_memory.observer_agent.assembly import Rows, assembled, due_of, placed, running_of, slipped_of
from planner_memory.observer_agent.brief import Brief
from planner_memory.observer_agent.delivery import Delivered, Delivery
from planner_memory.observer_agent.facts import TREND_WEEKS, Facts, document
from planner_memory.ports.calendar import Calendar, CalendarEvent
from planner_memory.ports.facts import Clients, FactStore, KeptPeriod
from planner_memory.ports.jobs import Jobs
from planner_memory.ports.memory import Memory
from planner_memory.ports.profiles import ProfileStore
from planner_memory.ports.workspace import Mode, PostedReflection, Reflection, Workspace
from planner_memory.web.health import HealthReport, State, state_of

log = structlog.get_logger()
_LONGEST_WINDOW = timedelta(days=93)
_OVERDUE_DAYS, _DUE_SOON_DAYS, _SLIPPED_DAYS = 30, 7, 7
_NO_CALENDAR = "No calendar is connected, so meetings are not counted."
_SILENT_CALENDAR = "The calendar did not answer, so meetings are not counted."
_WHOLE = ""  # the stored scope of a reflection on the person's whole work


@dataclass(frozen=True, slots=True)
class Reflected:
    reflection: Reflection
    facts: Facts
    sections: dict[str, str]
    delivered: Delivered


@dataclass(frozen=True, slots=True)
class Counted:
    period: Interval
    facts: Facts


class Observer:
    """Reflects on the days and weeks of one person.

    A reflection spans clients, unless it is asked for one: then it counts that client's rows alone and stands apart.
    """

    def __init__(
        self,
        *,
        store: FactStore,
        workspace: Workspace,
        calendar: Calendar | None,
        profiles: ProfileStore,
        memory: Memory,
        clock: Clock,
        default_client: str = "me",
        person_id: str = "me",
        post_waits_in_seconds: Sequence[float] = (2, 4, 8),
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._store = store
        self._workspace = workspace
        self._calendar = calendar
        self._profiles = profiles
        self._memory = memory
        self._clock = clock
        self._person_id = person_id
        self._one_at_a_time = asyncio.Lock()
        self._delivery = Delivery(
            store=store,
            workspace=workspace,
            memory=memory,
            clock=clock,
            default_client=default_client,
            waits_in_seconds=post_waits_in_seconds,
            sleep=sleep,
        )

    async def reflect(self, mode: Mode, *, day: str | None = None, client_id: str | None = None, dry_run: bool = False) -> Reflected:
        """One reflection, posted and remembered unless `dry_run`. Asking again for the same period updates it.

        Raises:
            InvalidInput: `day` is no date, or lies in the future.
            Unavailable: PostgreSQL does not answer.
        """
        if dry_run:
            return await self._reflect(mode, day, client_id, dry_run=True)
        async with self._one_at_a_time:  # two triggers at 18:00 are one reflection: the second finds the first one's period
            return await self._reflect(mode, day, client_id, dry_run=False)

    async def _reflect(self, mode: Mode, day: str | None, client_id: str | None, *, dry_run: bool) -> Reflected:
        tz, now = await self._zone(), self._clock()
        period = await self._period(mode, day, client_id, tz, now)
        facts = await self._facts(period, tz, now, client_id, mode=mode)
        sections = narrative.sections_of(facts, mode)
        reflection = Reflection(
            reflection_id=periods.reflection_id(self._person_id, mode, period, client_id),
            person_id=self._person_id,
            client_id=client_id,
            mode=mode,
            period=period,
            thread_on=facts.ends_on,
            content=narrative.markdown(narrative.title_of(facts, mode), sections),
            metrics={**document(facts.rhythm), "sprint": document(facts.sprint)},
        )
        delivered = Delivered(False, False, ()) if dry_run else await self._delivery.deliver(reflection)
        return Reflected(reflection, facts, sections, delivered)

    async def reflections(self, mode: Mode | None, *, client_id: str | None = None, limit: int = 20) -> list[PostedReflection]:
        """What was posted, latest period first."""
        return await self._workspace.reflections(self._person_id, client_id, mode, limit=limit)

    async def facts(self, start: str, end: str, *, client_id: str | None = None) -> Counted:
        """The facts of any window of up to 93 days; a bare date as an end is inclusive.

        Raises:
            InvalidInput: not dates or instants, the end not after the start, or too long a window.
        """
        tz = await self._zone()
        first, last = instant(start, tz, field="start"), instant(end, tz, is_end=True, field="end")
        if last <= first:
            raise InvalidInput("The end must come after the start. An instant as an end is exclusive, a bare date includes its day.", field="end")
        if last - first > _LONGEST_WINDOW:
            raise InvalidInput(f"The window may be {_LONGEST_WINDOW.days} days long. Ask for it in parts.", field="end")
        period = Interval(first, last)
        return Counted(period, await self._facts(period, tz, self._clock(), client_id, mode="weekly"))

    async def brief(self, *, client_id: str | None = None) -> Brief:
        """The morning: what today holds, what slipped in the last week, which deadlines are in danger."""
        tz, now = await self._zone(), self._clock()
        clients: Clients = None if client_id is None else (client_id,)
        day = now.astimezone(tz).date()
        today = day_interval(day, tz)
        since = at_wall_time(day - timedelta(days=_SLIPPED_DAYS), time.min, tz)
        calendar, missing = await self._events(Interval(since, today.end), tz)
        with within((client_id,)) if client_id else spanning("reflection"):
            async with self._store.begin() as facts:
                found = await facts.blocks(self._person_id, clients, Interval(since, today.end), known_at=now)
                done = await facts.finished_tasks(self._person_id, clients, sorted({b.task_id for b in found}), now)
                due = await facts.plans_due(self._person_id, clients, self._deadlines(now))
                running = await facts.running(self._person_id, clients, now)
        blocks = placed(found, calendar)
        return Brief(
            brief_on=day,
            time_zone=tz.key,
            agenda=briefs.agenda_of(blocks, calendar, today, tz),
            scheduled_minutes=briefs.scheduled_minutes(blocks, today),
            slipped=slipped_of(blocks, Interval(since, now), done, tz),
            at_risk=tuple(plan for plan in due_of(due, now, tz) if plan.is_overdue or plan.ends_after_deadline or plan.steps_open or not plan.steps),
            running=running_of(running, tz),
            missing=missing,
        )

    def register_jobs(self, jobs: Jobs) -> None:
        """Cron runs in UTC, so the person's 18:00 is looked for every quarter of an hour: every zone's offset is a multiple of that."""
        self._delivery.register_jobs(jobs)
        jobs.register("observer_post_pending", self.post_pending, cron="7,22,37,52 * * * *")
        jobs.register("observer_reflect_when_due", self.reflect_when_due, cron="*/15 * * * *")

    async def post_pending(self) -> None:
        """The job that posts what the workspace did not take."""
        await self._delivery.post_pending(self._person_id)

    async def reflect_when_due(self) -> None:
        """The job that makes the reflection of 18:00, and on Fridays the weekly one, once; late after an outage."""
        tz = await self._zone()
        failed: PlannerMemoryError | None = None
        for mode in get_args(Mode):
            try:
                now = self._clock()
                last = await self._last(mode, _WHOLE, since=now - 8 * periods.LONGEST[mode], until=now)
                if periods.is_due(mode, now, tz, last):
                    await self.reflect(mode)
            except PlannerMemoryError as error:
                log.warning("a reflection that is due could not be made", mode=mode, detail=error.detail)
                failed = error
        if failed is not None:
            raise failed

    async def health(self) -> HealthReport:
        postgres, gateway, workspace = await asyncio.gather(
            state_of(self._store.check), state_of(self._memory.check), state_of(self._workspace.check)
        )
        calendar: State = "off" if self._calendar is None else await state_of(self._calendar.check)
        dependencies = {"postgres": postgres, "memory_gateway": gateway, "calendar": calendar, "workspace": workspace}
        return HealthReport(dependencies, essential=frozenset({"postgres"}))

    async def _zone(self) -> ZoneInfo:
        return zone((await self._profiles.profile(self._person_id)).time_zone)

    async def _last(self, mode: Mode, scope: str, *, since: datetime, until: datetime) -> KeptPeriod | None:
        with spanning("reflection"):
            async with self._store.begin() as facts:
                return await facts.last_period(self._person_id, scope, mode, since=since, until=until)

    async def _period(self, mode: Mode, day: str | None, client_id: str | None, tz: ZoneInfo, now: datetime) -> Interval:
        if day is None:
            last = await self._last(mode, client_id or _WHOLE, since=now - periods.LONGEST[mode], until=now)
            return periods.rolling(mode, now, last)
        period = periods.dated(mode, instant(day, tz, field="date").astimezone(tz).date(), tz)
        if period.start >= now:
            raise InvalidInput(f"{day} has not begun yet. Ask for a day that has.", field="date")
        return period

    async def _facts(self, period: Interval, tz: ZoneInfo, now: datetime, client_id: str | None, *, mode: Mode) -> Facts:
        """Reads everything that the period's facts need, the calendar outside the transaction."""
        clients: Clients = None if client_id is None else (client_id,)
        person, weekly = self._person_id, mode == "weekly"
        next_window = periods.ahead(mode, period, tz)
        since = periods.weeks_before(period, TREND_WEEKS, tz)[-1].start if weekly else period.start
        planned = Interval(since, next_window.end)
        calendar, missing = await self._events(planned, tz)
        days = days_between(period, tz)
        with within((client_id,)) if client_id else spanning("reflection"):
            async with self._store.begin() as facts:
                sprint = await facts.sprint(person, clients, days[0], days[-1]) if weekly else None
                starts = [since, periods.days_earlier(period.end, drift.LOOK_BACK_DAYS, tz)] if weekly else [since]
                if sprint is not None:
                    starts.append(at_wall_time(sprint.starts_on, time.min, tz))
                blocks = await facts.blocks(person, clients, planned, known_at=period.end)
                rows = Rows(
                    events=await facts.event_counts(person, clients, period),
                    runs=await facts.runs(person, clients, Interval(min(starts), period.end)),
                    running=await facts.running(person, clients, period.end),
                    blocks=blocks,
                    finished=await facts.finished_tasks(person, clients, sorted({b.task_id for b in blocks}), period.end),
                    plans_made=await facts.plans_made(person, clients, period),
                    plans_due=await facts.plans_due(person, clients, self._deadlines(min(now, period.end))),
                    sprint=sprint,
                    calendar=calendar,
                    missing=missing,
                )
        return assembled(rows, period, tz, next_window=next_window, is_weekly=weekly, now=now)

    def _deadlines(self, now: datetime) -> Interval:
        return Interval(now - timedelta(days=_OVERDUE_DAYS), now + timedelta(days=_DUE_SOON_DAYS))

    async def _events(self, window: Interval, tz: ZoneInfo) -> tuple[Sequence[CalendarEvent] | None, tuple[str, ...]]:
        if self._calendar is None:
            return None, (_NO_CALENDAR,)
        try:
            return await self._calendar.events(window, tz.key), ()
        except PlannerMemoryError as error:
            log.warning("the calendar did not answer", detail=error.detail)
            return None, (_SILENT_CALENDAR,)


def period_document(period: Interval, time_zone: str) -> dict[str, Any]:
    tz = ZoneInfo(time_zone)
    return {"start": period.start.astimezone(tz), "end": period.end.astimezone(tz), "time_zone": time_zone}
