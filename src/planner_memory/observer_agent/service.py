"""Compares what was planned with what happened: facts by SQL and calendar, prose from the facts, posted once and remembered."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any, get_args
from uuid import UUID
from zoneinfo import ZoneInfo

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import InvalidInput, PlannerMemoryError
from planner_memory.core.ids import new_id
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import at_wall_time, day_interval, instant, zone
from planner_memory.core.tenancy import spanning, within
from planner_memory.observer_agent import brief as briefs
from planner_memory.observer_agent import narrative, periods
from planner_memory.observer_agent.assembly import Rows, assembled, due_of, placed, running_of, slipped_of
from planner_memory.observer_agent.brief import Brief
from planner_memory.observer_agent.delivery import Delivered, Delivery
from planner_memory.observer_agent.facts import Facts, document
from planner_memory.observer_agent.gathering import Gathering, deadlines
from planner_memory.observer_agent.insights import learnt
from planner_memory.observer_agent.learning import Learning
from planner_memory.observer_agent.sources import Sources, finished_in
from planner_memory.observer_agent.storytelling import Storyteller, Told
from planner_memory.observer_agent.turns import Turns
from planner_memory.observer_agent.workdays import days_off_in, holidays_before, workdays
from planner_memory.ports.calendar import Calendar
from planner_memory.ports.facts import Clients, FactStore, KeptPeriod
from planner_memory.ports.insights import InsightMemory, KeptInsight
from planner_memory.ports.jobs import Jobs
from planner_memory.ports.outlets import Letter, Outlet
from planner_memory.ports.profiles import ProfileStore
from planner_memory.ports.workspace import Mode, PostedReflection, Reflection, Workspace
from planner_memory.prompting.writer import Writer
from planner_memory.web.health import HealthReport, State, state_of
from planner_memory.web.model_state import ModelState

log = structlog.get_logger()
_LONGEST_WINDOW = timedelta(days=93)
_SLIPPED_DAYS = 7
_CLOCKS_DIFFER = timedelta(minutes=1)  # at the most, between two hosts: the other one's reflection may end a moment after now
_LEARNS_FROM = timedelta(days=8)  # a review of a week long past says nothing about how the person works now
_MORNING, _NOON, _BRIEF_RESTS = time(7, 30), time(12), timedelta(hours=18)
_WHOLE = ""  # the stored scope of a reflection on the person's whole work


@dataclass(frozen=True, slots=True)
class Reflected:
    reflection: Reflection
    facts: Facts
    told: Told
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
        memory: InsightMemory,
        clock: Clock,
        default_client: str = "me",
        person_id: str = "me",
        outlets: Sequence[Outlet] = (),
        writer: Writer | None = None,
        makes_when_due: bool = True,
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
        self._turns = Turns(store, person_id=person_id)
        self._gathering = Gathering(store=store, sources=Sources(calendar, workspace), person_id=person_id)
        self._learning = Learning(store=store, memory=memory, clock=clock, default_client=default_client, person_id=person_id)
        self._storyteller = Storyteller(writer, person_id=person_id)
        self._makes_when_due = makes_when_due
        self._model_state = ModelState(writer.model if writer else None)
        self._delivery = Delivery(
            store=store,
            workspace=workspace,
            memory=memory,
            clock=clock,
            default_client=default_client,
            outlets=outlets,
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
        async with self._turns.turn(mode, client_id or _WHOLE):  # two triggers at 18:00 are one reflection: the second finds the first one's period
            return await self._reflect(mode, day, client_id, dry_run=False)

    async def _reflect(self, mode: Mode, day: str | None, client_id: str | None, *, dry_run: bool, joins: bool = False) -> Reflected:
        tz, now = await self._zone(), self._clock()
        period = await self._period(mode, day, client_id, tz, now, joins=joins)
        facts, rows = await self._assembled(period, tz, now, client_id, mode=mode)
        told = await self._storyteller.told(facts, mode, client_id)
        reflection = Reflection(
            reflection_id=periods.reflection_id(self._person_id, mode, period, client_id),
            person_id=self._person_id,
            client_id=client_id,
            mode=mode,
            period=period,
            thread_on=facts.ends_on,
            content=narrative.markdown(narrative.title_of(facts, mode), told.sections),
            metrics={**document(facts.rhythm), "sprint": document(facts.sprint)},
        )
        delivered = Delivered(False, False, ()) if dry_run else await self._delivery.deliver(reflection)
        if mode == "weekly" and client_id is None and not dry_run and period.end > now - _LEARNS_FROM:
            past = [block for block in placed(rows.blocks, rows.calendar) if block.ends_at <= min(now, period.end)]
            await self._learning.learn(learnt(rows.runs, past, tz, rows.named), reflection.reflection_id)
        await self._storyteller.settle(told)
        return Reflected(reflection, facts, told, delivered)

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
        facts, _ = await self._assembled(period, tz, self._clock(), client_id, mode="weekly")
        return Counted(period, facts)

    async def insights(self, clients: Clients) -> list[KeptInsight]:
        """What was learnt about how the person works, newest first."""
        return await self._learning.all(clients)

    async def revoke_insight(self, insight_id: UUID, clients: Clients) -> KeptInsight:
        """Takes an insight back; it is not learnt again.

        Raises:
            NotFound: there is no such insight.
        """
        return await self._learning.revoke(insight_id, clients)

    async def brief(self, *, client_id: str | None = None) -> Brief:
        """The morning: what today holds, what slipped in the last week, which deadlines are in danger."""
        tz, now = await self._zone(), self._clock()
        clients: Clients = None if client_id is None else (client_id,)
        day = now.astimezone(tz).date()
        today = day_interval(day, tz)
        since = at_wall_time(day - timedelta(days=_SLIPPED_DAYS), time.min, tz)
        calendar, missing = await self._gathering.sources.calendar(Interval(since, today.end), tz)
        with within((client_id,)) if client_id else spanning("reflection"):
            async with self._store.begin() as facts:
                found = await facts.blocks(self._person_id, clients, Interval(since, today.end), known_at=now)
                done = await facts.finished_tasks(self._person_id, clients, sorted({b.task_id for b in found}), now)
                due = await facts.plans_due(self._person_id, clients, deadlines(now), known_at=now)
                running = await facts.running(self._person_id, clients, now)
                asked = await facts.calendar_questions(self._person_id, clients)
        done |= finished_in(calendar, now)
        blocks = placed(found, calendar)
        return Brief(
            brief_on=day,
            time_zone=tz.key,
            agenda=briefs.agenda_of(blocks, calendar, done, today, tz),
            scheduled_minutes=briefs.scheduled_minutes(blocks, today),
            slipped=slipped_of(blocks, Interval(since, now), done, tz),
            at_risk=tuple(plan for plan in due_of(due, now, tz) if plan.is_overdue or plan.ends_after_deadline or plan.steps_open or not plan.steps),
            running=running_of(running, tz),
            missing=missing,
            questions=tuple(asked),
        )

    def register_jobs(self, jobs: Jobs) -> None:
        """Cron runs in UTC, so the person's 18:00 is looked for every quarter of an hour: every zone's offset is a multiple of that."""
        self._delivery.register_jobs(jobs)
        jobs.register("observer_post_pending", self.post_pending, cron="7,22,37,52 * * * *")
        if self._makes_when_due:  # else somebody else's clock asks for them, and two clocks would both be right
            jobs.register("observer_reflect_when_due", self.reflect_when_due, cron="*/15 * * * *")
        jobs.register("observer_brief_when_due", self.send_brief_when_due, cron="3,18,33,48 * * * *")

    async def post_pending(self) -> None:
        """The job that posts what the workspace did not take."""
        await self._delivery.post_pending(self._person_id)

    async def reflect_when_due(self) -> None:
        """The job that makes the reflection of 18:00, and on Fridays the weekly one, once; late after an outage."""
        tz = await self._zone()
        failed: PlannerMemoryError | None = None
        for mode in get_args(Mode):
            try:
                if await self._is_due(mode, tz):
                    async with self._turns.turn(mode, _WHOLE):
                        if await self._is_due(mode, tz):  # another process may have made it in the meantime
                            await self._reflect(mode, None, None, dry_run=False, joins=True)
            except PlannerMemoryError as error:
                log.warning("a reflection that is due could not be made", mode=mode, detail=error.detail)
                failed = error
        if failed is not None:
            raise failed

    async def send_brief_when_due(self) -> None:
        """The job that sends the morning's brief to the outlets, once a day over all processes."""
        if not self._delivery.has_outlets:
            return
        tz = await self._zone()
        local = self._clock().astimezone(tz)
        if not _MORNING <= local.time() < _NOON:
            return
        holder = new_id()
        if not await self._store.take_turn(self._person_id, _WHOLE, "brief", holder, _BRIEF_RESTS):
            return
        try:
            brief = await self.brief()
            text = briefs.brief_markdown(brief)
            await self._delivery.send(Letter(f"{brief.brief_on.isoformat()}-brief", f"Brief for {brief.brief_on:%A} {brief.brief_on}", text))
        except BaseException:
            await self._store.end_turn(holder)
            raise

    async def _is_due(self, mode: Mode, tz: ZoneInfo) -> bool:
        now = self._clock()
        last = await self._last(mode, _WHOLE, since=periods.LOOKS_BACK[mode](now), until=now + _CLOCKS_DIFFER)
        return periods.is_due(mode, now, tz, last)

    async def health(self) -> HealthReport:
        postgres, gateway, workspace = await asyncio.gather(
            state_of(self._store.check), state_of(self._memory.check), state_of(self._workspace.check)
        )
        calendar: State = "off" if self._calendar is None else await state_of(self._calendar.check)
        model = await self._model_state.read(self._clock())
        dependencies = {"postgres": postgres, "memory_gateway": gateway, "calendar": calendar, "workspace": workspace, "llm": model}
        return HealthReport(dependencies, essential=frozenset({"postgres"}))

    async def _zone(self) -> ZoneInfo:
        return zone((await self._profiles.profile(self._person_id)).time_zone)

    async def _last(self, mode: Mode, scope: str, *, since: datetime, until: datetime) -> KeptPeriod | None:
        with spanning("reflection"):
            async with self._store.begin() as facts:
                return await facts.last_period(self._person_id, scope, mode, since=since, until=until)

    async def _period(self, mode: Mode, day: str | None, client_id: str | None, tz: ZoneInfo, now: datetime, *, joins: bool) -> Interval:
        if day is None:
            last = await self._last(mode, client_id or _WHOLE, since=periods.LOOKS_BACK[mode](now), until=now + _CLOCKS_DIFFER)
            return periods.rolling(mode, max(now, last.covered_until) if last else now, last, joins=joins)
        period = periods.dated(mode, instant(day, tz, field="date").astimezone(tz).date(), tz)
        if period.start >= now:
            raise InvalidInput(f"{day} has not begun yet. Ask for a day that has.", field="date")
        return period

    async def _assembled(self, period: Interval, tz: ZoneInfo, now: datetime, client_id: str | None, *, mode: Mode) -> tuple[Facts, Rows]:
        rows = await self._gathering.rows(period, tz, now, client_id, mode=mode)
        profile = await self._profiles.profile(self._person_id)
        holidays = holidays_before(period.end.astimezone(tz).date(), profile)
        is_workday = workdays(profile, holidays, days_off_in(rows.calendar, tz))
        next_window = periods.ahead(mode, period, tz)
        return assembled(rows, period, tz, next_window=next_window, is_weekly=mode == "weekly", now=now, is_workday=is_workday), rows


def period_document(period: Interval, time_zone: str) -> dict[str, Any]:
    tz = ZoneInfo(time_zone)
    return {"start": period.start.astimezone(tz), "end": period.end.astimezone(tz), "time_zone": time_zone}
