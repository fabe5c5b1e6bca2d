"""A Coda doc in memory: tables, views, columns, rows, and what Coda does with a value that is written into a cell.

Reads come from a snapshot, writes are applied later: what the server does with that is in `coda_server.py`.
"""

import copy
import itertools
import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

ColumnType = Literal["text", "number", "date", "dateTime", "checkbox", "select", "lookup", "person", "canvas"]
SITE = "https://coda.io"
_START = datetime(2026, 5, 4, 12, tzinfo=UTC)
_ZONE = "-07:00"  # a doc has one time zone, and dates are shown as its midnights
_DATE = re.compile(r"^\d{4}-\d\d-\d\d$")


class CodaRefusal(Exception):
    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True)
class RowReference:
    table_id: str
    row_id: str


@dataclass
class Column:
    """`formula` makes it a calculated one: from the names of a row's columns to the value."""

    name: str
    type: ColumnType = "text"
    target: str = ""  # the table that a lookup shows rows of
    is_array: bool = False
    formula: Callable[[Mapping[str, Any]], Any] | None = None
    id: str = ""


@dataclass
class Row:
    id: str
    index: int
    created_at: datetime
    updated_at: datetime
    cells: dict[str, Any] = field(default_factory=dict)  # by column id


@dataclass
class Table:
    """The first column is the display column. A view shows the rows of its parent."""

    id: str
    name: str
    columns: list[Column]
    rows: dict[str, Row] = field(default_factory=dict)
    parent: "Table | None" = None

    @property
    def base(self) -> "Table":
        return self.parent or self

    def column(self, key: str) -> Column:
        found = next((each for each in self.columns if key == each.id), None) or next((each for each in self.columns if key == each.name), None)
        if found is None:
            raise CodaRefusal(400, f"Could not find column {key!r} in table {self.name!r}")
        return found


