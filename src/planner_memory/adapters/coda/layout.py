"""What a doc really has: its tables and columns, found by their names, and what of it is missing."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from planner_memory.adapters.coda.names import KEY, THREAD, CodaNames, fields_of, plain, relations_of
from planner_memory.ports.workspace_records import LAYERS

# without these the product cannot do what it promises with the table
_READ: Mapping[str, tuple[str, ...]] = {
    "service_blueprint": LAYERS,
    "offer": ("blueprint_id",),
    "workflow": ("blueprint_id", "steps"),
    "engagement": ("offer_id",),
    "project": ("engagement_id",),
}
_WRITTEN: Mapping[str, tuple[str, ...]] = {
    "process_template": ("workflow_id", "blueprint_id", "checklist", KEY),
    "task": ("project_id", "process_template_id", "status", "scheduled_start_at", "scheduled_end_at", "actual_hours", "note", KEY),
    THREAD: ("thread_on", "content", "metrics", KEY),
}


@dataclass(frozen=True)
class Column:
    """`target` is the table that a relation shows rows of; `options` are those of a select list, where Coda tells them."""

    id: str
    name: str
    type: str
    target: str | None
    is_calculated: bool
    options: tuple[str, ...]

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> "Column":
        shape = said.get("format") if isinstance(said.get("format"), dict) else {}
        assert shape is not None
        table, options = shape.get("table"), shape.get("options")
        return cls(
            id=str(said.get("id", "")),
            name=str(said.get("name", "")),
            type=str(shape.get("type", "text")),
            target=str(table["id"]) if isinstance(table, dict) and table.get("id") else None,
            is_calculated=bool(said.get("calculated")),
            options=tuple(str(each.get("name", "")) for each in options if isinstance(each, dict)) if isinstance(options, list) else (),
        )


@dataclass(frozen=True)
class Table:
    """A table of the doc that holds a kind of rows; `columns` are those that were found, by field."""

    kind: str
    id: str
    name: str
    columns: Mapping[str, Column]
    display: Column | None

    @property
    def has_relations(self) -> bool:
        return any(name in self.columns for name in relations_of(self.kind))


def find_table(kind: str, tables: Iterable[Mapping[str, Any]], names: CodaNames) -> Mapping[str, Any] | None:
    """A base table before a view, since rows can be added to those only; an id must be the whole id."""
    listed = sorted(tables, key=lambda each: each.get("tableType") == "view")
    for wanted in names.tables_for(kind):
        for each in listed:
            if each.get("id") == wanted or plain(str(each.get("name", ""))) == plain(wanted):
                return each
    return None


def read_table(kind: str, table: Mapping[str, Any], columns: Iterable[Mapping[str, Any]], names: CodaNames) -> Table:
    listed = [Column.read(each) for each in columns]
    by_name = {plain(each.name): each for each in reversed(listed)} | {each.id: each for each in listed}
    found: dict[str, Column] = {}
    for field_name in fields_of(kind):
        for wanted in names.columns_for(kind, field_name):
            if (column := by_name.get(wanted) or by_name.get(plain(wanted))) is not None:
                found[field_name] = column
                break
    display = next((Column.read(each) for each in columns if each.get("display")), None)
    return Table(kind, str(table["id"]), str(table.get("name", "")), found, display)


def missing(kind: str, table: Table | None, others: Mapping[str, Table | None], names: CodaNames) -> list[str]:
    """What has to be mended in the doc for this kind, in sentences; nothing for kinds that are read only where they are."""
    wanted = (*_READ.get(kind, ()), *_WRITTEN.get(kind, ()))
    if table is None:
        looked_for = " or ".join(names.tables_for(kind))
        return [f"There is no table {looked_for}. Add it, or name yours: PLANNER_CODA_NAMES, tables, {kind}."] if wanted else []
    said = []
    for field_name in wanted:
        column = table.columns.get(field_name)
        if column is None:
            looked_for = " or ".join(names.columns_for(kind, field_name))
            said.append(f"Table {table.name} has no column {looked_for}. Add it, or name yours: PLANNER_CODA_NAMES, columns, {kind}, {field_name}.")
        elif column.is_calculated and kind in _WRITTEN:
            said.append(f"Column {column.name} of table {table.name} is calculated and cannot be written. Name another in PLANNER_CODA_NAMES.")
    for field_name, target in relations_of(kind).items():
        column, other = table.columns.get(field_name), others.get(target)
        if column is not None and other is not None and column.target != other.id:
            said.append(f"Column {column.name} of table {table.name} should be a relation to table {other.name}, and is not.")
    return said


KINDS_NEEDED = (*_READ, *_WRITTEN)
