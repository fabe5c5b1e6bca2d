"""Calls to OpenRouter, or to any server that speaks its protocol: limits of time and number, retries, and our errors for theirs."""

import asyncio
import json
import random
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

import httpx

from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import NotConnected, PlannerMemoryError, Refused, Unavailable, UpstreamInvalid, UpstreamTimeout
from planner_memory.core.quoting import quoted
from planner_memory.core.waiting import retry_after

_WAITS_SECONDS = (1.0, 2.0, 4.0)
_JITTER = 0.25  # of the wait, so that callers turned away together do not come back together
_NOT_CONNECTED = {
    401: "{vendor} does not accept the API key{said}. Set OPENROUTER_API_KEY to a valid key.",
    402: "The account at {vendor} has no credit left{said}. Add credit or raise the key's limit.",
    403: "{vendor} does not allow this key to do that{said}. Check the key's guardrails and the model's terms.",
}


class _TryAgain(Exception):
    def __init__(self, error: PlannerMemoryError, after_seconds: float | None = None) -> None:
        super().__init__(error.detail)
        self.error = error
        self.after_seconds = after_seconds  # what the server asked for


class OpenRouterClient:
    """JSON in, JSON out. The key appears in no error: what the server says is searched for it first."""

    def __init__(
        self,
        api_key: str,
        base_url: str,
        *,
        vendor: str = "OpenRouter",
        limit_seconds: float = 30,
        attempt_seconds: float | None = None,
        concurrency: int = 4,
        longest_wait_seconds: float = 20,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`vendor` is what errors call the server. Without a key none is sent.

        A call takes at most `limit_seconds` with all its retries, one attempt at most `attempt_seconds` (None: the whole limit).

        A Retry-After beyond `longest_wait_seconds` is not waited for. At most `concurrency` calls run, or wait to be retried, at a time.
        """
        self._key = api_key
        self._vendor = vendor
        self._limit_seconds = limit_seconds
        self._attempt_seconds = attempt_seconds or limit_seconds
        self._longest_wait_seconds = longest_wait_seconds
        self._clock = clock
        self._sleep = sleep
        self._places = asyncio.Semaphore(concurrency)
        headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._http = httpx.AsyncClient(base_url=base_url.rstrip("/") + "/", headers=headers, timeout=limit_seconds)

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None, *, retries: bool = True) -> dict[str, Any]:
        """The answer's JSON object. Time-outs, 429 and 5xx are tried again after about 1, 2 and 4 s, or when Retry-After says.

        Raises:
            NotConnected: 401, 402, 403.
            Refused: 403 with the reasons of a moderation.
            UpstreamTimeout: no answer within the limit.
            Unavailable: 429, 5xx, no connection, or an error inside a 200.
            UpstreamInvalid: any other refusal, or an answer that is not a JSON object.
        """
        if self._http.is_closed:
            raise Unavailable(f"The connection to {self._vendor} is closed, because this process is stopping. Ask again when it has started.")
        waits = iter(_WAITS_SECONDS if retries else ())
        loop = asyncio.get_running_loop()
        async with self._places:
            ends = loop.time() + self._limit_seconds
            while True:
                try:
                    return await self._attempt(method, path, body, min(self._attempt_seconds, ends - loop.time()))
                except _TryAgain as again:
                    usual = next(waits, None)
                    if usual is None:
                        raise again.error from None
                    wait = usual * random.uniform(1, 1 + _JITTER) if again.after_seconds is None else again.after_seconds  # noqa: S311
                    if wait > self._longest_wait_seconds or wait >= ends - loop.time():
                        raise again.error from None
                await self._sleep(wait)

    async def close(self) -> None:
        await self._http.aclose()

    async def _attempt(self, method: str, path: str, body: Mapping[str, Any] | None, seconds: float) -> dict[str, Any]:
        try:
            async with asyncio.timeout(seconds):
                response = await self._http.request(method, path.lstrip("/"), json=body)
        except (TimeoutError, httpx.TimeoutException):
            raise _TryAgain(UpstreamTimeout(f"{self._vendor} did not answer within {seconds:.0f} s. Try again in a moment.")) from None
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            why = quoted(str(error) or type(error).__name__, secret=self._key)
            raise _TryAgain(Unavailable(f"{self._vendor} cannot be reached: {why}. Check the network and OPENROUTER_BASE_URL.")) from None
        return self._read(response)

    def _read(self, response: httpx.Response) -> dict[str, Any]:
        try:
            content = response.json()
        except (json.JSONDecodeError, UnicodeDecodeError):
            content = None
        said = content.get("error") if isinstance(content, dict) else None
        if response.is_success and isinstance(content, dict) and not said:
            return content
        message = said.get("message") if isinstance(said, dict) else said
        if _is_moderated(said):
            raise Refused(f"{self._vendor}'s moderation declined the request ({quoted(str(message or 403), secret=self._key)}). Word it differently.")
        if response.is_success and said:
            raise self._refusal(_status_in(said), message, response)
        if response.is_success:
            raise UpstreamInvalid(f"{self._vendor}'s answer is not a JSON object. Try again; if it stays, check OPENROUTER_BASE_URL.")
        raise self._refusal(response.status_code, message, response)

    def _refusal(self, status: int | None, message: object, response: httpx.Response) -> Exception:
        said = f" ({quoted(message, secret=self._key)})" if isinstance(message, str) and message else ""
        if status in _NOT_CONNECTED:
            return NotConnected(_NOT_CONNECTED[status].format(vendor=self._vendor, said=said))
        if status == 429:
            after = retry_after(response.headers.get("retry-after"), self._clock())
            extra = {"retry_after": round(after)} if after is not None else {}
            return _TryAgain(Unavailable(f"{self._vendor} is answering too many requests{said}. Try again in a moment.", **extra), after)
        if status is None or status == 408 or status >= 500:
            after = retry_after(response.headers.get("retry-after"), self._clock())
            return _TryAgain(Unavailable(f"{self._vendor} has a failure of its own{said}. Try again in a moment."), after)
        if response.is_success:
            return Unavailable(f"{self._vendor} could not answer: error {status}{said}. Try again; if it stays, check the name of the model.")
        return UpstreamInvalid(f"{self._vendor} refused the request with {status}{said}. Check the name of the model and OPENROUTER_BASE_URL.")


def _is_moderated(error: object) -> bool:
    metadata = error.get("metadata") if isinstance(error, dict) else None
    return isinstance(metadata, dict) and bool(metadata.get("reasons")) and _status_in(error) == 403


def _status_in(error: object) -> int | None:
    """The status that an error inside a 200 stands for, when it says one."""
    code = error.get("code") if isinstance(error, dict) else None
    try:
        return int(code) if code is not None else None
    except (TypeError, ValueError):
        return None
