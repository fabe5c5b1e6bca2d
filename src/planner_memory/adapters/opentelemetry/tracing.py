"""Sends the spans that web/ opens to an OTLP collector. Without an endpoint nothing is set up and a span costs nothing."""

import structlog
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor

log = structlog.get_logger()


class Tracing:
    """Exports in a thread of its own, so that a collector that is down never slows a request."""

    def __init__(self, endpoint: str, *, version: str) -> None:
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
        self._provider = TracerProvider(resource=Resource.create({"service.name": "planner-memory", "service.version": version}))
        self._provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=2048))

    def install(self) -> None:
        """Makes it the process's tracer provider; a process has one."""
        trace.set_tracer_provider(self._provider)

    def close(self) -> None:
        """Sends what is left, for at most five seconds."""
        self._provider.force_flush(5000)
        self._provider.shutdown()
