"""Prose from facts, without a model: plain, kind and specific. Every number in it is one of the facts."""

from collections.abc import Sequence
from datetime import date

from planner_memory.observer_agent.facts import CompletedTask, DuePlan, Facts, RepeatedTask, Slipped, Upcoming
from planner_memory.observer_agent.numbers import plain
from planner_memory.observer_agent.phrases import bullets, count, day, duration, moment, percentage, quoted, short_day
from planner_memory.observer_agent.review import metrics, patterns, sprint, trend
from planner_memory.ports.workspace import Mode

SHOWN = 5  # names in one list; the count before it says how many there are
_STREAK_STEP = 5  # a streak that is told every evening is noise
_LOW_PERCENT, _LOW_OF_TASKS = 50, 2  # a day on which less than half of two or more planned tasks got done
_MANY_SWITCHES_A_DAY = 6

SECTIONS: dict[Mode, tuple[str, ...]] = {
    "daily": ("Summary", "Highlights", "Observations", "Tomorrow's Focus"),
    "weekly": ("Summary", "Highlights", "Metrics", "Trend", "Pattern Performance", "Sprint", "Observations", "Next Week's Focus"),
}


def _span(facts: Facts) -> str:
    return day(facts.starts_on) if facts.starts_on == facts.ends_on else f"{day(facts.starts_on)} to {day(facts.ends_on)}"


def _summary(facts: Facts, mode: Mode) -> str:
    counted = facts.rhythm
    stretch = "day" if mode == "daily" else "week"
    if facts.is_quiet:
        return (
            f"Nothing was recorded for {_span(facts)}: no work, no planned task, no entry. "
            f"Was it a {stretch} off, or was there work that was not written down?"
        )
    parts = []
    if counted.tasks_completed:
        parts.append(f"You finished {count(counted.tasks_completed, 'task')} in {duration(counted.worked_minutes)} of recorded work.")
    elif counted.worked_minutes:
        parts.append(f"You recorded {duration(counted.worked_minutes)} of work; no task was finished yet.")
    else:
        parts.append("No work was recorded.")
    if counted.completion_percent is not None and counted.planned_tasks_completed == counted.tasks_planned > 1:
        parts.append("Both planned tasks are done." if counted.tasks_planned == 2 else f"All {plain(counted.tasks_planned)} planned tasks are done.")
    elif counted.completion_percent is not None and counted.planned_tasks_completed:
        parts.append(
            f"Of {count(counted.tasks_planned, 'planned task')}, {count(counted.planned_tasks_completed, 'is', 'are')} done"
            f" ({percentage(counted.completion_percent)})."
        )
    elif counted.tasks_planned:
        parts.append(f"{count(counted.tasks_planned, 'task')} {'was' if counted.tasks_planned == 1 else 'were'} planned.")
    if counted.meeting_minutes:
        parts.append(f"{count(counted.meetings or 0, 'meeting')} took {duration(counted.meeting_minutes)}.")
    if facts.activity.events and not (counted.tasks_completed or counted.worked_minutes):
        parts.append(f"{count(facts.activity.events, 'entry', 'entries')} came into the log.")
    return " ".join(parts)


def _took(task: CompletedTask | RepeatedTask) -> str:
    if isinstance(task, RepeatedTask):
        text = f"“{task.title}” is done {count(task.times_completed, 'time')}: it took {duration(task.actual_minutes)} in all"
    else:
        text = f"“{task.title}” is done: it took {duration(task.actual_minutes)}"
    return f"{text}, estimated at {duration(task.estimated_minutes)}." if task.estimated_minutes is not None else f"{text}."


def _highlights(facts: Facts, mode: Mode) -> str:
    together = {task.title for task in facts.repeated}
    finished: list[CompletedTask | RepeatedTask] = [*facts.repeated, *(task for task in facts.completed if task.title not in together)]
    lines = [_took(task) for task in sorted(finished, key=lambda t: (-t.actual_minutes, t.title))[:SHOWN]]
    if facts.rhythm.deep_work_minutes and mode == "daily":
        lines.append(f"{duration(facts.rhythm.deep_work_minutes)} of it was deep work." if lines else _deep(facts))
    if _is_worth_saying(facts.streaks.completed_task_days, mode):
        lines.append(f"A streak: {facts.streaks.completed_task_days} working days in a row with a finished task.")
    if _is_worth_saying(facts.streaks.plan_kept_days, mode):
        lines.append(f"A streak: {facts.streaks.plan_kept_days} days in a row on which all that was planned got done.")
    if facts.plans_made:
        lines.append(f"{count(len(facts.plans_made), 'new plan')}: {quoted(facts.plans_made, SHOWN)}.")
    return bullets(lines) or "Nothing stands out in the records."


def _is_worth_saying(days: int, mode: Mode) -> bool:
    return days >= _STREAK_STEP and (mode == "weekly" or days % _STREAK_STEP == 0)


def _deep(facts: Facts) -> str:
    return f"{duration(facts.rhythm.deep_work_minutes)} of deep work."


