"""MCP servers whose tools are Coda's own operations (`coda_list_rows` and the like), as a transport for REST calls."""

import asyncio
import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import httpx

from planner_memory.adapters.coda.mcp.transport import asked, refusal

_ROW = r"/docs/(?P<doc_id>[^/]+)/tables/(?P<table_id_or_name>[^/]+)/rows/(?P<row_id_or_name>[^/]+)"
_ROWS = r"/docs/(?P<doc_id>[^/]+)/tables/(?P<table_id_or_name>[^/]+)/rows"
# by method and path: the tool, under each name that it goes by
_TOOLS: tuple[tuple[str, re.Pattern[str], tuple[str, ...]], ...] = tuple(
    (method, re.compile(f"^{pattern}$"), names)
    for method, pattern, names in (
        ("GET", r"/docs/(?P<doc_id>[^/]+)", ("coda_get_doc", "coda_get_document")),
        ("GET", r"/docs/(?P<doc_id>[^/]+)/tables", ("coda_list_tables",)),
        ("GET", r"/docs/(?P<doc_id>[^/]+)/tables/(?P<table_id_or_name>[^/]+)/columns", ("coda_list_columns",)),
        ("GET", _ROWS, ("coda_list_rows",)),
        ("GET", _ROW, ("coda_get_row",)),
        ("POST", _ROWS, ("coda_insert_rows", "coda_upsert_rows", "coda_create_rows")),
        ("PUT", _ROW, ("coda_update_row",)),
        ("DELETE", _ROW, ("coda_delete_row",)),
        ("GET", r"/mutationStatus/(?P<request_id>[^/]+)", ("coda_get_mutation_status",)),
    )
)
READS_AND_WRITES = ("coda_list_tables", "coda_list_columns", "coda_list_rows", "coda_get_row", "coda_update_row", "coda_get_mutation_status")
_RENAMED = {"pageToken": "cursor", "limit": "limit"}
_MOST_ROWS = 200


def _plain(name: str) -> str:
    return re.sub(r"[\W_]+", "", name).casefold()


class RowToolsTransport(httpx.AsyncBaseTransport):
    """Over a transport that calls tools. Parameters are sent under the names that the server's tools have for them (`doc_id`, `docId`).

    Such servers shorten what is too long for a language model: fewer rows are asked for then, and a single row that is too long is refused with 422.
    """

    def __init__(self, tools: httpx.AsyncBaseTransport) -> None:
        self._tools = tools
        self._known: Mapping[str, list[str]] | None = None
        self._asking = asyncio.Lock()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path, params, body = asked(request)
        found = next(((names, parts) for method, pattern, names in _TOOLS if method == request.method and (parts := pattern.match(path))), None)
        if found is None:
            return refusal(422, f"no tool stands for {request.method} {path}")
        async with self._asking:
            if self._known is None:
                told = await self._tools.handle_async_request(httpx.Request("GET", request.url.join("/"), extensions=request.extensions))
                if not told.is_success:
                    return told
                self._known = {each["name"]: each["properties"] for each in json.loads(told.content)["items"]}
        tool = next((name for name in found[0] if name in self._known), None)
        if tool is None:
            return refusal(422, f"it has no tool {' or '.join(found[0])}")
        wanted: dict[str, Any] = {name: unquote(value) for name, value in found[1].groupdict().items()}
        wanted |= {_RENAMED.get(name, name): value for name, value in params.items() if name != "valueFormat"}
        if "useColumnNames" in params:
            wanted["useColumnNames"] = params["useColumnNames"] == "true"
        if body:
            wanted |= {"rows": body["rows"], "keyColumns": body["keyColumns"]} if "rows" in body else {"cells": body["row"]["cells"]}
        if "limit" in wanted:
            wanted["limit"] = min(int(wanted["limit"]), _MOST_ROWS)
        return await self._called(request, tool, wanted)

    async def aclose(self) -> None:
        await self._tools.aclose()

    async def _called(self, request: httpx.Request, tool: str, wanted: dict[str, Any]) -> httpx.Response:
        assert self._known is not None
        names = {_plain(name): name for name in self._known[tool]} | ({"cursor": "pageToken"} if "pageToken" in self._known[tool] else {})
        while True:
            arguments = {names.get(_plain(name), name): value for name, value in wanted.items() if _plain(name) in names}
            sent = httpx.Request("POST", request.url.join(f"/{tool}"), json=arguments, extensions=request.extensions)
            response = await self._tools.handle_async_request(sent)
            if not response.is_success:
                return response
            said = json.loads(response.content)
            shortened = said.get("truncated")
            if not shortened:
                break
            if wanted.get("limit", 1) <= 1:
                return refusal(422, "a row is too long for this server, which shortens its answers; reach Coda by CODA_API_TOKEN alone")
            kept = len(said["items"]) if isinstance(said.get("items"), list) else 0
            wanted = {**wanted, "limit": max(1, min(kept, wanted["limit"] // 2))}
        if "next_cursor" in said:
            said = {"items": said.get("items"), "nextPageToken": said["next_cursor"]}
        return httpx.Response(200, json=said)
