"""From the rows of store and calendar to the facts of a reflection."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from planner_memory.core.intervals import Interval, clipped
from planner_memory.core.local_time import days_between
from planner_memory.observer_agent import drift, periods, rhythm
from planner_memory.observer_agent.facts import (
    TREND_WEEKS,
    Activity,
    Ahead,
    Averages,
    CompletedTask,
    DuePlan,
    Facts,
    OpenTasks,
    RepeatedTask,
    Running,
    Slipped,
    SprintFacts,
    Trend,
    Upcoming,
    label,
)
from planner_memory.observer_agent.rhythm import Rhythm
from planner_memory.observer_agent.sources import WorkspaceTasks
from planner_memory.observer_agent.streaks import IsWorkday, streaks, weekdays
from planner_memory.observer_agent.variance import compared, variances
from planner_memory.ports.calendar import CalendarEvent
from planner_memory.ports.facts import EventCount, FinishedRun, MadePlan, OpenPlan, RunningTimer, ScheduledBlock, Sprint


@dataclass(frozen=True, slots=True)
class Rows:
    """What the store and the calendar gave; `calendar` is None when it is off or did not answer."""

    events: Sequence[EventCount]
    runs: Sequence[FinishedRun]
    running: Sequence[RunningTimer]
    blocks: Sequence[ScheduledBlock]
    finished: frozenset[str]
    plans_made: Sequence[MadePlan]
    plans_due: Sequence[OpenPlan]
    sprint: Sprint | None
    calendar: Sequence[CalendarEvent] | None
    tasks: WorkspaceTasks | None = None  # as the workspace has them now
    missing: tuple[str, ...] = ()
    names: Mapping[str, str] = field(default_factory=dict)  # of workflows and templates by their ids, as far as the workspace knows them

    def named(self, key: str) -> str:
        """A workflow's or template's name as one line, its id where the name is not known."""
        return label(self.names.get(key, key))


def meetings_of(calendar: Sequence[CalendarEvent] | None) -> list[Interval] | None:
    """Timed busy events that the product did not write. An all-day event blocks a day but is no meeting."""
    if calendar is None:
        return None
    return [event.interval for event in calendar if event.is_busy and not event.is_all_day and not event.is_own and event.end > event.start]


def placed(blocks: Iterable[ScheduledBlock], calendar: Sequence[CalendarEvent] | None) -> list[ScheduledBlock]:
    """The blocks where the calendar has them now: one moved by hand counts where it was moved to."""
    own = {event.event_id: event for event in calendar or () if event.is_own and event.end > event.start}
    out = []
    for block in blocks:
        event = own.get(block.event_id) if block.event_id else None
        out.append(ScheduledBlock(block.event_id, block.task_id, block.title, event.start, event.end, block.billable) if event is not None else block)
    return sorted(out, key=lambda b: (b.starts_at, b.task_id))


def informed(runs: Iterable[FinishedRun], blocks: Iterable[ScheduledBlock]) -> list[FinishedRun]:
    """The runs, with name and billing of their task's block where they were recorded without."""
    known = {block.task_id: block for block in blocks}
    out = []
    for run in runs:
        block = known.get(run.task_id or "")
        if block is not None and (run.title is None or run.billable is None):
            run = replace(run, title=run.title or block.title, billable=block.billable if run.billable is None else run.billable)
        out.append(run)
    return out


def _of_workspace(tasks: WorkspaceTasks) -> OpenTasks:
    return OpenTasks("workspace", tasks.open_tasks, len(tasks.blocked), tuple(label(title) for title in tasks.blocked))


def _open_tasks(runs: Iterable[FinishedRun], blocks: Iterable[ScheduledBlock], window: Interval, done: frozenset[str]) -> OpenTasks:
    """By the schedule, and by sittings after which the task went on."""
    titles = {b.task_id: b.title or b.task_id for b in blocks if b.ends_at > window.start}
    latest: dict[str, FinishedRun] = {}
    for run in sorted(runs, key=lambda r: r.ended_at):
        if rhythm.ended_in(run, window):
            latest[rhythm.task_of(run)] = run
    titles |= {task: run.title or task for task, run in latest.items()}
    still = {task: title for task, title in titles.items() if task not in done}
    blocked = sorted(label(still[task]) for task, run in latest.items() if task in still and drift.says(run.outcome_notes, "blocked"))
    return OpenTasks("schedule", len(still), len(blocked), tuple(blocked))


