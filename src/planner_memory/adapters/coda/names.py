"""Which table and which column of a doc holds what: what is looked for by default, and what a person says instead."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, get_args

from planner_memory.core.errors import NotStarted
from planner_memory.ports.workspace_records import KINDS, Record, TaskStatus

THREAD = "daily_thread"
KEY, OWN_ID = "key", "own_id"
_THREAD_FIELDS = ("thread_on", "content", "metrics", KEY)
_WITH_KEY = ("process_template", "task")
_SYNONYMS: Mapping[str, tuple[str, ...]] = {
    KEY: ("planner_key",),
    "name": ("title",),
    "client_id": ("client",),
    "client_name": ("client",),
    "starts_on": ("start_date", "start"),
    "ends_on": ("end_date", "end"),
    "due_on": ("due_date", "due", "end_date"),
    "taken_on": ("as_of", "date"),
    "scheduled_start_at": ("scheduled_start_date", "scheduled_start"),
    "scheduled_end_at": ("scheduled_end_date", "scheduled_end"),
    "capacity_hours": ("capacity_hrs",),
    "planned_billable_hours": ("planned_billable_hrs",),
    "note": ("notes", "outcome_notes"),
    "weekly_costs": ("weekly_burn",),
    "thread_on": ("date",),
    "content": ("reflection",),
}


def plain(name: str) -> str:
    """Names are compared without case, spaces and signs: `DB Service Blueprints` is service_blueprints."""
    return re.sub(r"[\W_]+", "", name).casefold().removeprefix("db")


def fields_of(kind: str) -> tuple[str, ...]:
    """The fields that a table of this kind has columns for."""
    if kind == THREAD:
        return _THREAD_FIELDS
    own = tuple(each.name for each in fields(KINDS[kind]) if each.name not in ("id", "updated_at"))
    return (*own, OWN_ID, *((KEY,) if kind in _WITH_KEY else ()))


@dataclass(frozen=True)
class CodaNames:
    """Names that differ from the usual ones. `statuses` and `clients` translate what a cell says into a task's status or a client's id."""

    tables: Mapping[str, str] = field(default_factory=dict)  # by kind; a table's id is a name too
    columns: Mapping[str, Mapping[str, str]] = field(default_factory=dict)  # by kind and field
    statuses: Mapping[str, TaskStatus] = field(default_factory=dict)
    clients: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def read(cls, said: Any) -> "CodaNames":
        """From `{tables: {task: …}, columns: {task: {status: …}}, statuses: {…}, clients: {…}}`.

        Raises:
            NotStarted: something in it is no kind, no field or no status; the message names it.
        """
        parts = ("tables", "columns", "statuses", "clients")
        if not isinstance(said, Mapping) or not set(said) <= set(parts) or not all(isinstance(part, Mapping) for part in said.values()):
            raise NotStarted(f"PLANNER_CODA_NAMES must be an object with some of {', '.join(parts)}, each of them an object too.")
        for kind in [*said.get("tables", {}), *said.get("columns", {})]:
            if kind not in (*KINDS, THREAD):
                raise NotStarted(f"PLANNER_CODA_NAMES names the kind {kind}. There are {', '.join((*KINDS, THREAD))}.")
        for kind, named in said.get("columns", {}).items():
            if not isinstance(named, Mapping) or not set(named) <= set(fields_of(kind)):
                raise NotStarted(f"PLANNER_CODA_NAMES names a field that {kind} does not have. It has {', '.join(fields_of(kind))}.")
        for label, status in said.get("statuses", {}).items():
            if status not in get_args(TaskStatus):
                raise NotStarted(f"PLANNER_CODA_NAMES translates {label} to {status}. A task is {', '.join(get_args(TaskStatus))}.")
        return cls(**{part: said.get(part, {}) for part in parts})

    def tables_for(self, kind: str) -> tuple[str, ...]:
        """What the table may be called, best first."""
        return (self.tables[kind],) if kind in self.tables else (f"{kind}s", kind)

    def columns_for(self, kind: str, field_name: str) -> tuple[str, ...]:
        """What the column may be called, best first."""
        if named := self.columns.get(kind, {}).get(field_name):
            return (named,)
        if field_name == OWN_ID:
            return (f"{kind}_id", f"{kind.rpartition('_')[2]}_id") if kind.startswith("service_") else (f"{kind}_id",)
        target = relations_of(kind).get(field_name)
        if target:
            return (target, field_name.removesuffix("_id"), field_name)
        return (field_name, *_SYNONYMS.get(field_name, ()))

    def client_of(self, label: str) -> str:
        return self.clients.get(label, label)

    def label_of(self, client_id: str) -> str:
        return next((label for label, client in self.clients.items() if client == client_id), client_id)


def relations_of(kind: str) -> Mapping[str, str]:
    """The fields of a kind that name rows of another kind."""
    return KINDS.get(kind, Record).relations
