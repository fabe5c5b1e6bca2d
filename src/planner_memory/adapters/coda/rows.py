"""Rows of a doc as records: whose they are, what they name, and what is wrong with those that cannot be understood."""

import base64
import json
import re
import zlib
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeVar
from urllib.parse import quote, unquote

from planner_memory.adapters.coda.cells import Reference, read_cell, reference_of, text_of, unwrapped
from planner_memory.adapters.coda.doc import CodaDoc
from planner_memory.adapters.coda.layout import Table
from planner_memory.adapters.coda.names import KEY, OWN_ID, CodaNames, fields_of, relations_of
from planner_memory.core.errors import InvalidInput, NotFound
from planner_memory.ports.workspace import Clients
from planner_memory.ports.workspace_records import Changes, Record

R = TypeVar("R", bound=Record)
ORIGIN = "coda:"
_MOST_QUERIES = 5  # for more names than these one reading of the table costs less
_MAKER = re.compile(r"@(i-[^@#]+)#\d+$")
# whose row it is says, where the row itself does not, the row that it belongs to
_OWNERS = ("engagement", "project", "task", "deliverable")


def full_id(row_id: str) -> str:
    return f"{ORIGIN}{row_id}"


def missing(kind: str, record_id: str) -> NotFound:
    return NotFound(f"The Coda doc has no {kind.replace('_', ' ')} {record_id}.", kind=kind, id=record_id)


def stored_key(client_id: str | None, key: str) -> str:
    """What a key column holds: the client too, because not every table has a column for it."""
    return f"{quote(client_id or '', safe='')}|{key}"


def client_in(stored: str) -> str | None:
    client, bar, _ = stored.partition("|")
    return unquote(client) or None if bar else None


def task_key(client_id: str, key: str, template_row: str) -> str:
    """The beginning of the keys of the tasks that are made from a template: it names the template, for its name may be that of others too."""
    return stored_key(client_id, f"{key}@{template_row}#")


def _maker_in(table: Table, row: Mapping[str, Any]) -> str | None:
    """The template from which a task was made, by its key."""
    column = table.columns.get(KEY) if table.kind == "task" else None
    found = _MAKER.search(text_of(unwrapped(_value(row, column.id)))) if column else None
    return found[1] if found else None


def _step_in(stored: str) -> dict[str, int]:
    """The number of the step for which a task was made is the end of its key."""
    number = stored.rpartition("#")[2]
    return {"step_number": int(number)} if "|" in stored and number.isdecimal() else {}


