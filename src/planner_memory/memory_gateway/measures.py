"""The gateway's own metrics beside the requests: cache hits and misses, the pending index and its oldest age."""

import math
from collections.abc import Awaitable, Callable
from datetime import datetime

from prometheus_client import Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from planner_memory.core.clock import Clock
from planner_memory.core.errors import PlannerMemoryError
from planner_memory.memory_gateway.answers import Counts
from planner_memory.ports.memories import Pending
from planner_memory.web.metrics import Metrics

Source = Callable[[], Awaitable[Pending]]


class GatewayMeasures(Collector):
    """What waits for the index is looked up when somebody scrapes; not a number when PostgreSQL does not say."""

    def __init__(self, metrics: Metrics, clock: Clock) -> None:
        self.counts = Counts()
        self._clock = clock
        self._sources: list[Source] = []
        self._pending = Gauge("memory_gateway_pending_index", "Committed rows that are not searchable yet", registry=metrics.registry)
        self._oldest = Gauge("memory_gateway_pending_index_oldest_seconds", "Age of the oldest of them", registry=metrics.registry)
        metrics.registry.register(self)
        metrics.before_scrape(self._look_up)

    def watch(self, pending: Source) -> None:
        """Counts these rows too."""
        self._sources.append(pending)

    async def _look_up(self) -> None:
        count, oldest = 0, list[datetime]()
        try:
            for source in self._sources:
                found = await source()
                count += found.count
                oldest += [found.oldest_at] if found.oldest_at else []
        except PlannerMemoryError:
            self._pending.set(math.nan)
            self._oldest.set(math.nan)
            return
        self._pending.set(count)
        self._oldest.set(max(0.0, (self._clock() - min(oldest)).total_seconds()) if oldest else 0)

    def collect(self) -> list[CounterMetricFamily]:
        hits = CounterMetricFamily("memory_gateway_cache_hits", "Recalls answered from the cache", value=self.counts.hits)
        misses = CounterMetricFamily("memory_gateway_cache_misses", "Recalls that had to search", value=self.counts.misses)
        return [hits, misses]
