"""What the dialects share: a request for a REST path goes in, an HTTP response comes out, and what is between is theirs."""

import json
from collections.abc import Mapping
from typing import Any

import httpx

ROOT = "http://coda"  # the address of Coda, for calls that a server in front of it makes


def asked(request: httpx.Request) -> tuple[str, dict[str, str], Any]:
    """Path, as it was escaped, parameters and body of a request."""
    path = request.url.raw_path.split(b"?")[0].decode("ascii")
    return path, dict(request.url.params), json.loads(request.content) if request.content else None


def answer(status: int, content: Any, headers: Mapping[str, str] | None = None) -> httpx.Response:
    return httpx.Response(status, json=content if content is not None else {}, headers=dict(headers or {}))


def refusal(status: int, message: str, retry_after: object = None) -> httpx.Response:
    """As Coda would refuse."""
    return answer(status, {"message": message}, {"Retry-After": str(retry_after)} if retry_after is not None else None)


def status_in(said: object) -> int | None:
    """The HTTP status that an error object names, if it names one."""
    if isinstance(said, Mapping):
        for name in ("status_code", "statusCode", "status", "code"):
            if isinstance(said.get(name), int) and 400 <= said[name] < 600:
                return int(said[name])
        return next((found for name in ("error", "data", "details", "body") if (found := status_in(said.get(name))) is not None), None)
    if isinstance(said, str) and said.lstrip().startswith("{"):
        try:
            return status_in(json.loads(said))
        except (ValueError, RecursionError):
            return None
    return None


def message_in(said: object) -> str:
    """What an error object says to people."""
    if isinstance(said, Mapping):
        return next((text for name in ("message", "error", "detail", "data", "body") if (text := message_in(said.get(name)))), "")
    return said if isinstance(said, str) else ""


class Envelope(httpx.AsyncBaseTransport):
    """A POST with a JSON body to one address, and `{success, data}` or bare JSON back. `success: false` becomes the status that it names."""

    def __init__(self, url: str, inner: httpx.AsyncBaseTransport | None = None) -> None:
        self._url = httpx.URL(url)
        self._inner = inner or httpx.AsyncHTTPTransport()

    def body(self, request: httpx.Request) -> Mapping[str, Any]:
        raise NotImplementedError

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        headers = {name: value for name, value in request.headers.items() if name in ("authorization", "user-agent")}
        sent = httpx.Request("POST", self._url, headers=headers, json=self.body(request), extensions=request.extensions)
        response = await self._inner.handle_async_request(sent)
        response.request = sent
        content = await response.aread()
        await response.aclose()
        try:
            said = json.loads(content)
        except (ValueError, RecursionError):
            said = None
        after = {"Retry-After": response.headers["retry-after"]} if "retry-after" in response.headers else {}
        if not response.is_success:
            return answer(response.status_code, {"message": message_in(said)}, after)
        if not isinstance(said, dict):
            return refusal(422, "its answer is no JSON object")
        if said.get("success") is False:
            return answer(status_in(said) or 502, {"message": message_in(said)}, after)
        data = said.get("data", said) if "success" in said else said.get("result", said)
        return answer(200, data if isinstance(data, dict) else {"items": data} if isinstance(data, list) else {})

    async def aclose(self) -> None:
        await self._inner.aclose()
