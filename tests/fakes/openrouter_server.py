"""OpenRouter's protocol on loopback: /embeddings, /chat/completions, /models and /key, with failures on command.

Vectors are made by hashing words: the same text gives the same vector, texts that share words are near one another, and meaning plays no part.
A chat answers with what the test told it to say.
"""

import base64
import hashlib
import json
import re
import time
from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
from fastapi import Request
from fastapi.responses import JSONResponse, Response, StreamingResponse
from tests.fakes.scripted import Failure, ScriptedServer, answering, changed

KEY = "sk-or-v1-loopback-0123456789"
_USD_PER_TOKEN = 2e-8
_LONGEST_INPUT_TOKENS = 8191
_ROLES = ("system", "user", "assistant")


def refused(status: int, message: str = "", headers: Mapping[str, str] | None = None) -> Failure:
    return answering(status, _error(status, message or f"scripted {status}"), headers)


def error_in_200(code: int | str, message: str = "Provider returned error") -> Failure:
    return answering(200, {"error": {"code": code, "message": message, "metadata": {"provider_name": "Loopback"}}})


def moderated(message: str = "Your chosen model requires moderation and your input was flagged") -> Failure:
    metadata = {"reasons": ["violence"], "flagged_input": "…", "provider_name": "Loopback", "model_slug": "loopback/model"}
    return answering(403, {"error": {"code": 403, "message": message, "metadata": metadata}})


def in_choice(**values: Any) -> Failure:
    """The honest chat answer with other members in its choice, such as finish_reason, error or message."""
    return changed(lambda answer: answer["choices"][0].update(values))


class OpenRouterServer(ScriptedServer):
    """Routes are named by their path below `base_url`."""

    def __init__(self, dimension: int = 1536, key: str | None = KEY) -> None:
        """Without a key it wants none, as Ollama and the like."""
        super().__init__(f"Bearer {key}" if key else None, _refusal(401, "No auth credentials found"))
        self.dimension = dimension
        self.limit_remaining: float | None = 12.5
        self.budgets: list[dict[str, Any]] = []  # by `budget`
        self.base_url = f"{self.url}/api/v1"
        self._serve("POST", "/api/v1/embeddings", "/embeddings", self._embedded)
        self._serve("GET", "/api/v1/key", "/key", self._about_the_key)
        self.said: deque[str] = deque()
        self.model = "anthropic/claude-loopback-1"  # what an alias resolves to
        self._serve("POST", "/api/v1/chat/completions", "/chat/completions", self._completed)
        self._serve("GET", "/api/v1/models", "/models", lambda *_: {"data": [_model(self.model)], "links": {"next": None}, "total_count": 1})

    def say(self, *contents: object) -> None:
        """The contents of the next chat answers, one each; what is not a text is sent as JSON. With none left it says "OK"."""
        self.said.extend(c if isinstance(c, str) else json.dumps(c) for c in contents)

    def reset(self) -> None:
        super().reset()
        self.said.clear()
        self.budgets.clear()

    def _completed(self, _: Request, body: dict[str, Any]) -> Any:
        messages = body.get("messages")
        if not isinstance(messages, list) or not messages or not all(m.get("role") in _ROLES and isinstance(m.get("content"), str) for m in messages):
            return _refusal(400, "messages must be a non-empty list of role and content")
        asked = body.get("models") or [body.get("model")]
        known = next((m for m in asked if isinstance(m, str) and not m.startswith("nobody/")), None)
        if known is None:
            return _refusal(404, f"No endpoints found for {asked[0]}")
        form = body.get("response_format") or {}
        if form.get("type") == "json_schema" and (flaw := _not_strict(form.get("json_schema", {}).get("schema"))):
            return _refusal(400, f"Invalid schema for response_format: {flaw}")
        content = self.said.popleft() if self.said else "OK"
        tokens = sum(len(m["content"]) for m in messages) // 4 + 1
        usage = {
            "prompt_tokens": tokens,
            "completion_tokens": len(content) // 4 + 1,
            "total_tokens": tokens + len(content) // 4 + 1,
            "cost": (tokens + 5 * len(content) // 4) * 3e-6,
            "is_byok": False,
        }
        base = {"id": "gen-chat-loopback", "created": int(time.time()), "model": self.model, "provider": "Loopback", "system_fingerprint": None}
        if body.get("stream"):
            return StreamingResponse(_streamed(base, content, usage), media_type="text/event-stream")
        message = {"role": "assistant", "content": content, "refusal": None}
        choice = {"index": 0, "message": message, "finish_reason": "stop", "native_finish_reason": "end_turn", "logprobs": None}
        return {**base, "object": "chat.completion", "choices": [choice], "usage": usage}

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
                "limit": None if self.limit_remaining is None else 20,
                "limit_remaining": self.limit_remaining,
                "limit_reset": "monthly",
                "include_byok_in_limit": False,
                "budgets": self.budgets,
                "effective_budget": self.budgets[0] if self.budgets else None,
                "usage": 7.5,
                "usage_daily": 0.5,
                "usage_weekly": 2.5,
                "usage_monthly": 7.5,
                "byok_usage": 0,
                "byok_usage_daily": 0,
                "byok_usage_weekly": 0,
                "byok_usage_monthly": 0,
                "is_free_tier": False,
                "is_management_key": False,
                "is_provisioning_key": False,
                "free_model_daily_requests": {"limit": 1000, "remaining": 1000, "used": 0},
                "rate_limit": {"interval": "10s", "note": "deprecated", "requests": -1},
                "allowed_data_regions": ["global"],
                "creator_user_id": "user_loopback",
                "organization_id": None,
                "workspace_id": None,
                "expires_at": None,
            }
        }


