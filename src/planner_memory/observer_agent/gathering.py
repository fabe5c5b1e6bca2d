"""Reads the rows that the facts of a period need: the store in one transaction, the calendar outside of it."""

from collections.abc import Sequence
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

import structlog

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import at_wall_time, days_between
from planner_memory.core.tenancy import spanning, within
from planner_memory.observer_agent import drift, periods
from planner_memory.observer_agent.assembly import Rows
from planner_memory.observer_agent.facts import TREND_WEEKS
from planner_memory.ports.calendar import Calendar, CalendarEvent
from planner_memory.ports.facts import Clients, FactStore
from planner_memory.ports.workspace import Mode

log = structlog.get_logger()
_OVERDUE_DAYS, _DUE_SOON_DAYS = 30, 7
_NO_CALENDAR = "No calendar is connected, so meetings are not counted."
_SILENT_CALENDAR = "The calendar did not answer, so meetings are not counted."


class Gathering:
    def __init__(self, *, store: FactStore, calendar: Calendar | None, person_id: str) -> None:
        self._store = store
        self._calendar = calendar
        self._person_id = person_id

    async def rows(self, period: Interval, tz: ZoneInfo, now: datetime, client_id: str | None, *, mode: Mode) -> Rows:
        """For a weekly reflection they reach back over the trend's weeks, the look-back of drifts and the sprint."""
        clients: Clients = None if client_id is None else (client_id,)
        person, weekly = self._person_id, mode == "weekly"
        next_window = periods.ahead(mode, period, tz)
        since = periods.weeks_before(period, TREND_WEEKS, tz)[-1].start if weekly else period.start
        planned = Interval(since, next_window.end)
        calendar, missing = await self.calendar(planned, tz)
        days = days_between(period, tz)
        with within((client_id,)) if client_id else spanning("reflection"):
            async with self._store.begin() as facts:
                sprint = await facts.sprint(person, clients, days[0], days[-1]) if weekly else None
                starts = [since, periods.days_earlier(period.end, drift.LOOK_BACK_DAYS, tz)] if weekly else [since]
                if sprint is not None:
                    starts.append(at_wall_time(sprint.starts_on, time.min, tz))
                blocks = await facts.blocks(person, clients, planned, known_at=period.end)
                return Rows(
                    events=await facts.event_counts(person, clients, period),
                    runs=await facts.runs(person, clients, Interval(min(starts), period.end)),
                    running=await facts.running(person, clients, period.end),
                    blocks=blocks,
                    finished=await facts.finished_tasks(person, clients, sorted({b.task_id for b in blocks}), period.end),
                    plans_made=await facts.plans_made(person, clients, period),
                    plans_due=await facts.plans_due(person, clients, deadlines(min(now, period.end))),
                    sprint=sprint,
                    calendar=calendar,
                    missing=missing,
                )

    async def calendar(self, window: Interval, tz: ZoneInfo) -> tuple[Sequence[CalendarEvent] | None, tuple[str, ...]]:
        """The events, or None and what to say about their absence."""
        if self._calendar is None:
            return None, (_NO_CALENDAR,)
        try:
            return await self._calendar.events(window, tz.key), ()
        except PlannerMemoryError as error:
            log.warning("the calendar did not answer", detail=error.detail)
            return None, (_SILENT_CALENDAR,)


def deadlines(now: datetime) -> Interval:
    """Deadlines that matter at that moment."""
    return Interval(now - timedelta(days=_OVERDUE_DAYS), now + timedelta(days=_DUE_SOON_DAYS))
