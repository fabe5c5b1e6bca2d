"""Requests to a Qdrant server's REST API, and what its refusals and silences mean."""

import asyncio
import json
from typing import Any, Literal

import httpx

from planner_memory.core.errors import NotConnected, NotFound, NotStarted, PlannerMemoryError, Unavailable

Method = Literal["GET", "POST", "PUT", "PATCH", "DELETE"]

# What a connection that the server has closed meanwhile fails with. Every request made here may be sent twice.
_WORTH_ANOTHER_TRY = (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)


class Connection:
    """One HTTP client for one server. `read_seconds` bounds a question, `write_seconds` a change, `connect_seconds` each connecting."""

    def __init__(
        self, url: str, *, api_key: str | None = None, read_seconds: float = 2.0, write_seconds: float = 30.0, connect_seconds: float = 1.0
    ) -> None:
        place = _place(url)
        self.name = f"Qdrant at {place}"
        self._read_seconds = read_seconds
        self._write_seconds = write_seconds
        self._client = httpx.AsyncClient(
            base_url=url, headers={"api-key": api_key} if api_key else {}, timeout=httpx.Timeout(write_seconds, connect=connect_seconds)
        )

    async def ask(self, method: Method, path: str, body: bytes | None = None) -> Any:
        """The `result` of a question. Raises Unavailable, NotConnected, and NotFound when the path names nothing."""
        return await self._sent(method, path, body, self._read_seconds)

    async def change(self, method: Method, path: str, body: bytes | None = None) -> Any:
        """The `result` of a change, once it can be searched. Raises like `ask`."""
        return await self._sent(method, path, body, self._write_seconds)

    async def version(self) -> str | None:
        """What the server says it is; None when something in front of it answers instead."""
        try:
            found = (await self._answered("GET", "/", None, self._read_seconds)).json()
        except (NotFound, ValueError):
            return None
        return found["version"] if isinstance(found, dict) and isinstance(found.get("version"), str) else None

    async def close(self) -> None:
        await self._client.aclose()

    async def _sent(self, method: Method, path: str, body: bytes | None, seconds: float) -> Any:
        answer = await self._answered(method, path, body, seconds)
        try:
            return answer.json()["result"]
        except (ValueError, KeyError, TypeError) as error:
            raise Unavailable(f"{self.name} answered with something else than Qdrant's JSON. Check QDRANT_URL.") from error

    async def _answered(self, method: Method, path: str, body: bytes | None, seconds: float) -> httpx.Response:
        if self._client.is_closed:
            raise Unavailable("The search index is closed. Start the service again.")
        headers = {} if body is None else {"content-type": "application/json"}
        try:
            async with asyncio.timeout(seconds):
                try:
                    answer = await self._client.request(method, path, content=body, headers=headers)
                except _WORTH_ANOTHER_TRY:
                    answer = await self._client.request(method, path, content=body, headers=headers)
        except (TimeoutError, httpx.TimeoutException) as error:
            raise Unavailable(f"{self.name} did not answer in time. See whether it runs and has memory and disk left.") from error
        except httpx.HTTPError as error:
            raise Unavailable(
                f"{self.name} does not answer ({type(error).__name__}). See whether it runs and whether QDRANT_URL is right."
            ) from error
        if not answer.is_success:
            raise self._refusal(answer)
        return answer

    def _refusal(self, answer: httpx.Response) -> PlannerMemoryError:
        reason = _reason(answer)
        if answer.status_code in (401, 403):
            return NotConnected(f"{self.name} refuses the API key ({answer.status_code}). Set QDRANT_API_KEY to one that may read and write.")
        if answer.status_code == 404:
            return NotFound(f"{self.name} knows no such thing{reason}.")
        return Unavailable(f"{self.name} answered {answer.status_code}{reason}. Its log says more.")


def encoded(body: object) -> bytes:
    """Compact JSON. Raises ValueError for a number that JSON has no word for."""
    return json.dumps(body, allow_nan=False, separators=(",", ":")).encode()


def _reason(answer: httpx.Response) -> str:
    """The server's own words, cut short; nothing of a body that is not its JSON."""
    try:
        said = answer.json()["status"]["error"]
    except (ValueError, KeyError, TypeError):
        return ""
    return f": {str(said)[:200]}"


def _place(url: str) -> str:
    """Host and port, without user, password or query. Raises NotStarted."""
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        parsed = httpx.URL("")
    if parsed.scheme not in ("http", "https") or not parsed.host:
        # without `from`: the reason may quote the URL, and with it a password
        raise NotStarted("QDRANT_URL cannot be understood. Write it as http://host:6333.") from None
    return f"{parsed.host}:{parsed.port}" if parsed.port else parsed.host
