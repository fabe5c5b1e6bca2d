"""Where scheduler runs are kept, and what the scheduler reads of plans."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from planner_memory.ports.calendar_sync import CalendarSync
from planner_memory.ports.journal import Journal


@dataclass(frozen=True, slots=True)
class PlanToSchedule:
    """A plan as the scheduler needs it. `checklist` holds the steps as the planner stored them; `estimate` that of the whole, or None."""

    id: UUID
    title: str
    client_id: str | None
    person_id: str
    status: str
    deadline_at: datetime | None
    checklist: Sequence[Mapping[str, Any]]
    estimate: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class SchedulerRun:
    """One schedule. `schedule_blocks` and `unscheduled` are JSON-ready, in order; `status` is proposed, applied, undone or failed.

    `metadata` has the key "to_tell", a type of event, until planner and memory have been told what became of it.
    """

    id: UUID
    plan_id: UUID | None
    client_id: str | None
    person_id: str
    status: str
    created_at: datetime
    schedule_blocks: Sequence[Mapping[str, Any]]
    unscheduled: Sequence[Mapping[str, Any]] = ()
    request: Mapping[str, Any] = field(default_factory=dict)
    score: Mapping[str, Any] = field(default_factory=dict)
    metadata: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sprint:
    """`ends_on` is the last day of it."""

    sprint_id: str
    name: str
    starts_on: date
    ends_on: date
    planned_billable_hours: Decimal


class Schedules(Journal, CalendarSync, Protocol):
    """An open transaction. `clients` None means every client."""

    async def plan(self, plan_id: UUID, clients: Sequence[str] | None) -> PlanToSchedule | None: ...

    async def add_run(self, run: SchedulerRun) -> None: ...

    async def run(self, run_id: UUID, clients: Sequence[str] | None, *, lock: bool = False) -> SchedulerRun | None:
        """The run, or None. With `lock` no other transaction can change it until this one ends."""
        ...

    async def save_run(self, run: SchedulerRun) -> None:
        """Stores status, blocks, unscheduled, score and metadata of a run that is there."""
        ...

    async def runs(self, clients: Sequence[str] | None, *, plan_id: UUID | None, limit: int) -> list[SchedulerRun]:
        """The newest first."""
        ...

    async def run_of_event(self, event_id: str, clients: Sequence[str] | None) -> SchedulerRun | None:
        """The applied run that has a block with that event id."""
        ...

    async def sprints(self, person_id: str, first: date, last: date, clients: Sequence[str] | None) -> list[Sprint]:
        """The sprints that have a day between those two, the earliest first."""
        ...

    async def runway_weeks(self, person_id: str) -> float | None:
        """As the newest finance snapshot of the workspace says; None when there is none."""
        ...

    async def untold_runs(self) -> list[SchedulerRun]:
        """Runs whose outcome planner and memory do not know yet, oldest first."""
        ...

    async def told_run(self, run_id: UUID, warnings: Sequence[str], *, is_over: bool) -> None:
        """The warnings are added to the run's. `is_over`: it needs not be told again."""
        ...

    async def done_tasks(self, task_ids: Sequence[str]) -> set[str]:
        """Those that the planner knows to be done."""
        ...

    async def runs_by_id(self, run_ids: Sequence[UUID]) -> list[SchedulerRun]:
        """Those that are there, in no order."""
        ...


class ScheduleStore(Protocol):
    """Raises Unavailable when the database does not answer; nothing was stored then."""

    def begin(self) -> AbstractAsyncContextManager[Schedules]:
        """A transaction, committed when the block ends and rolled back when it raises."""
        ...

    def hold(self, person_id: str) -> AbstractAsyncContextManager[None]:
        """The person's calendar for the block alone, in whatever process; what waits gets its turn in order.

        Raises:
            Conflict: it was not free within half a minute.
            Unavailable: the database does not answer.
        """
        ...

    async def check(self) -> None: ...
