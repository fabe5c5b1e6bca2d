"""What lies outside the product's own tables: the calendar and the workspace. A source that does not answer is named, never counted as nothing."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import structlog

from planner_memory.core.errors import PlannerMemoryError
from planner_memory.core.intervals import Interval
from planner_memory.core.local_time import days_between
from planner_memory.ports import workspace_records as records
from planner_memory.ports.calendar import Calendar, CalendarEvent
from planner_memory.ports.facts import Clients, LastEntry, Sprint
from planner_memory.ports.workspace import Workspace

log = structlog.get_logger()
_NO_CALENDAR = "No calendar is connected, so meetings are not counted."
_SILENT_CALENDAR = "The calendar did not answer, so meetings are not counted."
_SILENT_WORKSPACE = "The workspace did not answer, so open tasks are those of the schedule."
_MOST_TASKS = _MOST_NAMES = 1000
_STALE_AFTER_DAYS, _FORGOTTEN_AFTER_DAYS = 3, 14
_OWN_SOURCES = frozenset({"memory-gateway", "planner-engine", "scheduler-engine", "observer-agent", "api", "cli"})
_SOURCE_NAMES_MOST = 3


@dataclass(frozen=True, slots=True)
class WorkspaceTasks:
    """`finished`, open and blocked tasks as the workspace has them now. Titles of the blocked ones; ids of the finished ones."""

    finished: frozenset[str]
    open_tasks: int
    blocked: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Told:
    """What the sources told, and sentences about those that did not."""

    calendar: Sequence[CalendarEvent] | None
    tasks: WorkspaceTasks | None = None
    sprint: Sprint | None = None
    missing: tuple[str, ...] = field(default=())


class Sources:
    def __init__(self, calendar: Calendar | None, workspace: Workspace | None) -> None:
        self._calendar = calendar
        self._workspace = workspace

    async def calendar(self, window: Interval, tz: ZoneInfo) -> tuple[Sequence[CalendarEvent] | None, tuple[str, ...]]:
        """The events, or None and what to say about their absence."""
        if self._calendar is None:
            return None, (_NO_CALENDAR,)
        try:
            return await self._calendar.events(window, tz.key), ()
        except PlannerMemoryError as error:
            log.warning("the calendar did not answer", detail=error.detail)
            return None, (_SILENT_CALENDAR,)

    async def tasks(self, clients: Clients) -> tuple[WorkspaceTasks | None, tuple[str, ...]]:
        """None without a workspace, and where it has no tasks: then the schedule knows better."""
        if self._workspace is None:
            return None, ()
        try:
            found = await self._workspace.records(records.Task, clients, limit=_MOST_TASKS)
        except PlannerMemoryError as error:
            log.warning("the workspace did not answer", detail=error.detail)
            return None, (_SILENT_WORKSPACE,)
        if not found:
            return None, ()
        still = [task for task in found if task.status not in ("done", "cancelled")]
        blocked = tuple(sorted(task.name for task in still if task.status == "blocked"))
        return WorkspaceTasks(frozenset(task.id for task in found if task.status == "done"), len(still), blocked), ()

    async def names(self, ids: Collection[str], clients: Clients) -> dict[str, str]:
        """The names of those workflows and templates that the workspace knows; none when it does not answer."""
        if self._workspace is None or not ids:
            return {}
        found: dict[str, str] = {}
        try:
            for kind in (records.Workflow, records.ProcessTemplate):
                for each in await self._workspace.records(kind, clients, limit=_MOST_NAMES):
                    found |= {key: each.name for key in (each.id, each.id.partition(":")[2]) if key in ids}  # a run may know it without its origin
        except PlannerMemoryError as error:
            log.warning("the workspace did not answer", detail=error.detail)
        return found

    async def sprint(self, clients: Clients, first: date, last: date) -> Sprint | None:
        """The workspace's sprint that touches those days, of several the one that ends last; None also when it does not answer."""
        if self._workspace is None:
            return None
        try:
            found = await self._workspace.records(records.Sprint, clients)
        except PlannerMemoryError as error:
            log.warning("the workspace did not answer", detail=error.detail)
            return None
        touching = [s for s in found if s.planned_billable_hours is not None and s.starts_on <= last and s.ends_on >= first]
        if not touching:
            return None
        best = max(touching, key=lambda s: (s.ends_on, s.id))
        return Sprint(best.id, best.name, best.starts_on, best.ends_on, Decimal(str(best.planned_billable_hours)))


def finished_in(calendar: Sequence[CalendarEvent] | None, until: datetime) -> frozenset[str]:
    """The tasks whose every block bears the completion mark and had begun by then."""
    marks: dict[str, bool] = {}
    for event in calendar or ():
        task = event.private.get("task_id") if event.is_own else None
        if task:
            marks[task] = marks.get(task, True) and event.is_done and event.start < until
    return frozenset(task for task, is_done in marks.items() if is_done)


def stale(entries: Sequence[LastEntry], period: Interval, tz: ZoneInfo) -> tuple[str, ...]:
    """Sources from outside that used to write, and have been silent for days: what they should have told is not nothing, it is not known."""
    found = []
    last_day = days_between(period, tz)[-1]
    for entry in entries:
        on = entry.occurred_at.astimezone(tz).date()
        if entry.event_source not in _OWN_SOURCES and _STALE_AFTER_DAYS <= (last_day - on).days <= _FORGOTTEN_AFTER_DAYS:
            found.append(f"Nothing has come from “{entry.event_source}” since {on:%A} {on.day} {on:%B}; what it should have told is missing here.")
    return tuple(found[:_SOURCE_NAMES_MOST])