def _observations(facts: Facts, mode: Mode) -> str:
    counted = facts.rhythm
    lines = [
        f"The timer of “{timer.title}” is still running, since {moment(timer.since_at)}; its time is not counted yet."
        for timer in facts.running[:SHOWN]
    ]
    lines += [slipped_line(task, facts.ends_on, is_today=mode == "daily" and task.planned_on == facts.ends_on) for task in facts.slipped[:SHOWN]]
    if len(facts.slipped) > SHOWN:
        lines.append(f"In all, {count(len(facts.slipped), 'planned task')} slipped.")
    if facts.tasks.blocked:
        lines.append(
            f"Waiting for something: {quoted(facts.tasks.blocked, SHOWN)}. Who could unblock {'it' if len(facts.tasks.blocked) == 1 else 'them'}?"
        )
    limit = facts.thresholds.drift_beyond_percent
    over = list(dict.fromkeys(task.title for task in facts.completed if task.direction == "over" and (task.variance_percent or 0) > limit))
    if over:
        question = " Do they have something in common?" if len(over) > 1 else ""
        lines.append(f"Longer than estimated by more than {percentage(limit)}: {quoted(over, SHOWN)}.{question}")
    if mode == "daily" and counted.context_switches >= _MANY_SWITCHES_A_DAY:
        lines.append(f"You changed from one task to another {counted.context_switches} times. Would longer stretches have been possible?")
    if counted.meeting_minutes and counted.worked_minutes and counted.meeting_minutes > counted.deep_work_minutes:
        lines.append(f"Meetings ({duration(counted.meeting_minutes)}) took more time than deep work ({duration(counted.deep_work_minutes)}).")
    if mode == "weekly" and counted.unmarked_minutes and counted.billable_minutes:
        lines.append(f"{duration(counted.unmarked_minutes)} of the work is marked neither billable nor not billable.")
    lines += facts.missing
    if counted.tasks_planned and not counted.worked_minutes and not counted.planned_tasks_completed and not facts.running:
        lines.append("Was the time spent on something that is not written down, or did something come up?")
    elif is_low(facts):
        lines.append("What got in the way: too much planned, something that came up, or something else?")
    if not lines and not facts.is_quiet:
        return "All that was planned got done." if counted.tasks_planned else "Nothing slipped, and no timer was left running."
    return bullets(lines) or "There is nothing to compare."


def is_low(facts: Facts) -> bool:
    """A stretch that went badly: it gets a question, not a judgement."""
    rate = facts.rhythm.completion_percent
    return rate is not None and rate < _LOW_PERCENT and facts.rhythm.tasks_planned >= _LOW_OF_TASKS


def slipped_line(task: Slipped, ends_on: date | None = None, *, is_today: bool = False) -> str:
    """`ends_on` is the day that the reader has before them: it is not said again."""
    when = "was planned for today" if is_today else f"was planned for {short_day(task.planned_on, ends_on)}"
    moved = f"now stands on {short_day(task.moved_to_on, ends_on)}" if task.moved_to_on is not None else "has no new time yet"
    return f"“{task.title}” {when}, was not done and {moved}."


def due_line(plan: DuePlan, ends_on: date | None = None) -> str:
    state = "was due on" if plan.is_overdue else "is due on"
    text = f"“{plan.title}” {state} {short_day(plan.due_on, ends_on)}"
    if plan.steps:
        text += f"; {count(plan.steps_open, 'step')} of {plan.steps} {'is' if plan.steps_open == 1 else 'are'} open"
    return text + (", and its last block ends after that." if plan.ends_after_deadline else ".")


def _focus(facts: Facts, mode: Mode) -> str:
    lines: list[str] = []
    if facts.upcoming and mode == "weekly":
        first = facts.upcoming[0]
        lines.append(
            f"{count(facts.ahead.tasks, 'task is', 'tasks are')} scheduled, {duration(facts.ahead.scheduled_minutes)} in all;"
            f" “{first.title}” comes first, at {moment(first.starts_at, facts.ends_on)}."
        )
    elif facts.upcoming:
        lines += _blocks_by_task(facts.upcoming[:SHOWN])
        if len(facts.upcoming) > SHOWN:
            lines.append(f"With what follows, {duration(facts.ahead.scheduled_minutes)} are scheduled.")
    lines += [due_line(plan, facts.ends_on) for plan in facts.due[:SHOWN]]
    lines += dict.fromkeys(f"Find a new time for “{task.title}”, or let it go." for task in facts.slipped[:SHOWN] if task.moved_to_on is None)
    return bullets(lines) or "Nothing is planned yet. What is the one thing that would make it a good one?"


def _blocks_by_task(blocks: Sequence[Upcoming]) -> list[str]:
    """One line for each task and day: Thursday: “Analyse” at 09:00 (2 h) and at 11:00 (2 h)."""
    together: dict[tuple[str, date], list[str]] = {}
    for block in blocks:
        together.setdefault((block.title, block.starts_at.date()), []).append(f"at {block.starts_at:%H:%M} ({duration(block.lasts_minutes)})")
    return [f"{day_of:%A}: “{title}” {_listed(times)}." for (title, day_of), times in together.items()]


def _listed(parts: Sequence[str]) -> str:
    return " and ".join(filter(None, [", ".join(parts[:-1]), parts[-1]]))


def sections_of(facts: Facts, mode: Mode) -> dict[str, str]:
    """The sections by heading, in order."""
    texts = [_summary(facts, mode), _highlights(facts, mode)]
    if mode == "weekly":
        texts += [metrics(facts), trend(facts), patterns(facts), sprint(facts)]
    texts += [_observations(facts, mode), _focus(facts, mode)]
    return dict(zip(SECTIONS[mode], texts, strict=True))


def title_of(facts: Facts, mode: Mode) -> str:
    return f"{'Daily reflection' if mode == 'daily' else 'Weekly review'}, {_span(facts)}"


def markdown(title: str, sections: dict[str, str]) -> str:
    return "\n\n".join([f"# {title}", *(f"## {heading}\n\n{text}" for heading, text in sections.items())]) + "\n"
