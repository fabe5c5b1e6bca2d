"""Reads the rows that the facts of a period need: the store in one transaction, the calendar outside of it."""

from dataclasses import replace
from datetime import datetime, time, timedelta
from zoneinfo import ZoneInfo

from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import at_wall_time, days_between
from planner_memory.core.tenancy import spanning, within
from planner_memory.observer_agent import drift, periods, streaks
from planner_memory.observer_agent.assembly import Rows
from planner_memory.observer_agent.facts import TREND_WEEKS
from planner_memory.observer_agent.sources import Sources, finished_in, stale
from planner_memory.ports.facts import Clients, FactStore
from planner_memory.ports.workspace import Mode

_OVERDUE_DAYS, _DUE_SOON_DAYS = 30, 7
_KNOWS_ONLY_NOW = timedelta(days=2)


class Gathering:
    def __init__(self, *, store: FactStore, sources: Sources, person_id: str) -> None:
        self._store = store
        self.sources = sources
        self._person_id = person_id

    async def rows(self, period: Interval, tz: ZoneInfo, now: datetime, client_id: str | None, *, mode: Mode) -> Rows:
        """For a weekly reflection they reach back over the trend's weeks, the look-back of drifts and the sprint."""
        clients: Clients = None if client_id is None else (client_id,)
        person, weekly = self._person_id, mode == "weekly"
        next_window = periods.ahead(mode, period, tz)
        look_back = periods.days_earlier(period.end, streaks.LOOK_BACK_DAYS, tz)
        since = min(periods.weeks_before(period, TREND_WEEKS, tz)[-1].start, look_back) if weekly else min(period.start, look_back)
        planned = Interval(since, next_window.end)
        calendar, missing = await self.sources.calendar(planned, tz)
        days = days_between(period, tz)
        is_past = period.end < now - _KNOWS_ONLY_NOW  # what the workspace says is of now, and says nothing about a day long past
        with within((client_id,)) if client_id else spanning("reflection"):
            tasks, more = (None, ()) if is_past else await self.sources.tasks(clients)
            elsewhere = await self.sources.sprint(clients, days[0], days[-1]) if weekly else None
        with within((client_id,)) if client_id else spanning("reflection"):
            async with self._store.begin() as facts:
                sprint = (await facts.sprint(person, clients, days[0], days[-1]) or elsewhere) if weekly else None
                starts = [since, periods.days_earlier(period.end, drift.LOOK_BACK_DAYS, tz)] if weekly else [since]
                if sprint is not None:
                    starts.append(at_wall_time(sprint.starts_on, time.min, tz))
                blocks = await facts.blocks(person, clients, planned, known_at=period.end)
                rows = Rows(
                    events=await facts.event_counts(person, clients, period),
                    runs=await facts.runs(person, clients, Interval(min(starts), period.end)),
                    running=await facts.running(person, clients, period.end),
                    blocks=blocks,
                    finished=await facts.finished_tasks(person, clients, sorted({b.task_id for b in blocks}), period.end)
                    | finished_in(calendar, period.end)
                    | (tasks.finished if tasks else frozenset()),
                    plans_made=await facts.plans_made(person, clients, period),
                    plans_due=await facts.plans_due(person, clients, deadlines(min(now, period.end)), known_at=period.end),
                    sprint=sprint,
                    calendar=calendar,
                    tasks=tasks,
                    missing=(*missing, *more, *stale(await facts.last_entries(person, clients, period.end), period, tz)),
                )
        with within((client_id,)) if client_id else spanning("reflection"):  # no connection is held meanwhile
            used = {key for run in rows.runs for key in (run.workflow_id, run.process_template_id) if key}
            return replace(rows, names=await self.sources.names(used, clients))


def deadlines(now: datetime) -> Interval:
    """Deadlines that matter at that moment."""
    return Interval(now - timedelta(days=_OVERDUE_DAYS), now + timedelta(days=_DUE_SOON_DAYS))
