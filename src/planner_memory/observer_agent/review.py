"""The sections that only a weekly review has: metrics, trend, pattern performance, sprint."""

from planner_memory.observer_agent.facts import Facts
from planner_memory.observer_agent.numbers import plain
from planner_memory.observer_agent.phrases import bullets, count, duration, percentage, quoted, short_day

_KINDS_SHOWN = 5


def metrics(facts: Facts) -> str:
    counted = facts.rhythm
    rate = "nothing was planned" if counted.completion_percent is None else percentage(counted.completion_percent)
    meetings = "not known" if counted.meeting_minutes is None else duration(counted.meeting_minutes)
    shares = [
        f"{duration(minutes)} {name}"
        for minutes, name in (
            (counted.billable_minutes, "billable"),
            (counted.not_billable_minutes, "not billable"),
            (counted.unmarked_minutes, "unmarked"),
        )
        if minutes
    ]
    whole = f"Recorded work: {duration(counted.worked_minutes)}"
    lines = [
        f"Tasks completed: {counted.tasks_completed}",
        f"Completion rate of planned tasks: {rate}",
        f"{whole} ({', '.join(shares)})" if len(shares) > 1 else whole,
        f"Deep work: {duration(counted.deep_work_minutes)}",
        f"Meetings: {meetings}",
        f"Scheduled: {duration(counted.scheduled_minutes)}",
        f"Switches between tasks: {counted.context_switches}",
    ]
    if facts.tasks.open_tasks:
        blocked = f", {facts.tasks.blocked_tasks} of them blocked" if facts.tasks.blocked_tasks else ""
        lines.append(f"Tasks still open: {facts.tasks.open_tasks}{blocked}")
    if facts.activity.events:
        kinds = ", ".join(f"“{name}” {n}" for name, n in list(facts.activity.by_type.items())[:_KINDS_SHOWN])
        lines.append(f"Entries in the log: {plain(facts.activity.events)} ({kinds})")
    return bullets(lines)


def trend(facts: Facts) -> str:
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
    if average.weeks == facts.thresholds.trend_weeks:
        head = f"Against the average of the last {facts.thresholds.trend_weeks} weeks:"
    else:
        head = f"Against the average of the {count(average.weeks, 'week')} with activity among the last {facts.thresholds.trend_weeks} weeks:"
    return f"{head}\n\n{bullets(lines)}"


def patterns(facts: Facts) -> str:
    lines = [
        f"The {d.kind} “{d.name}” runs {percentage(d.drift_percent)} {d.direction} its estimate; it took {duration(d.actual_minutes)},"
        f" estimated at {duration(d.estimated_minutes)}, over {count(d.runs, 'run')} ({d.runs_beyond_threshold} of them"
        f" more than {percentage(facts.thresholds.drift_beyond_percent)} {d.direction}). {d.suggestion}"
        for d in facts.drift
    ]
    for t in facts.repeated_trouble:
        about = f" The notes speak of {quoted(t.themes, len(t.themes))}." if t.themes else ""
        lines.append(f"The {t.kind} “{t.name}” was {t.word} in {count(t.runs, 'run')}.{about} What would have to be settled before it starts?")
    limits = facts.thresholds
    return bullets(lines) or (
        f"No workflow or template with {count(limits.drift_runs_at_least, 'run')} or more in the last {limits.drift_look_back_days} days"
        f" is more than {percentage(limits.drift_beyond_percent)} off its estimate."
    )


def sprint(facts: Facts) -> str:
    found = facts.sprint
    if found is None or not (found.planned_billable_minutes or found.actual_billable_minutes):
        return "No billable hours were planned or recorded."
    planned, actual = duration(found.planned_billable_minutes), duration(found.actual_billable_minutes)
    if found.name:
        span = f"{short_day(found.starts_on, facts.ends_on)} to {short_day(found.ends_on, facts.ends_on)}"
        text = f"Sprint “{found.name}” ({span}): {planned} billable planned, {actual} billable recorded"
    elif found.planned_billable_minutes:
        text = f"Without a sprint, the week's own plan counts: {planned} billable planned, {actual} billable recorded"
    else:
        text = f"There is no sprint, and no billable work was planned; {actual} billable recorded"
    text += f", {percentage(found.share_percent)} of the plan." if found.share_percent is not None else "."
    if found.billable_share_percent is not None:
        where = "In the sprint" if found.name else "In this period"
        text += f" {where}, {percentage(found.billable_share_percent)} of the recorded work was billable."
    return text
