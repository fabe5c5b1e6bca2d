"""Runs the product as a person does: real processes, in one and in four."""

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import psutil

KEY = "journey-key-of-this-test"
SERVICES = {"memory": "memory-gateway", "planner": "planner-engine", "scheduler": "scheduler-engine", "observer": "observer-agent"}


def environment(data_dir: Path, **more: str) -> dict[str, str]:
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("PLANNER_", "CALDAV_", "DATABASE_", "POSTGRES_"))}
    return {
        **kept,
        "PLANNER_DATA_DIR": str(data_dir),
        "PLANNER_API_KEY": KEY,
        "PLANNER_CALENDAR_PORT": "0",
        "PLANNER_TIME_ZONE": "Europe/Berlin",
        **more,
    }


def postmaster(data_dir: Path) -> psutil.Process | None:
    """The embedded PostgreSQL of the data directory, if it runs."""
    for pid_file in data_dir.glob("*/postmaster.pid"):
        with suppress(psutil.Error, ValueError, IndexError):
            process = psutil.Process(int(pid_file.read_text().split()[0]))
            if "postgres" in process.name():
                return process
    return None


def end_leftovers(data_dir: Path) -> None:
    found = postmaster(data_dir)
    if found is not None:
        found.send_signal(signal.SIGINT)
        with suppress(psutil.TimeoutExpired):
            found.wait(10)


async def command(data_dir: Path, *arguments: str, status: int = 0, **more: str) -> str:
    """Runs a command to its end and returns its standard output, or its standard error where a refusal is asked for."""
    call = [sys.executable, "-m", "planner_memory", *arguments]
    done = await asyncio.to_thread(subprocess.run, call, env=environment(data_dir, **more), capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr[-3000:]
    return done.stdout if status == 0 else done.stderr


@dataclass
class Up:
    """A running all-in-one."""

    process: subprocess.Popen[str]
    said: dict[str, Any]  # on its first line
    log: Path

    @property
    def url(self) -> str:
        url: str = self.said["url"]
        return url

    def client(self) -> httpx.AsyncClient:
        return httpx.AsyncClient(base_url=self.url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60)


@contextmanager
def up(data_dir: Path, **more: str) -> Iterator[Up]:
    """Runs `planner-memory up` until the block ends; then SIGTERM, and SIGKILL only if that does not help."""
    data_dir.parent.mkdir(exist_ok=True)
    log = data_dir.parent / f"up-{time.monotonic_ns()}.log"
    with log.open("w") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "planner_memory", "up", "--port", "0", "--json"],
            env=environment(data_dir, **more),
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, f"it did not start:\n{log.read_text()[-4000:]}"
        yield Up(process, json.loads(line), log)
    finally:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(40)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    if process.stdout is not None:
        process.stdout.close()


@dataclass
class Product:
    """Where each service answers; the same address four times in the all-in-one."""

    urls: dict[str, str]
    clients: dict[str, httpx.AsyncClient] = field(default_factory=dict)

    async def searchable(self) -> None:
        """Waits until everything accepted can be found: a batch does not wait for its index."""
        while (await self.clients["memory"].get("/health")).json()["pending_index"] != 0:
            await asyncio.sleep(0.05)

    async def call(self, method: str, path: str, *, status: int | tuple[int, ...] = (200, 201), **more: object) -> dict[str, object]:
        service = path.split("/")[3]
        answer = await self.clients[service].request(method, path, **more)  # type: ignore[arg-type]
        allowed = (status,) if isinstance(status, int) else status
        assert answer.status_code in allowed, f"{method} {path} -> {answer.status_code}: {answer.text[:2000]}"
        return answer.json()


async def answering(url: str, processes: list[subprocess.Popen[str]], logs: list[Path]) -> None:
    async with httpx.AsyncClient() as client:
        for _ in range(1_200):  # two minutes: a machine that is busy with other things takes long to start a process
            with suppress(httpx.TransportError):
                if (await client.get(f"{url}/health")).status_code == 200:
                    return
            dead = [log for process, log in zip(processes, logs, strict=True) if process.poll() is not None]
            assert not dead, dead[0].read_text()[-4000:]
            await asyncio.sleep(0.1)
    raise AssertionError(f"{url} did not get healthy:\n" + "\n".join(log.read_text()[-1500:] for log in logs))


async def opened(urls: dict[str, str]) -> AsyncIterator[Product]:
    clients = {name: httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=60) for name, url in urls.items()}
    try:
        yield Product(urls, clients)
    finally:
        for client in clients.values():
            await client.aclose()