def _completed(runs: Iterable[FinishedRun], window: Interval) -> tuple[CompletedTask, ...]:
    latest = {rhythm.task_of(run): run for run in sorted(runs, key=lambda r: r.ended_at) if run.is_done and rhythm.ended_in(run, window)}
    tasks = []
    for run in latest.values():
        actual = run.whole_hours if run.whole_hours is not None else run.actual_hours
        size, direction = compared(actual, run.estimated_hours)
        estimated = round(run.estimated_hours * 60) if run.estimated_hours is not None else None
        tasks.append(CompletedTask(label(run.title or run.task_id), round(actual * 60), estimated, size, direction))
    return tuple(sorted(tasks, key=lambda t: (-t.actual_minutes, t.title)))


def _repeated(completed: Iterable[CompletedTask]) -> tuple[RepeatedTask, ...]:
    by_title: dict[str, list[CompletedTask]] = {}
    for task in completed:
        by_title.setdefault(task.title, []).append(task)
    found = []
    for title, tasks in by_title.items():
        if len(tasks) > 1:
            estimates = [task.estimated_minutes for task in tasks if task.estimated_minutes is not None]
            estimated = sum(estimates) if len(estimates) == len(tasks) else None
            found.append(RepeatedTask(title, len(tasks), sum(task.actual_minutes for task in tasks), estimated))
    return tuple(sorted(found, key=lambda t: (-t.actual_minutes, t.title)))


def slipped_of(blocks: Iterable[ScheduledBlock], window: Interval, done: frozenset[str], tz: ZoneInfo) -> tuple[Slipped, ...]:
    """Tasks whose last block in the window has ended and that are not finished, by the day on which it ended."""
    last: dict[str, ScheduledBlock] = {}
    ahead: dict[str, date] = {}
    for block in sorted(blocks, key=lambda b: b.ends_at):
        if block.task_id in done:
            continue
        if window.start < block.ends_at <= window.end:
            last[block.task_id] = block
        elif block.ends_at > window.end:
            ahead.setdefault(block.task_id, block.starts_at.astimezone(tz).date())
    found = [
        Slipped(label(b.title or b.task_id), days_between(Interval(b.starts_at, b.ends_at), tz)[-1], ahead.get(b.task_id)) for b in last.values()
    ]
    return tuple(sorted(found, key=lambda s: (s.planned_on, s.title)))


def ahead_of(blocks: Iterable[ScheduledBlock], window: Interval, done: frozenset[str]) -> Ahead:
    starting = [b for b in blocks if window.start <= b.starts_at < window.end and b.task_id not in done]
    return Ahead(len({b.task_id for b in starting}), rhythm.lasting_minutes(Interval(b.starts_at, b.ends_at) for b in starting))


def upcoming_of(blocks: Iterable[ScheduledBlock], window: Interval, done: frozenset[str], tz: ZoneInfo) -> tuple[Upcoming, ...]:
    starting = [b for b in blocks if window.start <= b.starts_at < window.end and b.task_id not in done]
    found = []
    for block in starting:
        lasts = rhythm.lasting_minutes([Interval(block.starts_at, block.ends_at)])
        found.append(Upcoming(label(block.title or block.task_id), block.starts_at.astimezone(tz), lasts))
    return tuple(found)


def due_of(plans: Iterable[OpenPlan], now: datetime, tz: ZoneInfo) -> tuple[DuePlan, ...]:
    return tuple(
        DuePlan(
            title=label(plan.title, "an unnamed plan"),
            due_on=days_between(Interval(plan.deadline_at - timedelta(microseconds=1), plan.deadline_at), tz)[0],
            is_overdue=plan.deadline_at <= now,
            ends_after_deadline=plan.last_block_ends_at is not None and plan.last_block_ends_at > plan.deadline_at,
            steps=plan.steps,
            steps_open=plan.steps - plan.steps_done,
        )
        for plan in plans
    )


def running_of(timers: Iterable[RunningTimer], tz: ZoneInfo) -> tuple[Running, ...]:
    return tuple(Running(label(t.title or t.task_id), t.started_at.astimezone(tz)) for t in timers)


def _averages(weeks: Sequence[Rhythm]) -> Averages | None:
    active = [w for w in weeks if w.runs or w.worked_minutes or w.meetings or w.tasks_planned]
    if not active:
        return None
    n = len(active)
    met = [w.meeting_minutes for w in active if w.meeting_minutes is not None]
    rates = [w.completion_percent for w in active if w.completion_percent is not None]
    return Averages(
        weeks=n,
        tasks_completed=round(sum(w.tasks_completed for w in active) / n, 1),
        worked_minutes=round(sum(w.worked_minutes for w in active) / n),
        deep_work_minutes=round(sum(w.deep_work_minutes for w in active) / n),
        meeting_minutes=round(sum(met) / len(met)) if met else None,
        completion_percent=round(sum(rates) / len(rates), 1) if rates else None,
    )


def sprint_window(sprint: Sprint, period: Interval, tz: ZoneInfo) -> Interval | None:
    """From the sprint's first local day to the end of the period or of the sprint, whichever comes first."""
    first = periods.dated("daily", sprint.starts_on, tz).start
    end = min(periods.dated("daily", sprint.ends_on, tz).end, period.end)
    return Interval(first, end) if first < end else None


