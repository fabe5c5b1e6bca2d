"""A loopback proxy before an HTTP server that counts requests, and cuts the connection at the one that a test names."""

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Literal, Self
from urllib.parse import urlsplit, urlunsplit

When = Literal["before", "after"]  # the server has seen the request, or has not; the client sees no answer in either case


class CuttingProxy:
    """`cut_at` the n-th request from now on; then the server is away until `heal`, unless it is to come back `at_once`."""

    def __init__(self, url: str) -> None:
        self._target = urlsplit(url)
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.url = ""
        self.heal()

    def heal(self) -> None:
        self.requests, self.is_away = 0, False
        self._at, self._when, self._at_once = 0, "before", False
        self._on_cut: Callable[[], None] | None = None

    def cut_at(self, request: int, when: When, *, on_cut: Callable[[], None] | None = None, at_once: bool = False) -> None:
        self.heal()
        self._at, self._when, self._on_cut, self._at_once = request, when, on_cut, at_once

    @property
    def has_cut(self) -> bool:
        return bool(self._at) and self.requests >= self._at

    async def __aenter__(self) -> Self:
        listening = socket.create_server(("127.0.0.1", 0))
        self._server = await asyncio.start_server(self._served, sock=listening)
        self.url = urlunsplit(self._target._replace(netloc=f"127.0.0.1:{listening.getsockname()[1]}"))
        return self

    async def __aexit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _served(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, asyncio.CancelledError):  # cancelled at the end
            await self._relayed(reader, writer)
        writer.close()

    async def _relayed(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert self._target.hostname is not None
        to_server: asyncio.StreamWriter | None = None
        try:
            while True:
                request = await _message(reader)
                self.requests += 1
                cuts = self.requests == self._at
                if self.is_away or (cuts and self._when == "before"):
                    return self._cut(cuts)
                if to_server is None:
                    from_server, to_server = await asyncio.open_connection(self._target.hostname, self._target.port or 80)
                to_server.write(request)
                await to_server.drain()
                answer = await _message(from_server, is_head=request.startswith(b"HEAD "))
                if self.is_away or cuts:
                    return self._cut(cuts)
                writer.write(answer)
                await writer.drain()
        finally:
            if to_server is not None:
                to_server.close()

    def _cut(self, is_the_one: bool) -> None:
        if is_the_one:
            self.is_away = not self._at_once
            if self._on_cut is not None:
                self._on_cut()


async def _message(reader: asyncio.StreamReader, *, is_head: bool = False) -> bytes:
    """One request or answer, by its length or in chunks."""
    head = await reader.readuntil(b"\r\n\r\n")
    fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(b":") for line in head.split(b"\r\n")[1:])}
    if is_head or head.startswith((b"HTTP/1.1 204", b"HTTP/1.1 304")):
        return head
    if fields.get(b"transfer-encoding", b"").lower() == b"chunked":
        body = b""
        while True:
            size = await reader.readuntil(b"\r\n")
            body += size + await reader.readexactly(int(size.split(b";")[0], 16) + 2)
            if int(size.split(b";")[0], 16) == 0:
                return head + body
    return head + await reader.readexactly(int(fields.get(b"content-length", b"0")))
