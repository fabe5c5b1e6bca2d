"""What the loopback vendors share: they write down what was asked, refuse a wrong key, and fail on command.

A failure is a function from the honest work, not yet done, to the response that goes out.
"""

import asyncio
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from tests.fakes.loopback import Loopback

Failure = Callable[[Callable[[], Any]], Awaitable[Response]]
Honest = Callable[[Request, dict[str, Any]], Any]  # JSON, or a Response that refuses


def answering(status: int, content: Any, headers: Mapping[str, str] | None = None) -> Failure:
    """This instead of the work."""

    async def respond(_: Callable[[], Any]) -> Response:
        return JSONResponse(content, status_code=status, headers=dict(headers or {}))

    return respond


def slow(seconds: float) -> Failure:
    async def respond(work: Callable[[], Any]) -> Response:
        answer = work()
        await asyncio.sleep(seconds)
        return _sent(answer)

    return respond


def together(count: int) -> list[Failure]:
    """That many honest answers, none of which goes out before all have been asked for."""
    all_here = asyncio.Barrier(count)

    async def respond(work: Callable[[], Any]) -> Response:
        answer = work()
        await asyncio.wait_for(all_here.wait(), 60)
        return _sent(answer)

    return [respond] * count


def truncated() -> Failure:
    """The work is done, and half of the answer arrives."""

    async def respond(work: Callable[[], Any]) -> Response:
        whole = bytes(_sent(work()).body)
        return Response(whole[: len(whole) // 2], media_type="application/json")

    return respond


def changed(change: Callable[[Any], Any]) -> Failure:
    """The honest answer after `change`, which returns another one or alters it in place."""

    async def respond(work: Callable[[], Any]) -> Response:
        answer = work()
        return JSONResponse(change(answer) or answer)

    return respond


def _sent(answer: Any) -> Response:
    return answer if isinstance(answer, Response) else JSONResponse(answer)


class ScriptedServer:
    """`requests` holds the JSON that was asked, per route, without the key."""

    def __init__(self, authorization: str | None, refusal: Response) -> None:
        self.requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.most_at_once = 0
        self._authorization = authorization
        self._refusal = refusal
        self._at_once = 0
        self._failures: dict[str, deque[Failure | None]] = defaultdict(deque)
        self._app = FastAPI()
        self._loopback = Loopback(self._app)
        self.url = self._loopback.url

    def __enter__(self) -> Self:
        self._loopback.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._loopback.__exit__()

    def fail_next(self, route: str, *failures: Failure | None) -> None:
        """The next requests to `route` are answered by these, one each; None stands for an honest answer."""
        self._failures[route].extend(failures)

    def reset(self) -> None:
        """Forgets what was asked, and the failures that were not used."""
        self.requests.clear()
        self._failures.clear()
        self.most_at_once = 0

    def _serve(self, method: str, path: str, route: str, honest: Honest) -> None:
        async def endpoint(request: Request) -> Response:
            self._at_once += 1
            self.most_at_once = max(self.most_at_once, self._at_once)
            try:
                body = await request.json() if await request.body() else {}
                self.requests[route].append(body)
                if request.headers.get("authorization") != self._authorization:
                    return self._refusal
                failure = self._failures[route].popleft() if self._failures[route] else None
                return await failure(lambda: honest(request, body)) if failure else _sent(honest(request, body))
            finally:
                self._at_once -= 1

        self._app.add_api_route(path, endpoint, methods=[method])
