"""Execution runs as they are made: from a timer, from a report, stopped, and compared with what is stored. Pure."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from uuid import NAMESPACE_URL, UUID, uuid5

from planner_memory.core.errors import Conflict
from planner_memory.core.ids import new_id
from planner_memory.ports.plans import Clients, Plan, Run

_GIVEN = ("run_type", "workflow_id", "process_template_id", "project_id", "engagement_id", "outcome_notes")
LEAST_HOURS = 1 / 60  # of a clock, to be learnt from; shorter ones are slips
_SAME = (*_GIVEN, "executed_by_person_id")


@dataclass(frozen=True, slots=True)
class Who:
    """Whose tasks are meant: `clients` is what may be seen, `client_id` the one that was asked for or stands as default, if there is one."""

    clients: Clients
    client_id: str | None
    asked: bool = False
    person_id: str = "me"


@dataclass(frozen=True, slots=True)
class Known:
    client_id: str
    plan: Plan | None
    step: Mapping[str, Any]


def is_uuid(text: str) -> bool:
    try:
        UUID(text)
    except ValueError:
        return False
    return True


def hours_between(start: datetime, end: datetime) -> float:
    return max(0.0, (end - start).total_seconds() / 3600)


def _run_id(client_id: str, task_id: str, started_at: datetime) -> str:
    """The same for the same client, task and start, so that the database itself refuses a second one."""
    moment = started_at.timestamp()
    return str(uuid5(NAMESPACE_URL, f"run\x1f{client_id}\x1f{task_id}\x1f{moment:.6f}"))


def timer_run(task_id: str, known: Known, who: Who, started_at: datetime) -> Run:
    plan, step = known.plan, known.step
    return Run(
        id=new_id(),
        run_id=_run_id(known.client_id, task_id, started_at),
        run_type="Process",
        client_id=known.client_id,
        person_id=who.person_id,
        task_id=task_id,
        title=step.get("title"),
        step_key=step.get("step_key"),
        plan_id=plan.id if plan else None,
        workflow_id=plan.workflow_id if plan else None,
        process_template_id=plan.template_family if plan else None,
        project_id=None,
        engagement_id=plan.engagement_id if plan else None,
        executed_by_person_id=who.person_id,
        started_at=started_at,
        ended_at=None,
        estimated_hours=step.get("raw_hours"),
        actual_hours=None,
        outcome_notes=None,
        billable=step.get("billable"),
        sitting=True,
        observed_hours=None,
        metadata={"source": "timer"},
        created_at=started_at,
    )


def reported_run(sent: Mapping[str, Any], known: Known, who: Who, now: datetime) -> Run:
    made = timer_run(sent["task_id"], known, who, sent["started_at"])
    given = {k: sent[k] for k in (*_GIVEN, "estimated_hours", "ended_at", "actual_hours") if sent.get(k) is not None}
    person = sent.get("executed_by_person_id")
    return replace(
        made,
        **given,
        person_id=person or who.person_id,
        executed_by_person_id=person or who.person_id,
        sitting=False,
        metadata={"source": "reported", "finished": True},
        created_at=now,
    )


def check_same(stored: Run, sent: Run) -> None:
    different = [name for name in _SAME if (getattr(stored, name) or None) != (getattr(sent, name) or None)]
    for name in ("estimated_hours", "actual_hours"):
        a, b = getattr(stored, name), getattr(sent, name)
        if (a is None) != (b is None) or (a is not None and not math.isclose(a, b, rel_tol=1e-9)):
            different.append(name)
    if stored.ended_at != sent.ended_at:
        different.append("ended_at")
    if different:
        raise Conflict(
            f"A different run of {sent.task_id} with this start is stored: {', '.join(sorted(different))} differ. "
            "Correct them, or send another started_at.",
            run_id=stored.run_id,
            different=sorted(different),
        )


def stopped_run(run: Run, now: datetime, notes: str | None) -> Run:
    return replace(
        run,
        ended_at=max(now, run.started_at),
        actual_hours=max(round(hours_between(run.started_at, now), 6), 1e-6),
        outcome_notes=notes or run.outcome_notes,
    )


def open_sittings(stored: Sequence[Run]) -> list[Run]:
    """The timer's runs since the task was last finished, newest first."""
    out = []
    for run in stored:
        if run.metadata.get("finished"):
            break
        if run.sitting:
            out.append(run)
    return out
