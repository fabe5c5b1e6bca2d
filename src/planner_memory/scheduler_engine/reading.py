"""What the scheduler reads before it places: the plan, the profile, what memory says about the person, the sprints."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from planner_memory.core.errors import NotFound
from planner_memory.core.local_time import days_between
from planner_memory.ports.profiles import ProfileStore
from planner_memory.ports.schedules import PlanToSchedule, ScheduleStore, Sprint
from planner_memory.scheduler_engine.remembered import Preferences
from planner_memory.scheduler_engine.rules import Rule
from planner_memory.scheduler_engine.schemas import ScheduleIn
from planner_memory.scheduler_engine.tasks import Task, tasks_of_checklist
from planner_memory.scheduler_engine.terms import Terms, terms_of

Clients = Sequence[str] | None


class Reader:
    """Part of the scheduler."""

    def __init__(self, *, store: ScheduleStore, profiles: ProfileStore, preferences: Preferences, person_id: str) -> None:
        self._store = store
        self._profiles = profiles
        self._preferences = preferences
        self._person_id = person_id

    async def plan(self, plan_id: UUID, clients: Clients) -> PlanToSchedule:
        async with self._store.begin() as tx:
            plan = await tx.plan(plan_id, clients)
        if plan is None:
            raise NotFound(f"There is no plan {plan_id}. GET /api/v1/planner/plans lists those that exist.")
        return plan

    async def terms(self, body: ScheduleIn, plan: PlanToSchedule | None, now: datetime, *, client: str) -> Terms:
        """The terms of a new schedule. What could not be read of the person's preferences is a note in them."""
        said = await self._preferences.read(client)
        terms = await self.terms_again(body, plan, now, said.rules)
        return replace(terms, notes=(*terms.notes, *said.notes))

    async def terms_again(self, body: ScheduleIn, plan: PlanToSchedule | None, now: datetime, rules: Sequence[Rule]) -> Terms:
        """The terms with the rules of an earlier run."""
        profile = await self._profiles.profile(self._person_id)
        steps: list[Task] = tasks_of_checklist(plan.checklist, plan.deadline_at, profile) if plan and not body.tasks else []
        return terms_of(body, profile, now, steps, rules)

    async def with_runway(self, body: ScheduleIn) -> ScheduleIn:
        """The request with the weeks of runway that the newest finance snapshot says, unless it says its own."""
        if body.runway_weeks is not None:
            return body
        async with self._store.begin() as tx:
            return body.model_copy(update={"runway_weeks": await tx.runway_weeks(self._person_id)})

    async def sprints(self, terms: Terms, clients: Clients) -> list[Sprint]:
        days = days_between(terms.window, terms.hours.tz)
        async with self._store.begin() as tx:
            return await tx.sprints(self._person_id, days[0], days[-1], clients)
