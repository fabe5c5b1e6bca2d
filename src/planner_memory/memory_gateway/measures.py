"""The gateway's own metrics beside the requests: cache hits and misses, the pending index and its oldest age."""

from prometheus_client import CollectorRegistry, Gauge
from prometheus_client.core import CounterMetricFamily
from prometheus_client.registry import Collector

from planner_memory.memory_gateway.answers import Counts


class GatewayMeasures(Collector):
    def __init__(self, registry: CollectorRegistry) -> None:
        self.counts = Counts()
        self.pending = Gauge("memory_gateway_pending_index", "Committed rows that are not searchable yet", registry=registry)
        self.oldest = Gauge("memory_gateway_pending_index_oldest_seconds", "Age of the oldest of them", registry=registry)
        registry.register(self)

    def collect(self) -> list[CounterMetricFamily]:
        hits = CounterMetricFamily("memory_gateway_cache_hits", "Recalls answered from the cache", value=self.counts.hits)
        misses = CounterMetricFamily("memory_gateway_cache_misses", "Recalls that had to search", value=self.counts.misses)
        return [hits, misses]
