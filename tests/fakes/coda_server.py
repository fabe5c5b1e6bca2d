"""Coda's REST API v1 on loopback: docs, tables, columns, rows, mutations, with failures on command.

A write is queued and applied when its status has been asked for `polls_until_done` times, the first `polls_unknown` of which are answered with 404.
After that the next `stale_reads` reads still see the doc as it was, or are refused with 400 when they ask for the latest. Every answer is
checked against Coda's published shapes before it leaves.
"""

import base64
import itertools
import json
import re
import time
from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from tests.fakes.coda_doc import SITE, CodaDoc, CodaRefusal, Column, Row, Table
from tests.fakes.coda_erp import erp
from tests.fakes.coda_shapes import fits
from tests.fakes.scripted import Failure, ScriptedServer, answering

TOKEN = "coda-loopback-0123456789"
_PHRASES = {400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}
_QUERY = re.compile(r'^(?:"(?P<name>(?:[^"\\]|\\.)*)"|(?P<id>[^":]+)):(?P<value>.*)$', re.DOTALL)
_WINDOW_SECONDS = 6.0
_STATUSES_OF_ROUTE = {"upsert": 202, "update": 202, "delete": 202, "delete_rows": 202}


def refused(status: int, message: str = "", headers: Mapping[str, str] | None = None) -> Failure:
    return answering(status, _error(status, message), headers)


