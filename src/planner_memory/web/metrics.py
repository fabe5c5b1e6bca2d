"""Prometheus metrics of one service: requests and their duration, and whatever the service adds to `registry`."""

from collections.abc import Awaitable, Callable

from prometheus_client import CollectorRegistry, Counter, Histogram
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

__all__ = ["CONTENT_TYPE_LATEST", "Metrics"]


class Metrics:
    def __init__(self, service: str) -> None:
        self.prefix = prefix = service.replace("-", "_")
        self.registry = CollectorRegistry()
        self._refreshes: list[Callable[[], Awaitable[None]]] = []
        self._requests = Counter(f"{prefix}_requests", "Requests answered", ["method", "route", "status"], registry=self.registry)
        self._duration = Histogram(
            f"{prefix}_request_duration_seconds",
            "Time from request to last byte",
            ["method", "route"],
            registry=self.registry,
            buckets=(0.003, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30),
        )

    def observe(self, method: str, route: str, status: int, seconds: float) -> None:
        self._requests.labels(method, route, str(status)).inc()
        self._duration.labels(method, route).observe(seconds)

    def before_scrape(self, refresh: Callable[[], Awaitable[None]]) -> None:
        """Called before every answer of /metrics, for gauges that have to be looked up. It must not raise."""
        self._refreshes.append(refresh)

    async def scraped(self) -> bytes:
        for refresh in self._refreshes:
            await refresh()
        return generate_latest(self.registry)
