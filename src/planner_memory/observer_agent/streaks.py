"""How many working days in a row went well, up to the end of a period."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import day_interval
from planner_memory.observer_agent.rhythm import Rhythm, rhythm
from planner_memory.ports.facts import FinishedRun, ScheduledBlock

LOOK_BACK_DAYS = 28  # a streak that is longer is said to be this long
IsWorkday = Callable[[date], bool]


@dataclass(frozen=True, slots=True)
class Streaks:
    """Consecutive working days on which a task was finished; an hour or more went to one task undisturbed; all that was planned got done.

    A day off never breaks one, and counts only where it went well; so does a day that is not over yet. For the plan, days on which nothing was
    planned are passed over.
    """

    completed_task_days: int
    deep_work_days: int
    plan_kept_days: int


def weekdays(day: date) -> bool:
    """Monday to Friday, for a person who has not said when they work."""
    return day.weekday() < 5


def streaks(
    end: datetime,
    now: datetime,
    tz: ZoneInfo,
    runs: Sequence[FinishedRun],
    blocks: Sequence[ScheduledBlock],
    meetings: Sequence[Interval] | None,
    finished: frozenset[str],
    is_workday: IsWorkday = weekdays,
) -> Streaks:
    """Up to the local day in which `end` lies. The rows must reach back over the look-back.

    `finished` are tasks known to be finished beside those of the runs, at whatever time: they count as done on the day of their block.
    """
    last = (end - timedelta(microseconds=1)).astimezone(tz).date()
    days = [last - timedelta(days=n) for n in range(LOOK_BACK_DAYS)]
    counted: list[tuple[Rhythm, bool]] = []
    for day in days:
        window = day_interval(day, tz)
        near = [run for run in runs if run.started_at < window.end and run.ended_at >= window.start]
        found = rhythm(window, tz, near, [b for b in blocks if b.ends_at > window.start and b.starts_at < window.end], meetings, finished)
        counted.append((found, window.end <= now and is_workday(day)))  # work on a day off is welcome, its absence is no break
    return Streaks(
        _length(counted, lambda r: r.tasks_completed > 0),
        _length(counted, lambda r: r.deep_work_minutes > 0),
        _length([each for each in counted if each[0].tasks_planned], lambda r: r.planned_tasks_completed == r.tasks_planned),
    )


def _length(days: Sequence[tuple[Rhythm, bool]], went_well: Callable[[Rhythm], bool]) -> int:
    """`days` latest first, each with whether it breaks a streak when it did not go well."""
    length = 0
    for found, may_break in days:
        if went_well(found):
            length += 1
        elif may_break:
            break
    return length
