"""What was really done: execution runs, timers, today, and the estimates that learn from them."""

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from planner_memory.core.clock import Clock
from planner_memory.core.errors import Conflict, InvalidInput, NotFound
from planner_memory.core.local_time import day_interval, zone
from planner_memory.core.tenancy import spanning
from planner_memory.planner_engine.answers import run_answer
from planner_memory.planner_engine.estimates import Estimator, Task
from planner_memory.planner_engine.run_records import (
    LEAST_HOURS,
    Known,
    Who,
    check_same,
    hours_between,
    is_uuid,
    open_sittings,
    reported_run,
    stopped_run,
    timer_run,
)
from planner_memory.planner_engine.teller import Teller
from planner_memory.ports.plans import Clients, Plan, PlanStore, PlanTransaction, Run
from planner_memory.ports.profiles import ProfileStore

Follow = Callable[[str, UUID | None, list[str]], Awaitable[None]]  # client, plan, tasks: what the workspace should say of them has changed
_TASK = re.compile(r"plan:([0-9a-fA-F-]{36}):\d+")


class Tracker:
    def __init__(self, *, store: PlanStore, teller: Teller, profiles: ProfileStore, clock: Clock, follow: Follow | None = None) -> None:
        self._follow = follow
        self._store = store
        self._teller = teller
        self._profiles = profiles
        self._clock = clock

    async def record(self, sent: Mapping[str, Any], who: Who) -> tuple[dict[str, Any], bool]:
        """Stores a finished run; True when it is new. The same again changes nothing.

        Raises:
            Conflict: another run of that task began at the same moment.
            NotFound: the plan that was named is not there.
        """
        now = self._clock()
        async with self._store.begin() as tx:
            known = await self._known(tx, sent["task_id"], who, sent.get("plan_id"))
            await tx.lock_task(known.client_id, sent["task_id"])
            run = reported_run(sent, known, who, now)
            stored = await tx.run_at(known.client_id, run.task_id, run.started_at)
            if stored is None and await tx.add_run(run):
                stored, is_new = run, True
            elif stored is None:
                raise Conflict("A run of this task with this start is there already.")
            else:
                is_new = False
        if not is_new:
            check_same(stored, run)
            return {**run_answer(stored), "warnings": []}, False
        return {**run_answer(stored), "warnings": await self._tell(stored, known.plan)}, True

    async def runs(self, clients: Clients, *, task_id: str | None, plan_id: UUID | None, limit: int) -> dict[str, Any]:
        async with self._store.begin() as tx:
            found = await tx.runs(clients, task_id=task_id, plan_id=plan_id, limit=limit)
        return {"execution_runs": [run_answer(r) for r in found], "total": len(found)}

    async def start(self, task_id: str, who: Who) -> dict[str, Any]:
        """Starts the task's timer; one that runs already goes on. Other timers are left alone and named in the warnings."""
        now = self._clock()
        async with self._store.begin() as tx:
            known = await self._known(tx, task_id, who, None)
            await tx.lock_task(known.client_id, task_id)
            on = await tx.running(who.person_id, who.clients)
            run = next((r for r in on if r.task_id == task_id and r.client_id == known.client_id), None)
            warnings = [f"'{r.title or r.task_id}' is running too, since {r.started_at.isoformat()}." for r in on if r.task_id != task_id]
            if run is None:
                if known.plan is not None and known.plan.status in ("completed", "cancelled"):
                    raise Conflict(f"The plan of this task is {known.plan.status}. Make a new plan with 'reuse' to do it again.")
                run = timer_run(task_id, known, who, now)
                await tx.add_run(run)
                await _set_active(tx, known.plan, now)
            else:
                warnings.insert(0, "This task was running already.")
        await self._followed(run)
        return {**run_answer(run), "warnings": warnings}

    async def stop(self, task_id: str, who: Who, notes: str | None = None) -> dict[str, Any]:
        """Stops the task's timer; its hours are from the clock. When none runs, the last run is answered with a warning.

        Raises:
            Conflict: the task was never started.
        """
        async with self._store.begin() as tx:
            known = await self._known(tx, task_id, who, None)
            await tx.lock_task(known.client_id, task_id)
            sittings = await tx.runs((known.client_id,), task_id=task_id, limit=200)
            run = next((r for r in sittings if r.sitting and r.ended_at is None), None)
            if run is None:
                if not sittings:
                    raise Conflict(f"{task_id} was never started. POST /api/v1/planner/tasks/{task_id}/start first.")
                return {**run_answer(sittings[0]), "warnings": ["No timer of this task was running."]}
            run = stopped_run(run, self._clock(), notes)
            await tx.save_run(run)
        return {**run_answer(run), "warnings": await self._tell(run, known.plan)}

    async def done(self, task_id: str, who: Who, *, notes: str | None = None, actual_hours: float | None = None) -> dict[str, Any]:
        """Marks the task finished, stopping its timer. All its sittings together, or `actual_hours`, are what estimates learn from."""
        now = self._clock()
        warnings: list[str] = []
        async with self._store.begin() as tx:
            known = await self._known(tx, task_id, who, None)
            await tx.lock_task(known.client_id, task_id)
            stored = await tx.runs((known.client_id,), task_id=task_id, limit=200)
            on = next((r for r in stored if r.sitting and r.ended_at is None), None)
            if on is not None:
                on = stopped_run(on, now, notes)
                stored = [on if r.id == on.id else r for r in stored]
            sittings = open_sittings(stored)
            last: Run | None = None
            if sittings:
                hours = actual_hours or sum(r.actual_hours or 0.0 for r in sittings)
                last = replace(sittings[0], observed_hours=hours, metadata={**sittings[0].metadata, "finished": True})
                if notes and not last.outcome_notes:
                    last = replace(last, outcome_notes=notes)
                if actual_hours and len(sittings) == 1:
                    last = replace(last, actual_hours=actual_hours)
                await tx.save_run(last)
                if hours < LEAST_HOURS:
                    warnings.append(
                        "Its clock ran for less than a minute, so estimates learn nothing from it. Say how long it took by sending actual_hours."
                    )
            elif actual_hours:
                last = timer_run(task_id, known, who, now - timedelta(hours=min(actual_hours, 87_600.0)))
                last = replace(
                    last, sitting=False, ended_at=now, actual_hours=actual_hours, outcome_notes=notes, metadata={"source": "told", "finished": True}
                )
                await tx.add_run(last)
            elif stored:
                last = stored[0]
            else:
                warnings.append("No time was recorded for this task, so estimates learn nothing from it. Send actual_hours to say how long it took.")
            plan = await _mark_done(tx, known, task_id, now)
        if last is not None and (sittings or actual_hours):
            warnings += await self._tell(last, known.plan)
        elif plan is not None:
            await self._to_workspace(plan.client_id, plan.id, task_id)
        return {
            "task_id": task_id,
            "finished": True,
            "finished_at": now.isoformat(),
            "run": run_answer(last) if last else None,
            "actual_hours": (last.observed_hours or last.actual_hours) if last else None,
            "plan_id": str(plan.id) if plan else None,
            "plan_status": plan.status if plan else None,
            "warnings": warnings,
        }

    async def today(self, who: Who) -> dict[str, Any]:
        """The person's local day: timers that run, blocks that are placed, and runs that ended."""
        now = self._clock()
        profile = await self._profiles.profile(who.person_id)
        tz = zone(profile.time_zone)
        window = day_interval(now.astimezone(tz).date(), tz)
        async with self._store.begin() as tx:
            on = await tx.running(who.person_id, who.clients)
            placed = await tx.blocks(who.person_id, who.clients, window)
            ended = await tx.runs_ended(who.person_id, who.clients, window)
        return {
            "date": now.astimezone(tz).date().isoformat(),
            "time_zone": profile.time_zone,
            "person_id": who.person_id,
            "running": [{**run_answer(r), "elapsed_hours": round(hours_between(r.started_at, now), 4)} for r in on],
            "blocks": [
                {
                    "task_id": b.task_id,
                    "title": b.title,
                    "start": b.start.isoformat(),
                    "end": b.end.isoformat(),
                    "plan_id": str(b.plan_id) if b.plan_id else None,
                    "client_id": b.client_id,
                    "scheduler_run_id": str(b.scheduler_run_id),
                }
                for b in placed
            ],
            "finished": [run_answer(r) for r in ended],
            "actual_hours": round(sum(r.actual_hours or 0.0 for r in ended), 4),
        }

    async def estimates(self, person_id: str, tasks: Sequence[tuple[str, Task]]) -> dict[str, Any]:
        """What the history known now says of raw estimates, task by task and for the whole."""
        with spanning("estimates"):  # numbers only, of everyone's runs
            async with self._store.begin() as tx:
                history = await tx.history(
                    person_id,
                    step_keys=[t.step_key for _, t in tasks if t.step_key],
                    template_ids=[t.process_template_id for _, t in tasks if t.process_template_id],
                    workflow_ids=[t.workflow_id for _, t in tasks if t.workflow_id],
                )
        estimator = Estimator(history, person_id)
        singles = [(key, estimator.task(task)) for key, task in tasks]
        total = estimator.total([task for _, task in tasks])
        return {
            "tasks": [{"key": key, "p50": round(e.p50, 6), "p80": round(e.p80, 6), "basis": e.basis, "runs": e.runs} for key, e in singles],
            "total": {"p50": round(total.p50, 6), "p80": round(total.p80, 6), "basis": total.basis},
        }

    async def _known(self, tx: PlanTransaction, task_id: str, who: Who, plan_id: UUID | None) -> Known:
        """The task's client, plan and step. A task of no plan belongs to the client that was asked for."""
        found = _TASK.fullmatch(task_id)
        wanted = plan_id or (UUID(found[1]) if found and is_uuid(found[1]) else None)
        plan = await tx.plan(wanted, who.clients) if wanted else None
        if plan is None and plan_id is not None:
            raise NotFound(f"There is no plan {plan_id}. Leave plan_id out, or GET /api/v1/planner/plans for those there are.")
        client_id = who.client_id if who.asked or plan is None else plan.client_id
        if client_id is None:
            raise InvalidInput("This key serves several clients. Say which one is meant.", field="client_id")
        step = next((s for s in plan.checklist if s["task_id"] == task_id), None) if plan else None
        return Known(client_id, plan, step or {})

    async def _to_workspace(self, client_id: str, plan_id: UUID | None, task_id: str) -> None:
        if self._follow is not None:
            await self._follow(client_id, plan_id, [task_id])

    async def _followed(self, run: Run) -> None:
        await self._to_workspace(run.client_id, run.plan_id, run.task_id)

    async def _tell(self, run: Run, plan: Plan | None) -> list[str]:
        await self._followed(run)
        return await self._teller.run(run, plan)


async def _set_active(tx: PlanTransaction, plan: Plan | None, now: datetime) -> Plan | None:
    """The first task that is begun makes its plan active."""
    if plan is None or plan.status not in ("draft", "scheduled"):
        return plan
    locked = await tx.plan(plan.id, None, locked=True)
    if locked is None or locked.status not in ("draft", "scheduled"):
        return locked
    active = replace(locked, status="active", updated_at=now)
    await tx.save_plan(active)
    return active


async def _mark_done(tx: PlanTransaction, known: Known, task_id: str, now: datetime) -> Plan | None:
    """Notes in the plan when the task was finished; with its last one the plan is completed."""
    if known.plan is None or not known.step:
        return known.plan
    plan = await tx.plan(known.plan.id, None, locked=True)
    if plan is None or plan.status in ("completed", "cancelled"):
        return plan
    done = {task_id: now.isoformat(), **plan.metadata.get("done", {})}
    complete = all(step["task_id"] in done for step in plan.checklist)
    after = replace(plan, status="completed" if complete else "active", metadata={**plan.metadata, "done": done}, updated_at=now)
    await tx.save_plan(after)
    return after
