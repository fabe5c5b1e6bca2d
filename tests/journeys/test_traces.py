"""One plan, followed by its trace through planner, model, gateway and embedder, as it arrives at Langfuse's endpoint on loopback."""

import json
from pathlib import Path

import pytest
from tests.fakes.collector import Collector, Seen
from tests.fakes.openrouter_server import KEY, OpenRouterServer
from tests.journeys.product import up
from tests.planner_engine.answers import sop

INTENT = {"intent": "Send the June newsletter", "client_id": "acme"}


def named(spans: list[Seen], start: str) -> list[Seen]:
    return [s for s in spans if s.name.startswith(start)]


@pytest.mark.parametrize("content", ["false", "true"])
async def test_a_plan_is_one_trace_through_all_that_made_it(content: str, data_dir: Path) -> None:
    with OpenRouterServer(dimension=64) as vendor, Collector() as langfuse:
        vendor.say(sop())
        settings = {
            "OPENROUTER_API_KEY": KEY,
            "OPENROUTER_BASE_URL": vendor.base_url,
            "PLANNER_EMBEDDER": "openrouter",
            "PLANNER_EMBEDDING_DIMENSION": "64",
            "LANGFUSE_PUBLIC_KEY": "pk-journey",
            "LANGFUSE_SECRET_KEY": "sk-journey",
            "LANGFUSE_HOST": langfuse.url,
            "PLANNER_TRACE_CONTENT": content,
            "HTTP_PROXY": "http://127.0.0.1:9",  # for the web: what runs on this machine is reached past it
            "NO_PROXY": "",
        }
        with up(data_dir, **settings) as running:
            async with running.client() as client:
                answer = await client.post("/api/v1/planner/plan", json=INTENT)
                assert answer.status_code == 201, answer.text
                metrics = (await client.get("/metrics")).text
                assert (await client.get("/health")).json()["adapters"]["traces"] == "langfuse"
            log = running.log.read_text
        spans = langfuse.spans
    assert {path for path, _ in langfuse.requests} == {"/api/public/otel/v1/traces"}
    (plan,) = named(spans, "POST /api/v1/planner/plan")
    assert plan.attributes["service.name"] == "planner-engine"
    assert not plan.parent_id
    mine = [s for s in spans if s.trace_id == plan.trace_id]
    (chat,) = named(mine, "chat ")
    assert chat.parent_id == plan.span_id
    assert chat.attributes["gen_ai.request.model"] == "~anthropic/claude-sonnet-latest"
    assert chat.attributes["gen_ai.response.model"] == vendor.model
    assert chat.attributes["gen_ai.prompt.name"] == "sop_generator"
    assert chat.attributes["planner_memory.prompt.version"] == "v1"
    assert chat.attributes["planner_memory.plan_id"] == answer.json()["plan_id"]
    assert chat.attributes["planner_memory.client_id"] == "acme"
    assert min(chat.attributes[f"gen_ai.usage.{what}"] for what in ("input_tokens", "output_tokens", "cost")) > 0
    recalls = named(mine, "GET /api/v1/memory/recall")
    assert {r.parent_id for r in recalls} == {plan.span_id}
    assert {r.attributes["service.name"] for r in recalls} == {"memory-gateway"}
    embeddings = named(mine, "embeddings ")
    assert {e.parent_id for e in embeddings} <= {s.span_id for s in mine}
    assert embeddings
    assert all(e.attributes["gen_ai.usage.input_tokens"] > 0 and e.attributes["gen_ai.usage.cost"] > 0 for e in embeddings)
    assert not named(spans, "GET /health")
    assert ("newsletter" in json.dumps([s.attributes for s in spans])) is (content == "true")
    assert "planner_engine_model_tokens_total{" in metrics
    assert "memory_gateway_embedding_tokens_total{" in metrics
    assert "sk-journey" not in log()


async def test_a_collector_that_hangs_fails_and_delays_nothing(data_dir: Path) -> None:
    with Collector() as collector:
        collector.hold()
        with up(data_dir, OTEL_EXPORTER_OTLP_ENDPOINT=collector.url) as running:
            async with running.client() as client:
                answer = await client.post("/api/v1/planner/plan", json=INTENT)
                assert answer.status_code == 201, answer.text
            running.process.terminate()
            assert running.process.wait(60) == 0
        assert not collector.go_on.is_set()
