"""Where plans and the runs of their tasks are kept."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol
from uuid import UUID

from planner_memory.core.intervals import Interval

Clients = tuple[str, ...] | None  # None: every client


@dataclass(frozen=True, slots=True)
class Plan:
    """One plan. `sop` is the whole procedure as JSON, its steps under `checklist`; `metadata` is what was found out on the way to it."""

    id: UUID
    plan_title: str
    intent: str
    sop: Mapping[str, Any]
    client_id: str
    person_id: str
    status: str
    revision: int
    process_template_id: str | None
    workflow_id: str | None
    blueprint_id: str | None
    engagement_id: str | None
    deadline_at: datetime | None
    metadata: Mapping[str, Any]
    created_at: datetime
    updated_at: datetime

    @property
    def checklist(self) -> Sequence[Mapping[str, Any]]:
        steps: Sequence[Mapping[str, Any]] = self.sop.get("checklist", ())
        return steps

    @property
    def template_family(self) -> str | None:
        """What estimates learn by: the pattern that its steps are of, over all plans; else the template that was written for it alone."""
        family: str | None = self.sop.get("process_template_id")
        return family or self.process_template_id


@dataclass(frozen=True, slots=True)
class PlanRevision:
    """A plan's procedure as it was before it was edited."""

    revision: int
    plan_title: str
    sop: Mapping[str, Any]
    replaced_at: datetime


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a task. `ended_at` and `actual_hours` are None while its timer runs. `estimated_hours` is raw: before any correction.

    `sitting` is true for a timer's runs, of which a task may need several; the one that finished it has the sum in `observed_hours`.
    """

    id: UUID
    run_id: str
    run_type: str
    client_id: str
    person_id: str
    task_id: str
    title: str | None
    step_key: str | None
    plan_id: UUID | None
    workflow_id: str | None
    process_template_id: str | None
    project_id: str | None
    engagement_id: str | None
    executed_by_person_id: str | None
    started_at: datetime
    ended_at: datetime | None
    estimated_hours: float | None
    actual_hours: float | None
    outcome_notes: str | None
    billable: bool | None
    sitting: bool
    observed_hours: float | None
    metadata: Mapping[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class PastRun:
    """What estimates learn from: numbers only, no content. Hours are positive."""

    person_id: str
    step_key: str | None
    process_template_id: str | None
    workflow_id: str | None
    raw_hours: float
    actual_hours: float


@dataclass(frozen=True, slots=True)
class PooledRuns:
    """The same of many runs, as columns of one length: there are thousands, and each plan reads them."""

    person_ids: Sequence[str] = ()
    raw_hours: Sequence[float] = ()
    actual_hours: Sequence[float] = ()


@dataclass(frozen=True, slots=True)
class RunHistory:
    """Finished runs, newest first: the person's, everyone's, and those of the steps, templates and workflows asked for. All bounded."""

    own: Sequence[PastRun] = ()
    everyone: PooledRuns = PooledRuns()
    related: Sequence[PastRun] = field(default=())


@dataclass(frozen=True, slots=True)
class PlacedBlock:
    """A block of an applied scheduler run."""

    task_id: str
    title: str | None
    start: datetime
    end: datetime
    plan_id: UUID | None
    client_id: str | None
    scheduler_run_id: UUID


@dataclass(frozen=True, slots=True)
class PlanGlance:
    """What is needed of a plan to say how similar another one is. `pattern` is the key of its pattern."""

    id: UUID
    plan_title: str
    intent: str
    status: str
    pattern: str | None
    created_at: datetime


class PlanTransaction(Protocol):
    """One open transaction. `clients` restricts what is seen: rows of other clients are as if they were not there."""

    async def add_plan(self, plan: Plan) -> None: ...

    async def plan(self, plan_id: UUID, clients: Clients, *, locked: bool = False) -> Plan | None:
        """With `locked`, nobody else can change it until the transaction ends."""
        ...

    async def plans(self, clients: Clients, *, status: str | None, limit: int) -> list[Plan]:
        """Newest first."""
        ...

    async def plans_since(self, clients: Clients, since: datetime, *, limit: int) -> list[PlanGlance]:
        """Newest first."""
        ...

    async def plan_of_pattern(self, clients: Clients, pattern: str, *, generator: str | None = None) -> Plan | None:
        """The newest one of that pattern in which the person changed the steps, and which was not cancelled. `generator`: only of that one."""
        ...

    async def plans_untold(self, limit: int) -> list[Plan]:
        """Those that the memory was not told of yet, oldest first."""
        ...

    async def settle_answers(self, call_ids: Sequence[UUID]) -> None:
        """The language model's answers of these calls are used now, with this very transaction."""
        ...

    async def save_plan(self, plan: Plan) -> None:
        """Replaces the stored plan of that id."""
        ...

    async def mark_told(self, plan_id: UUID) -> None:
        """The memory knows of the plan now."""
        ...

    async def keep_revision(self, plan: Plan) -> None:
        """Puts the plan as it is beside the revisions that were."""
        ...

    async def revisions(self, plan_id: UUID) -> list[PlanRevision]:
        """Newest first."""
        ...

    async def lock_task(self, client_id: str, task_id: str) -> None:
        """Until the transaction ends nobody else changes the runs of that task."""
        ...

    async def add_run(self, run: Run) -> bool:
        """False when there is a run of that `run_id` already; nothing was stored then."""
        ...

    async def save_run(self, run: Run) -> None: ...

    async def run_at(self, client_id: str, task_id: str, started_at: datetime) -> Run | None: ...

    async def runs(self, clients: Clients, *, task_id: str | None = None, plan_id: UUID | None = None, limit: int = 200) -> list[Run]:
        """Newest start first."""
        ...

    async def running(self, person_id: str, clients: Clients) -> list[Run]:
        """Runs whose timer is on, oldest start first."""
        ...

    async def runs_ended(self, person_id: str, clients: Clients, window: Interval) -> list[Run]:
        """Runs that ended in the window, oldest end first."""
        ...

    async def blocks(self, person_id: str, clients: Clients, window: Interval) -> list[PlacedBlock]:
        """Blocks of applied scheduler runs that overlap the window, by start. Of several runs of one plan the newest counts."""
        ...

    async def history(self, person_id: str, *, step_keys: Sequence[str], template_ids: Sequence[str], workflow_ids: Sequence[str]) -> RunHistory:
        """At most 200 runs of the person, 2000 of everyone, and 40 of each key."""
        ...


class PlanStore(Protocol):
    """Raises Unavailable when the database does not answer."""

    def begin(self) -> AbstractAsyncContextManager[PlanTransaction]:
        """A transaction, committed when the block ends and rolled back when it raises."""
        ...

    async def check(self) -> None: ...
