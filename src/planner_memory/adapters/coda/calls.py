"""Calls to Coda's REST API, or to a server in front of it: limits, retries, stale snapshots, and our errors for theirs."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from planner_memory.adapters.coda.limits import Limits
from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import NotConnected, NotFound, PlannerMemoryError, Unavailable, UpstreamInvalid
from planner_memory.core.quoting import quoted
from planner_memory.core.waiting import retry_after

_WAITS_FOR_LATEST = (0.5, 1.0, 2.0)
_WAIT_AFTER_FAILURE = 0.5
_USUAL_RETRY_AFTER = 2.0


class _Failed(Exception):
    """What may be tried again: after so many seconds, if the server named some."""

    def __init__(self, error: PlannerMemoryError, after_seconds: float | None = None, *, busy: bool = False) -> None:
        super().__init__(error.detail)
        self.error, self.after_seconds, self.busy = error, after_seconds, busy


class _BadRequest(Exception):
    """400: the request is wrong, or the latest version was asked for and Coda's snapshot is behind."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class CodaCalls:
    """JSON in, JSON out. The token appears in no error: what the server says is searched for it first.

    `address` and `key` are the names of the settings that errors point to.
    """

    def __init__(
        self,
        token: str,
        base_url: str,
        *,
        limits: Limits,
        transport: httpx.AsyncBaseTransport | None = None,
        vendor: str = "Coda",
        address: str = "CODA_BASE_URL",
        key: str = "CODA_API_TOKEN",
        limit_seconds: float = 20,
        longest_wait_seconds: float = 10,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`limit_seconds` is for one attempt. Neither a Retry-After nor a place within the limits is waited for beyond `longest_wait_seconds`."""
        self._token, self._limits = token, limits
        self._vendor, self._address, self._key = vendor, address, key
        self._limit_seconds, self._longest_wait = limit_seconds, longest_wait_seconds
        self._clock, self._sleep = clock, sleep
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(base_url=base_url.rstrip("/"), headers=headers, timeout=limit_seconds, transport=transport)

    async def read(self, path: str, params: Mapping[str, Any] | None = None, *, latest: bool = False) -> dict[str, Any]:
        """GET. With `latest` the answer shows every write so far, if Coda's snapshot catches up within some seconds, and else what there is.

        Raises:
            NotConnected: 401, 403. Nothing is tried again.
            NotFound: 404 and 410.
            Unavailable: 429 beyond what is waited for, 5xx twice, no answer, no connection.
            UpstreamInvalid: any other refusal, or an answer that is not a JSON object.
        """
        try:
            return await self._call("GET", path, params=params, latest=latest)
        except _BadRequest as refusal:
            if not latest:
                raise self._invalid(refusal) from None
        try:
            stale = await self._call("GET", path, params=params)
        except _BadRequest as refusal:
            raise self._invalid(refusal) from None
        for wait in _WAITS_FOR_LATEST:
            await self._sleep(wait)
            try:
                return await self._call("GET", path, params=params, latest=True)
            except _BadRequest:
                continue
        return stale

    async def write(self, method: str, path: str, body: Mapping[str, Any], *, only_reads: bool = False) -> dict[str, Any]:
        """POST, PUT or DELETE; errors as with `read`. What is sent must bear being done twice: a 5xx is tried once more.

        `only_reads`: it changes nothing, and counts as a read.
        """
        try:
            return await self._call(method, path, body=body, only_reads=only_reads)
        except _BadRequest as refusal:
            raise self._invalid(refusal) from None

    async def close(self) -> None:
        """Closes the connections. Safe to call twice; every other method raises Unavailable afterwards."""
        await self._http.aclose()

    async def _call(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        latest: bool = False,
        only_reads: bool = False,
    ) -> dict[str, Any]:
        tries = 0
        while True:
            tries += 1
            await (self._limits.reads if method == "GET" or only_reads else self._limits.writes).take(self._longest_wait)
            try:
                return await self._attempt(method, path, params, body, latest)
            except _Failed as failed:
                wait = failed.after_seconds if failed.after_seconds is not None else _USUAL_RETRY_AFTER if failed.busy else _WAIT_AFTER_FAILURE
                if tries > (2 if failed.busy else 1) or wait > self._longest_wait:
                    raise failed.error from None
            await self._sleep(wait)

    async def _attempt(
        self, method: str, path: str, params: Mapping[str, Any] | None, body: Mapping[str, Any] | None, latest: bool
    ) -> dict[str, Any]:
        if self._http.is_closed:
            raise Unavailable(f"The connection to {self._vendor} is closed, because this process is stopping. Ask again when it has started.")
        headers = {"X-Coda-Doc-Version": "latest"} if latest else {}
        try:
            async with asyncio.timeout(self._limit_seconds):
                response = await self._http.request(method, path, params=params, json=body, headers=headers)
        except (TimeoutError, httpx.TimeoutException):
            raise Unavailable(f"{self._vendor} did not answer within {self._limit_seconds:.0f} s. It is tried again later.") from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            reason = quoted(str(error) or type(error).__name__, secret=self._token)
            raise Unavailable(f"{self._vendor} cannot be reached: {reason}. Check the network and {self._address}.") from None
        try:
            content = response.json() if response.content else {}
        except (json.JSONDecodeError, UnicodeDecodeError, RecursionError):
            content = None
        if not response.is_success:
            raise self._refusal(response, content)
        if not isinstance(content, dict):
            raise UpstreamInvalid(f"{self._vendor}'s answer is not a JSON object. Try again; if it stays, check {self._address}.")
        return content

    def _refusal(self, response: httpx.Response, content: Any) -> Exception:
        message = next((content[name] for name in ("message", "error", "detail") if content.get(name)), None) if isinstance(content, dict) else None
        said = f" ({quoted(message if isinstance(message, str) else json.dumps(message), secret=self._token)})" if message else ""
        status = response.status_code
        if status == 401:
            return NotConnected(f"{self._vendor} does not accept the token{said}. Set {self._key} to a valid one.")
        if status == 403:
            return NotConnected(f"{self._vendor} does not let this token do that{said}. Give it access to the doc, for reading and for writing.")
        if status in (404, 410):
            return NotFound(f"{self._vendor} does not have what was asked for{said}.")
        if status == 400:
            return _BadRequest(said)
        if status == 429:
            after = retry_after(response.headers.get("retry-after"), self._clock())
            extra = {"retry_after": max(1, round(after))} if after is not None else {}
            return _Failed(Unavailable(f"{self._vendor} is being asked too much{said}. It is tried again later.", **extra), after, busy=True)
        if status == 408 or status >= 500:
            after = retry_after(response.headers.get("retry-after"), self._clock())
            return _Failed(Unavailable(f"{self._vendor} cannot answer now: error {status}{said}. It is tried again later."), after)
        return UpstreamInvalid(f"{self._vendor} refused the request with {status}{said}. Check {self._address}.")

    def _invalid(self, refusal: _BadRequest) -> UpstreamInvalid:
        return UpstreamInvalid(f"{self._vendor} refused the request with 400{refusal.said}. `planner-memory doctor` says what is missing in the doc.")
