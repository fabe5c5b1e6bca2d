"""Tells planner and memory what became of a run, and memory what a person did in the calendar."""

from collections.abc import Sequence
from datetime import datetime

import structlog

from planner_memory.core.clock import Clock
from planner_memory.core.errors import PlannerMemoryError, Unavailable
from planner_memory.core.tenancy import spanning
from planner_memory.ports.calendar_sync import BlockChange
from planner_memory.ports.memory import Memory, NewMemory
from planner_memory.ports.planning import PlanStatus
from planner_memory.ports.schedules import SchedulerRun, ScheduleStore

log = structlog.get_logger()
_VERBS = {"schedule_applied": "Scheduled", "schedule_undone": "Took back", "schedule_changed": "Rescheduled"}


class Teller:
    """Part of the scheduler. One of the others being down is a warning: the calendar is right already, and they are told later."""

    def __init__(self, *, store: ScheduleStore, memory: Memory, plans: PlanStatus, clock: Clock) -> None:
        self._store = store
        self._memory = memory
        self._plans = plans
        self._clock = clock

    async def told(self, run: SchedulerRun) -> list[str]:
        """Tells of a run that has something to tell; returns the warnings."""
        event_type = run.metadata.get("to_tell")
        if event_type is None:
            return []
        warnings: list[str] = []
        is_over = True
        status = "draft" if event_type == "schedule_undone" else "scheduled"
        try:
            if run.plan_id:
                await self._plans.set_plan_status(run.plan_id, status)
        except PlannerMemoryError as error:
            warnings.append(f"The planner was not told that the plan is {status}: {error.detail}")
            is_over = not isinstance(error, Unavailable)
        try:
            await self._memory.remember(memory_of(run, event_type, self._clock()), idempotency_key=f"{event_type}:{run.id}")
        except PlannerMemoryError as error:
            warnings.append(f"This was not remembered: {error.detail}")
            is_over = is_over and not isinstance(error, Unavailable)
        if warnings:
            log.warning("schedule told in part", run_id=str(run.id), warnings=warnings)
        new = [w for w in warnings if w not in run.metadata.get("warnings", [])]
        async with self._store.begin() as tx:
            await tx.told_run(run.id, new, is_over=is_over)
        return new

    async def told_again(self) -> int:
        """Tells what a crash or an outage left untold. Returns how many runs and changes are told now."""
        with spanning("calendar"):
            async with self._store.begin() as tx:
                runs = await tx.untold_runs()
            return sum([not await self.told(run) for run in runs]) + await self.changes_told()

    async def changes_told(self) -> int:
        """Every change becomes one event in memory, in order; the first that cannot be told ends it until the next time."""
        with spanning("calendar"):
            async with self._store.begin() as tx:
                changes = await tx.untold_changes()
            done = 0
            for change in changes:
                try:
                    await self._memory.remember(_change_memory(change), idempotency_key=change.change_key)
                except PlannerMemoryError as error:
                    log.warning("calendar change not remembered", change=change.change_key, detail=error.detail)
                    break
                async with self._store.begin() as tx:
                    await tx.told_change(change.change_key)
                done += 1
            return done


def _change_memory(change: BlockChange) -> NewMemory:
    return NewMemory(
        content=change.content,
        client_id=change.client_id,
        event_type=change.event_type,
        event_source="scheduler-engine",
        occurred_at=change.occurred_at,
        person_id=change.person_id,
        payload=change.payload,
        metadata={k: v for k, v in change.payload.items() if k in ("scheduler_run_id", "task_id", "event_id")},
    )


def memory_of(run: SchedulerRun, event_type: str, now: datetime) -> NewMemory:
    titles = list(dict.fromkeys(str(b["title"]) for b in run.schedule_blocks))
    content = f"{_VERBS[event_type]} {len(run.schedule_blocks)} blocks for {len(titles)} tasks: {named(titles)}."
    return NewMemory(
        content=content if titles else f"{_VERBS[event_type]} a schedule without blocks.",
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


def named(titles: Sequence[str]) -> str:
    return ", ".join(titles[:5]) + (f" and {len(titles) - 5} more" if len(titles) > 5 else "")
