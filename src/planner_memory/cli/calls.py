"""How commands reach the product: a small client that raises problems, and the options and outputs that all commands share."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Any, TypeVar
from zoneinfo import ZoneInfo

import httpx
import typer
from rich.console import Console, RenderableType

from planner_memory.cli.connection import connected
from planner_memory.cli.problems import refused
from planner_memory.core.local_time import zone
from planner_memory.settings import Settings

T = TypeVar("T")
Json = Annotated[bool, typer.Option("--json", help="Answer with one JSON document on standard output.")]
Client = Annotated[str | None, typer.Option("--client", "-c", help="The client this belongs to. Default: you.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing; take the defaults.")]
_TIMEOUT = httpx.Timeout(180, connect=5)  # a plan written by a model, or a calendar far away


class Api:
    """Calls by path; every answer that is a problem is raised as `Refused`. Values that are None are left out of queries and bodies."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def get(self, path: str, **query: Any) -> Any:
        return await self._call("GET", path, params=_present(query))

    async def post(self, path: str, body: Any = None, *, query: dict[str, Any] | None = None, key: str | None = None) -> Any:
        """`key` is the Idempotency-Key."""
        headers = {"Idempotency-Key": key} if key else {}
        return await self._call("POST", path, json=_present(body) if isinstance(body, dict) else body, params=_present(query or {}), headers=headers)

    async def put(self, path: str, body: dict[str, Any]) -> Any:
        return await self._call("PUT", path, json=body)

    async def patch(self, path: str, body: dict[str, Any]) -> Any:
        return await self._call("PATCH", path, json=body)

    async def delete(self, path: str, **query: Any) -> Any:
        return await self._call("DELETE", path, params=_present(query))

    async def post_lines(self, path: str, lines: bytes, **query: Any) -> Any:
        """Sends NDJSON."""
        headers = {"content-type": "application/x-ndjson"}
        return await self._call("POST", path, content=lines, headers=headers, params=_present(query))

    async def zone(self) -> ZoneInfo:
        """The person's time zone, as in the profile."""
        return zone((await self.get("/api/v1/planner/profile"))["time_zone"])

    async def lines(self, path: str, **query: Any) -> AsyncIterator[str]:
        """The lines of a streamed NDJSON answer."""
        async with self.client.stream("GET", path, params=_present(query), timeout=_TIMEOUT) as answer:
            if answer.is_error:
                await answer.aread()
                raise refused(answer)
            async for line in answer.aiter_lines():
                if line.strip():
                    yield line

    async def _call(self, method: str, path: str, **more: Any) -> Any:
        answer = await self.client.request(method, path, timeout=_TIMEOUT, **more)
        if answer.is_error:
            raise refused(answer)
        return answer.json() if answer.content else None


def _present(values: dict[str, Any]) -> dict[str, Any]:
    return {k: v for k, v in values.items() if v is not None}


@asynccontextmanager
async def product(settings: Settings, *, rebuild: bool = False) -> AsyncIterator[Api]:
    """The running product, or one started in this process for as long as the block, which is said on standard error.

    `rebuild` builds the search index anew where another embedder filled it.
    """
    started = "Nothing is running here; starting it for this command …"
    async with connected(settings, on_start=lambda: notice(started), rebuild=rebuild) as client:
        yield Api(client)


def run(story: Callable[[Api], Awaitable[T]]) -> T:
    """Runs what a command does."""

    async def whole() -> T:
        async with product(Settings()) as api:
            return await story(api)

    return asyncio.run(whole())


def notice(text: str) -> None:
    """A line for the person, on standard error."""
    Console(stderr=True, highlight=False).print(text, style="dim", markup=False, soft_wrap=True)


def show_json(value: Any) -> None:
    typer.echo(json.dumps(value, ensure_ascii=False))


def show(*parts: RenderableType) -> None:
    console = output()
    for part in parts:
        console.print(part)


def output() -> Console:
    return Console(highlight=False)


def may_ask(as_json: bool, yes: bool) -> bool:
    """Whether a person sits at a terminal and wants to be asked."""
    return not as_json and not yes and sys.stdin.isatty() and sys.stdout.isatty()


def warn(answer: Any) -> None:
    """Prints the warnings of an answer, if it has any."""
    if not isinstance(answer, dict):
        return
    for warning in (*(answer.get("warnings") or ()), *filter(None, [answer.get("warning")])):
        notice(f"Note: {warning if isinstance(warning, str) else warning.get('detail', warning)}")
