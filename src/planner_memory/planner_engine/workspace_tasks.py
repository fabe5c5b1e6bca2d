"""What the workspace should say of a plan and of its tasks: computed from plan, schedule and runs as they are now, never added up."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from planner_memory.planner_engine.workspace_steps import block, checklist_of, one_line
from planner_memory.ports.plans import Plan
from planner_memory.ports.workspace_records import TaskChange
from planner_memory.ports.workspace_writes import TaskState, WorkspaceWrite

_BLOCKED = re.compile(r"(?<!\bnot )(?<!\bno longer )(?<!\bnever )\bblocked\b(?! (?:time|out)\b)", re.IGNORECASE)


def tasks_key(plan_id: UUID) -> str:
    return f"plan:{plan_id}:tasks"


def template_key(plan_id: UUID) -> str:
    return f"plan:{plan_id}:template"


def task_key(client_id: str, task_id: str) -> str:
    return f"task:{client_id}:{task_id}"[:200]


def template_wish(plan: Plan) -> WorkspaceWrite:
    template = {
        # some workspaces know a row by its name alone, and one client may be planned for twice
        "name": f"{one_line(plan.plan_title, 250)} ({plan.created_at.astimezone(UTC):%Y-%m-%d}, {str(plan.id)[-6:]})",
        "checklist": checklist_of(plan.checklist),
        "workflow_id": plan.workflow_id,
        "blueprint_id": plan.blueprint_id,
        "engagement_id": plan.engagement_id,
        "template_type": "Operational",
        "description": one_line(plan.intent, 2000),
    }
    return WorkspaceWrite(template_key(plan.id), "process_template", plan.client_id, template, plan.id)


def is_blocked(notes: str | None) -> bool:
    return bool(notes and _BLOCKED.search(notes))


def status_of(state: TaskState, plan: Plan | None) -> str:
    """done and cancelled by the plan first; then what the latest run says, then the calendar."""
    done: Mapping[str, str] = plan.metadata.get("done", {}) if plan else {}
    if state.task_id in done:
        return "done"
    if plan is not None and plan.status == "cancelled":
        return "cancelled"
    if is_blocked(state.notes):
        return "blocked"
    if state.is_finished:
        return "done"
    if state.is_begun:
        return "in_progress"
    return "scheduled" if state.start_at else "open"


def wish_of(state: TaskState, client_id: str, plan: Plan | None) -> WorkspaceWrite:
    return WorkspaceWrite(
        key=task_key(client_id, state.task_id),
        kind="task",
        client_id=client_id,
        plan_id=plan.id if plan else None,
        task_id=state.task_id,
        payload={
            "status": status_of(state, plan),
            "scheduled_start_at": state.start_at.isoformat() if state.start_at else None,
            "scheduled_end_at": state.end_at.isoformat() if state.end_at else None,
            "actual_hours": round(state.actual_hours, 4) if state.actual_hours else None,
            "note": block(state.notes, 2000) if state.notes else None,
        },
    )


def says_nothing(wish: WorkspaceWrite) -> bool:
    """A task as it is when it was just made."""
    return wish.payload["status"] == "open" and not any(wish.payload[name] for name in ("scheduled_start_at", "actual_hours", "note"))


def change_of(payload: Mapping[str, Any]) -> TaskChange:
    start, end = payload["scheduled_start_at"], payload["scheduled_end_at"]
    return TaskChange(
        status=payload["status"],
        scheduled_start_at=datetime.fromisoformat(start) if start else None,
        scheduled_end_at=datetime.fromisoformat(end) if end else None,
        actual_hours=payload["actual_hours"],
        note=payload["note"],
        unscheduled=start is None,
    )
