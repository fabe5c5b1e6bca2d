"""What the scheduler reads before it places: the plan, the profile, what memory says about the person, the sprints."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, time
from typing import Any
from uuid import UUID

import structlog

from planner_memory.core.errors import NotFound, PlannerMemoryError
from planner_memory.core.local_time import days_between
from planner_memory.ports.memory import Memory
from planner_memory.ports.profiles import ProfileStore
from planner_memory.ports.schedules import PlanToSchedule, ScheduleStore, Sprint
from planner_memory.scheduler_engine.preferences import QUERY, Rule, read
from planner_memory.scheduler_engine.schemas import ScheduleIn
from planner_memory.scheduler_engine.tasks import Task, tasks_of_checklist
from planner_memory.scheduler_engine.terms import Terms, terms_of

log = structlog.get_logger()
Clients = Sequence[str] | None
_RECALLED = 30


class Reader:
    """Part of the scheduler."""

    def __init__(self, *, store: ScheduleStore, profiles: ProfileStore, memory: Memory, person_id: str) -> None:
        self._store = store
        self._profiles = profiles
        self._memory = memory
        self._person_id = person_id

    async def plan(self, plan_id: UUID, clients: Clients) -> PlanToSchedule:
        async with self._store.begin() as tx:
            plan = await tx.plan(plan_id, clients)
        if plan is None:
            raise NotFound(f"There is no plan {plan_id}. GET /api/v1/planner/plans lists those that exist.")
        return plan

    async def terms(self, body: ScheduleIn, plan: PlanToSchedule | None, now: datetime, *, client: str) -> Terms:
        """The terms of a new schedule. Memory being down is a note in them."""
        try:
            recalled = await self._memory.recall(QUERY, client_id=client, k=_RECALLED, memory_type="preference")
        except PlannerMemoryError as error:
            log.warning("preferences not read", detail=error.detail)
            terms = await self.terms_again(body, plan, now, ())
            return replace(terms, notes=(*terms.notes, f"Remembered preferences were not used: {error.detail}"))
        return await self.terms_again(body, plan, now, read(recalled.results))

    async def terms_again(self, body: ScheduleIn, plan: PlanToSchedule | None, now: datetime, rules: Sequence[Rule]) -> Terms:
        """The terms with the rules of an earlier run."""
        profile = await self._profiles.profile(self._person_id)
        steps: list[Task] = tasks_of_checklist(plan.checklist, plan.deadline_at, profile.largest_task_minutes) if plan and not body.tasks else []
        return terms_of(body, profile, now, steps, rules)

    async def sprints(self, terms: Terms, clients: Clients) -> list[Sprint]:
        days = days_between(terms.window, terms.hours.tz)
        async with self._store.begin() as tx:
            return await tx.sprints(self._person_id, days[0], days[-1], clients)


def rule_document(rule: Rule) -> dict[str, Any]:
    """A rule as it is stored with a run."""
    return {
        "kind": rule.kind,
        "says": rule.says,
        "source": rule.source,
        "memory_id": rule.memory_id,
        "energy": rule.energy,
        "spans": [[a.isoformat(), b.isoformat()] for a, b in rule.spans],
        "days": list(rule.days),
    }


def rule_from(document: Mapping[str, Any]) -> Rule:
    spans = tuple((time.fromisoformat(a), time.fromisoformat(b)) for a, b in document["spans"])
    return Rule(document["kind"], document["source"], document["memory_id"], document["energy"], spans, tuple(document["days"]))
