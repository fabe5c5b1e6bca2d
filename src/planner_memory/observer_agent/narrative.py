"""Prose from facts, without a model: plain, kind and specific. Every number in it is one of the facts."""

from collections.abc import Sequence
from datetime import date, datetime

from planner_memory.observer_agent.facts import CompletedTask, DuePlan, Facts, Slipped
from planner_memory.observer_agent.numbers import plain
from planner_memory.ports.workspace import Mode

_SHOWN = 5  # names in one list; the count before it says how many there are


def duration(minutes: int) -> str:
    hours, rest = divmod(minutes, 60)
    return f"{hours} h {rest} min" if hours and rest else f"{hours} h" if hours else f"{rest} min"


def count(n: float, noun: str, plural: str | None = None) -> str:
    return f"{plain(n)} {noun if n == 1 else plural or noun + 's'}"


def percentage(value: float) -> str:
    return f"{plain(value)} %"


def day(value: date) -> str:
    return f"{value:%A} {value.day} {value:%B %Y}"


def moment(value: datetime) -> str:
    return f"{value:%H:%M} on {day(value.date())}"


def quoted(names: Sequence[str]) -> str:
    """The first few names in quotes, as one phrase."""
    shown = [f"“{name}”" for name in names[:_SHOWN]]
    if len(names) > _SHOWN:
        return ", ".join(shown) + " and others"
    return " and ".join(filter(None, [", ".join(shown[:-1]), shown[-1]]))


def bullets(lines: Sequence[str]) -> str:
    return "\n".join(f"- {line}" for line in lines)


def _span(facts: Facts) -> str:
    return day(facts.starts_on) if facts.starts_on == facts.ends_on else f"{day(facts.starts_on)} to {day(facts.ends_on)}"


def _summary(facts: Facts, mode: Mode) -> str:
    counted = facts.rhythm
    if facts.is_quiet:
        stretch = "day" if mode == "daily" else "week"
        return (
            f"Nothing was recorded for {_span(facts)}: no work, no planned task, no event. "
            f"Was it a {stretch} off, or was there work that was not written down?"
        )
    parts = [f"{_span(facts)}: {count(counted.tasks_completed, 'task')} completed in {duration(counted.worked_minutes)} of recorded work."]
    if counted.completion_percent is not None:
        parts.append(
            f"Of {count(counted.tasks_planned, 'planned task')}, {count(counted.planned_tasks_completed, 'is', 'are')} done"
            f" ({percentage(counted.completion_percent)})."
        )
    if counted.meeting_minutes:
        parts.append(f"{count(counted.meetings or 0, 'meeting')} took {duration(counted.meeting_minutes)}.")
    if facts.activity.events:
        kinds = ", ".join(f"“{name}” {n}" for name, n in list(facts.activity.by_type.items())[:_SHOWN])
        parts.append(f"{count(facts.activity.events, 'event')} came in (by type: {kinds}).")
    return " ".join(parts)


def _took(task: CompletedTask) -> str:
    text = f"“{task.title}” done in {duration(task.actual_minutes)}"
    return f"{text}, estimated at {duration(task.estimated_minutes)}" if task.estimated_minutes is not None else text


def _highlights(facts: Facts) -> str:
    lines = [_took(task) for task in facts.completed[:_SHOWN]]
    if facts.rhythm.deep_work_minutes:
        lines.append(
            f"{duration(facts.rhythm.deep_work_minutes)} of deep work, in stretches of at least"
            f" {duration(facts.thresholds.deep_work_at_least_minutes)} on one task."
        )
    if facts.plans_made:
        lines.append(f"{count(len(facts.plans_made), 'new plan')}: {quoted(facts.plans_made)}.")
    return bullets(lines) or "Nothing stands out in the records."


def _observations(facts: Facts) -> str:
    counted = facts.rhythm
    lines = []
    lines += [
        f"The timer of “{timer.title}” is still running, since {moment(timer.since_at)}; its time is not counted yet."
        for timer in facts.running[:_SHOWN]
    ]
    if facts.slipped:
        lines.append(f"{count(len(facts.slipped), 'planned task')} slipped:")
        lines += [slipped_line(task) for task in facts.slipped[:_SHOWN]]
    over = [
        t
        for t in facts.completed
        if t.estimated_minutes and t.actual_minutes > t.estimated_minutes * (1 + facts.thresholds.drift_beyond_percent / 100)
    ]
    if over:
        lines.append(f"More than {percentage(facts.thresholds.drift_beyond_percent)} over the estimate: {quoted([t.title for t in over])}.")
    if counted.context_switches:
        lines.append(f"{count(counted.context_switches, 'switch', 'switches')} from one task to another within a day.")
    if counted.meeting_minutes and counted.meeting_minutes > counted.deep_work_minutes:
        lines.append(f"Meetings ({duration(counted.meeting_minutes)}) took more time than deep work ({duration(counted.deep_work_minutes)}).")
    if counted.unmarked_minutes and counted.billable_minutes:
        lines.append(f"{duration(counted.unmarked_minutes)} of the work is marked neither billable nor not billable.")
    lines += facts.missing
    if not lines and not facts.is_quiet:
        return "Nothing slipped and no timer was left running."
    return bullets(lines) or "There is nothing to compare."


def slipped_line(task: Slipped) -> str:
    moved = f", now on {day(task.moved_to_on)}" if task.moved_to_on is not None else ""
    return f"“{task.title}”, planned for {day(task.planned_on)}{moved}."


