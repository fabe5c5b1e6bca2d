"""MCP over streamable HTTP, by the official SDK. The SDK holds some sixty megabytes: this module is imported only where a setting asks for it.

A connection lasts for one call. Since 2026-07-28 the protocol has no sessions, so that this costs one short question more, and a server that was
restarted is never in the way.
"""

import asyncio
import contextvars
import json
from typing import Any

import httpx
import httpx2
from mcp.client.client import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.shared.exceptions import MCPError
from mcp.types import CallToolResult, TextContent, Tool

from planner_memory.adapters.coda.mcp.transport import answer, asked, message_in, refusal, status_in

_MOST_PAGES = 20
_Refusal = tuple[int, str | None]  # status, Retry-After
_refusals: contextvars.ContextVar[list[_Refusal]] = contextvars.ContextVar("mcp_refusals")


class SdkTransport(httpx.AsyncBaseTransport):
    """POST `/TOOL` with its parameters calls a tool; GET `/` tells what tools there are: `{items: [{name, properties}]}`."""

    def __init__(self, url: str, token: str, *, limit_seconds: float = 20) -> None:
        self._url, self._limit_seconds = url, limit_seconds
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx2.AsyncClient(headers=headers, timeout=limit_seconds, event_hooks={"response": [_noted]})

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        path, _, params = asked(request)
        # in a task of its own, so that what the SDK cancels when it leaves a connection is not the caller
        return await asyncio.create_task(self._answered(path.removeprefix("/"), params or {}))

    async def aclose(self) -> None:
        await self._http.aclose()

    async def _answered(self, tool: str, params: dict[str, Any]) -> httpx.Response:
        refusals: list[_Refusal] = []
        _refusals.set(refusals)
        try:
            async with Client(streamable_http_client(self._url, http_client=self._http), read_timeout_seconds=self._limit_seconds) as client:
                if not tool:
                    return answer(200, {"items": [_told(each) for each in await _tools(client)]})
                return _read(await client.call_tool(tool, params))
        except (ExceptionGroup, MCPError, httpx2.HTTPError, TimeoutError) as raised:
            error = _first(raised)
        if isinstance(error, MCPError):
            # the SDK says only that there was an error; what the server said over HTTP was noted on the way
            status, after = refusals[-1] if refusals else (502, None)
            return refusal(status, str(error), after)
        if isinstance(error, httpx2.TimeoutException | TimeoutError):
            raise httpx.ReadTimeout(str(error)) from None
        if isinstance(error, httpx2.HTTPError):
            raise httpx.ConnectError(str(error)) from None
        raise error


async def _noted(response: httpx2.Response) -> None:
    if response.status_code >= 400:
        _refusals.get([]).append((response.status_code, response.headers.get("retry-after")))


async def _tools(client: Client) -> list[Tool]:
    tools: list[Tool] = []
    cursor = None
    for _ in range(_MOST_PAGES):
        page = await client.list_tools(cursor=cursor)
        tools += page.tools
        cursor = page.next_cursor
        if not cursor:
            break
    return tools


def _told(tool: Tool) -> dict[str, Any]:
    return {"name": tool.name, "properties": sorted((tool.input_schema or {}).get("properties") or {})}


def _read(result: CallToolResult) -> httpx.Response:
    """What the tool said as JSON, in its structured answer or as text."""
    text = "\n".join(each.text for each in result.content if isinstance(each, TextContent))
    try:
        said = result.structured_content or json.loads(text)
    except (ValueError, RecursionError):
        said = None
    if result.is_error:
        said = said or _json(text[text.find("{") :])  # servers put their own words before what the tool said
        status = status_in(said) or (404 if text.startswith("Unknown tool") else 504 if "imed out" in text else 502)
        after = said.get("retry_after") if isinstance(said, dict) else None
        body = said.get("body") if isinstance(said, dict) else None
        return refusal(status, message_in(_json(body)) or message_in(said) or text, after)
    if isinstance(said, list):
        return answer(200, {"items": said})
    if not isinstance(said, dict):
        return refusal(422, "its answer is no JSON; servers shorten answers that are too long for a language model")
    return answer(200, said.get("result") if set(said) == {"result"} and isinstance(said["result"], dict) else said)


def _json(body: object) -> object:
    try:
        return json.loads(body) if isinstance(body, str) else body
    except (ValueError, RecursionError):
        return body


def _first(error: BaseException) -> BaseException:
    return _first(error.exceptions[0]) if isinstance(error, BaseExceptionGroup) else error