class CodaRows:
    """Reads for the port WorkspaceReading."""

    def __init__(self, doc: CodaDoc, names: CodaNames) -> None:
        self._doc, self._names = doc, names

    async def record(self, kind: type[R], record_id: str, clients: Clients) -> R:
        table = await self._doc.table(kind.kind)
        if table is None:
            raise missing(kind.kind, record_id)
        row = await self.found(table, record_id)
        record = await Pass(self._doc, self._names).record(kind, table, row)
        if not _is_seen(record, clients):
            raise missing(kind.kind, record_id)
        return record

    async def records(self, kind: type[R], clients: Clients, *, related_to: str | None, status: str | None, limit: int) -> list[R]:
        table = await self._doc.table(kind.kind)
        if table is None:
            return []
        wanted = full_id(related_to.removeprefix(ORIGIN)) if related_to is not None else None
        reading, found = Pass(self._doc, self._names), []
        for row in await self._doc.rows(table):
            try:
                record = await reading.record(kind, table, row)
            except InvalidInput:
                continue
            named = wanted is None or wanted in record.related().values()
            if named and status in (None, getattr(record, "status", None)) and _is_seen(record, clients):
                found.append(record)
        return sorted(found, key=lambda record: (record.name, record.id))[:limit]

    async def changes(self, kind: type[Record], since: str | None, *, limit: int) -> Changes:
        """Coda tells when a row changed, and of a deleted one nothing: the cursor holds the ids that were told of, so that theirs is noticed."""
        cursor = _Cursor.opened(kind.kind, since)
        table = await self._doc.table(kind.kind)
        rows = await self._doc.rows(table, latest=False) if table is not None else []
        there = {str(row["id"]) for row in rows}
        all_later = sorted(((position, row) for row in rows if (position := _position(row)) > cursor.position), key=lambda each: each[0])
        later = all_later[:limit]
        reading, found, problems = Pass(self._doc, self._names), [], []
        for _, row in later:
            assert table is not None
            try:
                found.append(await reading.record(kind, table, row))
            except InvalidInput as error:
                problems.append(error.detail)
        gone = sorted(cursor.told - there)
        told = (cursor.told & there) | {str(row["id"]) for _, row in later}
        return Changes(
            records=tuple(found),
            gone=tuple(full_id(row_id) for row_id in gone),
            cursor=_Cursor(kind.kind, later[-1][0] if later else cursor.position, told).sealed(),
            has_more=len(all_later) > limit,
            problems=tuple(problems),
        )

    async def found(self, table: Table, record_id: str) -> dict[str, Any]:
        """The row with this id, or with this id of the person's own (`WF-1`). Raises NotFound."""
        own = record_id.removeprefix(ORIGIN)
        if own.startswith("ws:"):
            raise missing(table.kind, record_id)
        if own.startswith("i-"):
            try:
                return await self._doc.row(table, own)
            except NotFound:
                raise missing(table.kind, record_id) from None
        column = table.columns.get(OWN_ID)
        rows = await self._doc.rows(table, where=(column, own)) if column else []
        if len(rows) != 1:
            raise missing(table.kind, record_id)
        return rows[0]

    def reading(self) -> "Pass":
        return Pass(self._doc, self._names)


