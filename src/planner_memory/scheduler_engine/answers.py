"""What is stored, as the answers that a client reads; times in the person's zone."""

from collections.abc import Iterable, Mapping
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from planner_memory.core.intervals import Interval
from planner_memory.ports.calendar import CalendarEvent
from planner_memory.ports.schedules import SchedulerRun
from planner_memory.scheduler_engine.drafting import Draft


def run_answer(run: SchedulerRun) -> dict[str, Any]:
    return {
        "scheduler_run_id": run.id,
        "plan_id": run.plan_id,
        "client_id": run.client_id,
        "status": run.status,
        "schedule_blocks": run.schedule_blocks,
        "unscheduled": run.unscheduled,
        "warnings": run.metadata.get("warnings", []),
        "score": {"cost": run.score.get("cost", 0), "terms": run.score.get("terms", {})},
        "moved": run.metadata.get("moved", []),
        "preferences": run.metadata.get("preferences", []),
        "reserve": run.metadata.get("reserve"),
        "proposal": run.metadata.get("proposal"),
        "time_zone": run.metadata.get("time_zone", "UTC"),
        "created_at": run.created_at.isoformat(),
    }


def what_if(before: SchedulerRun, found: Draft) -> dict[str, Any]:
    """The moves from an applied run's blocks to a draft's."""
    was, then = _by_task(before.schedule_blocks), _by_task(found.blocks)
    titles = {b["task_id"]: b["title"] for b in before.schedule_blocks}
    moved = [task for task in was if then.get(task) != was[task]]
    return {
        "scheduler_run_id": before.id,
        "time_zone": before.metadata.get("time_zone", "UTC"),
        "moves": [{"task_id": t, "title": titles[t], "was": was[t], "would_be": then.get(t, [])} for t in moved],
        "unscheduled": found.unscheduled,
        "warnings": found.warnings,
        "score": found.score,
    }


def _by_task(blocks: Iterable[Mapping[str, Any]]) -> dict[str, list[list[str]]]:
    spans: dict[str, list[list[str]]] = {}
    for block in sorted(blocks, key=lambda b: datetime.fromisoformat(b["start"])):
        spans.setdefault(block["task_id"], []).append([block["start"], block["end"]])
    return spans


def load(tz: ZoneInfo, days: Iterable[tuple[date, int, int, int]]) -> dict[str, Any]:
    """Days with their working, busy and planned minutes."""
    return {
        "time_zone": tz.key,
        "days": [
            {
                "day": day,
                "working_minutes": working,
                "busy_minutes": busy,
                "planned_minutes": planned,
                "free_minutes": working - busy - planned,
                "load": round((busy + planned) / working, 3) if working else None,
            }
            for day, working, busy, planned in days
        ],
    }


def availability(tz: ZoneInfo, free: Iterable[Interval], busy: Iterable[Interval]) -> dict[str, Any]:
    spans = [_span(each, tz) for each in free]
    return {"time_zone": tz.key, "free": spans, "busy": [_span(each, tz) for each in busy], "free_minutes": sum(s["minutes"] for s in spans)}


def _span(each: Interval, tz: ZoneInfo) -> dict[str, Any]:
    return {"start": _text(each.start, tz), "end": _text(each.end, tz), "minutes": int(each.lasts.total_seconds() // 60)}


def agenda(tz: ZoneInfo, events: Iterable[CalendarEvent]) -> dict[str, Any]:
    return {"time_zone": tz.key, "events": [_event(each, tz) for each in events]}


def _event(event: CalendarEvent, tz: ZoneInfo) -> dict[str, Any]:
    return {
        "event_id": event.event_id,
        "title": event.title,
        "start": _text(event.start, tz),
        "end": _text(event.end, tz),
        "is_all_day": event.is_all_day,
        "is_busy": event.is_busy,
        "is_own": event.is_own,
        "status": event.status,
        "location": event.location,
        "categories": list(event.categories),
        "task_id": event.private.get("task_id"),
        "plan_id": event.private.get("plan_id"),
        "run_id": event.private.get("run_id"),
        "calendar_link": event.link,
    }


def _text(at: datetime, tz: ZoneInfo) -> str:
    return at.astimezone(tz).isoformat()
