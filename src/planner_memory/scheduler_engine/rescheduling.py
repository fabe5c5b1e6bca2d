"""Reschedule and what-if: an applied run against the calendar as it is now."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any
from uuid import UUID

from planner_memory.core.clock import Clock
from planner_memory.core.errors import Conflict, NotFound
from planner_memory.core.ids import new_id
from planner_memory.core.intervals import Interval
from planner_memory.ports.schedules import PlanToSchedule, SchedulerRun
from planner_memory.scheduler_engine import answers
from planner_memory.scheduler_engine.applying import Applier
from planner_memory.scheduler_engine.availability import lost_time
from planner_memory.scheduler_engine.proposing import Proposer
from planner_memory.scheduler_engine.reading import Reader
from planner_memory.scheduler_engine.repair import repair
from planner_memory.scheduler_engine.rules import rule_from
from planner_memory.scheduler_engine.runs import Runs
from planner_memory.scheduler_engine.schemas import BusyIn, RescheduleIn, ScheduleIn, WhatIfIn
from planner_memory.scheduler_engine.terms import DEFAULT_WINDOW, Terms, busy_of, exceptions_of
from planner_memory.scheduler_engine.writing import when

Clients = Sequence[str] | None


class Rescheduler:
    """Part of the scheduler."""

    def __init__(self, *, runs: Runs, reader: Reader, proposer: Proposer, applier: Applier, clock: Clock, default_client: str) -> None:
        self._runs = runs
        self._reader = reader
        self._proposer = proposer
        self._applier = applier
        self._clock = clock
        self._default_client = default_client

    async def reschedule(self, body: RescheduleIn, *, clients: Clients) -> SchedulerRun:
        """Moves only what collides with the calendar as it is now, and what waits for it.

        Raises:
            NotFound: no such run, or the plan has no applied one.
            Conflict: the run is not applied.
        """
        if body.dry_run:
            before = await self._applied(body.run_id, body.plan_id, clients)
            run = await self._repaired(before, before.schedule_blocks, body, clients)
            await self._runs.add(run)
            return run
        async with self._applier.hold():
            before = await self._applied(body.run_id, body.plan_id, clients)
            run = await self._repaired(before, before.schedule_blocks, body, clients)
            run = await self._applier.bring(run, before, "schedule_changed", is_new=True)
        return await self._applier.told(run)

    async def _repaired(
        self,
        before: SchedulerRun,
        blocks: Sequence[Mapping[str, Any]],
        body: RescheduleIn,
        clients: Clients,
        *,
        off: Sequence[Interval] = (),
    ) -> SchedulerRun:
        """The run that repairs another: `blocks` are to stand where they are if that is possible, and nothing may stand in `off`."""
        now = self._clock()
        original, plan, terms = await self._terms_now(before, now, busy_in=body.extra_busy or ())
        terms = replace(terms, extra_busy=(*terms.extra_busy, *off))
        sprints = await self._reader.sprints(terms, clients)
        run_id = new_id()
        own = {b["event_id"] for b in blocks}
        found = await self._proposer.search(repair, run_id, terms, await self._proposer.busy(terms, own), blocks, now)
        run = self._proposer.run(run_id, original, terms, plan, found, now, before.client_id or self._default_client, sprints)
        busy = [*before.request.get("extra_busy", []), *(b.model_dump() for b in body.extra_busy or ())]
        return replace(
            run,
            request={**before.request, **({"extra_busy": busy} if busy else {})},
            metadata={
                **run.metadata,
                "replaces": str(before.id),
                "is_repair": True,
                "removed": sorted(set(before.metadata.get("removed", []))),
                **({"reason": body.reason} if body.reason else {}),
            },
        )

    async def place_again(self, run_id: UUID, block: Mapping[str, Any], *, clients: Clients) -> SchedulerRun:
        """Gives a block that a person took out of the calendar another place than the one it had; only while the calendar is held.

        Raises:
            Conflict: the run is no longer applied.
        """
        before = await self._applied(run_id, None, clients)
        start, end = when(block)
        begins = max(start, _next_quarter(self._clock()))
        lost = {**{k: v for k, v in block.items() if k not in ("pinned", "done")}, "start": begins.isoformat()}
        lost["end"] = (begins + (end - start)).isoformat()
        removed = [t for t in before.metadata.get("removed", []) if t != block["task_id"]]
        asked = replace(before, metadata={**before.metadata, "removed": removed})
        body = RescheduleIn(run_id=run_id, reason=f"{block['title']} is to be placed again")
        run = await self._repaired(asked, [*before.schedule_blocks, lost], body, clients, off=[Interval(begins, begins + (end - start))])
        return await self._applier.bring(run, before, "schedule_changed", is_new=True)

    async def _applied(self, run_id: UUID | None, plan_id: UUID | None, clients: Clients) -> SchedulerRun:
        run = await self._runs.run(run_id, clients=clients) if run_id else await self._runs.applied_of(plan_id, clients) if plan_id else None
        if run is None:
            raise NotFound("This plan has no applied schedule. Make one with POST /api/v1/scheduler/schedule.")
        if run.status != "applied":
            raise Conflict(f"This run is {run.status}. Only an applied one can be rescheduled.")
        return run

    async def _terms_now(
        self, before: SchedulerRun, now: datetime, *, busy_in: Sequence[BusyIn], exceptions: Mapping[date, Sequence[Any]] | None = None
    ) -> tuple[ScheduleIn, PlanToSchedule | None, Terms]:
        """The terms of an applied run from now on, with what is new in the calendar or in the hours."""
        original = ScheduleIn.model_validate(before.request)
        plan = await self._reader.plan(before.plan_id, None) if before.plan_id else None
        rules = [rule_from(each) for each in before.metadata.get("preferences", [])]
        terms = await self._reader.terms_again(original, plan, before.created_at, rules)
        ends = [datetime.fromisoformat(b["end"]) for b in before.schedule_blocks]
        removed = set(before.metadata.get("removed", []))
        kept = tuple(replace(t, depends_on=tuple(d for d in t.depends_on if d not in removed)) for t in terms.tasks if t.task_id not in removed)
        hours = replace(terms.hours, exceptions={**terms.hours.exceptions, **exceptions_of(exceptions)})
        return (
            original,
            plan,
            replace(
                terms,
                tasks=kept,
                hours=hours,
                window=Interval(max(now, terms.window.start), max([terms.window.end, now + DEFAULT_WINDOW, *ends])),
                extra_busy=(*terms.extra_busy, *busy_of(busy_in, hours.tz)),
            ),
        )

    async def what_if(self, body: WhatIfIn, *, clients: Clients) -> dict[str, Any]:
        """What a reschedule would move if that time were busy, or those days had those hours. Nothing is stored or written."""
        before = await self._applied(body.run_id, body.plan_id, clients)
        now = self._clock()
        _, _, terms = await self._terms_now(before, now, busy_in=body.extra_busy or (), exceptions=body.exceptions)
        off = lost_time(terms.hours, terms.window, exceptions_of(body.exceptions))
        terms = replace(terms, extra_busy=(*terms.extra_busy, *off))
        busy = await self._proposer.busy(terms, {b["event_id"] for b in before.schedule_blocks})
        found = await self._proposer.search(repair, new_id(), terms, busy, before.schedule_blocks, now)
        return answers.what_if(before, found)


def _next_quarter(now: datetime) -> datetime:
    return now.replace(minute=now.minute // 15 * 15, second=0, microsecond=0) + timedelta(minutes=15)
