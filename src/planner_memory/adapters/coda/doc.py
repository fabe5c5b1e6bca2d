"""One Coda doc: its tables, found by name and remembered for a while, its rows page by page, and writes that are waited for."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from planner_memory.adapters.coda import layout
from planner_memory.adapters.coda.calls import CodaCalls
from planner_memory.adapters.coda.layout import Column, Table
from planner_memory.adapters.coda.names import CodaNames
from planner_memory.core.errors import NotConnected, NotFound, Unavailable, UpstreamInvalid

_PAGE = 500
_MOST_PAGES = 400
_LAYOUT_LASTS_SECONDS = 600.0
_POLLS_SECONDS = (0.2, 0.3, 0.5, 1.0, 1.0, 2.0, 2.0, 3.0, 3.0, 4.0)


class CodaDoc:
    """Rows are what Coda answers, with values by column id. Errors are those of CodaCalls.

    `shows_ids`: related rows come with their ids, as the REST API can; a server in front of it may show their names alone.
    """

    def __init__(
        self,
        calls: CodaCalls,
        doc_id: str,
        names: CodaNames,
        *,
        shows_ids: bool = True,
        now: Callable[[], float] | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._calls, self._names, self.shows_ids = calls, names, shows_ids
        self._root = f"/docs/{quote(doc_id, safe='')}"
        self._now, self.sleep = now, sleep
        self._tables: list[dict[str, Any]] | None = None
        self._read: dict[str, Table] = {}
        self._since = float("-inf")

    async def table(self, kind: str) -> Table | None:
        """The doc's table for a kind of rows, or None. A renamed one is noticed after ten minutes, or when a request was refused."""
        now = (self._now or asyncio.get_running_loop().time)()
        tables = self._tables
        if tables is None or now - self._since > _LAYOUT_LASTS_SECONDS:
            try:
                tables = self._tables = await self._all(f"{self._root}/tables", {"limit": 100})
            except NotFound:
                raise self._no_doc() from None
            self._read, self._since = {}, now
        if kind not in self._read:
            found = layout.find_table(kind, tables, self._names)
            if found is None:
                return None
            columns = await self._all(f"{self._path(str(found['id']))}/columns", {"limit": 100})
            self._read[kind] = layout.read_table(kind, found, columns, self._names)
        return self._read[kind]

    async def missing(self) -> list[str]:
        """What has to be mended in the doc, in sentences that name table, column and setting."""
        self._tables = None
        tables = {kind: await self.table(kind) for kind in layout.KINDS_NEEDED}
        return [line for kind, table in tables.items() for line in layout.missing(kind, table, tables, self._names)]

    async def rows(self, table: Table, *, where: tuple[Column, Any] | None = None, latest: bool = True) -> list[dict[str, Any]]:
        """All rows, or those whose column shows that value, as Coda compares."""
        params = self._form(table) | {"limit": _PAGE}
        if where is not None:
            params["query"] = f"{where[0].id}:{json.dumps(where[1])}"
        try:
            return await self._all(f"{self._path(table.id)}/rows", params, latest=latest)
        except NotFound:
            raise _table_gone(table) from None

    async def row(self, table: Table, row_id: str) -> dict[str, Any]:
        """Raises NotFound. Coda would take a name for an id: a row with another id is not the one."""
        found = await self._refreshing(self._calls.read(self._path(table.id, row_id), self._form(table), latest=True))
        if found.get("id") != row_id:
            raise NotFound(f"Table {table.name} has no row {row_id}.")
        if not isinstance(found.get("values"), dict):
            raise UpstreamInvalid(f"Coda answered without the values of row {row_id}. Try again.")
        return found

    async def upsert(self, table: Table, rows: Sequence[Mapping[str, Any]], key: Column) -> str:
        """Adds rows, or changes those that have the same key; cells by column id. Returns Coda's warning, usually empty."""
        body = {"rows": [{"cells": _cells(row)} for row in rows], "keyColumns": [key.id]}
        try:
            accepted = await self._refreshing(self._calls.write("POST", f"{self._path(table.id)}/rows", body))
        except NotFound:
            raise _table_gone(table) from None
        return await self._applied(accepted)

    async def update(self, table: Table, row_id: str, cells: Mapping[str, Any]) -> str:
        return await self._applied(await self._refreshing(self._calls.write("PUT", self._path(table.id, row_id), {"row": {"cells": _cells(cells)}})))

    async def delete(self, table: Table, row_id: str) -> None:
        accepted = await self._calls.write("DELETE", self._path(table.id, row_id), {})
        if "requestId" in accepted:  # servers in front of Coda keep it to themselves
            await self._applied(accepted)

    async def check(self) -> None:
        """One cheap read of the doc."""
        try:
            await self._calls.read(self._root)
        except NotFound:
            raise self._no_doc() from None

    async def close(self) -> None:
        await self._calls.close()

    def _no_doc(self) -> NotConnected:
        return NotConnected("Coda has no such doc, or does not show it to this token. CODA_DOC_ID is what follows _d in the doc's address.")

    def _path(self, table_id: str, row_id: str | None = None) -> str:
        path = f"{self._root}/tables/{quote(table_id, safe='')}"
        return path if row_id is None else f"{path}/rows/{quote(row_id, safe='')}"

    def _form(self, table: Table) -> dict[str, Any]:
        # only the rich format tells the ids of related rows; the simple one leaves texts as they are
        return {"useColumnNames": "false", "valueFormat": "rich" if self.shows_ids and table.has_relations else "simple"}

    async def _all(self, path: str, params: Mapping[str, Any], *, latest: bool = False) -> list[dict[str, Any]]:
        items: list[dict[str, Any]] = []
        for _ in range(_MOST_PAGES):
            page = await self._refreshing(self._calls.read(path, params, latest=latest))
            if not isinstance(page.get("items"), list):
                raise UpstreamInvalid("Coda answered without a list of items. Try again; if it stays, check CODA_BASE_URL.")
            items += [each for each in page["items"] if isinstance(each, dict) and each.get("id")]
            token = page.get("nextPageToken")
            if not token or token == params.get("pageToken"):
                return items
            params = {**params, "pageToken": token}
        raise UpstreamInvalid(f"A list in Coda has more than {_MOST_PAGES} pages. Archive rows that are no longer needed.")

    async def _refreshing(self, call: Awaitable[dict[str, Any]]) -> dict[str, Any]:
        """A refusal may mean that a table or a column is no longer what it was: they are looked up anew the next time."""
        try:
            return await call
        except (NotFound, UpstreamInvalid):
            self._tables = None
            raise

    async def _applied(self, accepted: Mapping[str, Any]) -> str:
        """Waits until Coda has done what it accepted. Raises Unavailable when that takes longer than one would wait."""
        request_id = accepted.get("requestId")
        if not isinstance(request_id, str):
            raise UpstreamInvalid("Coda accepted a change without a request id. Try again.")
        for wait in (0.0, *_POLLS_SECONDS):
            await self.sleep(wait)
            try:
                status = await self._calls.read(f"/mutationStatus/{quote(request_id, safe='')}")
            except NotFound:
                continue  # not known yet, which lasts a moment
            if status.get("completed"):
                return str(status.get("warning") or "")
        raise Unavailable("Coda has accepted a change and is still applying it. It is looked at again later; nothing has to be done.")


def _table_gone(table: Table) -> UpstreamInvalid:
    return UpstreamInvalid(f"Table {table.name} of the Coda doc is not there any more. Ask again; `planner-memory doctor` says what is missing.")


def _cells(row: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [{"column": column_id, "value": value} for column_id, value in row.items()]
