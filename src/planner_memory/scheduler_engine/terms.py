"""Reads a request against the person's profile and what memory says about them: all that decides a schedule but the calendar."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from planner_memory.core.errors import InvalidInput
from planner_memory.core.intervals import Interval, clipped, merged
from planner_memory.core.local_time import day_interval, days_between, instant, zone
from planner_memory.core.profile import WEEKDAYS, Profile, Span
from planner_memory.core.public_holidays import public_holidays
from planner_memory.core.titles import is_in_one_piece
from planner_memory.scheduler_engine.availability import Hours
from planner_memory.scheduler_engine.cost import Weights, weights_of
from planner_memory.scheduler_engine.repeats import Habit, occurrences
from planner_memory.scheduler_engine.rules import Rule, applied, kept_off, newest, weighed
from planner_memory.scheduler_engine.schemas import BusyIn, ScheduleIn, TaskIn
from planner_memory.scheduler_engine.tasks import PRIORITIES, Task, check_tasks, chunk_bounds, on_grid

DEFAULT_WINDOW = timedelta(days=14)
LONGEST_WINDOW = timedelta(days=366)
BEYOND = timedelta(days=28)  # how far after the window a place is looked for that is only told, not taken


@dataclass(frozen=True, slots=True)
class Terms:
    """All that decides a schedule but the busy time of the calendar."""

    tasks: tuple[Task, ...]
    window: Interval
    hours: Hours
    extra_busy: tuple[Interval, ...]
    seed: int
    weights: Weights = field(default_factory=Weights)
    rules: tuple[Rule, ...] = ()  # what remembered preferences ask for, as far as the request leaves room for it
    notes: tuple[str, ...] = ()  # what has to be said before anything is placed


def terms_of(body: ScheduleIn, profile: Profile, now: datetime, plan_tasks: Sequence[Task] = (), rules: Sequence[Rule] = ()) -> Terms:
    """Reads a request against the profile; what the request says wins.

    Raises:
        InvalidInput: an unknown zone, a window that ends before it starts, tasks that repeat or wait in a circle.
    """
    tz = zone(body.time_zone or profile.time_zone)
    limits = body.constraints
    start = instant(limits.start_date, tz, field="constraints.start_date") if limits and limits.start_date else now
    end = instant(limits.end_date, tz, is_end=True, field="constraints.end_date") if limits and limits.end_date else start + DEFAULT_WINDOW
    if end <= start:
        raise InvalidInput("The window ends before it starts. Give an end_date after the start_date.", field="constraints.end_date")
    if end - start > LONGEST_WINDOW:
        raise InvalidInput("The window is longer than a year. Give an earlier end_date.", field="constraints.end_date")
    window = Interval(start, end)
    hours = hours_of(body, profile, window)
    own = {"hours": body.working_hours, "bands": body.energy_bands, "buffer": body.buffer_minutes}
    hours, used, aside = applied(hours, newest(rules), own={name for name, value in own.items() if value is not None})
    asked = body.weights.model_dump(exclude_none=True) if body.weights else {}
    weights, silent = weighed(weights_of(profile.weights, asked), used, own={*profile.weights, *asked})
    notes = [f"Preference set aside, because it leaves you no working hours: {rule.says}." for rule in aside]
    tasks: list[Task] = [] if body.tasks else list(plan_tasks)
    for i, given in enumerate(body.tasks or ()):
        task = _task(given, i, tz, profile.largest_task_minutes)
        if given.repeat is None:
            tasks.append(task)
            continue
        habit = Habit(given.repeat.times, given.repeat.per, tuple(given.repeat.days or ()) or None, given.repeat.between, given.repeat.most_per_day)
        each, said = occurrences(task, habit, hours, window)
        tasks += each
        notes += said
    check_tasks(tasks)
    tasks = [_off_days(task, used, window, tz) for task in tasks]
    named = [r for r in used if r not in silent and (r.kind != "no_meetings" or any(r.source in t.note for t in tasks))]
    return Terms(
        tasks=tuple(tasks),
        window=window,
        hours=hours,
        extra_busy=busy_of(body.extra_busy or (), tz),
        seed=body.seed or 0,
        weights=weights,
        rules=tuple(named),
        notes=(*notes, *(f"Preference used: {rule.says}." for rule in named)),
    )


def _off_days(task: Task, rules: Sequence[Rule], window: Interval, tz: ZoneInfo) -> Task:
    """The task kept off the weekdays on which remembered preferences want no such thing."""
    off = kept_off(task, rules)
    if not off:
        return task
    days = days_between(Interval(window.start, window.end + BEYOND), tz)
    allowed = merged(day_interval(day, tz) for day in days if WEEKDAYS[day.weekday()] not in off)
    within = allowed if task.within is None else [c for each in task.within for c in clipped(allowed, each)]
    return replace(task, within=tuple(within), note="; ".join(dict.fromkeys([*filter(None, [task.note]), *(f"“{s}”" for s in off.values())])))


def hours_of(body: ScheduleIn | None, profile: Profile, window: Interval) -> Hours:
    tz = zone((body and body.time_zone) or profile.time_zone)
    days = days_between(Interval(window.start, window.end + BEYOND), tz)
    return Hours(
        tz=tz,
        working=body.working_hours.by_day() if body and body.working_hours else profile.working_hours,
        exceptions={**profile.exceptions, **exceptions_of(body.exceptions if body else None)},
        holidays=public_holidays(profile.holidays_country, {d.year for d in days}) if profile.holidays_country else frozenset(),
        bands=body.energy_bands.by_name() if body and body.energy_bands else profile.energy_bands,
        buffer_minutes=body.buffer_minutes if body and body.buffer_minutes is not None else profile.buffer_minutes,
    )


def exceptions_of(given: Mapping[date, Sequence[Any]] | None) -> dict[date, tuple[Span, ...]]:
    return {day: tuple((start, end) for start, end in spans) for day, spans in (given or {}).items()}


def busy_of(given: Sequence[BusyIn], tz: Any) -> tuple[Interval, ...]:
    found = []
    for i, each in enumerate(given):
        start = instant(each.start, tz, field=f"extra_busy[{i}].start")
        end = instant(each.end, tz, is_end=True, field=f"extra_busy[{i}].end")
        if end <= start:
            raise InvalidInput("This busy time ends before it starts.", field=f"extra_busy[{i}].end")
        found.append(Interval(start, end))
    return tuple(found)


def _task(given: TaskIn, i: int, tz: Any, largest: int | None) -> Task:
    minutes = on_grid(given.estimated_minutes if given.estimated_minutes is not None else (given.estimated_hours or 0) * 60)
    splittable = given.splittable
    if splittable is None and given.min_chunk_minutes is None and given.max_chunk_minutes is None and is_in_one_piece(given.title or ""):
        splittable = False
    least, most = chunk_bounds(minutes, splittable, given.min_chunk_minutes, given.max_chunk_minutes, largest)

    def at(name: str, *, is_end: bool = False) -> datetime | None:
        value = getattr(given, name)
        return instant(value, tz, is_end=is_end, field=f"tasks[{i}].{name}") if value else None

    return Task(
        task_id=given.task_id,
        title=given.title or given.task_id,
        minutes=minutes,
        priority=given.priority if isinstance(given.priority, int) else PRIORITIES[given.priority or "medium"],
        deadline=at("deadline", is_end=True),
        earliest_start=at("earliest_start"),
        depends_on=tuple(dict.fromkeys(given.depends_on or ())),
        min_chunk=least,
        max_chunk=most,
        energy=given.energy,
        billable=given.billable,
        fixed_start=at("fixed_start"),
        description=given.description,
    )
