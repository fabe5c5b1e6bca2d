"""The rows of the workspace as a person works with them: list, show, import, change and remove."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from planner_memory.core.errors import Conflict, InvalidInput, NotAllowed, NotFound
from planner_memory.core.tenancy import spanning
from planner_memory.planner_engine.workspace_documents import Flaw, document_of, kind_named, record_from
from planner_memory.planner_engine.workspace_files import Entry, entries_of
from planner_memory.ports.workspace import Clients, Workspace, WorkspaceTables
from planner_memory.ports.workspace_records import KINDS, Deliverable, Engagement, Project, Record, Result, Task

# what is always some client's; the rest is the person's own unless it says otherwise
_OF_CLIENTS = (Engagement, Project, Task, Deliverable, Result)
_MOST_FLAWS = 20


class WorkspaceKeeping:
    """`tables` is the workspace itself when its rows are kept by the product, else None."""

    def __init__(self, workspace: Workspace, tables: WorkspaceTables | None, *, default_client: str = "me") -> None:
        self._workspace = workspace
        self._tables = tables
        self._default_client = default_client

    async def listed(self, kind: str, clients: Clients, *, related_to: str | None, status: str | None, limit: int) -> dict[str, Any]:
        wanted = kind_named(kind)
        with spanning("workspace"):
            found = await self._workspace.records(wanted, clients, related_to=related_to, status=status, limit=limit)
        return {"kind": wanted.kind, "records": [document_of(r) for r in found], "total": len(found)}

    async def show(self, kind: str, record_id: str, clients: Clients) -> dict[str, Any]:
        """The row, and the rows of each kind that name it."""
        wanted = kind_named(kind)
        with spanning("workspace"):
            record = await self._workspace.record(wanted, record_id, clients)
            named_by = {}
            for other in KINDS.values():
                if wanted.kind in other.relations.values():
                    rows = await self._workspace.records(other, clients, related_to=record.id, limit=50)
                    named_by[other.kind] = [{"id": r.id, "name": r.name} for r in rows]
        return {**document_of(record), "named_by": {k: v for k, v in named_by.items() if v}}

    async def put(self, kind: str, record_id: str, document: Mapping[str, Any], clients: Clients) -> dict[str, Any]:
        """Adds or replaces one row.

        Raises:
            InvalidInput: a value cannot be; every one is named.
            Conflict: the rows are kept elsewhere, or the id is taken.
            NotAllowed: the key may not write rows of that client.
        """
        tables, wanted = self._own(), kind_named(kind)
        record, flaws = record_from(wanted, {**{k: v for k, v in document.items() if k not in ("kind", "id")}, "id": record_id})
        if record is None:
            raise _flawed([(flaw, None) for flaw in flaws], "")
        await self._store(tables, self._with_clients([record]), clients)
        with spanning("workspace"):
            return document_of(await tables.record(wanted, record_id, None))

    async def delete(self, kind: str, record_id: str, clients: Clients) -> None:
        with spanning("workspace"):
            await self._own().delete(kind_named(kind), record_id, clients)

    async def read_in(self, text: str, format: str, kind: str | None, clients: Clients, *, dry_run: bool) -> dict[str, Any]:
        """Imports a file: all of it or nothing. Rows with the ids of rows that are there replace them.

        Raises:
            InvalidInput: something cannot be; up to twenty places are named by line and field.
            Conflict, NotAllowed: as `put`.
        """
        tables = self._own()
        entries = entries_of(text, format, kind)
        records, flaws = [], list[tuple[Flaw, int | None]]()
        for entry in entries:
            record, more = record_from(entry.kind, entry.document)
            flaws += [(flaw, entry.line_of(flaw.path)) for flaw in more]
            if record is not None:
                records.append(record)
        if not flaws:
            flaws = _twice(records, entries)
        if flaws:
            raise _flawed(flaws, f"{len(flaws)} {'place' if len(flaws) == 1 else 'places'} of the file cannot be taken, so nothing was stored. ")
        records = self._with_clients(records)
        warnings = await self._dangling(records)
        changed = 0 if dry_run else await self._store(tables, records, clients)
        counted = Counter(r.kind for r in records)
        return {"total": len(records), "changed": changed, "kinds": dict(sorted(counted.items())), "dry_run": dry_run, "warnings": warnings}

    def _own(self) -> WorkspaceTables:
        if self._tables is None:
            raise Conflict(f"These rows are kept in Coda (workspace {self._workspace.name}), so they are changed there.")
        return self._tables

    def _with_clients(self, records: Sequence[Record]) -> list[Record]:
        """Engagements and what hangs on them take the client of what they name, else the default client."""
        by_id = {_bare(r.id): r for r in records}
        out = []
        for record in records:
            seen, at = set[str](), record
            while isinstance(record, _OF_CLIENTS) and record.client_id is None and at.client_id is None and at.id not in seen:
                seen.add(at.id)
                above = [by_id.get(_bare(i)) for i in at.related().values()]
                at = next((r for r in above if isinstance(r, _OF_CLIENTS)), at)
            client = record.client_id or (at.client_id or self._default_client if isinstance(record, _OF_CLIENTS) else None)
            out.append(replace(record, client_id=client) if client != record.client_id else record)
        return out

    async def _store(self, tables: WorkspaceTables, records: Sequence[Record], clients: Clients) -> int:
        if clients is not None:
            foreign = next((r for r in records if r.client_id not in clients), None)
            if foreign is not None:
                whose = f"client {foreign.client_id}" if foreign.client_id else "all clients"
                raise NotAllowed(f"{foreign.kind.replace('_', ' ')} {foreign.id} is of {whose}; this key is bound to {', '.join(clients)}.")
        with spanning("workspace"):
            return await tables.put(records, clients)

    async def _dangling(self, records: Sequence[Record]) -> list[str]:
        known = {_bare(r.id): r.kind for r in records}
        missing: list[str] = []
        for record in records:
            for name, related in record.related().items():
                wanted = record.relations[name]
                if known.get(_bare(related)) == wanted:
                    continue
                if related.startswith("coda:") or await self._is_there(KINDS[wanted], related):
                    known[_bare(related)] = wanted
                    continue
                missing.append(f"{record.kind.replace('_', ' ')} {record.id} names the {wanted.replace('_', ' ')} {related}, which is not there.")
                if len(missing) == _MOST_FLAWS:
                    return missing
        return missing

    async def _is_there(self, kind: type[Record], record_id: str) -> bool:
        with spanning("workspace"):
            try:
                await self._workspace.record(kind, record_id, None)
            except NotFound:
                return False
        return True


def _bare(record_id: str) -> str:
    return record_id.removeprefix("ws:")


def _twice(records: Sequence[Record], entries: Sequence[Entry]) -> list[tuple[Flaw, int | None]]:
    seen: dict[str, int] = {}
    flaws: list[tuple[Flaw, int | None]] = []
    for record, entry in zip(records, entries, strict=True):
        first = seen.setdefault(_bare(record.id), entry.line)
        if first != entry.line:
            flaws.append((Flaw(("id",), f"{record.id} is the id of the row on line {first} too."), entry.line_of(("id",))))
    return flaws


def _flawed(flaws: Sequence[tuple[Flaw, int | None]], opening: str) -> InvalidInput:
    said = [f"{f'line {line}, ' if line else ''}{flaw.field or 'row'}: {flaw.detail}" for flaw, line in flaws[:_MOST_FLAWS]]
    more = f" And {len(flaws) - _MOST_FLAWS} more." if len(flaws) > _MOST_FLAWS else ""
    errors = [{"field": flaw.field, "line": line, "detail": flaw.detail} for flaw, line in flaws[:_MOST_FLAWS]]
    return InvalidInput(f"{opening}{' '.join(said[:5])}{more}", errors=errors)