def due_line(plan: DuePlan) -> str:
    state = "was due on" if plan.is_overdue else "is due on"
    text = f"“{plan.title}” {state} {day(plan.due_on)}"
    if plan.steps:
        text += f", {count(plan.steps_open, 'step')} of {plan.steps} open"
    return text + (", and its last block ends after that." if plan.ends_after_deadline else ".")


def _focus(facts: Facts) -> str:
    lines = [f"“{b.title}”, {duration(b.lasts_minutes)} from {moment(b.starts_at)}." for b in facts.upcoming[:_SHOWN]]
    lines += [due_line(plan) for plan in facts.due[:_SHOWN]]
    lines += [f"Find a new place for “{task.title}”." for task in facts.slipped[:_SHOWN] if task.moved_to_on is None]
    return bullets(lines) or "Nothing is planned yet. What is the one thing that would make it a good one?"


def _metrics(facts: Facts) -> str:
    counted = facts.rhythm
    rate = "nothing was planned" if counted.completion_percent is None else percentage(counted.completion_percent)
    meetings = "not known" if counted.meeting_minutes is None else duration(counted.meeting_minutes)
    shares = (
        f"{duration(counted.billable_minutes)} billable, {duration(counted.not_billable_minutes)} not billable,"
        f" {duration(counted.unmarked_minutes)} unmarked"
    )
    return bullets(
        [
            f"Tasks completed: {counted.tasks_completed}",
            f"Completion rate of planned tasks: {rate}",
            f"Recorded work: {duration(counted.worked_minutes)} ({shares})",
            f"Deep work: {duration(counted.deep_work_minutes)}",
            f"Meetings: {meetings}",
            f"Scheduled: {duration(counted.scheduled_minutes)}",
            f"Switches between tasks: {counted.context_switches}",
        ]
    )


def _trend(facts: Facts) -> str:
    average = facts.trend and facts.trend.average
    if not average:
        return f"There is no activity in the last {facts.thresholds.trend_weeks} weeks to compare with."
    counted = facts.rhythm

    def against(name: str, now: str, before: str) -> str:
        return f"{name}: {now}, before {before}"

    lines = [
        against("Tasks completed", f"{counted.tasks_completed}", f"{plain(average.tasks_completed)}"),
        against("Recorded work", duration(counted.worked_minutes), duration(average.worked_minutes)),
        against("Deep work", duration(counted.deep_work_minutes), duration(average.deep_work_minutes)),
    ]
    if counted.meeting_minutes is not None and average.meeting_minutes is not None:
        lines.append(against("Meetings", duration(counted.meeting_minutes), duration(average.meeting_minutes)))
    if counted.completion_percent is not None and average.completion_percent is not None:
        lines.append(against("Completion rate", percentage(counted.completion_percent), percentage(average.completion_percent)))
    weeks = count(average.weeks, "week")
    return f"Against the average of the {weeks} with activity among the last {facts.thresholds.trend_weeks} weeks:\n\n{bullets(lines)}"


def _patterns(facts: Facts) -> str:
    lines = [
        f"The {d.kind} “{d.name}” runs {percentage(d.drift_percent)} {d.direction} its estimate; it took {duration(d.actual_minutes)},"
        f" estimated at {duration(d.estimated_minutes)}, over {count(d.runs, 'run')} ({d.runs_beyond_threshold} of them"
        f" more than {percentage(facts.thresholds.drift_beyond_percent)} {d.direction}). {d.suggestion}"
        for d in facts.drift
    ]
    lines += [
        f"The {t.kind} “{t.name}” was {t.word} in {count(t.runs, 'run')}. What would have to be settled before it starts?"
        for t in facts.repeated_trouble
    ]
    limits = facts.thresholds
    return bullets(lines) or (
        f"No workflow or template with {count(limits.drift_runs_at_least, 'run')} or more in the last {limits.drift_look_back_days} days"
        f" is more than {percentage(limits.drift_beyond_percent)} off its estimate."
    )


def _sprint(facts: Facts) -> str:
    sprint = facts.sprint
    if sprint is None or not (sprint.planned_billable_minutes or sprint.actual_billable_minutes):
        return "No billable hours were planned or recorded."
    name = f"Sprint “{sprint.name}”" if sprint.name else "No sprint is set, so this compares with the billable blocks of the schedule"
    text = (
        f"{name} ({day(sprint.starts_on)} to {day(sprint.ends_on)}): {duration(sprint.planned_billable_minutes)} billable planned,"
        f" {duration(sprint.actual_billable_minutes)} billable recorded"
    )
    text += f", {percentage(sprint.share_percent)} of the plan." if sprint.share_percent is not None else "."
    if sprint.billable_share_percent is not None:
        text += f" {percentage(sprint.billable_share_percent)} of all recorded work was billable."
    return text


def sections_of(facts: Facts, mode: Mode) -> dict[str, str]:
    """The sections by heading, in order."""
    sections = {"Summary": _summary(facts, mode), "Highlights": _highlights(facts)}
    if mode == "weekly":
        sections |= {"Metrics": _metrics(facts), "Trend": _trend(facts), "Pattern Performance": _patterns(facts), "Sprint": _sprint(facts)}
    sections["Observations"] = _observations(facts)
    sections["Tomorrow's Focus" if mode == "daily" else "Next Week's Focus"] = _focus(facts)
    return sections


def title_of(facts: Facts, mode: Mode) -> str:
    return f"{'Daily reflection' if mode == 'daily' else 'Weekly review'}, {_span(facts)}"


def markdown(title: str, sections: dict[str, str]) -> str:
    return "\n\n".join([f"# {title}", *(f"## {heading}\n\n{text}" for heading, text in sections.items())]) + "\n"
