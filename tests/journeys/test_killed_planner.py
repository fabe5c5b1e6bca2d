"""A planner that is killed after the model answered and before the plan is stored: nothing is lost, nothing is doubled, nothing is paid twice."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, LiteralString

import httpx
import psycopg
from tests.fakes.openrouter_server import KEY as VENDOR_KEY
from tests.fakes.openrouter_server import OpenRouterServer
from tests.journeys.product import KEY, answering, end, environment
from tests.planner_engine.answers import sop
from tests.servers import free_port

REQUEST = {"json": {"intent": "Write a proposal for Acme", "client_id": "acme"}, "headers": {"Idempotency-Key": "once"}}


@asynccontextmanager
async def planner(data_dir: Path, dsn: str, vendor: OpenRouterServer) -> AsyncIterator[tuple[subprocess.Popen[str], httpx.AsyncClient]]:
    port, log = free_port(), data_dir.parent / "planner.log"
    env = environment(data_dir, DATABASE_URL=dsn, OPENROUTER_API_KEY=VENDOR_KEY, OPENROUTER_BASE_URL=vendor.base_url)
    with log.open("a") as errors:
        command = [sys.executable, "-m", "planner_memory", "serve", "planner-engine", "--port", str(port)]
        process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=errors, text=True)
    url = f"http://127.0.0.1:{port}"
    try:
        await answering(url, [process], [log])
        async with httpx.AsyncClient(base_url=f"{url}/api/v1/planner", headers={"Authorization": f"Bearer {KEY}"}, timeout=60) as client:
            yield process, client
    finally:
        end(process)


async def killed_with_the_answer(process: subprocess.Popen[str], client: httpx.AsyncClient, dsn: str) -> None:
    """Asks for a plan and kills the planner when the ledger has the model's answer and the plan waits for its commit."""
    async with await psycopg.AsyncConnection.connect(dsn) as holding, await psycopg.AsyncConnection.connect(dsn, autocommit=True) as looking:
        await holding.execute("lock table plans in exclusive mode")  # reads go on, the new plan waits
        request = asyncio.create_task(client.post("/plan", **REQUEST))
        while await rows(looking, "select count(*) from model_calls where answer is not null") == [(0,)]:
            assert not request.done(), request.result().text
            await asyncio.sleep(0.02)
        process.kill()
        assert isinstance((await asyncio.gather(request, return_exceptions=True))[0], httpx.TransportError)
        await holding.rollback()
        assert await rows(looking, "select count(*) from plans") == [(0,)]
        # the claim of the process that died is waited for; here that time has passed
        await looking.execute("update idempotency_keys set created_at = created_at - interval '6 minutes'")


async def rows(connection: psycopg.AsyncConnection[Any], query: LiteralString) -> list[tuple[Any, ...]]:
    return await (await connection.execute(query)).fetchall()


async def test_killed_between_the_answer_and_the_plan(data_dir: Path, empty_dsn: str) -> None:
    with OpenRouterServer() as vendor:
        vendor.say(sop())
        async with planner(data_dir, empty_dsn, vendor) as (process, client):
            await killed_with_the_answer(process, client, empty_dsn)
        async with planner(data_dir, empty_dsn, vendor) as (_, client):
            answer = await client.post("/plan", **REQUEST)
            assert answer.status_code == 201, answer.text
            assert answer.json()["generator"] == "model"
            assert (await client.post("/plan", **REQUEST)).json() == answer.json()
            listed = (await client.get("/plans", params={"client_id": "acme"})).json()
            assert [p["plan_id"] for p in listed["plans"]] == [answer.json()["plan_id"]]
        assert len(vendor.requests["/chat/completions"]) == 1
    async with await psycopg.AsyncConnection.connect(empty_dsn) as looking:
        assert await rows(looking, "select count(*), count(answer), sum(cost_usd) > 0 from model_calls") == [(1, 0, True)]
