"""Sends spans over OTLP/HTTP to Langfuse, to any collector, or to both. Without one nothing is set up and a span costs nothing."""

import base64
import logging
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http import Compression
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

_LOGGERS = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.common.http",
    "opentelemetry.sdk._shared_internal",
)
_LOG_EVERY_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Collector:
    """Where spans are sent: the full URL of its traces endpoint, and headers, which may hold a secret."""

    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)


def otlp(endpoint: str, headers: str = "") -> Collector:
    """A collector's base address, and its headers as `name=value,name=value`."""
    pairs = (pair.partition("=") for pair in headers.split(",") if "=" in pair)
    return Collector(f"{endpoint.rstrip('/')}/v1/traces", {name.strip().lower(): value.strip() for name, _, value in pairs})


def langfuse(host: str, public_key: str, secret_key: str) -> Collector:
    """Langfuse takes OTLP under a path of its own, by Basic authentication."""
    key = base64.b64encode(f"{public_key}:{secret_key}".encode()).decode()
    headers = {"authorization": f"Basic {key}", "x-langfuse-public-key": public_key, "x-langfuse-ingestion-version": "4"}
    return Collector(f"{host.rstrip('/')}/api/public/otel/v1/traces", headers)


class Tracing:
    """Exports in threads of its own, so that a collector that is down, slow or refuses never delays a request. A full queue drops spans."""

    def __init__(self, collectors: Sequence[Collector], *, version: str, service: str = "planner-memory", send_seconds: float = 5.0) -> None:
        """`send_seconds` is the most that one batch may take, and the most that `close` waits."""
        self._send_seconds = send_seconds
        self._provider = TracerProvider(resource=Resource.create({"service.name": service, "service.version": version}))
        for collector in collectors:
            exporter = OTLPSpanExporter(endpoint=collector.url, headers=dict(collector.headers), timeout=send_seconds, compression=Compression.Gzip)
            self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=2048))
        self._seldom = _Seldom()
        for name in _LOGGERS:
            logging.getLogger(name).addFilter(self._seldom)

    def install(self) -> None:
        """Makes it the process's tracer provider; a process has one."""
        trace.set_tracer_provider(self._provider)

    def close(self) -> None:
        """Sends what is left, for a bounded time: the library's own shutdown waits half a minute for a collector that hangs."""
        ending = threading.Thread(target=self._provider.shutdown, daemon=True)
        ending.start()
        ending.join(self._send_seconds)
        for name in _LOGGERS:
            logging.getLogger(name).removeFilter(self._seldom)


class _Seldom(logging.Filter):
    """The library reports every batch that it cannot send; once a minute is enough to know."""

    def __init__(self) -> None:
        super().__init__()
        self._quiet_until = float("-inf")

    def filter(self, record: logging.LogRecord) -> bool:
        now = time.monotonic()
        if now < self._quiet_until:
            return False
        self._quiet_until = now + _LOG_EVERY_SECONDS
        return True
