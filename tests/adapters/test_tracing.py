"""Spans, decoded from what arrives at a loopback collector; and collectors that do not answer, refuse or hang."""

import base64
import logging
from collections.abc import Iterator

import httpx
import pytest
from fastapi import APIRouter
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from tests.fakes.collector import Collector

from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.adapters.opentelemetry.tracing import Tracing, langfuse, otlp
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.web.face import Face, build_app
from planner_memory.web.health import HealthReport

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as running:
        yield running


def desk(database: Database) -> httpx.AsyncClient:
    router = APIRouter()

    @router.get("/things/{thing_id}")
    async def thing(thing_id: str) -> str:
        return thing_id

    async def health() -> HealthReport:
        return HealthReport({})

    keys = PostgresKeys(database)
    app = build_app("thing-desk", Face(keys, keys), health=health, routers=[], open_routers=[router])
    return httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://desk")


async def test_each_request_and_each_embedding_is_one_span(collector: Collector, database: Database) -> None:
    tracing = Tracing([otlp(collector.url)], version="0")
    tracing.install()
    present = trace.get_tracer_provider()
    if present is not tracing._provider:  # a process has one, and another test may have installed it
        assert isinstance(present, TracerProvider)
        present.add_span_processor(tracing._provider._active_span_processor)
    async with desk(database) as client:
        assert (await client.get("/things/7", headers={"traceparent": PARENT})).json() == "7"
        assert (await client.get("/health")).status_code == 200
        assert (await client.get("/metrics")).status_code == 200
    embedder = OnnxEmbedder()
    await embedder.embed(["one", "two"])
    await embedder.close()
    tracing.close()
    assert [path for path, _ in collector.requests] == ["/v1/traces"]
    request, embedding = collector.spans  # a probe of health or metrics is none
    assert (request.name, request.kind) == ("GET /things/{thing_id}", 2)
    assert (request.trace_id, request.parent_id) == (PARENT.split("-")[1], PARENT.split("-")[2])
    assert request.attributes["http.response.status_code"] == 200
    assert request.attributes["http.route"] == "/things/{thing_id}"
    assert request.attributes["service.name"] == "thing-desk"
    assert embedding.attributes["gen_ai.operation.name"] == "embeddings"
    assert embedding.attributes["gen_ai.request.model"] == embedder.name
    assert (embedding.attributes["gen_ai.embeddings.dimension.count"], embedding.attributes["planner_memory.texts"]) == (384, 2)


def traced(tracing: Tracing, *names: str) -> None:
    tracer = trace.get_tracer("test", tracer_provider=tracing._provider)
    for name in names:
        tracer.start_span(name).end()


def test_langfuse_and_a_collector_beside_it(collector: Collector) -> None:
    with Collector() as other:
        tracing = Tracing(
            [langfuse(collector.url + "/", "pk-1", "sk-2"), otlp(other.url, "x-team=red, x-half")], version="0", service="planner-engine"
        )
        traced(tracing, "a", "b")
        tracing.close()
        assert [s.name for s in other.spans] == ["a", "b"]
        assert other.requests[0][1]["x-team"] == "red"
    (path, headers) = collector.requests[0]
    assert path == "/api/public/otel/v1/traces"
    assert headers["authorization"] == "Basic " + base64.b64encode(b"pk-1:sk-2").decode()
    assert (headers["content-type"], headers["content-encoding"]) == ("application/x-protobuf", "gzip")
    assert [s.name for s in collector.spans] == ["a", "b"]
    assert collector.spans[0].resource["service.name"] == "planner-engine"
    assert "sk-2" not in repr(langfuse(collector.url, "pk-1", "sk-2"))


@pytest.mark.parametrize("status", [401, 400, 500])
async def test_a_collector_that_refuses_is_reported_once_and_harms_nothing(
    status: int, collector: Collector, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    collector.status = status
    tracing = Tracing([otlp(collector.url)], version="0", send_seconds=1)
    traced(tracing, *"ab")
    async with desk(database) as client:
        assert (await client.get("/things/7")).json() == "7"
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            tracing._provider.force_flush(1000)
            traced(tracing, "c")
        tracing.close()
    said = [r for r in caplog.records if r.name.startswith("opentelemetry.exporter")]
    assert len(said) == 1
    assert not collector.spans


def test_a_collector_that_hangs_is_not_waited_for(collector: Collector) -> None:
    collector.hold()
    tracing = Tracing([otlp(collector.url)], version="0", send_seconds=0.3)
    traced(tracing, *map(str, range(600)))  # more than a batch, so that it is sent at once
    assert collector.arrived.wait(20)
    traced(tracing, *map(str, range(5000)))  # more than the queue holds
    tracing.close()
    assert not collector.go_on.is_set()  # it hung until the end


def test_nobody_listens() -> None:
    tracing = Tracing([otlp("http://127.0.0.1:9")], version="0", send_seconds=0.3)
    traced(tracing, *map(str, range(600)))
    tracing.close()
