"""OpenRouter's protocol on loopback: /embeddings and /key, with failures on command.

Vectors are made by hashing words: the same text gives the same vector, texts that share words are near one another, and meaning plays no part.
"""

import base64
import hashlib
import re
from collections.abc import Mapping
from typing import Any

import numpy as np
from fastapi import Request
from fastapi.responses import JSONResponse, Response
from tests.fakes.scripted import Failure, ScriptedServer, answering

KEY = "sk-or-v1-loopback-0123456789"
_USD_PER_TOKEN = 2e-8
_LONGEST_INPUT_TOKENS = 8191


def refused(status: int, message: str = "", headers: Mapping[str, str] | None = None) -> Failure:
    return answering(status, _error(status, message or f"scripted {status}"), headers)


def error_in_200(code: int | str, message: str = "Provider returned error") -> Failure:
    return answering(200, {"error": {"code": code, "message": message, "metadata": {"provider_name": "Loopback"}}})


class OpenRouterServer(ScriptedServer):
    """Routes are named by their path below `base_url`."""

    def __init__(self, dimension: int = 1536, key: str = KEY) -> None:
        super().__init__(f"Bearer {key}", _refusal(401, "No auth credentials found"))
        self.dimension = dimension
        self.limit_remaining: float | None = 12.5
        self.base_url = f"{self.url}/api/v1"
        self._serve("POST", "/api/v1/embeddings", "/embeddings", self._embedded)
        self._serve("GET", "/api/v1/key", "/key", self._about_the_key)

    def _embedded(self, _: Request, body: dict[str, Any]) -> dict[str, Any] | Response:
        texts = [body["input"]] if isinstance(body.get("input"), str) else body.get("input")
        if not isinstance(texts, list) or not texts or not all(isinstance(text, str) and text for text in texts):
            return _refusal(400, "Input must be a non-empty string or a list of non-empty strings")
        if body.get("encoding_format", "float") not in ("float", "base64"):
            return _refusal(400, "encoding_format must be float or base64")
        if body.get("model") != "openai/text-embedding-3-small":
            return _refusal(404, f"No endpoints found for {body.get('model')}")
        tokens = [max(1, len(text) // 4) for text in texts]
        if max(tokens) > _LONGEST_INPUT_TOKENS:
            return _refusal(400, f"This model's maximum context length is {_LONGEST_INPUT_TOKENS} tokens")
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

    def _about_the_key(self, *_: object) -> dict[str, Any]:
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


def _error(status: int, message: str) -> dict[str, Any]:
    return {"error": {"code": status, "message": message}}


def _refusal(status: int, message: str) -> Response:
    return JSONResponse(_error(status, message), status_code=status)