def _sprint(rows: Rows, blocks: Sequence[ScheduledBlock], period: Interval, tz: ZoneInfo) -> SprintFacts:
    """`rows.runs` must reach back to the sprint's first day."""
    window = sprint_window(rows.sprint, period, tz) if rows.sprint else None
    billable = [Interval(b.starts_at, b.ends_at) for b in blocks if b.billable]
    if rows.sprint is not None and window is not None:
        source, name, planned = "sprint", label(rows.sprint.name, "the sprint"), round(rows.sprint.planned_billable_hours * 60)
        first, last = rows.sprint.starts_on, rows.sprint.ends_on
    else:
        window, source, name = period, "schedule", None
        planned = rhythm.lasting_minutes(clipped(billable, period))
        days = days_between(period, tz)
        first, last = days[0], days[-1]
    shares = [(run.billable, rhythm.minutes_within(run, window)) for run in rows.runs]
    actual = sum(minutes for is_billable, minutes in shares if is_billable)
    worked = sum(minutes for _, minutes in shares)
    return SprintFacts(source, name, first, last, planned, actual, rhythm.percent(actual, planned), rhythm.percent(actual, worked))


def assembled(
    rows: Rows, period: Interval, tz: ZoneInfo, *, next_window: Interval, is_weekly: bool, now: datetime, is_workday: IsWorkday = weekdays
) -> Facts:
    """Counts the rows. They must reach back over the streaks' look-back, for a weekly reflection over the trend's weeks and that of drifts too."""
    blocks = placed(rows.blocks, rows.calendar)
    rows = replace(rows, runs=informed(rows.runs, blocks))
    meetings = meetings_of(rows.calendar)
    done = rows.finished | rhythm.done_by(rows.runs, period.end)
    elapsed = Interval(period.start, min(period.end, now)) if now > period.start else period
    counted = rhythm.rhythm(period, tz, rows.runs, blocks, meetings, rows.finished)
    weeks = periods.weeks_before(period, TREND_WEEKS, tz) if is_weekly else []
    earlier = tuple(rhythm.rhythm(week, tz, rows.runs, blocks, meetings) for week in weeks)
    patterns: list[FinishedRun] = []
    if is_weekly:
        since = periods.days_earlier(period.end, drift.LOOK_BACK_DAYS, tz)
        patterns = _recently_used([r for r in rows.runs if since < r.ended_at <= period.end], weeks[-1].start)
    days = days_between(period, tz)
    by_type: dict[str, int] = {}
    by_source: dict[str, int] = {}
    for each in rows.events:
        by_type[label(each.event_type)] = by_type.get(label(each.event_type), 0) + each.count
        by_source[label(each.event_source)] = by_source.get(label(each.event_source), 0) + each.count
    completed = _completed(rows.runs, period)
    return Facts(
        time_zone=tz.key,
        starts_at=period.start.astimezone(tz),
        ends_at=period.end.astimezone(tz),
        starts_on=days[0],
        ends_on=days[-1],
        activity=Activity(sum(e.count for e in rows.events), by_type, by_source),
        rhythm=counted,
        completed=completed,
        repeated=_repeated(completed),
        running=running_of(rows.running, tz),
        slipped=slipped_of(blocks, elapsed, done, tz),
        upcoming=upcoming_of(blocks, next_window, done, tz),
        ahead=ahead_of(blocks, next_window, done),
        due=due_of(rows.plans_due, min(now, period.end), tz),
        plans_made=tuple(label(plan.title, "an unnamed plan") for plan in rows.plans_made),
        drift=tuple(drift.drifts(patterns, rows.named)),
        repeated_trouble=tuple(drift.repeated_trouble(patterns, rows.named)),
        variance=tuple(variances(rows.runs, period, rows.named)),
        trend=Trend(earlier, _averages(earlier)) if is_weekly else None,
        sprint=_sprint(rows, blocks, period, tz) if is_weekly else None,
        streaks=streaks(elapsed.end, now, tz, rows.runs, blocks, meetings, rows.finished, is_workday),
        tasks=_of_workspace(rows.tasks) if rows.tasks is not None else _open_tasks(rows.runs, blocks, period, done),
        missing=rows.missing,
    )


def _recently_used(runs: Sequence[FinishedRun], since: datetime) -> list[FinishedRun]:
    """Runs of the workflows and templates that were used after `since`: what has not run for weeks is no news."""
    recent = [r for r in runs if r.ended_at > since]
    workflows = {r.workflow_id for r in recent} - {None}
    templates = {r.process_template_id for r in recent} - {None}
    return [r for r in runs if r.workflow_id in workflows or r.process_template_id in templates]
