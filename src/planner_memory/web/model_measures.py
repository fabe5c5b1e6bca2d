"""A service's own metrics beside the requests: tokens, cost and duration of every call of a language or embedding model."""

from prometheus_client import Counter, Histogram

from planner_memory.ports.language_model import ModelCall
from planner_memory.web.metrics import Metrics


class ModelMeasures:
    """`observed` takes each call as it is made; prompts and models are labels, clients are not, since they are without number."""

    def __init__(self, metrics: Metrics) -> None:
        prefix, registry = metrics.prefix, metrics.registry
        labels = ["model", "prompt"]
        self._calls = Counter(f"{prefix}_model_calls", "Calls of a language model", [*labels, "outcome"], registry=registry)
        self._tokens = Counter(f"{prefix}_model_tokens", "Tokens sent and answered", [*labels, "direction"], registry=registry)
        self._cost = Counter(f"{prefix}_model_cost_usd", "US dollars as the vendor says", labels, registry=registry)
        self._seconds = Histogram(
            f"{prefix}_model_duration_seconds",
            "From request to answer, retries included",
            labels,
            registry=registry,
            buckets=(0.25, 0.5, 1, 2, 4, 8, 12, 16, 24, 32),
        )

    def observed(self, call: ModelCall) -> None:
        self._calls.labels(call.model, call.prompt_name, call.outcome).inc()
        self._tokens.labels(call.model, call.prompt_name, "input").inc(call.input_tokens or 0)
        self._tokens.labels(call.model, call.prompt_name, "output").inc(call.output_tokens or 0)
        self._cost.labels(call.model, call.prompt_name).inc(call.cost_usd or 0.0)
        self._seconds.labels(call.model, call.prompt_name).observe(call.seconds)


class EmbeddingMeasures:
    """`observed` takes each request to an embedding model outside."""

    def __init__(self, metrics: Metrics) -> None:
        prefix, registry = metrics.prefix, metrics.registry
        self._texts = Counter(f"{prefix}_embedding_texts", "Texts embedded", ["model"], registry=registry)
        self._tokens = Counter(f"{prefix}_embedding_tokens", "Tokens sent", ["model"], registry=registry)
        self._cost = Counter(f"{prefix}_embedding_cost_usd", "US dollars as the vendor says", ["model"], registry=registry)
        self._seconds = Histogram(
            f"{prefix}_embedding_duration_seconds",
            "From request to answer, retries included",
            ["model"],
            registry=registry,
            buckets=(0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32),
        )

    def observed(self, model: str, texts: int, tokens: int, cost_usd: float | None, seconds: float) -> None:
        self._texts.labels(model).inc(texts)
        self._tokens.labels(model).inc(tokens)
        self._cost.labels(model).inc(cost_usd or 0.0)
        self._seconds.labels(model).observe(seconds)
