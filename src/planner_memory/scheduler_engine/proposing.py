"""From terms and the calendar to a run that is proposed: busy time is read, the search runs in a thread, the outcome becomes a run."""

import asyncio
from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from planner_memory.core.intervals import Interval, merged
from planner_memory.core.tenancy import spanning
from planner_memory.ports.calendar import Calendar
from planner_memory.ports.schedules import PlanToSchedule, SchedulerRun, ScheduleStore, Sprint
from planner_memory.scheduler_engine import reasons
from planner_memory.scheduler_engine.drafting import Draft
from planner_memory.scheduler_engine.rules import document_of
from planner_memory.scheduler_engine.schemas import ScheduleIn
from planner_memory.scheduler_engine.sprints import share_warnings, sprint_warnings
from planner_memory.scheduler_engine.terms import BEYOND, Terms

_AT_ONCE = 2  # searches in threads at a time, so that a burst leaves the processor to others


class Proposer:
    """Part of the scheduler."""

    def __init__(self, *, store: ScheduleStore, calendar: Calendar, person_id: str) -> None:
        self._store = store
        self._calendar = calendar
        self._person_id = person_id
        self._searches = asyncio.Semaphore(_AT_ONCE)

    async def search(self, work: Any, *arguments: Any) -> Draft:
        async with self._searches:
            found: Draft = await asyncio.to_thread(work, *arguments)
            return found

    async def busy(self, terms: Terms, own: set[str]) -> list[Interval]:
        """Busy time of the window and a while after it, less the blocks that are being placed anew.

        Live blocks count too: the calendar need not show what another run is about to write there.
        """
        whole = Interval(terms.window.start, terms.window.end + BEYOND)
        events = await self._calendar.events(whole, terms.hours.tz.key)
        with spanning("calendar"):
            async with self._store.begin() as tx:
                live = await tx.live_blocks(self._person_id)
        blocks = [b.interval for b in live if b.event_id not in own and b.interval.overlaps(whole)]
        return merged([*(e.interval for e in events if e.is_busy and e.event_id not in own), *blocks])

    def run(
        self,
        run_id: UUID,
        body: ScheduleIn,
        terms: Terms,
        plan: PlanToSchedule | None,
        found: Draft,
        now: datetime,
        client: str,
        sprints: Sequence[Sprint],
    ) -> SchedulerRun:
        spare = None
        if plan is not None and not body.tasks:
            spare = reasons.reserve([s["estimate"] for s in plan.checklist if s.get("estimate")], plan.estimate)
        warnings = [
            *found.warnings,
            *sprint_warnings(sprints, terms.tasks, found.blocks, terms.hours.tz),
            *share_warnings(body.runway_weeks, terms.tasks, found.blocks),
        ]
        if spare and spare["reserve_hours"] > 0:
            likely, more = (reasons.duration(round(spare[name] * 60)) for name in ("p50_hours", "reserve_hours"))
            warnings.append(f"Placed at p50 ({likely}). Keep {more} in reserve to be done in four of five cases.")
        return SchedulerRun(
            id=run_id,
            plan_id=plan.id if plan else None,
            client_id=plan.client_id if plan and plan.client_id else client,
            person_id=self._person_id,
            status="proposed",
            created_at=now,
            schedule_blocks=found.blocks,
            unscheduled=found.unscheduled,
            request=body.model_dump(mode="json", exclude_unset=True),
            score=found.score,
            metadata={
                "seed": terms.seed,
                "time_zone": terms.hours.tz.key,
                "window": {"start": terms.window.start.isoformat(), "end": terms.window.end.isoformat()},
                "warnings": warnings,
                "moved": found.moved,
                "reserve": spare,
                "plan_title": plan.title if plan else None,
                **({"proposal": found.proposal} if found.proposal else {}),
                "preferences": [document_of(rule) for rule in terms.rules],
            },
        )
