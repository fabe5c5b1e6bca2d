"""What happened, as recorded: the rows from which reflections are counted. Read-only; every question costs what its period holds."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any, Protocol
from uuid import UUID

from planner_memory.core.intervals import Interval
from planner_memory.ports.insights import KeptInsight

Clients = tuple[str, ...] | None  # None: every client


@dataclass(frozen=True, slots=True)
class EventCount:
    event_type: str
    event_source: str
    count: int


@dataclass(frozen=True, slots=True)
class LastEntry:
    """When a source last wrote an event."""

    event_source: str
    occurred_at: datetime


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """One stretch of work that has ended. `is_done` is false for a sitting after which the task goes on.

    `whole_hours` is what the whole task took, over all its sittings; None while it is not known. Estimates are raw: before any correction.
    """

    run_id: str
    task_id: str | None
    title: str | None
    plan_id: UUID | None
    workflow_id: str | None
    process_template_id: str | None
    started_at: datetime
    ended_at: datetime
    actual_hours: Decimal
    whole_hours: Decimal | None
    estimated_hours: Decimal | None
    billable: bool | None
    is_done: bool
    outcome_notes: str | None
    client_id: str | None = None


@dataclass(frozen=True, slots=True)
class RunningTimer:
    task_id: str | None
    title: str | None
    started_at: datetime


@dataclass(frozen=True, slots=True)
class ScheduledBlock:
    event_id: str | None
    task_id: str
    title: str | None
    starts_at: datetime
    ends_at: datetime
    billable: bool | None


@dataclass(frozen=True, slots=True)
class MadePlan:
    plan_id: UUID
    title: str
    status: str
    created_at: datetime


@dataclass(frozen=True, slots=True)
class OpenPlan:
    """A plan with a deadline that is neither completed nor cancelled. `last_block_ends_at` is None when nothing of it is in the calendar."""

    plan_id: UUID
    title: str
    deadline_at: datetime
    steps: int
    steps_done: int
    last_block_ends_at: datetime | None


@dataclass(frozen=True, slots=True)
class Sprint:
    sprint_id: str
    name: str
    starts_on: date
    ends_on: date  # inclusive
    planned_billable_hours: Decimal


@dataclass(frozen=True, slots=True)
class KeptPeriod:
    """The period of a reflection, and the instant up to which it could know."""

    period_start: datetime
    period_end: datetime
    covered_until: datetime


@dataclass(frozen=True, slots=True)
class PendingPost:
    """A reflection that was kept because the workspace did not take it."""

    event_id: UUID
    client_id: str
    thread_id: str
    kept_at: datetime
    payload: Mapping[str, Any]


class Facts(Protocol):
    """One open read of one person's rows. `clients` restricts what is seen: rows of other clients are as if they were not there."""

    async def event_counts(self, person_id: str, clients: Clients, window: Interval) -> list[EventCount]:
        """Events by type and source, most frequent first; the observer's own events are left out."""
        ...

    async def last_entries(self, person_id: str, clients: Clients, before: datetime) -> list[LastEntry]:
        """Each source's newest event before that instant, by source."""
        ...

    async def runs(self, person_id: str, clients: Clients, window: Interval) -> list[FinishedRun]:
        """Runs that overlap the window or ended in it, by start. Runs without an end but with hours count as ended."""
        ...

    async def running(self, person_id: str, clients: Clients, before: datetime) -> list[RunningTimer]:
        """Timers that are on and were started before that instant, oldest first."""
        ...

    async def calendar_questions(self, person_id: str, clients: Clients) -> list[str]:
        """What happened in the calendar and waits for the person's decision, as sentences, oldest first."""
        ...

    async def blocks(self, person_id: str, clients: Clients, window: Interval, *, known_at: datetime) -> list[ScheduledBlock]:
        """Blocks of applied scheduler runs that overlap the window, by start.

        Of several runs of one plan the newest made before `known_at` counts, else the newest. Runs made more than 120 days away are not seen.
        """
        ...

    async def finished_tasks(self, person_id: str, clients: Clients, task_ids: Sequence[str], before: datetime) -> frozenset[str]:
        """Which of the tasks were finished before that instant."""
        ...

    async def plans_made(self, person_id: str, clients: Clients, window: Interval) -> list[MadePlan]:
        """Oldest first, at most 200."""
        ...

    async def plans_due(self, person_id: str, clients: Clients, window: Interval, *, known_at: datetime) -> list[OpenPlan]:
        """Plans open at `known_at` whose deadline lies in the window, soonest first, at most 50, as they were at that instant.

        What was made later is left out; steps done, and blocks and revisions made, after `known_at` are as if they were not there.
        """
        ...

    async def sprint(self, person_id: str, clients: Clients, first: date, last: date) -> Sprint | None:
        """The sprint that touches those days, inclusive; of several the one that ends last."""
        ...

    async def last_period(self, person_id: str, client_id: str, mode: str, *, since: datetime, until: datetime) -> KeptPeriod | None:
        """The reflection of that mode, posted or waiting, that covers most of the time up to `until`; None when none ended after `since`."""
        ...

    async def insights(self, person_id: str, clients: Clients) -> list[KeptInsight]:
        """What was learnt and what of it was taken back, newest first."""
        ...

    async def pending_posts(self, person_id: str, since: datetime) -> list[PendingPost]:
        """The newest one of each thread that was not posted since, oldest first, at most 50."""
        ...


class FactStore(Protocol):
    """Raises Unavailable when the database does not answer."""

    async def take_turn(self, person_id: str, client_id: str, mode: str, holder: UUID, lasts: timedelta) -> bool:
        """Whether `holder` may now make reflections of that mode, alone among all processes, for so long at the most."""
        ...

    async def end_turn(self, holder: UUID) -> None:
        """Gives the turn back. Safe to repeat, and without a turn."""
        ...

    def begin(self) -> AbstractAsyncContextManager[Facts]:
        """A read, ended with its block."""
        ...

    async def check(self) -> None: ...