def budget(left: float, scope: str = "workspace") -> dict[str, Any]:
    """One budget layer of a key; with nothing left it turns requests away with 403."""
    return {
        "budget_id": "budget-loopback",
        "guardrail_id": None,
        "include_byok": False,
        "limit_usd": 100.0,
        "remaining_usd": left,
        "spend_usd": 100.0 - left,
        "reset_interval": "monthly",
        "resets_at": "2026-12-01T00:00:00Z",
        "scope": scope,
    }


def _model(slug: str) -> dict[str, Any]:
    return {
        "id": slug,
        "object": "model",
        "canonical_slug": slug,
        "name": slug,
        "created": 1_750_000_000,
        "context_length": 200_000,
        "architecture": {"modality": "text->text", "input_modalities": ["text"], "output_modalities": ["text"]},
        "pricing": {"prompt": "0.000003", "completion": "0.000015"},
        "top_provider": {"is_moderated": False, "context_length": 200_000, "max_completion_tokens": 64_000},
        "supported_parameters": ["max_tokens", "response_format", "structured_outputs"],
        "supported_voices": None,
        "default_parameters": None,
        "per_request_limits": None,
        "links": {"details": f"/api/v1/models/{slug}/endpoints"},
    }


def _streamed(base: dict[str, Any], content: str, usage: dict[str, Any]) -> Iterator[str]:
    def chunk(delta: dict[str, Any], finish: str | None = None, **more: Any) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return f"data: {json.dumps({**base, 'object': 'chat.completion.chunk', 'choices': [choice], **more})}\n\n"

    yield ": OPENROUTER PROCESSING\n\n"
    yield chunk({"role": "assistant", "content": ""})
    for start in range(0, len(content), 16):
        yield chunk({"content": content[start : start + 16]})
    yield chunk({"content": ""}, "stop", usage=usage)
    yield "data: [DONE]\n\n"


def _not_strict(schema: Any, place: str = "$") -> str | None:
    """Why strict mode refuses a schema: an object that does not require all it has, or allows more."""
    if isinstance(schema, list):
        return next((flaw for i, each in enumerate(schema) if (flaw := _not_strict(each, f"{place}[{i}]"))), None)
    if not isinstance(schema, dict):
        return None if place != "$" else "there is none"
    if schema.get("type") == "object" and (schema.get("additionalProperties") is not False or set(schema["required"]) != set(schema["properties"])):
        return f"{place} must require all its properties and allow no others"
    return next((flaw for key, each in schema.items() if (flaw := _not_strict(each, f"{place}.{key}"))), None)


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
