"""How the hours of a period went: work, deep work, meetings, what was planned and done, and switches between tasks."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from zoneinfo import ZoneInfo

from planner_memory.core.intervals import Interval, clipped, merged, subtracted
from planner_memory.ports.facts import FinishedRun, ScheduledBlock

DEEP_WORK_AT_LEAST = timedelta(hours=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Whole minutes and counts of one window. Worked minutes are the sum of the billable, the not billable and the unmarked ones.

    `meetings` and `meeting_minutes` are None when no calendar answered, `completion_percent` when nothing was planned.
    """

    runs: int
    worked_minutes: int
    billable_minutes: int
    not_billable_minutes: int
    unmarked_minutes: int
    deep_work_minutes: int
    meetings: int | None
    meeting_minutes: int | None
    scheduled_minutes: int
    tasks_completed: int
    tasks_planned: int
    planned_tasks_completed: int
    completion_percent: float | None
    context_switches: int


def percent(part: float | Decimal, whole: float | Decimal) -> float | None:
    """To one decimal; None of nothing."""
    return round(float(Fraction(part) * 100 / Fraction(whole)), 1) if whole else None


def minutes_within(run: FinishedRun, window: Interval) -> int:
    """The run's recorded hours that fall into the window, in whole minutes.

    A run across the window's edge is shared out by the clock. The parts of adjoining windows add up to the run's rounded whole.
    """
    if run.ended_at <= window.start or run.started_at > window.end:
        return 0
    whole = Fraction(run.actual_hours) * 60
    length = run.ended_at - run.started_at
    if length <= timedelta(0):
        return round(whole) if window.start < run.ended_at <= window.end else 0

    def until(moment: datetime) -> int:
        passed = min(max(moment - run.started_at, timedelta(0)), length)
        return round(whole * Fraction(passed // timedelta(microseconds=1), length // timedelta(microseconds=1)))

    return until(window.end) - until(window.start)


def ended_in(run: FinishedRun, window: Interval) -> bool:
    """A run that ends at midnight belongs to the day before."""
    return window.start < run.ended_at <= window.end


def task_of(run: FinishedRun) -> str:
    return run.task_id or run.title or run.run_id


def deep_work(runs: Iterable[FinishedRun], meetings: Sequence[Interval], window: Interval) -> list[Interval]:
    """Stretches of at least an hour on one task without a meeting, disjoint and in order.

    One hour is the shortest stretch that workplace analytics count as focus time.
    """
    by_task: dict[str, list[Interval]] = defaultdict(list)
    for run in runs:
        if run.ended_at > run.started_at and run.started_at < window.end and run.ended_at > window.start:
            by_task[task_of(run)].append(Interval(run.started_at, run.ended_at))
    stretches = [
        stretch
        for intervals in by_task.values()
        for stretch in subtracted(clipped(merged(intervals), window), meetings)
        if stretch.lasts >= DEEP_WORK_AT_LEAST
    ]
    return merged(stretches)


def switches(runs: Iterable[FinishedRun], window: Interval, tz: ZoneInfo) -> int:
    """How often, within one local day, a run began that was of another task than the run begun before it."""
    count = 0
    previous: tuple[object, str] | None = None
    for run in sorted((r for r in runs if window.start <= r.started_at < window.end), key=lambda r: (r.started_at, r.run_id)):
        current = (run.started_at.astimezone(tz).date(), task_of(run))
        count += previous is not None and previous[0] == current[0] and previous[1] != current[1]
        previous = current
    return count


def lasting_minutes(intervals: Iterable[Interval]) -> int:
    return round(sum((each.lasts for each in merged(intervals)), timedelta(0)) / _MINUTE)


def done_by(runs: Iterable[FinishedRun], moment: datetime) -> frozenset[str]:
    """The tasks that were finished at or before that instant."""
    return frozenset(task_of(run) for run in runs if run.is_done and run.ended_at <= moment)


def rhythm(
    window: Interval,
    tz: ZoneInfo,
    runs: Sequence[FinishedRun],
    blocks: Sequence[ScheduledBlock],
    meetings: Sequence[Interval] | None,
    finished: frozenset[str] = frozenset(),
) -> Rhythm:
    """Counts one window. Rows outside it are ignored, rows across its edges are cut there.

    `meetings` are timed busy events of other origin, None when the calendar is not known. `finished` names tasks known to be finished
    beside those of the runs. A task counts as planned in the window in which one of its blocks ends.
    """
    shares = [(run, minutes_within(run, window)) for run in runs]
    cut_meetings = None if meetings is None else merged(clipped(meetings, window))
    planned = {block.task_id for block in blocks if window.start < block.ends_at <= window.end}
    done = (finished | done_by(runs, window.end)) & planned
    return Rhythm(
        runs=sum(ended_in(run, window) for run in runs),
        worked_minutes=sum(minutes for _, minutes in shares),
        billable_minutes=sum(minutes for run, minutes in shares if run.billable is True),
        not_billable_minutes=sum(minutes for run, minutes in shares if run.billable is False),
        unmarked_minutes=sum(minutes for run, minutes in shares if run.billable is None),
        deep_work_minutes=lasting_minutes(deep_work(runs, cut_meetings or [], window)),
        meetings=None if meetings is None else sum(each.overlaps(window) for each in meetings),
        meeting_minutes=None if cut_meetings is None else lasting_minutes(cut_meetings),
        scheduled_minutes=lasting_minutes(clipped([Interval(b.starts_at, b.ends_at) for b in blocks], window)),
        tasks_completed=len({task_of(run) for run in runs if run.is_done and ended_in(run, window)}),
        tasks_planned=len(planned),
        planned_tasks_completed=len(done),
        completion_percent=percent(len(done), len(planned)),
        context_switches=switches(runs, window, tz),
    )