class CodaServer(ScriptedServer):
    """Routes are named whoami, docs, doc, tables, table, columns, column, rows, row, upsert, update, delete, delete_rows and mutation."""

    def __init__(self, doc: CodaDoc | None = None, token: str = TOKEN, *, clock: Callable[[], float] = time.monotonic) -> None:
        super().__init__(f"Bearer {token}", _refusal(401, "Unauthorized"))
        self.base_url = f"{self.url}/apis/v1"
        self.calls: list[str] = []  # method and path, as they came
        self.limits: dict[str, int] = {}  # {"GET": 100, "POST": 10}: what is allowed in six seconds, where it is enforced
        self.largest_page = 500
        self._clock = clock
        self._given = doc
        self.reset()
        prefix, table, row = "/apis/v1", "/apis/v1/docs/{doc_id}/tables/{table}", "/apis/v1/docs/{doc_id}/tables/{table}/rows/{row}"
        for method, path, route, honest in (
            ("GET", f"{prefix}/whoami", "whoami", self._whoami),
            ("GET", f"{prefix}/docs", "docs", self._docs),
            ("GET", f"{prefix}/docs/{{doc_id}}", "doc", self._doc),
            ("GET", f"{prefix}/docs/{{doc_id}}/tables", "tables", self._tables),
            ("GET", table, "table", self._table),
            ("GET", f"{table}/columns", "columns", self._columns),
            ("GET", f"{table}/columns/{{column}}", "column", self._column),
            ("GET", f"{table}/rows", "rows", self._rows),
            ("POST", f"{table}/rows", "upsert", self._upsert),
            ("DELETE", f"{table}/rows", "delete_rows", self._delete_rows),
            ("GET", row, "row", self._row),
            ("PUT", row, "update", self._update),
            ("DELETE", row, "delete", self._delete),
            ("GET", f"{prefix}/mutationStatus/{{request_id}}", "mutation", self._mutation),
        ):
            self._serve(method, path, route, self._guarded(method, route, honest))

    def reset(self) -> None:
        super().reset()
        self.doc = self._given.copied() if self._given else erp()
        self.doc.ids_are_text = False
        self.polls_until_done = self.polls_unknown = self.stale_reads = 0
        self.calls.clear()
        self.limits.clear()
        self.largest_page = 500
        self._numbers = itertools.count(1)
        self._mutations: dict[str, list[Any]] = {}  # request id → [polls so far, work or None]
        self._stale: CodaDoc | None = None
        self._stale_left = 0
        self._recent: dict[str, deque[float]] = {"GET": deque(), "write": deque()}

    def _guarded(self, method: str, route: str, honest: Callable[[Request, dict[str, Any]], Any]) -> Callable[[Request, dict[str, Any]], Any]:
        def answer(request: Request, body: dict[str, Any]) -> Any:
            self.calls.append(f"{method} {request.url.path.removeprefix('/apis/v1')}")
            if (turned_away := self._over_limit(method)) is not None:
                return turned_away
            try:
                content = honest(request, body)
            except CodaRefusal as refusal:
                return _refusal(refusal.status, str(refusal))
            fits(route, content)
            status = _STATUSES_OF_ROUTE.get(route)
            return JSONResponse(content, status_code=status) if status else content

        return answer

    def _over_limit(self, method: str) -> Response | None:
        allowed = self.limits.get("GET" if method == "GET" else "POST")
        if allowed is None:
            return None
        recent, now = self._recent["GET" if method == "GET" else "write"], self._clock()
        while recent and recent[0] <= now - _WINDOW_SECONDS:
            recent.popleft()
        if len(recent) >= allowed:
            return _refusal(429, "Too many requests", {"Retry-After": "1"})
        recent.append(now)
        return None

    # reading

    def _seen(self, request: Request) -> CodaDoc:
        """The doc as this read sees it."""
        latest = request.headers.get("x-coda-doc-version") == "latest"
        if self._stale_left or any(work for _, work in self._mutations.values()):
            if self._stale_left:
                self._stale_left -= 1
            if latest:
                raise CodaRefusal(400, "The API's view of the doc is not up to date")
            doc = self._stale or self.doc
        else:
            doc = self.doc
        if request.path_params.get("doc_id", doc.id) != doc.id:
            raise CodaRefusal(404, "Could not find the doc")
        return doc

    def _whoami(self, *_: object) -> Any:
        workspace = {"id": "ws-Loopback", "type": "workspace", "browserLink": f"{SITE}/docs?workspaceId=ws-Loopback", "name": "Loopback"}
        who = {"name": "Maria Loop", "loginId": "maria@example.com", "type": "user", "scoped": False, "tokenName": "loopback"}
        return who | {"href": f"{self.base_url}/whoami", "workspace": workspace}

    def _docs(self, request: Request, _: object) -> Any:
        return self._page(request, [self._about(self.doc)])

    def _doc(self, request: Request, _: object) -> Any:
        return self._about(self._seen(request))

    def _about(self, doc: CodaDoc) -> Any:
        workspace = {"id": "ws-Loopback", "type": "workspace", "browserLink": f"{SITE}/docs?workspaceId=ws-Loopback"}
        folder = {"id": "fl-Loopback", "type": "folder", "browserLink": f"{SITE}/docs?folderId=fl-Loopback"}
        about = {"id": doc.id, "type": "doc", "href": f"{self.base_url}/docs/{doc.id}", "browserLink": f"{SITE}/d/_d{doc.id}", "name": doc.name}
        about |= {"owner": "maria@example.com", "ownerName": "Maria Loop", "createdAt": "2026-01-01T00:00:00.000Z"}
        return (
            about
            | {"updatedAt": "2026-05-04T12:00:00.000Z", "workspace": workspace, "folder": folder}
            | {
                "workspaceId": workspace["id"],
                "folderId": folder["id"],
            }
        )

    def _tables(self, request: Request, _: object) -> Any:
        doc, kinds = self._seen(request), request.query_params.get("tableTypes", "table,view").split(",")
        return self._page(request, [self._table_reference(doc, each) for each in doc.tables if ("view" if each.parent else "table") in kinds])

    def _table_reference(self, doc: CodaDoc, table: Table) -> dict[str, Any]:
        page = {"id": "canvas-Loopback", "type": "page", "href": f"{self.base_url}/docs/{doc.id}/pages/canvas-Loopback", "name": "Tables"}
        page["browserLink"] = f"{SITE}/d/_d{doc.id}/Tables_suLoop"
        link = {"href": f"{self.base_url}/docs/{doc.id}/tables/{table.id}", "browserLink": f"{SITE}/d/_d{doc.id}#_t{table.id}"}
        return {"id": table.id, "type": "table", "tableType": "view" if table.parent else "table", "name": table.name, "parent": page} | link

    def _table(self, request: Request, _: object) -> Any:
        doc = self._seen(request)
        table = doc.table(request.path_params["table"])
        display = self._column_reference(doc, table, table.columns[0])
        about = {"displayColumn": display, "rowCount": len(table.base.rows), "sorts": [], "layout": "default"}
        about |= {"createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-05-04T12:00:00.000Z"}
        return self._table_reference(doc, table) | about | ({"parentTable": self._table_reference(doc, table.parent)} if table.parent else {})

    def _column_reference(self, doc: CodaDoc, table: Table, column: Column) -> dict[str, Any]:
        return {"id": column.id, "type": "column", "href": f"{self.base_url}/docs/{doc.id}/tables/{table.id}/columns/{column.id}"}

    def _about_column(self, doc: CodaDoc, table: Table, column: Column) -> dict[str, Any]:
        shape: dict[str, Any] = {"type": column.type, "isArray": column.is_array}
        if column.target:
            shape["table"] = self._table_reference(doc, doc.table(column.target))
        about = self._column_reference(doc, table, column) | {"name": column.name, "format": shape}
        about |= {"display": True} if column is table.columns[0] else {}
        return about | ({"calculated": True, "formula": "thisRow.Loopback()"} if column.formula else {})

    def _columns(self, request: Request, _: object) -> Any:
        doc = self._seen(request)
        table = doc.table(request.path_params["table"])
        return self._page(request, [self._about_column(doc, table, column) for column in table.columns])

    def _column(self, request: Request, _: object) -> Any:
        doc = self._seen(request)
        table = doc.table(request.path_params["table"])
        about = self._about_column(doc, table, table.column(request.path_params["column"]))
        return about | {"parent": self._table_reference(doc, table)}

    def _rows(self, request: Request, _: object) -> Any:
        doc = self._seen(request)
        table = doc.table(request.path_params["table"])
        options = _options(request)
        rows = list(table.base.rows.values())
        if query := options.get("query"):
            column, value = _query(table, query)
            rows = doc.matching(table, {column.id: value})
        if (order := options.get("sortBy", "createdAt")) not in ("createdAt", "updatedAt", "natural"):
            raise CodaRefusal(400, f"sortBy must not be {order!r}")
        rows.sort(key=lambda row: (row.updated_at if order == "updatedAt" else row.created_at, row.index))
        if since := options.get("syncToken"):
            rows = [row for row in rows if row.updated_at > datetime.fromisoformat(_opened(since)["at"])]
        newest = max((row.updated_at for row in table.base.rows.values()), default=datetime.fromisoformat("2026-01-01T00:00:00+00:00"))
        page = self._page(request, rows)
        page["items"] = [self._about_row(doc, table, row, options) for row in page["items"]]
        return page | {"nextSyncToken": _sealed({"at": newest.isoformat()})}

    def _row(self, request: Request, _: object) -> Any:
        doc = self._seen(request)
        table = doc.table(request.path_params["table"])
        about = self._about_row(doc, table, doc.row(table, request.path_params["row"]), dict(request.query_params))
        return about | {"parent": self._table_reference(doc, table)}

    def _about_row(self, doc: CodaDoc, table: Table, row: Row, options: Mapping[str, str]) -> dict[str, Any]:
        value_format, named = options.get("valueFormat", "simple"), options.get("useColumnNames", "").lower() == "true"
        if value_format not in ("simple", "simpleWithArrays", "rich"):
            raise CodaRefusal(400, f"valueFormat must not be {value_format!r}")
        values = {(column.name if named else column.id): doc.shown(table, row, column, value_format) for column in table.columns}
        times = {"createdAt": _instant(row.created_at), "updatedAt": _instant(row.updated_at)}
        links = {"href": f"{self.base_url}/docs/{doc.id}/tables/{table.id}/rows/{row.id}", "browserLink": f"{SITE}/d/_d{doc.id}#_r{row.id}"}
        return {"id": row.id, "type": "row", "name": doc.name_of(table, row), "index": row.index, "values": values} | times | links

    def _page(self, request: Request, items: list[Any]) -> dict[str, Any]:
        options = _options(request)
        try:
            limit, start = int(options.get("limit", 200)), int(options.get("start", 0))
        except ValueError:
            raise CodaRefusal(400, "limit must be a number") from None
        if limit < 1:
            raise CodaRefusal(400, "limit must be at least 1")
        end = start + min(limit, self.largest_page)
        page: dict[str, Any] = {"items": items[start:end], "href": str(request.url)}
        if end < len(items):
            page["nextPageToken"] = _sealed(options | {"start": str(end)})
            page["nextPageLink"] = f"{self.url}{request.url.path}?pageToken={page['nextPageToken']}"
        return page

    # writing

    def _upsert(self, request: Request, body: dict[str, Any]) -> Any:
        table = self._writable(request)
        if table.parent:
            raise CodaRefusal(400, "Rows can be inserted into base tables only, not into views")
        rows, keys = body.get("rows"), [self._key(table, key) for key in body.get("keyColumns") or []]
        if not isinstance(rows, list) or not rows:
            raise CodaRefusal(400, "rows must not be empty")
        edits = [_cells(table, each) for each in rows]
        added = [] if keys else [self.doc.new_row_id() for _ in edits]

        def work() -> None:
            for number, cells in enumerate(edits):
                there = self.doc.matching(table, {key.id: cells.get(key.id, "") for key in keys}) if keys else []
                for row_id in [row.id for row in there] or [self.doc.new_row_id() if keys else added[number]]:
                    self.doc.apply(table, row_id, cells)

        return {"requestId": self._queue(work)} | ({} if keys else {"addedRowIds": added})

    def _key(self, table: Table, key: str) -> Column:
        column = table.column(key)
        if column.formula is not None:
            raise CodaRefusal(400, f"Column {column.name!r} is calculated and cannot be a key")
        return column

    def _update(self, request: Request, body: dict[str, Any]) -> Any:
        table = self._writable(request)
        row, cells = self.doc.row(table, request.path_params["row"]), _cells(table, body.get("row"))
        return {"requestId": self._queue(lambda: self.doc.apply(table, row.id, cells) if row.id in table.base.rows else None), "id": row.id}

    def _delete(self, request: Request, _: object) -> Any:
        table = self._writable(request)
        row = self.doc.row(table, request.path_params["row"])
        return {"requestId": self._queue(lambda: table.base.rows.pop(row.id, None)), "id": row.id}

    def _delete_rows(self, request: Request, body: dict[str, Any]) -> Any:
        table, row_ids = self._writable(request), body.get("rowIds")
        if not isinstance(row_ids, list):
            raise CodaRefusal(400, "rowIds must be a list")
        return {"requestId": self._queue(lambda: [table.base.rows.pop(row_id, None) for row_id in row_ids]), "rowIds": row_ids}

    def _writable(self, request: Request) -> Table:
        if request.path_params["doc_id"] != self.doc.id:
            raise CodaRefusal(404, "Could not find the doc")
        return self.doc.table(request.path_params["table"])

    def _queue(self, work: Callable[[], Any]) -> str:
        request_id = f"mutate:{next(self._numbers):08d}"
        self._mutations[request_id] = [0, work]
        if self.polls_until_done == 0:
            self._do(request_id)
        return request_id

    def settle(self) -> None:
        """What was accepted is applied and seen, as it would be after some seconds."""
        for request_id, (_, work) in list(self._mutations.items()):
            if work:
                self._do(request_id)
        self._stale, self._stale_left = None, 0

    def _do(self, request_id: str) -> None:
        if self.stale_reads:
            self._stale, self._stale_left = self.doc.copied(), self.stale_reads
        self._mutations[request_id][1]()
        self._mutations[request_id][1] = None

    def _mutation(self, request: Request, _: object) -> Any:
        request_id = request.path_params["request_id"]
        if request_id not in self._mutations:
            raise CodaRefusal(404, "Could not find the request")
        self._mutations[request_id][0] += 1
        polls, work = self._mutations[request_id]
        if work and polls >= self.polls_until_done:
            self._do(request_id)
        if polls <= self.polls_unknown:
            raise CodaRefusal(404, "Could not find the request")
        return {"completed": self._mutations[request_id][1] is None}


