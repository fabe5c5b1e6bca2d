"""Embeddings by OpenRouter, or by any server that speaks its protocol."""

import asyncio
import base64
import binascii
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from opentelemetry import trace
from opentelemetry.trace import SpanKind, Status, StatusCode

from planner_memory.adapters.openrouter.client import OpenRouterClient
from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import NotConnected, PlannerMemoryError, Unavailable, UpstreamInvalid, UpstreamTimeout
from planner_memory.ports.embedder import Vectors

_BLANK = "(blank)"  # the vendors refuse an empty input
_WHAT_NEXT = "Try again; if it stays, choose another embedding model."


@dataclass(frozen=True, slots=True)
class EmbeddingUsage:
    """What one request cost, as the server says; `cost_usd` is None when it does not say."""

    model: str
    texts: int
    tokens: int
    cost_usd: float | None
    seconds: float


class OpenRouterEmbedder:
    """Fulfils Embedder by POST /embeddings, in batches, several at a time."""

    def __init__(
        self,
        api_key: str,
        base_url: str = "https://openrouter.ai/api/v1",
        model: str = "openai/text-embedding-3-small",
        dimension: int = 1536,
        *,
        batch_texts: int = 64,
        batch_characters: int = 100_000,
        longest_text_bytes: int = 8_000,
        concurrency: int = 4,
        limit_seconds: float = 30,
        attempt_seconds: float = 12,
        on_usage: Callable[[EmbeddingUsage], None] | None = None,
        clock: Clock = utc_now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`dimension` is what the model answers with; another length is refused.

        Texts are cut at `longest_text_bytes` of UTF-8: a byte-level BPE makes at most one token of a byte, so that the usual 8191 tokens are
        never exceeded in any script. `limit_seconds` holds for one batch with its retries.
        """
        self.name = f"openrouter:{model}:{dimension}"
        self.dimension = dimension
        self._model = model
        self._batch_texts = batch_texts
        self._batch_characters = batch_characters
        self._longest_text_bytes = longest_text_bytes
        self._on_usage = on_usage
        self._tracer = trace.get_tracer("planner_memory")
        self._client = OpenRouterClient(
            api_key, base_url, limit_seconds=limit_seconds, attempt_seconds=attempt_seconds, concurrency=concurrency, clock=clock, sleep=sleep
        )

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors, shape (len(texts), dimension), float32. All or nothing.

        Raises:
            NotConnected: the key is refused, or its credit is used up.
            Unavailable: no answer within the limit, 429 or 5xx after the retries, or an error inside an answer.
            UpstreamInvalid: a request that is refused, a missing row, or a vector of another length.
        """
        vectors = np.zeros((len(texts), self.dimension), dtype=np.float32)
        try:
            async with asyncio.TaskGroup() as group:
                for start, batch in self._batches(texts):
                    group.create_task(self._embed_batch(batch, vectors[start : start + len(batch)]))
        except ExceptionGroup as failed:  # the first failure has stopped the other batches
            raise failed.exceptions[0] from None
        return vectors

    async def check(self) -> None:
        """Asks what the key may still do, which costs nothing; of a server that does not know, asks for one vector."""
        try:
            answer = await self._client.call("GET", "/key", retries=False)
        except UpstreamTimeout as error:
            raise Unavailable(error.detail) from error
        except UpstreamInvalid:
            await self.embed(["check"])
            return
        data = answer.get("data")
        left = data.get("limit_remaining") if isinstance(data, dict) else None
        if isinstance(left, int | float) and left <= 0:
            raise NotConnected("The limit of the OpenRouter key is used up. Raise the key's limit or wait for its reset.")

    async def close(self) -> None:
        """Closes the connections. Safe to call twice; `embed` raises Unavailable afterwards."""
        await self._client.close()

    def _batches(self, texts: Sequence[str]) -> Iterator[tuple[int, list[str]]]:
        start, batch, size = 0, list[str](), 0
        for place, text in enumerate(texts):
            fitting = self._fitting(text)
            if batch and (len(batch) == self._batch_texts or size + len(fitting) > self._batch_characters):
                yield start, batch
                start, batch, size = place, [], 0
            batch.append(fitting)
            size += len(fitting)
        if batch:
            yield start, batch

    def _fitting(self, text: str) -> str:
        cut = text.encode("utf-8", "replace")[: self._longest_text_bytes].decode("utf-8", "ignore")
        return cut if cut.strip() else _BLANK

    async def _embed_batch(self, texts: list[str], into: Vectors) -> None:
        began = time.monotonic()
        with self._tracer.start_as_current_span(
            f"embeddings {self._model}", kind=SpanKind.CLIENT, attributes=self._asked(texts), record_exception=False, set_status_on_exception=False
        ) as span:
            try:
                answer = await self._client.call("POST", "/embeddings", {"model": self._model, "input": texts, "encoding_format": "base64"})
                into[:] = self._unit_rows(answer, len(texts))
            except PlannerMemoryError as error:
                span.set_status(Status(StatusCode.ERROR, error.title))
                span.set_attribute("error.type", type(error).__name__)
                if isinstance(error, UpstreamTimeout):
                    raise Unavailable(error.detail) from error
                raise
            usage = _usage(answer, self._model, len(texts), time.monotonic() - began)
            span.set_attributes({"gen_ai.response.model": usage.model, "gen_ai.usage.input_tokens": usage.tokens})
            if usage.cost_usd is not None:
                span.set_attribute("gen_ai.usage.cost", usage.cost_usd)
        if self._on_usage is not None:
            self._on_usage(usage)

    def _asked(self, texts: list[str]) -> dict[str, str | int]:
        """By the OpenTelemetry semantic conventions for generative AI; the number of texts has no name there."""
        return {
            "gen_ai.operation.name": "embeddings",
            "gen_ai.provider.name": "openrouter",
            "gen_ai.request.model": self._model,
            "gen_ai.embeddings.dimension.count": self.dimension,
            "planner_memory.texts": len(texts),
        }

    def _unit_rows(self, answer: dict[str, Any], count: int) -> Vectors:
        """The rows in the order of their index, whatever the order in which they came."""
        data = answer.get("data")
        rows: dict[int, NDArray[np.float32]] = {}
        for item in data if isinstance(data, list) else []:
            if not isinstance(item, dict) or not isinstance(item.get("index"), int):
                raise UpstreamInvalid(f"{self._model} answered with a row that has no index. {_WHAT_NEXT}")
            rows[item["index"]] = self._vector(item.get("embedding"))
        if rows.keys() != set(range(count)) or len(data or ()) != count:
            raise UpstreamInvalid(f"{self._model} answered {count} texts with {len(data or ())} rows that do not match them. {_WHAT_NEXT}")
        vectors = np.stack([rows[place] for place in range(count)])
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not (lengths > 0).all():
            raise UpstreamInvalid(f"{self._model} answered with a vector of length zero or with no numbers in it. {_WHAT_NEXT}")
        unit: Vectors = (vectors / lengths).astype(np.float32)
        return unit

    def _vector(self, embedding: object) -> NDArray[np.float32]:
        """From base64 of little-endian floats, or from a plain list, which some servers send whatever they are asked for."""
        try:
            if isinstance(embedding, str):
                vector = np.frombuffer(base64.b64decode(embedding, validate=True), dtype="<f4")
            else:
                vector = np.asarray(embedding, dtype=np.float32)
        except (binascii.Error, ValueError, TypeError) as error:
            raise UpstreamInvalid(f"{self._model} answered with an unreadable vector. {_WHAT_NEXT}") from error
        if vector.shape != (self.dimension,):
            found = vector.shape[0] if vector.ndim == 1 else "no"
            raise UpstreamInvalid(
                f"{self._model} answered with {found} numbers per text instead of {self.dimension}. Set the embedding dimension to that of the model."
            )
        return vector


def _usage(answer: dict[str, Any], model: str, texts: int, seconds: float) -> EmbeddingUsage:
    said = answer.get("usage")
    usage: dict[str, Any] = said if isinstance(said, dict) else {}
    tokens, cost, used = usage.get("total_tokens", usage.get("prompt_tokens")), usage.get("cost"), answer.get("model")
    return EmbeddingUsage(
        model=used if isinstance(used, str) else model,
        texts=texts,
        tokens=tokens if isinstance(tokens, int) else 0,
        cost_usd=float(cost) if isinstance(cost, int | float) else None,
        seconds=seconds,
    )