class Pass:
    """One reading of rows; what they name is looked up once."""

    def __init__(self, doc: CodaDoc, names: CodaNames) -> None:
        self._doc, self._names = doc, names
        self._rows: dict[tuple[str, str], Mapping[str, Any] | None] = {}
        self._by_name: dict[str, dict[str, list[str]]] = {}
        self._read_whole: set[str] = set()

    async def record(self, kind: type[R], table: Table, row: Mapping[str, Any]) -> R:
        """Raises InvalidInput naming the row's id and the field."""
        row_id = full_id(str(row["id"]))
        said: dict[str, Any] = {}
        for field, column in table.columns.items():
            if field in (KEY, OWN_ID, "client_id"):
                continue
            try:
                if field in kind.relations:
                    said[field] = await self._related(kind, field, reference_of(unwrapped(_value(row, column.id))), _maker_in(table, row))
                else:
                    value = read_cell(kind, field, _value(row, column.id), self._names.statuses)
                    said |= {field: value} if value is not None else {}
            except ValueError as error:
                raise InvalidInput(f"Row {row_id} of table {table.name} cannot be understood: {field}: {error}.", field=field, id=row_id) from None
        if said.get("step_number") is None and "step_number" in fields_of(kind.kind) and (made_by := table.columns.get(KEY)):
            said |= _step_in(text_of(unwrapped(_value(row, made_by.id))))
        name = said.pop("name", "") or text_of(unwrapped(row.get("name", "")))
        client = await self._client(kind.kind, table, row, set())
        try:
            return kind(id=row_id, name=name, client_id=client, updated_at=_instant(row.get("updatedAt")), **said)
        except TypeError as error:
            field = str(error).rpartition("'")[0].rpartition("'")[2]
            raise InvalidInput(f"Row {row_id} of table {table.name} cannot be understood: {field}: it is empty.", field=field, id=row_id) from None

    async def _related(self, kind: type[Record], field: str, shown: Reference | None, maker: str | None) -> str | None:
        if shown is None:
            return None
        target = kind.relations[field]
        row_id = shown.id or await self._id_named(target, shown.name, maker if target == "process_template" else None)
        return full_id(row_id) if row_id else None

    async def _id_named(self, kind: str, name: str, likely: str | None = None) -> str | None:
        """Where only a row's name is shown. Raises ValueError when several rows have it and none is the likely one, for then nobody can tell."""
        names = self._by_name.setdefault(kind, {})
        if name not in names and kind not in self._read_whole:
            table = await self._doc.table(kind)
            column = table.display if table and len(names) < _MOST_QUERIES else None
            if column is None:
                self._read_whole.add(kind)
            names.setdefault(name, [])
            known = {row_id for ids in names.values() for row_id in ids}
            for row in await self._doc.rows(table, where=(column, name) if column else None) if table else []:
                self._rows[kind, str(row["id"])] = row
                if row["id"] not in known:
                    names.setdefault(text_of(unwrapped(row.get("name", ""))), []).append(str(row["id"]))
        ids = names.get(name, [])
        if len(ids) > 1 and likely not in ids:
            raise ValueError(f"{len(ids)} rows are named {name[:40]!r}; give them names of their own")
        return likely if likely in ids else ids[0] if ids else None

    async def _client(self, kind: str, table: Table, row: Mapping[str, Any], seen: set[str]) -> str | None:
        """By the row's own column, by the key under which it was made, or by the row it belongs to; relations in a circle lead to nobody."""
        if (column := table.columns.get("client_id")) and (said := text_of(unwrapped(_value(row, column.id))).strip()):
            return self._names.client_of(said)
        if (key := table.columns.get(KEY)) and (client := client_in(text_of(unwrapped(_value(row, key.id))))):
            return client
        seen.add(str(row["id"]))
        relations = sorted(relations_of(kind).items(), key=lambda each: _OWNERS.index(each[1]) if each[1] in _OWNERS else len(_OWNERS))
        for field, target in relations:
            relation = table.columns.get(field)
            if target not in _OWNERS or relation is None:
                continue
            shown = reference_of(unwrapped(_value(row, relation.id)))
            try:
                owner_id = shown and (shown.id or await self._id_named(target, shown.name))
            except ValueError:
                continue
            if not owner_id or owner_id in seen:
                continue
            owner_table, owner = await self._doc.table(target), await self._row(target, owner_id)
            if owner_table is not None and owner is not None and (client := await self._client(target, owner_table, owner, seen)):
                return client
        return None

    async def _row(self, kind: str, row_id: str) -> Mapping[str, Any] | None:
        if (kind, row_id) not in self._rows:
            table = await self._doc.table(kind)
            try:
                self._rows[kind, row_id] = await self._doc.row(table, row_id) if table else None
            except NotFound:
                self._rows[kind, row_id] = None
        return self._rows[kind, row_id]


class _Cursor:
    """Where one was in a table's changes: the last row's time and id, and the ids that were told of."""

    def __init__(self, kind: str, position: tuple[str, str], told: set[str]) -> None:
        self.kind, self.position, self.told = kind, position, told

    def sealed(self) -> str:
        content = json.dumps([self.kind, *self.position, " ".join(sorted(self.told))])
        return base64.urlsafe_b64encode(zlib.compress(content.encode())).decode()

    @classmethod
    def opened(cls, kind: str, text: str | None) -> "_Cursor":
        if text is None:
            return cls(kind, ("", ""), set())
        try:
            its_kind, at, row_id, told = json.loads(zlib.decompress(base64.urlsafe_b64decode(text)))
        except (ValueError, TypeError, zlib.error):
            its_kind = None
        if its_kind != kind:
            raise InvalidInput("That is no cursor of this workspace; begin without one.", field="since")
        return cls(kind, (str(at), str(row_id)), set(str(told).split()))


def _value(row: Mapping[str, Any], column_id: str) -> Any:
    values = row.get("values")
    return values.get(column_id, "") if isinstance(values, Mapping) else ""


def _position(row: Mapping[str, Any]) -> tuple[str, str]:
    at = _instant(row.get("updatedAt"))
    return (at.isoformat(timespec="microseconds") if at else "", str(row["id"]))


def _instant(said: Any) -> datetime | None:
    try:
        at = datetime.fromisoformat(said)
    except (TypeError, ValueError):
        return None
    return (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC)


def _is_seen(record: Record, clients: Clients) -> bool:
    return clients is None or record.client_id is None or record.client_id in clients