class CodaDoc:
    """`doc[table][row number]` for tests; ids are made up, and the same in every run."""

    def __init__(self, doc_id: str = "dLoopbackERP", name: str = "Loopback ERP") -> None:
        self.id, self.name = doc_id, name
        self.tables: list[Table] = []
        self.ids_are_text = False  # as before version 1.4.5 of the API, which resolved names only
        self._numbers = itertools.count(1)
        self._ticks = itertools.count()

    def add_table(self, name: str, columns: Iterable[Column]) -> Table:
        table = Table(f"grid-{self._id()}", name, list(columns))
        for column in table.columns:
            column.id = f"c-{self._id()}"
        self.tables.append(table)
        return table

    def add_view(self, name: str, of: str) -> Table:
        base = self.table(of)
        view = Table(f"table-{self._id()}", name, base.columns, base.rows, base)
        self.tables.append(view)
        return view

    def table(self, key: str) -> Table:
        found = next((each for each in self.tables if key in (each.id, each.name)), None)
        if found is None:
            raise CodaRefusal(404, f"Could not find table {key!r}")
        return found

    def row(self, table: Table, key: str) -> Row:
        rows = table.base.rows
        found = rows.get(key) or next((row for row in rows.values() if self.name_of(table, row) == key), None)
        if found is None:
            raise CodaRefusal(404, f"Could not find row {key!r} in table {table.name!r}")
        return found

    def name_of(self, table: Table, row: Row) -> str:
        return str(self.shown(table, row, table.columns[0], "simple"))

    def add_row(self, table_name: str, values: Mapping[str, Any]) -> Row:
        """A row as a person would type it, at once."""
        table = self.table(table_name)
        return self.apply(table, self.new_row_id(), {table.column(name).id: value for name, value in values.items()})

    def new_row_id(self) -> str:
        return f"i-{self._id()}"

    def apply(self, table: Table, row_id: str, cells: Mapping[str, Any]) -> Row:
        """Writes cells, by column id, into the row, which is made if it is not there."""
        base, now = table.base, _START + timedelta(seconds=next(self._ticks))
        row = base.rows.get(row_id) or Row(row_id, len(base.rows), now, now)
        base.rows[row_id] = row
        for column_id, value in cells.items():
            row.cells[column_id] = self._parsed(base.column(column_id), value)
        row.updated_at = now
        return row

    def matching(self, table: Table, wanted: Mapping[str, Any]) -> list[Row]:
        """Rows whose shown values equal these, by column id."""
        columns = [(table.column(key), value) for key, value in wanted.items()]
        rows = table.base.rows.values()
        return [row for row in rows if all(_same(self.shown(table, row, column, "simple"), value) for column, value in columns)]

    def shown(self, table: Table, row: Row, column: Column, value_format: str) -> Any:
        value = row.cells.get(column.id, "")
        if column.formula is not None:
            by_name = {each.name: self.shown(table, row, each, "simple") for each in table.columns if each.formula is None}
            value = column.formula(by_name)
        several = value if isinstance(value, list) else [value]
        each = [self._one(column, item, value_format) for item in several]
        if isinstance(value, list):
            return ",".join(str(item) for item in each) if value_format == "simple" else each
        return each[0]

    def copied(self) -> "CodaDoc":
        twin = copy.copy(self)
        twin.tables = copy.deepcopy(self.tables)
        return twin

    def _one(self, column: Column, value: Any, value_format: str) -> Any:
        rich = value_format == "rich"
        if isinstance(value, RowReference):
            target = self.table(value.table_id)
            row = target.rows.get(value.row_id)
            name = self.name_of(target, row) if row else "[Deleted]"  # what is left of a row that is gone
            if not rich:
                return name
            link = f"{SITE}/d/_d{self.id}#_t{target.id}"
            linked = {"name": name, "url": f"{link}/_r{value.row_id}", "tableId": target.id, "rowId": value.row_id, "tableUrl": link}
            return {"@context": "http://schema.org/", "@type": "StructuredValue", "additionalType": "row"} | linked
        if column.type == "date" and isinstance(value, str) and _DATE.match(value):
            return f"{value}T00:00:00.000{_ZONE}"
        if column.type == "person" and rich and isinstance(value, str) and "@" in value:
            return {"@context": "http://schema.org/", "@type": "Person", "name": value.split("@")[0].title(), "email": value}
        if rich and isinstance(value, str) and value and column.type in ("text", "select", "canvas", "lookup"):
            return f"```{value}```"
        return value

    def _parsed(self, column: Column, value: Any) -> Any:
        """Coda's loose reading: what does not fit the column is kept as text, and nobody is told."""
        if value is None or value == "":
            return ""
        if column.type == "lookup":
            return self._related(column, value)
        if column.type == "number":
            try:
                return value if isinstance(value, int | float) and not isinstance(value, bool) else float(str(value))
            except ValueError:
                return str(value)
        if column.type == "checkbox":
            return value if isinstance(value, bool) else str(value).lower() == "true"
        if column.type == "date" and isinstance(value, str) and re.match(r"^\d{4}-\d\d-\d\dT", value):
            return value[:10]
        if isinstance(value, list):
            return [str(item) for item in value] if column.is_array else ",".join(str(item) for item in value)
        return value if isinstance(value, str) else json.dumps(value)

    def _related(self, column: Column, value: Any) -> Any:
        target = self.table(column.target)
        several = value if isinstance(value, list) else str(value).split(",") if column.is_array else [value]
        found = [self._row_named(target, str(item).strip()) or str(item) for item in several]
        return found if column.is_array else found[0]

    def _row_named(self, target: Table, text: str) -> RowReference | None:
        if text in target.rows and not self.ids_are_text:
            return RowReference(target.id, text)
        named = next((row for row in target.rows.values() if self.name_of(target, row) == text), None)
        return RowReference(target.id, named.id) if named else None

    def _id(self) -> str:
        """Ten letters and digits, as Coda's are, that do not look like a counter."""
        number = next(self._numbers) * 2654435761 % 2**40
        alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-"
        return "".join(alphabet[number >> shift & 63] for shift in range(0, 60, 6))


def _same(shown: Any, wanted: Any) -> bool:
    if isinstance(shown, int | float) and not isinstance(shown, bool) and isinstance(wanted, int | float | str) and not isinstance(wanted, bool):
        try:
            return float(shown) == float(wanted)
        except ValueError:
            return False
    return bool(shown == wanted)
