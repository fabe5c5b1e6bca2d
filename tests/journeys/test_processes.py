"""Starting, stopping and being killed."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

import httpx
import psutil
from tests.journeys.product import command, environment, postmaster, up


async def test_ctrl_c_leaves_nothing_running_and_a_second_start_finds_everything(data_dir: Path) -> None:
    with up(data_dir) as running:
        async with running.client() as client:
            answer = await client.post("/api/v1/memory/remember", json={"content": "The rack key hangs behind the door."})
            assert answer.status_code == 201
        children = psutil.Process(running.process.pid).children(recursive=True)
        database = postmaster(data_dir)
        assert database is not None
        running.process.send_signal(signal.SIGINT)
        assert running.process.wait(40) == 0, running.log.read_text()[-3000:]
        assert postmaster(data_dir) is None
        assert not [child for child in children if child.is_running() and child.status() != psutil.STATUS_ZOMBIE]
    with up(data_dir, HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="") as running:  # a proxy for the web is not asked for this machine
        async with running.client() as client:
            found = (await client.get("/api/v1/memory/recall", params={"query": "where is the key of the rack?"})).json()
            assert found["results"][0]["content"] == "The rack key hangs behind the door."
            assert (await client.get("/health")).json()["dependencies"]["calendar"] == "up"
        assert "behind the door" in await command(data_dir, "recall", "where is the key of the rack?", HTTP_PROXY="http://127.0.0.1:9", NO_PROXY="")


async def test_a_second_all_in_one_says_who_holds_the_directory_and_exits(data_dir: Path) -> None:
    with up(data_dir) as running:
        start = [sys.executable, "-m", "planner_memory", "up", "--port", "0"]
        second = await asyncio.to_thread(subprocess.run, start, env=environment(data_dir), capture_output=True, text=True, timeout=60, check=False)
        assert second.returncode not in (0, -9)
        assert str(running.process.pid) in second.stderr
        assert "Traceback" not in second.stderr
        async with running.client() as client:
            assert (await client.get("/health")).status_code == 200


async def test_killed_while_it_writes_nothing_accepted_is_missing(data_dir: Path) -> None:
    accepted: dict[str, str] = {}

    async def write(client: httpx.AsyncClient, writer: int) -> None:
        for number in range(200):
            content = f"Note {number} of writer {writer}: ticket {writer * 1000 + number} is closed."
            try:
                answer = await client.post("/api/v1/memory/remember", params={"wait": "none"}, json={"content": content, "thread_id": f"w{writer}"})
            except httpx.TransportError:
                return
            if answer.status_code == 201:
                accepted[answer.json()["memory_id"]] = content

    with up(data_dir) as running:
        async with running.client() as client:
            writers = [asyncio.create_task(write(client, n)) for n in range(3)]
            while len(accepted) < 40:
                await asyncio.sleep(0.01)
            running.process.kill()
            await asyncio.gather(*writers)
    with up(data_dir) as running:
        async with running.client() as client:
            for memory_id in accepted:
                assert (await client.get(f"/api/v1/memory/memories/{memory_id}")).status_code == 200, memory_id
            for _ in range(300):
                if not (await client.get("/health")).json()["pending_index"]:
                    break
                await asyncio.sleep(0.1)
            for memory_id in (min(accepted), max(accepted)):
                found = (await client.get("/api/v1/memory/recall", params={"query": accepted[memory_id], "k": 5})).json()
                assert memory_id in [r["memory_id"] for r in found["results"]], accepted[memory_id]


async def test_open_addresses_need_a_chosen_key(data_dir: Path) -> None:
    env = environment(data_dir, PLANNER_HOST="0.0.0.0")
    del env["PLANNER_API_KEY"]
    command = [sys.executable, "-m", "planner_memory", "up", "--port", "0"]
    refused = await asyncio.to_thread(subprocess.run, command, env=env, capture_output=True, text=True, timeout=60, check=False)
    assert refused.returncode != 0
    assert "PLANNER_API_KEY" in refused.stderr
