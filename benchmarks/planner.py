"""The Planner Engine in numbers: `make bench-planner`, or `python benchmarks/planner.py [--json FILE]`.

A hundred plans without a model, one after the other and five at once, over the history of 2,000 runs; then five at once with a model on
loopback that takes MODEL_SECONDS (2) for its answer. Requests go through the whole HTTP application in this process, to a real PostgreSQL;
the memory answers at once. `rss_mb` is this process with everything that the planner loads, without PostgreSQL.
"""

import argparse
import asyncio
import json
import logging
import os
import statistics
import sys
import time
from collections.abc import Awaitable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

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
        memory = psutil.Process().memory_info().rss / 1e6
    return {"plans": PLANS, "alone": times(alone), "five_at_once": times(together), "rss_mb": round(memory)}


async def by_model(store: Database) -> dict[str, Any]:
    steps = [
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
    with OpenRouterServer(dimension=8) as vendor:
        adapter = OpenRouterLanguageModel(KEY, vendor.base_url, "~anthropic/claude-loopback")
        async with desk(store, MeteredLanguageModel(adapter, PostgresModelLedger(store))) as made:
            vendor.say(*[{"name": "A plan", "checklist": steps}] * 5)
            vendor.fail_next("/chat/completions", *[slow(MODEL_SECONDS)] * 5)
            each = await asyncio.gather(*(timed(made.post("/plan", {"intent": intent})) for intent in INTENTS[:5]))
        await adapter.close()
        return {"model_seconds": MODEL_SECONDS, "five_at_once": times(each), "most_model_calls_at_once": vendor.most_at_once}


def times(seconds: list[float]) -> dict[str, float]:
    ranks = statistics.quantiles(seconds, n=20, method="inclusive")
    return {"p50_ms": round(statistics.median(seconds) * 1000, 1), "p95_ms": round(ranks[-1] * 1000, 1), "max_ms": round(max(seconds) * 1000, 1)}


async def main() -> None:
    asked = argparse.ArgumentParser(description=__doc__)
    asked.add_argument("--json", type=Path)
    options = asked.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    async with database() as store:
        found = {"without_model": await by_rules(store), "with_model": await by_model(store)}
    print(json.dumps(found, indent=2))
    if options.json:
        options.json.write_text(json.dumps(found))


asyncio.run(main())
