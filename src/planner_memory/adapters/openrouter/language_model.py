"""Language models by OpenRouter, or by any server with OpenAI's chat completions: Ollama, vLLM, LM Studio."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal

from planner_memory.adapters.openrouter.client import OpenRouterClient
from planner_memory.adapters.openrouter.json_text import NotJson, document_in
from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import NotConnected, Refused, Unavailable, UpstreamInvalid
from planner_memory.ports.language_model import Ask, Completion, Usage

OPENROUTER = "https://openrouter.ai/api/v1"
_ROUTING = {"require_parameters": True}  # only providers that honour the answer's schema


class OpenRouterLanguageModel:
    """Fulfils LanguageModel by POST /chat/completions, with the answer's JSON Schema enforced by the server where it can."""

    def __init__(
        self,
        api_key: str,
        base_url: str = OPENROUTER,
        model: str = "~anthropic/claude-sonnet-latest",
        *,
        fallbacks: Sequence[str] = (),
        provider: Mapping[str, Any] | None = None,
        dialect: Literal["openrouter", "openai"] = "openrouter",
        concurrency: int = 32,
        limit_seconds: float = 30,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`fallbacks` are tried by OpenRouter, in order, when `model` cannot answer; `provider` is added to its routing.

        With `dialect="openai"` both are left out, since other servers refuse what they do not know. `limit_seconds` holds for one call with
        its retries.
        """
        self.name = model
        self._models = [model, *fallbacks]
        self._routing = {**_ROUTING, **(provider or {})}
        self._openrouter = dialect == "openrouter"
        vendor = "OpenRouter" if self._openrouter else "The model server"
        self._client = OpenRouterClient(
            api_key, base_url, vendor=vendor, limit_seconds=limit_seconds, concurrency=concurrency, clock=clock, sleep=sleep
        )

    async def complete(self, ask: Ask) -> Completion:
        """See LanguageModel."""
        began = time.monotonic()
        answer = await self._client.call("POST", "/chat/completions", self._body(ask))
        return _completion(answer, self.name, time.monotonic() - began)

    async def check(self) -> float | None:
        """Asks what the key may still spend; a server that does not know such a path is asked for its models."""
        left = await self._remaining_usd()
        if left is not None and left <= 0:
            raise NotConnected("The limit of the OpenRouter key, or of a budget over it, is used up. Raise it or wait for its reset.")
        return left

    async def _remaining_usd(self) -> float | None:
        """What the key's own limit and the budgets over it leave; None when there is none."""
        if self._openrouter:
            try:
                answer = await self._client.call("GET", "/key", retries=False)
            except UpstreamInvalid:  # not OpenRouter itself
                await self._client.call("GET", "/models", retries=False)
                return None
            return _least_left(answer.get("data"))
        await self._client.call("GET", "/models", retries=False)
        return None

    async def close(self) -> None:
        """Safe to call twice; `complete` raises Unavailable afterwards."""
        await self._client.close()

    def _body(self, ask: Ask) -> dict[str, Any]:
        body: dict[str, Any] = {
            "model": self.name,
            "messages": [{"role": m.role, "content": m.content} for m in ask.messages],
            "max_tokens": ask.most_tokens,
            "response_format": {"type": "json_schema", "json_schema": {"name": ask.schema_name, "strict": True, "schema": dict(ask.schema)}},
        }
        if self._openrouter:
            body["provider"] = self._routing
            if len(self._models) > 1:
                body["models"] = self._models
        return body


def _least_left(key: object) -> float | None:
    """A budget layer with nothing left turns every request away, whatever the key's own limit leaves."""
    if not isinstance(key, dict):
        return None
    budgets = key.get("budgets")
    left = [key.get("limit_remaining"), *(b.get("remaining_usd") for b in (budgets if isinstance(budgets, list) else ()) if isinstance(b, dict))]
    return min((float(each) for each in left if isinstance(each, int | float) and not isinstance(each, bool)), default=None)


def _completion(answer: Mapping[str, Any], model: str, seconds: float) -> Completion:
    choices = answer.get("choices")
    choice = choices[0] if isinstance(choices, list) and choices else None
    if not isinstance(choice, dict):
        raise UpstreamInvalid(f"{model} answered without a choice. Try again; if it stays, choose another model with PLANNER_MODEL.")
    _raise_of(choice, model)
    message = choice.get("message")
    message = message if isinstance(message, dict) else {}
    refusal, finish = message.get("refusal"), choice.get("finish_reason")
    if finish == "content_filter" or (isinstance(refusal, str) and refusal.strip()):
        said = f": {_short(refusal)}" if isinstance(refusal, str) and refusal.strip() else " by its content filter"
        raise Refused(f"{model} declined to answer{said}. Word the request differently, or choose another model with PLANNER_MODEL.")
    text = _text_of(message.get("content"))
    usage = _usage(answer, model, seconds)
    if finish == "length":
        return Completion(text, None, usage, "the answer was cut off at its length limit: write less")
    try:
        return Completion(text, document_in(text), usage)
    except NotJson as error:
        return Completion(text, None, usage, str(error))


def _raise_of(choice: Mapping[str, Any], model: str) -> None:
    """OpenRouter reports a provider's failure in the middle of an answer inside a choice, under the status 200."""
    error = choice.get("error")
    if not error and choice.get("finish_reason") != "error":
        return
    said = error if isinstance(error, dict) else {}
    metadata = said.get("metadata")
    message = f" ({_short(said['message'])})" if isinstance(said.get("message"), str) else ""
    if isinstance(metadata, dict) and metadata.get("reasons"):
        raise Refused(f"{model}'s provider declined the request{message}. Word it differently, or choose another model with PLANNER_MODEL.")
    if said.get("code") in (401, 402):
        raise NotConnected(f"The provider of {model} does not accept the account{message}. Check the key and its credit.")
    raise Unavailable(f"The provider of {model} failed in the middle of its answer{message}. Try again in a moment.")


def _text_of(content: object) -> str:
    """A text, or the texts of a list of parts, as some servers answer."""
    if isinstance(content, str):
        return content
    parts = content if isinstance(content, list) else []
    return "".join(p["text"] for p in parts if isinstance(p, dict) and isinstance(p.get("text"), str))


def _usage(answer: Mapping[str, Any], model: str, seconds: float) -> Usage:
    found = answer.get("usage")
    usage = found if isinstance(found, dict) else {}
    cost, named = usage.get("cost"), answer.get("model")
    return Usage(
        model=named if isinstance(named, str) and named else model,
        input_tokens=_count(usage.get("prompt_tokens")),
        output_tokens=_count(usage.get("completion_tokens")),
        cost_usd=float(cost) if isinstance(cost, int | float) and not isinstance(cost, bool) and 0 <= cost < 1e6 else None,
        seconds=seconds,
    )


def _count(value: object) -> int | None:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**31 else None


def _short(text: object) -> str:
    return " ".join(str(text).split())[:300].rstrip(".")
