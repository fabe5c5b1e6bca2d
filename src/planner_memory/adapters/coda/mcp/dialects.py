"""Which dialect an MCP server in front of Coda speaks, found out when the workspace is first asked for something."""

import asyncio
import json
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import datetime
from typing import Any, Literal, TypeVar

import httpx

from planner_memory.core.errors import NotConnected, PlannerMemoryError, Unavailable, UpstreamInvalid
from planner_memory.ports.workspace import Clients, Mode, Origin, PostedReflection, Reflection, Workspace
from planner_memory.ports.workspace_records import Changes, NewProcessTemplate, ProcessTemplate, Record, Task, TaskChange

R = TypeVar("R", bound=Record)
Dialect = Literal["mcp", "tools", "proxy"]
_PING = {"jsonrpc": "2.0", "id": 1, "method": "ping"}
_TOOL = {"tool": "mcp__coda__list_service_blueprints", "params": {}}
_CALL = {"method": "GET", "path": "/whoami", "params": {}, "data": {}}


async def dialect_of(url: str, token: str, *, limit_seconds: float = 10) -> Dialect:
    """Asks the server three short questions at most. None of them changes anything.

    Raises:
        NotConnected: the token is refused.
        Unavailable: no answer, or only failures of the server's own.
        UpstreamInvalid: it answers, in none of the three.
    """
    headers = {"Accept": "application/json, text/event-stream"} | ({"Authorization": f"Bearer {token}"} if token else {})
    async with httpx.AsyncClient(headers=headers, timeout=limit_seconds) as http:
        answers = []
        for question in (_PING, _TOOL, _CALL):
            try:
                answer = await http.post(url, json=question)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise Unavailable(f"The MCP server cannot be reached: {type(error).__name__}. Check the network and CODA_MCP_URL.") from None
            if answer.status_code in (401, 403):
                raise NotConnected("The MCP server does not accept the token. Set CODA_MCP_TOKEN to a valid one.")
            answers.append(answer)
            said = _json(answer)
            if question is _PING and ("jsonrpc" in said or answer.headers.get("content-type", "").startswith("text/event-stream")):
                return "mcp"
            if question is not _PING and answer.is_success and said and said.get("success") is not False:
                return "tools" if question is _TOOL else "proxy"
    if any(answer.status_code == 429 or answer.status_code >= 500 for answer in answers):
        raise Unavailable("The MCP server cannot answer now. It is tried again later.")
    raise UpstreamInvalid("The MCP server speaks none of the known dialects. Check CODA_MCP_URL, or set PLANNER_CODA_MCP_DIALECT.")


class CodaMcpWorkspace:
    """Fulfils Workspace by the one that `open_` makes for the dialect, as soon as the server answers."""

    origin: Origin = "coda"
    name = "coda-mcp"

    def __init__(self, dialect: Callable[[], Awaitable[Dialect]], open_: Callable[[Dialect], Awaitable[Workspace]]) -> None:
        self._dialect, self._open = dialect, open_
        self._opened: Workspace | None = None
        self._opening = asyncio.Lock()

    async def open(self) -> None:
        """Finds out the dialect now, so that the first question does not wait for it. A server that does not answer is asked again when needed."""
        with suppress(PlannerMemoryError):
            await self._there()

    async def record(self, kind: type[R], record_id: str, clients: Clients) -> R:
        return await (await self._there()).record(kind, record_id, clients)

    async def records(
        self, kind: type[R], clients: Clients, *, related_to: str | None = None, status: str | None = None, limit: int = 200
    ) -> list[R]:
        return await (await self._there()).records(kind, clients, related_to=related_to, status=status, limit=limit)

    async def changes(self, kind: type[Record], since: str | None, *, limit: int = 500) -> Changes:
        return await (await self._there()).changes(kind, since, limit=limit)

    async def create_process_template(self, new: NewProcessTemplate, *, key: str) -> ProcessTemplate:
        return await (await self._there()).create_process_template(new, key=key)

    async def update_process_template(self, process_template_id: str, new: NewProcessTemplate, *, key: str) -> ProcessTemplate:
        return await (await self._there()).update_process_template(process_template_id, new, key=key)

    async def create_tasks(self, process_template_id: str, project_id: str | None, *, client_id: str, key: str) -> list[Task]:
        return await (await self._there()).create_tasks(process_template_id, project_id, client_id=client_id, key=key)

    async def update_task(self, task_id: str, change: TaskChange, *, key: str) -> Task:
        return await (await self._there()).update_task(task_id, change, key=key)

    async def post_reflection(self, reflection: Reflection, *, posted_at: datetime) -> str:
        return await (await self._there()).post_reflection(reflection, posted_at=posted_at)

    async def reflections(self, person_id: str, client_id: str | None, mode: Mode | None, *, limit: int) -> list[PostedReflection]:
        return await (await self._there()).reflections(person_id, client_id, mode, limit=limit)

    async def posted(self, person_id: str, client_id: str | None, mode: Mode, period_start: datetime) -> PostedReflection | None:
        return await (await self._there()).posted(person_id, client_id, mode, period_start)

    async def check(self) -> None:
        await (await self._there()).check()

    async def missing(self) -> list[str]:
        """What has to be mended in the doc before everything works, in sentences."""
        there: Any = await self._there()
        lines: list[str] = await there.missing()
        return lines

    async def close(self) -> None:
        if self._opened is not None:
            await self._opened.close()

    async def _there(self) -> Workspace:
        async with self._opening:
            if self._opened is None:
                self._opened = await self._open(await self._dialect())
            return self._opened


def _json(answer: httpx.Response) -> dict[str, Any]:
    try:
        said = answer.json()
    except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
        return {}
    return said if isinstance(said, dict) else {}
