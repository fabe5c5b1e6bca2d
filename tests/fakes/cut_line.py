"""A workspace, or the requests to one, behind a line that is cut."""

from typing import Any

import httpx

from planner_memory.core.errors import Unavailable
from planner_memory.ports.workspace import Workspace


class Line:
    """A workspace behind a line that is cut at one call, before or after it did its work, and stays cut until it is mended."""

    def __init__(self, workspace: Workspace, *, cut_at: int | None = None, after: bool = False) -> None:
        self._workspace = workspace
        self.name, self.origin = workspace.name, workspace.origin
        self.calls: list[str] = []
        self.cut_at, self.after, self.is_cut = cut_at, after, False

    def __getattr__(self, name: str) -> Any:
        async def call(*given: Any, **named: Any) -> Any:
            if name == "check":
                return await self._workspace.check()
            self.calls.append(name)
            first = len(self.calls) == self.cut_at
            if self.is_cut or (first and not self.after):
                self.is_cut = True
                raise Unavailable("The workspace does not answer.")
            answer = await getattr(self._workspace, name)(*given, **named)
            if first:
                self.is_cut = True
                raise Unavailable("The workspace's answer was lost.")
            return answer

        return call

    def mend(self) -> None:
        self.is_cut, self.cut_at = False, None


class CutTransport(httpx.AsyncBaseTransport):
    """The same for single requests."""

    def __init__(self) -> None:
        self._inner = httpx.AsyncHTTPTransport()
        self.requests: list[str] = []
        self.cut_at: int | None = None
        self.after = self.is_cut = False

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(f"{request.method} {request.url.path}")
        first = len(self.requests) == self.cut_at
        if self.is_cut or (first and not self.after):
            self.is_cut = True
            raise httpx.ConnectError("the line is cut", request=request)
        answer = await self._inner.handle_async_request(request)
        if first:
            self.is_cut = True
            await answer.aread()
            raise httpx.ReadError("the answer was lost", request=request)
        return answer

    def cut(self, at: int, *, after: bool) -> None:
        self.requests.clear()
        self.cut_at, self.after, self.is_cut = at, after, False

    def mend(self) -> None:
        self.is_cut, self.cut_at = False, None

    async def aclose(self) -> None:
        await self._inner.aclose()
