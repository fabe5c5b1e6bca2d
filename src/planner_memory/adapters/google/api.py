"""Calls to Google's Calendar API: tokens, patience with limits, several writes in one request, and our errors for Google's."""

import asyncio
import json
import random
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any
from urllib.parse import quote, urlencode

import httpx

from planner_memory.adapters.google.account import GoogleAccount
from planner_memory.adapters.google.batch import CONTENT_TYPE, Answer, Request, packed, unpacked
from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import InvalidInput, NotConnected, PlannerMemoryError, Unavailable, UpstreamInvalid
from planner_memory.core.waiting import retry_after

_BATCH_ABOVE = 5
_MOST_IN_BATCH = 50
_GATHERED_FOR = 0.005  # seconds in which calls made together find each other
_FIRST_WAIT, _LONGEST_WAIT = 0.5, 8.0
_ATTEMPTS = 6
_SECONDS = 20
_AT_ONCE = 8
_LIMITS = ("rateLimitExceeded", "userRateLimitExceeded", "quotaExceeded", "calendarUsageLimits")
_FOR_THE_CALLER = (404, 409, 410, 412)
_LOST = 599  # the connection ended before an answer came


class GoogleApi:
    """`patience_seconds` bounds what one call waits in all; a Retry-After beyond it is handed on instead."""

    def __init__(
        self,
        account: GoogleAccount,
        base_url: str = "https://www.googleapis.com",
        *,
        patience_seconds: float = 20,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._account = account
        self._patience = patience_seconds
        self._clock = clock
        self._sleep = sleep
        self._http = httpx.AsyncClient(base_url=base_url.rstrip("/"), timeout=_SECONDS, limits=httpx.Limits(max_connections=_AT_ONCE))
        self._waiting: list[tuple[Request, asyncio.Future[Answer]]] = []
        self._sending: set[asyncio.Task[None]] = set()

    async def call(
        self,
        method: str,
        path: Sequence[str],
        query: Mapping[str, str | Sequence[str]] | None = None,
        body: Mapping[str, Any] | None = None,
        *,
        if_match: str | None = None,
        joins: bool = False,
        repeats: bool = True,
    ) -> Answer:
        """The answer: a success, or one of 404, 409, 410 and 412, which only the caller understands.

        `joins`: it may travel in a batch with others made at the same time. `repeats`: it may be sent again although it may have been carried out.

        Raises:
            NotConnected: the account has to be connected (again), or lacks a permission.
            Unavailable: Google does not answer, or asks to slow down for longer than we wait.
            InvalidInput: Google refuses the content of a write for good.
            UpstreamInvalid: an answer that makes no sense.
        """
        target = "/calendar/v3/" + "/".join(quote(part, safe="") for part in path) + (f"?{urlencode(query, doseq=True)}" if query else "")
        request = Request(method, target, body, {"If-Match": if_match} if if_match else {})
        ends = time.monotonic() + self._patience
        wait, is_repeat, refused = _FIRST_WAIT, False, None
        for _ in range(_ATTEMPTS):
            token = await self._account.access_token(instead_of=refused)
            answer = await (self._joined if joins else self._single)(
                replace(request, headers={**request.headers, "Authorization": f"Bearer {token}"})
            )
            if answer.status < 300 or answer.status in _FOR_THE_CALLER:
                return replace(answer, is_repeat=is_repeat)
            if answer.status == 401 and refused is None:
                refused = token
                continue
            if not _passes(answer) or (answer.status == _LOST and not repeats):
                raise self._error(answer, is_write=method != "GET")
            is_repeat = is_repeat or answer.status >= 500
            asked = retry_after(answer.headers.get("retry-after"), self._clock())
            pause = asked if asked is not None else wait * random.uniform(0.75, 1.25)  # noqa: S311
            if time.monotonic() + pause > ends:
                raise self._error(answer, is_write=False, asked=asked)
            await self._sleep(pause)
            wait = min(wait * 2, _LONGEST_WAIT)
        raise self._error(answer, is_write=False)

    async def pages(self, path: Sequence[str], query: Mapping[str, str | Sequence[str]]) -> AsyncIterator[Answer]:
        """The pages of a list, each with a list of `items`; the only page may be a refusal that only the caller understands."""
        token: str | None = None
        while True:
            answer = await self.call("GET", path, {**query, **({"pageToken": token} if token else {})})
            yield answer
            token = answer.body.get("nextPageToken")
            if answer.status >= 300 or not token:
                return

    # --- one request, or many in one

    async def _single(self, request: Request) -> Answer:
        content = None if request.body is None else json.dumps(request.body)
        headers = {**request.headers, **({"Content-Type": "application/json"} if content else {})}
        try:
            response = await self._http.request(request.method, request.target, content=content, headers=headers)
        except (httpx.HTTPError, httpx.InvalidURL, RuntimeError):  # RuntimeError: the client was closed, because this process is stopping
            return Answer(_LOST, {}, {})
        try:
            found = response.json() if response.content else {}
        except ValueError:
            found = None
        if not isinstance(found, dict):
            return Answer(_LOST if response.is_success else response.status_code, {}, response.headers)
        return Answer(response.status_code, found, response.headers)

    async def _joined(self, request: Request) -> Answer:
        """Waits a moment for others. What comes together goes together."""
        future: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((request, future))
        if len(self._waiting) == 1:
            task = asyncio.create_task(self._send())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return await future

    async def _send(self) -> None:
        await asyncio.sleep(_GATHERED_FOR)
        together, self._waiting = self._waiting, []
        try:
            if len(together) <= _BATCH_ABOVE:
                await asyncio.gather(*(self._settle(request, future) for request, future in together))
                return
            for first in range(0, len(together), _MOST_IN_BATCH):
                some = together[first : first + _MOST_IN_BATCH]
                answers = await self._batch([request for request, _ in some])
                for n, (_, future) in enumerate(some):
                    _answered(future, answers.get(n, Answer(_LOST, {}, {})))
        finally:
            for _, future in together:  # nobody waits for ever, whatever went wrong here
                _answered(future, Answer(_LOST, {}, {}))

    async def _settle(self, request: Request, future: "asyncio.Future[Answer]") -> None:
        _answered(future, await self._single(request))

    async def _batch(self, requests: Sequence[Request]) -> dict[int, Answer]:
        """By the place of the request. A refusal of the whole is that of each."""
        headers = {"Content-Type": CONTENT_TYPE, "Authorization": requests[-1].headers["Authorization"]}
        try:
            response = await self._http.post("/batch/calendar/v3", content=packed(requests), headers=headers)
        except (httpx.HTTPError, RuntimeError):
            return {}
        if response.is_success:
            return unpacked(response.headers.get("content-type", ""), response.content)
        try:
            body = response.json()
        except ValueError:
            body = {}
        refusal = Answer(response.status_code, body if isinstance(body, dict) else {}, response.headers)
        return dict.fromkeys(range(len(requests)), refusal)

    # --- what an answer means

    def _error(self, answer: Answer, *, is_write: bool, asked: float | None = None) -> PlannerMemoryError:
        """Google's own sentences stay out: they can hold an address of the person."""
        if answer.status == 401:
            return NotConnected(
                "Google refuses the connection to the calendar. Run `planner-memory calendar connect google` and open /oauth/authorize."
            )
        if answer.status == 403 and answer.reason in ("insufficientPermissions", "ACCESS_TOKEN_SCOPE_INSUFFICIENT"):
            return NotConnected(
                "The connection to Google lacks a permission that this needs. Run `planner-memory calendar connect google`, open the link to"
                " /oauth/authorize, and leave all boxes ticked."
            )
        if answer.status == _LOST or answer.status >= 500:
            return Unavailable("Google Calendar does not answer. Check the network and GOOGLE_API_BASE_URL, and try again in a moment.")
        if _passes(answer):
            seconds = max(1, round(asked or 60))
            return Unavailable(f"Google Calendar asks to slow down. Try again in {seconds} s.", retry_after=seconds)
        if is_write:
            return InvalidInput(
                f"Google Calendar refuses the event (status {answer.status}, {answer.reason or 'no reason given'}). Nothing was stored."
            )
        return UpstreamInvalid(f"Google Calendar refused to answer (status {answer.status}, {answer.reason or 'no reason given'}).")

    async def close(self) -> None:
        await asyncio.gather(*self._sending)
        await self._http.aclose()


def _passes(answer: Answer) -> bool:
    """Whether waiting may help."""
    return answer.status >= 500 or answer.status in (408, 429) or (answer.status == 403 and answer.reason in _LIMITS)


def _answered(future: "asyncio.Future[Answer]", answer: Answer) -> None:
    if not future.done():  # it may have been answered, or its caller cancelled
        future.set_result(answer)