def _cells(table: Table, edit: Any) -> dict[str, Any]:
    if not isinstance(edit, dict) or not isinstance(edit.get("cells"), list):
        raise CodaRefusal(400, "A row needs a list of cells")
    found = {}
    for cell in edit["cells"]:
        if not isinstance(cell, dict) or set(cell) != {"column", "value"} or isinstance(cell["value"], dict):
            raise CodaRefusal(400, "A cell needs a column and a plain value")
        column = table.column(cell["column"])
        if column.formula is not None:
            raise CodaRefusal(400, f"Column {column.name!r} is calculated and cannot be written")
        found[column.id] = cell["value"]
    return found


def _query(table: Table, query: str) -> tuple[Column, Any]:
    parts = _QUERY.match(query)
    try:
        value = json.loads(parts["value"]) if parts else None
    except ValueError:
        parts = None
    if parts is None:
        raise CodaRefusal(400, "query must be a column id, or a quoted name, a colon and a JSON value")
    if parts["name"] is None and not parts["id"].startswith("c-"):
        raise CodaRefusal(400, "A column's name has to be quoted in a query")
    return table.column(json.loads(f'"{parts["name"]}"') if parts["name"] is not None else parts["id"]), value


def _options(request: Request) -> dict[str, str]:
    """What is asked; a page token stands for all that was asked at first, and nothing beside it counts."""
    asked = dict(parse_qsl(request.url.query))
    return _opened(asked["pageToken"]) if asked.get("pageToken") else asked


def _sealed(content: Mapping[str, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(dict(content)).encode()).decode()


def _opened(token: str) -> dict[str, str]:
    try:
        opened: dict[str, str] = json.loads(base64.urlsafe_b64decode(token))
    except ValueError:
        raise CodaRefusal(400, "The token is not valid") from None
    return opened


def _instant(at: datetime) -> str:
    return at.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _error(status: int, message: str = "") -> dict[str, Any]:
    phrase = _PHRASES.get(status, "Error")
    return {"statusCode": status, "statusMessage": phrase, "message": message or phrase}


def _refusal(status: int, message: str = "", headers: Mapping[str, str] | None = None) -> Response:
    content = _error(status, message)
    fits("error", content)
    return JSONResponse(content, status_code=status, headers=dict(headers or {}))
