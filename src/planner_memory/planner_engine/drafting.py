"""From what was asked and what is known to a whole SOP document. Pure: everything is passed in."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from planner_memory.core.errors import InvalidInput
from planner_memory.core.local_time import zone
from planner_memory.core.profile import WEEKDAYS, Profile
from planner_memory.planner_engine.checklist import Draft, Filled, check_steps, filled, numbered, ordered, split, with_budget
from planner_memory.planner_engine.choice import Choice, choose
from planner_memory.planner_engine.composing import composed, parts_of
from planner_memory.planner_engine.dates import Deadline, given_deadline, read_deadline
from planner_memory.planner_engine.estimates import Estimate, Estimator, Task
from planner_memory.planner_engine.names import Names, read_names
from planner_memory.planner_engine.own_changes import adopted
from planner_memory.planner_engine.patterns import GENERIC, Pattern
from planner_memory.planner_engine.preferences import Limit, largest_step_minutes, step_limit
from planner_memory.planner_engine.words import stems
from planner_memory.ports.memory import RecalledMemory
from planner_memory.ports.plans import PlanGlance

SIMILAR_FROM = 0.6


@dataclass(frozen=True, slots=True)
class Order:
    """A plan as it was asked for. `extra` is what else stood in the context."""

    intent: str
    client_id: str
    person_id: str = "me"
    client_name: str | None = None
    deadline: str | None = None
    workflow_id: str | None = None
    engagement_id: str | None = None
    use_manifold: bool = False
    reuse: UUID | None = None
    create_tasks: bool = False  # in the workspace, for the project when one is named
    project_id: str | None = None
    plan_id: UUID | None = None  # of the request, so that the same one sent again after a crash makes no second plan
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reading:
    """What the intent says."""

    names: Names
    deadline: Deadline | None
    choice: Choice
    pattern: Pattern
    filled: Filled
    limit: Limit | None  # only what the intent itself says of the largest step


def deadline_of(text: str | None, now: datetime, tz: ZoneInfo) -> Deadline | None:
    """A deadline given as a field.

    Raises:
        InvalidInput: it is no date, instant or known form of words.
    """
    if text is None or not text.strip():
        return None
    found = given_deadline(text, now, tz)
    if found is None:
        raise InvalidInput(
            f"{text!r} is not a deadline. Write 2027-03-15, 2027-03-15T17:00:00+01:00, or words such as 'by Friday'.", field="deadline"
        )
    return found


def read(order: Order, now: datetime, tz: ZoneInfo) -> Reading:
    """Names, dates, sizes and the pattern of an intent.

    Raises:
        InvalidInput: the deadline cannot be understood.
    """
    names = read_names(order.intent)
    if order.client_name:
        names = replace(names, client=order.client_name)
    deadline = deadline_of(order.deadline, now, tz) or read_deadline(order.intent, now, tz)
    parts = parts_of(order.intent)
    if parts:
        choice, steps = composed(parts, names)
    else:
        choice = choose(order.intent)
        steps = filled(choice.pattern or GENERIC, order.intent, names)
    said = largest_step_minutes(order.intent)
    return Reading(names, deadline, choice, choice.pattern or GENERIC, steps, Limit(said, "the intent") if said else None)


def binding_limit(reading_limit: Limit | None, preferences: Sequence[RecalledMemory], profile: Profile) -> Limit | None:
    """The strictest of the intent's, the remembered and the profile's limit."""
    known = [limit for limit in (reading_limit, step_limit(preferences, profile.largest_task_minutes)) if limit]
    return min(known, key=lambda limit: limit.minutes) if known else None


def steps_of(reading: Reading, intent: str, own: Mapping[str, Any] | None) -> tuple[tuple[Draft, ...], str | None]:
    """The steps before splitting, in order, and the words of the budget they were fitted to."""
    return with_budget(ordered(adopted(reading.filled.steps, own, reading.names)), intent)


def estimated(
    drafts: Sequence[Draft], plan_id: UUID, estimator: Estimator, limit: Limit | None, *, template_id: str | None, workflow_id: str | None
) -> tuple[list[dict[str, Any]], Estimate]:
    """The numbered checklist with estimates, no step above the limit, and the estimate of the whole."""

    def task(raw_hours: float, step_key: str) -> Task:
        return Task(raw_hours, step_key, template_id, workflow_id)

    steps = split(drafts, limit.minutes, lambda d: estimator.task(task(d.raw_hours, d.step_key)).p50) if limit else list(drafts)
    checklist = numbered(steps, plan_id)
    check_steps(checklist)
    return with_estimates(checklist, estimator, template_id=template_id, workflow_id=workflow_id)


def with_estimates(
    checklist: Sequence[dict[str, Any]], estimator: Estimator, *, template_id: str | None, workflow_id: str | None
) -> tuple[list[dict[str, Any]], Estimate]:
    """The same steps with estimates from their raw hours, and the estimate of the whole."""
    tasks = [Task(step["raw_hours"], step["step_key"], template_id, workflow_id) for step in checklist]
    out = []
    for step, one in zip(checklist, map(estimator.task, tasks), strict=True):
        document = estimate_document(one)
        out.append({**step, "estimated_hours": document["p50"], "estimate": {**document, "runs": one.runs}})
    return out, estimator.total(tasks)


def estimate_document(estimate: Estimate) -> dict[str, Any]:
    return {"p50": round(estimate.p50, 3), "p80": round(estimate.p80, 3), "basis": estimate.basis}


def title_of(reading: Reading, intent: str) -> str:
    if reading.choice.pattern is None:
        first = intent.strip().splitlines()[0]
        return first if len(first) <= 120 else first[:117].rstrip() + "..."
    about = reading.names.client or reading.names.topic or reading.names.person
    return f"{reading.pattern.name}: {about}" if about else reading.pattern.name


def similar(intent: str, pattern: str, plans: Sequence[PlanGlance]) -> list[dict[str, Any]]:
    """Very similar plans, most similar first: by the share of stems that both intents have (Jaccard), names counting like other words."""
    words = set(stems(intent))
    found = []
    for plan in plans:
        others = set(stems(plan.intent))
        share = len(words & others) / len(words | others) if words | others else 0.0
        score = 0.85 * share + (0.15 if plan.pattern == pattern and pattern != GENERIC.key else 0.15 * share)
        if score >= SIMILAR_FROM:
            found.append((round(score, 3), plan))
    found.sort(key=lambda f: (-f[0], -f[1].created_at.timestamp()))
    return [
        {
            "plan_id": str(plan.id),
            "name": plan.plan_title,
            "intent": plan.intent,
            "status": plan.status,
            "similarity": score,
            "created_at": plan.created_at.isoformat(),
        }
        for score, plan in found[:5]
    ]


@dataclass(frozen=True, slots=True)
class Means:
    """What there was to plan with: whether a model wrote the steps, whether one is connected, and whether the workspace told something."""

    written: bool = False
    has_model: bool = False
    workspace: bool = False


def warnings_of(
    order: Order, reading: Reading, total: Estimate, profile: Profile, now: datetime, limit: Limit | None, steps: int, means: Means
) -> list[str]:
    """Everything that a person should know before they trust the plan."""
    out, deadline = [], reading.deadline
    if deadline and deadline.note:
        out.append(deadline.note)
    if deadline and deadline.at <= now:
        out.append(f"The deadline '{deadline.text}' ({deadline.day.isoformat()}) has passed.")
    elif deadline:
        hours = working_hours(profile, now, deadline.at)
        if total.p50 > hours:
            out.append(f"The work is likely to take {total.p50:.1f} hours, but only {hours:.1f} working hours are left before the deadline.")
        elif total.p80 > hours:
            out.append(f"The deadline is tight: the work may take {total.p80:.1f} hours (p80), and {hours:.1f} working hours are left.")
    if reading.choice.pattern is None and not means.written:
        out.append(reading.choice.why)
    if limit and steps > 60:
        out.append(f"The limit of {limit.minutes} minutes per step ({limit.source}) makes {steps} steps.")
    if order.use_manifold and not means.written and not means.has_model:
        out.append("Planning at several scales needs a language model; none is connected, so the rule-based planner was used.")
    if order.workflow_id and not means.workspace:
        out.append(f"No workspace is connected, so the steps of workflow {order.workflow_id} were not read; its past runs count in the estimates.")
    if order.engagement_id and not means.workspace:
        out.append(f"No workspace is connected, so offer and blueprint of engagement {order.engagement_id} were not read.")
    return out


def working_hours(profile: Profile, start: datetime, end: datetime) -> float:
    """Hours inside the profile's working hours between two instants; holidays and meetings are not taken off. At most two years are counted."""
    tz = zone(profile.time_zone)
    first, last = start.astimezone(tz), min(end, start + timedelta(days=730)).astimezone(tz)
    total, day = 0.0, first.date()
    while day <= last.date():
        total += _hours_on(profile, day, first, last, tz)
        day += timedelta(days=1)
    return total


def _hours_on(profile: Profile, day: date, first: datetime, last: datetime, tz: ZoneInfo) -> float:
    spans = profile.exceptions.get(day, profile.working_hours.get(WEEKDAYS[day.weekday()], ()))
    total = 0.0
    for begin, finish in spans:
        start, end = max(datetime.combine(day, begin, tz), first), min(datetime.combine(day, finish, tz), last)
        total += max(0.0, (end - start).total_seconds() / 3600)
    return total
