"""The product is killed while it writes to the calendar, at several moments: after the next start all of the schedule stands, or none of it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.fakes.cutting_proxy import CuttingProxy
from tests.journeys.product import Up, up

from planner_memory.adapters.radicale.server import EmbeddedRadicale

TASKS = [{"task_id": f"t{n}", "title": f"Task {n}", "estimated_minutes": 60} for n in range(10)]


@asynccontextmanager
async def started(data_dir: Path, more: dict[str, str]) -> AsyncIterator[Up]:
    """The product, started in a thread: the proxy has to answer it meanwhile."""
    product = up(data_dir, **more)
    running = await asyncio.to_thread(product.__enter__)
    try:
        yield running
    finally:
        await asyncio.to_thread(product.__exit__, None, None, None)


async def stands(client: httpx.AsyncClient) -> set[str]:
    """The ids of the blocks by the schedules, which are those of the product's own events in the calendar, each there once."""
    runs: list[dict[str, Any]] = (await client.get("/api/v1/scheduler/schedules", params={"limit": 200})).json()["schedules"]
    today = datetime.now(UTC).date()
    span = {"start": (today - timedelta(days=2)).isoformat(), "end": (today + timedelta(days=60)).isoformat()}
    events: list[dict[str, Any]] = (await client.get("/api/v1/scheduler/agenda", params=span)).json()["events"]
    own = sorted(e["event_id"] for e in events if e["is_own"])
    assert own == sorted(b["event_id"] for r in runs if r["status"] == "applied" for b in r["schedule_blocks"])
    return set(own)


@pytest.mark.timeout(400)
async def test_a_killed_product_leaves_all_of_a_schedule_or_none(data_dir: Path, tmp_path: Path) -> None:
    radicale = EmbeddedRadicale(tmp_path / "server", port=0)
    await radicale.start()
    grown: list[int] = []
    before: set[str] = set()
    try:
        async with CuttingProxy(radicale.url) as proxy:
            more = {"CALDAV_URL": proxy.url, "CALDAV_USERNAME": radicale.username, "CALDAV_PASSWORD": radicale.password}
            for request in (2, 16, 0):
                async with started(data_dir, more) as running:
                    pid = running.process.pid
                    async with running.client() as client:
                        after = await stands(client)
                        grown.append(len(after - before))
                        assert before <= after
                        before = after
                        if not request:
                            break
                        proxy.cut_at(request, "after", on_cut=lambda pid=pid: os.kill(pid, signal.SIGKILL))
                        with suppress(httpx.TransportError):
                            await client.post("/api/v1/scheduler/schedule", json={"tasks": TASKS})
                    assert await asyncio.to_thread(running.process.wait, 20) == -signal.SIGKILL
                logged = running.log.read_text()
                assert logged
                assert radicale.password not in logged
                assert proxy.url not in logged
                proxy.heal()
    finally:
        await radicale.stop()
    assert grown == [0, 0, 10]  # killed before anything was to be written, and in the middle of the writes
