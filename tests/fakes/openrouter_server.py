"""OpenRouter's protocol on loopback: /embeddings and /key, with failures on command.

Vectors are made by hashing words: the same text gives the same vector, texts that share words are near one another, and meaning plays no part.
A failure is a function from the honest answer to the response that goes out instead.
"""

import asyncio
import base64
import hashlib
import re
from collections import defaultdict, deque
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import numpy as np
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, Response
from tests.fakes.loopback import Loopback

KEY = "sk-or-v1-loopback-0123456789"
Failure = Callable[[dict[str, Any]], Awaitable[Response]]
_USD_PER_TOKEN = 2e-8
_LONGEST_INPUT_TOKENS = 8191


def refused(status: int, message: str = "", headers: Mapping[str, str] | None = None) -> Failure:
    async def respond(_: dict[str, Any]) -> Response:
        return _error(status, message or f"scripted {status}", headers)

    return respond


def error_in_200(code: int | str, message: str = "Provider returned error") -> Failure:
    async def respond(_: dict[str, Any]) -> Response:
        return JSONResponse({"error": {"code": code, "message": message, "metadata": {"provider_name": "Loopback"}}})

    return respond


def slow(seconds: float) -> Failure:
    async def respond(honest: dict[str, Any]) -> Response:
        await asyncio.sleep(seconds)
        return JSONResponse(honest)

    return respond


def truncated() -> Failure:
    async def respond(honest: dict[str, Any]) -> Response:
        whole = JSONResponse(honest).body
        return Response(bytes(whole[: len(whole) // 2]), media_type="application/json")

    return respond


def changed(change: Callable[[dict[str, Any]], Any]) -> Failure:
    """The honest answer after `change`, which returns another one or alters it in place."""

    async def respond(honest: dict[str, Any]) -> Response:
        return JSONResponse(change(honest) or honest)

    return respond


class OpenRouterServer:
    """`requests` holds what was asked, per path, without the key."""

    def __init__(self, dimension: int = 1536, key: str = KEY) -> None:
        self.dimension = dimension
        self.key = key
        self.limit_remaining: float | None = 12.5
        self.requests: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.most_at_once = 0
        self._at_once = 0
        self._failures: dict[str, deque[Failure | None]] = defaultdict(deque)
        self._loopback = Loopback(self._app())
        self.base_url = f"{self._loopback.url}/api/v1"

    def __enter__(self) -> Self:
        self._loopback.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._loopback.__exit__()

    def fail_next(self, path: str, *failures: Failure | None) -> None:
        """The next requests to `path`, which is that below the base URL, are answered by these, one each; None stands for an honest answer."""
        self._failures[path].extend(failures)

    def _app(self) -> FastAPI:
        app = FastAPI()
        app.add_api_route("/api/v1/embeddings", self._embeddings, methods=["POST"])
        app.add_api_route("/api/v1/key", self._key, methods=["GET"])
        return app

    async def _embeddings(self, request: Request) -> Response:
        return await self._answer("/embeddings", request, self._embedded)

    async def _key(self, request: Request) -> Response:
        return await self._answer("/key", request, lambda _: self._about_the_key())

    async def _answer(self, path: str, request: Request, honest: Callable[[dict[str, Any]], dict[str, Any] | Response]) -> Response:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        try:
            body = await request.json() if request.method == "POST" else {}
            self.requests[path].append(body)
            failure = self._failures[path].popleft() if self._failures[path] else None
            if request.headers.get("authorization") != f"Bearer {self.key}":
                return _error(401, "No auth credentials found")
            answer = honest(body)
            if isinstance(answer, Response):
                return answer
            return await failure(answer) if failure else JSONResponse(answer)
        finally:
            self._at_once -= 1

    def _embedded(self, body: dict[str, Any]) -> dict[str, Any] | Response:
        texts = [body["input"]] if isinstance(body.get("input"), str) else body.get("input")
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
            return _error(400, "Input must be a non-empty string or a list of non-empty strings")
        if body.get("encoding_format", "float") not in ("float", "base64"):
            return _error(400, "encoding_format must be float or base64")
        if body.get("model") != "openai/text-embedding-3-small":
            return _error(404, f"No endpoints found for {body.get('model')}")
        tokens = [max(1, len(text) // 4) for text in texts]
        if max(tokens) > _LONGEST_INPUT_TOKENS:
            return _error(400, f"This model's maximum context length is {_LONGEST_INPUT_TOKENS} tokens")
        rows = [vector(text, self.dimension) for text in texts]
        as_base64 = body.get("encoding_format") == "base64"
        return {
            "id": "gen-emb-loopback",
            "object": "list",
            "model": body["model"],
            "data": [
                {"object": "embedding", "index": i, "embedding": base64.b64encode(row.tobytes()).decode() if as_base64 else row.tolist()}
                for i, row in enumerate(rows)
            ],
            "usage": {"prompt_tokens": sum(tokens), "total_tokens": sum(tokens), "cost": sum(tokens) * _USD_PER_TOKEN},
        }

    def _about_the_key(self) -> dict[str, Any]:
        return {
            "data": {
                "label": "sk-or-v1-loo...789",
                "limit": 20,
                "limit_remaining": self.limit_remaining,
                "limit_reset": "monthly",
                "usage": 7.5,
                "is_free_tier": False,
                "expires_at": None,
            }
        }


def vector(text: str, dimension: int) -> np.ndarray[tuple[int], np.dtype[np.float32]]:
    """The sum of one random direction per word; not of length one, so that a client that does not normalise is found out."""
    total = np.zeros(dimension)
    for word in re.findall(r"\w+", text.lower()) or [text]:
        seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "little")
        total += np.random.default_rng(seed).standard_normal(dimension)
    return total.astype("<f4")


def _error(status: int, message: str, headers: Mapping[str, str] | None = None) -> Response:
    return JSONResponse({"error": {"code": status, "message": message}}, status_code=status, headers=dict(headers or {}))
