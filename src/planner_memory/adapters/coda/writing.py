"""Writes for the port WorkspaceWriting: each row carries the caller's key, and is read back, because Coda keeps what it cannot link as text."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from planner_memory.adapters.coda.cells import reference_of, says, status_label, text_of, unwrapped, write_cell
from planner_memory.adapters.coda.doc import CodaDoc
from planner_memory.adapters.coda.layout import Column, Table
from planner_memory.adapters.coda.names import KEY, CodaNames, relations_of
from planner_memory.adapters.coda.rows import CodaRows, missing, stored_key, task_key
from planner_memory.core.errors import InvalidInput, NotFound, Unavailable
from planner_memory.ports.workspace_records import NewProcessTemplate, ProcessTemplate, Task, TaskChange

_WAITS_FOR_SIGHT = (0.0, 0.3, 0.7, 1.0, 2.0, 3.0)  # a snapshot is some seconds behind
_LONGEST_KEY = 200
_MOST_QUERIES = 5  # for more rows than these one reading of the table costs less


@dataclass(frozen=True)
class _Link:
    """A row that a relation is to show."""

    row_id: str
    name: str


class CodaWriting:
    def __init__(self, doc: CodaDoc, rows: CodaRows, names: CodaNames, zone: ZoneInfo) -> None:
        self._doc, self._rows, self._names, self._zone = doc, rows, names, zone

    async def create_process_template(self, new: NewProcessTemplate, *, key: str) -> ProcessTemplate:
        table = await self._table("process_template")
        stored = _checked(stored_key(new.client_id, key), key)
        if not (there := await self._by_key(table, stored)):
            values = {"name": new.name, "description": new.description, "template_type": new.template_type, "status": "Active"}
            cells = {column.id: self._cell(column, value) for field, value in values.items() if (column := _named(table, field)) and value}
            cells[self._column(table, "checklist").id] = self._cell(self._column(table, "checklist"), new.checklist)
            if column := table.columns.get("client_id"):
                cells[column.id] = self._names.label_of(new.client_id)
            links: dict[str, _Link] = {}
            wanted = (("workflow_id", new.workflow_id), ("blueprint_id", new.blueprint_id), ("engagement_id", new.engagement_id))
            for field, record_id in wanted:
                if record_id is not None and (field in table.columns or field != "engagement_id"):
                    links[self._column(table, field).id] = await self._link(relations_of("process_template")[field], record_id)
            there = await self._added(table, [cells | {self._column(table, KEY).id: stored}], links)
        return await self._rows.reading().record(ProcessTemplate, table, there[stored])

    async def update_process_template(self, process_template_id: str, new: NewProcessTemplate) -> ProcessTemplate:
        template = await self._rows.record(ProcessTemplate, process_template_id, (new.client_id,))
        table = await self._table("process_template")
        row = await self._rows.found(table, template.id)
        values = {"name": new.name, "description": new.description}
        cells = {column.id: self._cell(column, value) for field, value in values.items() if (column := _named(table, field))}
        column = self._column(table, "checklist")
        return await self._rows.reading().record(
            ProcessTemplate, table, await self._changed(table, row, cells | {column.id: self._cell(column, new.checklist)}, template.id)
        )

    async def create_tasks(self, process_template_id: str, project_id: str | None, *, client_id: str, key: str) -> list[Task]:
        template = await self._rows.record(ProcessTemplate, process_template_id, (client_id,))
        table = await self._table("task")
        of_template, key_column = self._column(table, "process_template_id"), self._column(table, KEY)
        links = {of_template.id: await self._link("process_template", template.id)}
        prefix = _checked(task_key(client_id, key, links[of_template.id].row_id), key)
        if project_id is not None:
            links[self._column(table, "project_id").id] = await self._link("project", project_id)
        name = links[of_template.id].name
        siblings = await self._doc.rows(table, where=(of_template, name) if name else None)
        there: dict[str, Mapping[str, Any]] = {stored: row for row in siblings if (stored := _shown(row, key_column)).startswith(prefix)}
        new = []
        for step in template.checklist:
            values = {"description": step.description, "estimated_hours": step.estimated_hours, "billable": step.billable}
            values |= {"name": step.title, "step_number": step.number}
            cells = {
                column.id: self._cell(column, value) for field, value in values.items() if (column := _named(table, field)) and value is not None
            }
            cells |= {key_column.id: f"{prefix}{step.number}", **self._status(table, "open")}
            if column := table.columns.get("client_id"):
                cells[column.id] = self._names.label_of(client_id)
            new += [cells] if f"{prefix}{step.number}" not in there else []
        if new:
            there |= await self._added(table, new, links)
        reading = self._rows.reading()
        tasks = [await reading.record(Task, table, row) for row in there.values()]
        return sorted(tasks, key=lambda task: task.step_number or 0)

    async def update_task(self, task_id: str, change: TaskChange) -> Task:
        table = await self._table("task")
        row: Mapping[str, Any] = await self._rows.found(table, task_id)
        cells: dict[str, Any] = {} if change.status is None else self._status(table, change.status)
        for field in ("scheduled_start_at", "scheduled_end_at", "actual_hours", "note"):
            value = getattr(change, field)
            if value is not None or (change.unscheduled and field.startswith("scheduled")):
                column = self._column(table, field)
                cells[column.id] = self._cell(column, value)
        if cells:
            row = await self._changed(table, row, cells, task_id)
        return await self._rows.reading().record(Task, table, row)

    async def _changed(self, table: Table, row: Mapping[str, Any], cells: Mapping[str, Any], record_id: str) -> Mapping[str, Any]:
        try:
            await self._doc.update(table, str(row["id"]), cells)
        except NotFound:
            raise missing(table.kind, record_id) from None
        return await self._seen(table, str(row["id"]), cells)

    async def put_by_key(self, table: Table, cells: Mapping[str, Any], stored: str) -> Mapping[str, Any]:
        """Adds the row with this key or changes it, and returns it as it is seen afterwards."""
        await self._doc.upsert(table, [{**cells, self._column(table, KEY).id: stored}], self._column(table, KEY))
        for wait in _WAITS_FOR_SIGHT:
            await self._doc.sleep(wait)
            if there := await self._by_key(table, stored):
                return there[stored]
        raise _unseen(table)

    async def by_key(self, table: Table, stored: str) -> Mapping[str, Any] | None:
        return (await self._by_key(table, stored)).get(stored)

    def column(self, table: Table, field: str) -> Column:
        """Raises InvalidInput, which says what to add to the doc."""
        return self._column(table, field)

    async def table(self, kind: str) -> Table:
        return await self._table(kind)

    async def _table(self, kind: str) -> Table:
        table = await self._doc.table(kind)
        if table is None:
            looked_for = " or ".join(self._names.tables_for(kind))
            raise InvalidInput(f"The Coda doc has no table {looked_for} to write to. `planner-memory doctor` says what is missing.", field=kind)
        return table

    def _column(self, table: Table, field: str) -> Column:
        column = _named(table, field)
        if column is None or column.is_calculated:
            looked_for = " or ".join(self._names.columns_for(table.kind, field))
            raise InvalidInput(
                f"Table {table.name} of the Coda doc has no column {looked_for} that can be written. `planner-memory doctor` says what is missing.",
                field=field,
            )
        return column

    def _cell(self, column: Column, value: Any) -> Any:
        return write_cell(column, value, self._zone)

    def _status(self, table: Table, status: Any) -> dict[str, Any]:
        column = self._column(table, "status")
        return {column.id: status_label(column, status, self._names.statuses)}

    async def _link(self, kind: str, record_id: str) -> _Link:
        table = await self._doc.table(kind)
        if table is None:
            raise missing(kind, record_id)
        row = await self._rows.found(table, record_id)
        return _Link(str(row["id"]), text_of(unwrapped(row.get("name", ""))))

    async def _by_key(self, table: Table, stored: str) -> dict[str, Mapping[str, Any]]:
        column = self._column(table, KEY)
        rows = [row for row in await self._doc.rows(table, where=(column, stored)) if _shown(row, column) == stored]
        return {stored: rows[0]} if rows else {}

    async def _added(self, table: Table, rows: Sequence[Mapping[str, Any]], links: Mapping[str, _Link]) -> dict[str, Mapping[str, Any]]:
        """The rows, by key, with their relations: written as ids, and as names where an id was kept as text."""
        key = self._column(table, KEY)
        ids = {column_id: link.row_id for column_id, link in links.items()}
        warning = await self._doc.upsert(table, [{**row, **ids} for row in rows], key)
        there = await self._all_seen(table, [str(row[key.id]) for row in rows])
        broken = {column_id for column_id, link in links.items() for row in there.values() if not self._is_linked(row, column_id, link)}
        if not broken:
            return there
        named = {column_id: links[column_id].name for column_id in broken}
        warning = await self._doc.upsert(table, [{key.id: row[key.id], **named} for row in rows], key) or warning
        for wait in _WAITS_FOR_SIGHT:
            await self._doc.sleep(wait)
            there = await self._all_seen(table, list(there))
            if all(self._is_linked(row, column_id, links[column_id]) for row in there.values() for column_id in broken):
                return there
        for row in there.values():
            await self._doc.delete(table, str(row["id"]))
        columns = ", ".join(sorted(column.name for column in table.columns.values() if column.id in broken))
        said = f" Coda says: {warning}." if warning else ""
        raise InvalidInput(
            f"Table {table.name} of the Coda doc keeps {columns} as text, not as a relation, so nothing was kept.{said}"
            " `planner-memory doctor` says to which table the column should lead.",
            field=columns,
        )

    def _is_linked(self, row: Mapping[str, Any], column_id: str, link: _Link) -> bool:
        """Where only names are shown, the row's own name has to do; an id that is shown as a name was not understood."""
        shown = reference_of(unwrapped(row["values"].get(column_id, "")))
        return shown is not None and (shown.id == link.row_id if self._doc.shows_ids else shown.name == link.name)

    async def _all_seen(self, table: Table, keys: Sequence[str]) -> dict[str, Mapping[str, Any]]:
        for wait in _WAITS_FOR_SIGHT:
            await self._doc.sleep(wait)
            there: dict[str, Mapping[str, Any]] = {}
            if len(keys) > _MOST_QUERIES:
                column = self._column(table, KEY)
                there = {stored: row for row in await self._doc.rows(table) if (stored := _shown(row, column)) in keys}
            else:
                for stored in keys:
                    there |= await self._by_key(table, stored)
            if len(there) == len(keys):
                return there
        raise _unseen(table)

    async def _seen(self, table: Table, row_id: str, cells: Mapping[str, Any]) -> Mapping[str, Any]:
        """The row as soon as it shows what was written."""
        by_id = {column.id: column for column in table.columns.values()}
        row: Mapping[str, Any] = {}
        for wait in _WAITS_FOR_SIGHT:
            await self._doc.sleep(wait)
            row = await self._doc.row(table, row_id)
            if all(says(by_id[column_id], row["values"].get(column_id, ""), value) for column_id, value in cells.items()):
                return row
        raise _unseen(table)


def _named(table: Table, field: str) -> Column | None:
    """A name without a column of its own is what the table shows its rows by."""
    column = table.columns.get(field)
    return table.display if column is None and field == "name" and table.display and not table.display.is_calculated else column


def _shown(row: Mapping[str, Any], column: Column) -> str:
    return text_of(unwrapped(row["values"].get(column.id, "")))


def _checked(stored: str, key: str) -> str:
    if not key or len(key) > _LONGEST_KEY:
        raise InvalidInput(f"A key has 1 to {_LONGEST_KEY} characters.", field="key")
    return stored


def _unseen(table: Table) -> Unavailable:
    return Unavailable(f"Coda has taken a change of table {table.name} and does not show it yet. It is looked at again later.")
