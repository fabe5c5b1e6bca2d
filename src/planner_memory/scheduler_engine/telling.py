"""What is kept of a run while it is written, and what memory is told of it."""

from dataclasses import replace
from datetime import datetime

from planner_memory.ports.memory import NewMemory
from planner_memory.ports.schedules import SchedulerRun


def flagged(run: SchedulerRun, flag: str) -> SchedulerRun:
    return replace(run, metadata={**run.metadata, flag: True})


def unflagged(run: SchedulerRun) -> SchedulerRun:
    return replace(run, metadata={k: v for k, v in run.metadata.items() if k not in ("applying", "undoing")})


def memory_of(run: SchedulerRun, event_type: str, now: datetime) -> NewMemory:
    verb = {"schedule_applied": "Scheduled", "schedule_undone": "Took back", "schedule_changed": "Rescheduled"}[event_type]
    titles = list(dict.fromkeys(str(b["title"]) for b in run.schedule_blocks))
    named = ", ".join(titles[:5]) + (f" and {len(titles) - 5} more" if len(titles) > 5 else "")
    return NewMemory(
        content=f"{verb} {len(run.schedule_blocks)} blocks for {len(titles)} tasks: {named}." if titles else f"{verb} a schedule without blocks.",
        client_id=run.client_id,
        event_type=event_type,
        event_source="scheduler-engine",
        occurred_at=now,
        person_id=run.person_id,
        payload={
            "scheduler_run_id": str(run.id),
            "plan_id": str(run.plan_id) if run.plan_id else None,
            "blocks": len(run.schedule_blocks),
            "unscheduled": len(run.unscheduled),
            "moved": list(run.metadata.get("moved", [])),
        },
        metadata={"scheduler_run_id": str(run.id)},
    )
