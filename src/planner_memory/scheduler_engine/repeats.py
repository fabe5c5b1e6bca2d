"""Habits as tasks: "an hour of exercise three times a week" becomes one task per occurrence, each with days of its own."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, time
from itertools import groupby

from planner_memory.core.intervals import Interval, clipped, merged
from planner_memory.core.local_time import days_between
from planner_memory.core.profile import WEEKDAYS
from planner_memory.scheduler_engine.availability import Hours, on_day
from planner_memory.scheduler_engine.tasks import Task

_WHOLE_DAY = (time.min, time.max)


@dataclass(frozen=True, slots=True)
class Habit:
    """`times` per "day", "week" or "month"; `days` are weekdays, None for every working day; `between` are wall times."""

    times: int
    per: str
    days: tuple[str, ...] | None = None
    between: tuple[time, time] | None = None
    most_per_day: int = 1


def occurrences(task: Task, habit: Habit, hours: Hours, window: Interval) -> tuple[list[Task], list[str]]:
    """One task per occurrence in the window, and what has to be said about it.

    The days of a period are shared out among its occurrences, so that no day has more than `most_per_day` whatever moves later. A period of which the
    window holds only a part gets its share, rounded. The same input gives the same tasks.
    """
    periods = _periods(habit, hours, window)
    out: list[Task] = []
    short = 0
    for name, days, wanted in periods:
        count = min(wanted, len(days) * habit.most_per_day)
        short += wanted - count
        for k in range(count):
            allowed = merged(each for day in _share(days, count, k) for each in on_day(day, [habit.between or _WHOLE_DAY], hours.tz))
            out.append(
                replace(
                    task,
                    task_id=f"{task.task_id}@{name}.{k + 1}",
                    within=tuple(clipped(allowed, window)),
                    note=f"{k + 1} of {count} in {name}" if count > 1 else f"the one in {name}",
                )
            )
    warnings = []
    if short:
        warnings.append(f"{task.title}: {short} of the occurrences asked for have no day of their own. Allow more days, or more than one a day.")
    if not out and not short:
        warnings.append(f"{task.title}: the window holds too little of a {habit.per} on the allowed days for an occurrence.")
    return out, warnings


def _share(days: Sequence[date], count: int, k: int) -> Sequence[date]:
    """The days of the kth of so many occurrences: a run of neighbouring days, single ones when there are more occurrences than days."""
    if count > len(days):
        return [days[k * len(days) // count]]
    return days[k * len(days) // count : (k + 1) * len(days) // count]


def _periods(habit: Habit, hours: Hours, window: Interval) -> list[tuple[str, list[date], int]]:
    """The name, the days inside the window and the wanted number of occurrences of each period."""

    def allowed(day: date) -> bool:
        return (habit.days is None or WEEKDAYS[day.weekday()] in habit.days) and bool(hours.spans_on(day))

    def name(day: date) -> str:
        year, week, _ = day.isocalendar()
        return {"day": day.isoformat(), "week": f"{year}-W{week:02}", "month": f"{day:%Y-%m}"}[habit.per]

    def is_left(day: date) -> bool:
        return bool(clipped(on_day(day, [habit.between or _WHOLE_DAY], hours.tz), window))

    inside = days_between(window, hours.tz)
    out = []
    for period, each in groupby(inside, key=name):
        days = [day for day in each if allowed(day) and is_left(day)]
        whole = _days_of(days[0], habit.per) if days else []
        usual = [day for day in whole if habit.days is None or WEEKDAYS[day.weekday()] in habit.days]
        usual = [day for day in usual if hours.working.get(WEEKDAYS[day.weekday()])] or usual
        if days:
            out.append((period, days, min(habit.times, int(habit.times * len(days) / len(usual) + 0.5)) if len(days) < len(usual) else habit.times))
    return out


def _days_of(day: date, per: str) -> list[date]:
    if per == "day":
        return [day]
    if per == "week":
        monday = day.toordinal() - day.weekday()
        return [date.fromordinal(monday + n) for n in range(7)]
    first = day.replace(day=1).toordinal()
    return [d for n in range(31) if (d := date.fromordinal(first + n)).month == day.month]
