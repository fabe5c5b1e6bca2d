"""The Planner Engine in numbers: `make bench-planner`, or `python benchmarks/planner.py [--json FILE]`.

A hundred plans without a model, one after the other and five at once, over the history of 2,000 runs; then five at once with a model on
loopback that takes MODEL_SECONDS (2) for its answer. Requests go through the whole HTTP application in this process, to a real PostgreSQL;
the memory answers at once. `service` is the planner's own process as it is deployed, with model, prompts and traces on: its resident memory
after 25 plans by the model and as many revisions.
"""

import argparse
import asyncio
import contextlib
import json
import logging
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psutil
import structlog
from planner_desk import Desk, database, desk

from planner_memory.adapters.in_process.metered_model import MeteredLanguageModel
from planner_memory.adapters.openrouter.language_model import OpenRouterLanguageModel
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.model_calls import PostgresModelLedger

sys.path.insert(0, str(Path(__file__).parents[1]))
from tests.fakes.openrouter_server import KEY, OpenRouterServer
from tests.fakes.scripted import slow

PLANS = 100
MODEL_SECONDS = float(os.environ.get("MODEL_SECONDS", "2"))
INTENTS = (
    "Onboard Acme as a new client by the end of next month",
    "Write a proposal for Globex, no step longer than two hours",
    "Build a 6-page website for Initech in 60 hours",
    "Run a half-day workshop on pricing for 12 people",
    "Publish the December newsletter by Friday",
    "Hire a junior designer before March",
    "Prepare the quarterly board report",
    "Move our invoices to the new accounting tool",
    "Paint the garden fence",
    "Organise the team offsite in May",
)


async def timed(work: Awaitable[Any]) -> float:
    began = time.perf_counter()
    await work
    return time.perf_counter() - began


async def with_history(made: Desk, runs: int) -> None:
    start = datetime.now(UTC) - timedelta(days=400)
    for first in range(0, runs, 50):
        await asyncio.gather(
            *(
                made.post(
                    "/execution-runs",
                    {
                        "task_id": f"past:{i}",
                        "started_at": (start + timedelta(hours=3 * i)).isoformat(),
                        "ended_at": (start + timedelta(hours=3 * i + 2)).isoformat(),
                        "estimated_hours": 1 + i % 7 / 2,
                        "actual_hours": 1.2 + i % 11 / 4,
                    },
                )
                for i in range(first, first + 50)
            )
        )


async def by_rules(store: Database) -> dict[str, Any]:
    async with desk(store) as made:
        await with_history(made, 2000)
        for intent in INTENTS:
            await made.post("/plan", {"intent": intent})
        alone = [await timed(made.post("/plan", {"intent": INTENTS[i % len(INTENTS)]})) for i in range(PLANS)]
        together: list[float] = []
        for i in range(PLANS // 5):
            together += await asyncio.gather(*(timed(made.post("/plan", {"intent": INTENTS[(i + j) % len(INTENTS)]})) for j in range(5)))
    return {"plans": PLANS, "alone": times(alone), "five_at_once": times(together)}


def steps_by_model() -> list[dict[str, Any]]:
    return [
        {
            "step_number": i,
            "title": f"Part {i} of the work",
            "description": "Do it.",
            "raw_hours": 2.5,
            "dependencies": [i - 1] if i > 1 else [],
            "energy": "medium",
            "billable": True,
            "deliverable": "A page",
        }
        for i in range(1, 9)
    ]


async def by_model(store: Database) -> dict[str, Any]:
    steps = steps_by_model()
    with OpenRouterServer(dimension=8) as vendor:
        adapter = OpenRouterLanguageModel(KEY, vendor.base_url, "~anthropic/claude-loopback")
        async with desk(store, MeteredLanguageModel(adapter, PostgresModelLedger(store))) as made:
            vendor.say(*[{"name": "A plan", "checklist": steps}] * 5)
            vendor.fail_next("/chat/completions", *[slow(MODEL_SECONDS)] * 5)
            each = await asyncio.gather(*(timed(made.post("/plan", {"intent": intent})) for intent in INTENTS[:5]))
        await adapter.close()
        return {"model_seconds": MODEL_SECONDS, "five_at_once": times(each), "most_model_calls_at_once": vendor.most_at_once}


async def as_deployed(dsn: str) -> dict[str, Any]:
    """The resident memory of `serve planner-engine`, which reaches no gateway and sends its spans to nobody."""
    with socket.socket() as probe, tempfile.TemporaryDirectory() as folder:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
        probe.close()
        with OpenRouterServer(dimension=8) as vendor:
            more = {
                "PLANNER_DATA_DIR": folder,
                "PLANNER_API_KEY": "benchmark-of-the-planner",
                "DATABASE_URL": dsn,
                "OPENROUTER_API_KEY": KEY,
                "OPENROUTER_BASE_URL": vendor.base_url,
                "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9",
                "PLANNER_LOG_LEVEL": "error",
            }
            command = [sys.executable, "-m", "planner_memory", "serve", "planner-engine", "--port", str(port)]
            process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **more}, stderr=asyncio.subprocess.DEVNULL)
            try:
                return await _used(process.pid, vendor, f"http://127.0.0.1:{port}")
            finally:
                process.terminate()
                await process.wait()


async def _used(pid: int, vendor: OpenRouterServer, url: str) -> dict[str, Any]:
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": "Bearer benchmark-of-the-planner"}, timeout=60) as client:
        for _ in range(300):
            with contextlib.suppress(httpx.TransportError):
                if (await client.get("/health")).status_code == 200:
                    break
            await asyncio.sleep(0.1)
        started = psutil.Process(pid).memory_info().rss / 1e6
        steps = steps_by_model()
        for i in range(25):
            vendor.say({"name": "A plan", "checklist": steps}, {"checklist": [{**s, "keeps": s["step_number"]} for s in steps[:-1]], "note": ""})
            plan = (await client.post("/api/v1/planner/plan", json={"intent": INTENTS[i % len(INTENTS)]})).json()
            answer = await client.post(f"/api/v1/planner/plans/{plan['plan_id']}/revise", json={"instruction": "Leave the last step out"})
            answer.raise_for_status()
        used = psutil.Process(pid).memory_info().rss / 1e6
    return {"started_mb": round(started), "rss_mb": round(used)}


def times(seconds: list[float]) -> dict[str, float]:
    ranks = statistics.quantiles(seconds, n=20, method="inclusive")
    return {"p50_ms": round(statistics.median(seconds) * 1000, 1), "p95_ms": round(ranks[-1] * 1000, 1), "max_ms": round(max(seconds) * 1000, 1)}


async def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--json", type=Path)
    options = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    async with database() as store:
        found = {"without_model": await by_rules(store), "with_model": await by_model(store), "service": await as_deployed(store.dsn)}
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found))


asyncio.run(main())
