"""The memory under load while its process, its PostgreSQL, its Qdrant and its Valkey fail in turn: nothing accepted is lost, none is there twice."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import httpx
import pytest
from tests.journeys.product import KEY, answering, end, environment, postmaster, up
from tests.servers import QdrantServer, ValkeyServer, free_port

WRITERS = 3


class Load:
    """Writers that send each note until it is accepted, under one key, as a client does that cannot know what became of its request."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._stop = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []
        self.accepted: dict[str, str] = {}
        self.refused = 0

    def __enter__(self) -> "Load":
        self._tasks = [asyncio.create_task(self._write(n)) for n in range(WRITERS)]
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()

    async def grown_by(self, amount: int) -> None:
        """Waits until that many more notes are accepted."""
        goal = len(self.accepted) + amount
        async with asyncio.timeout(60):
            while len(self.accepted) < goal:
                await asyncio.sleep(0.02)

    async def finished(self) -> dict[str, str]:
        self._stop.set()
        await asyncio.gather(*self._tasks)
        return self.accepted

    async def _write(self, writer: int) -> None:
        headers = {"Authorization": f"Bearer {KEY}"}
        async with httpx.AsyncClient(base_url=self._url, headers=headers, timeout=10) as client:
            number = 0
            while not self._stop.is_set():
                number += 1
                note = f"Parcel {writer}{number:04} went to customer {chr(97 + number % 26)}{writer}."
                while not await self._sent(client, note, f"{writer}-{number}"):
                    await asyncio.sleep(0.1)

    async def _sent(self, client: httpx.AsyncClient, note: str, key: str) -> bool:
        body = {"content": note, "thread_id": f"parcels-{key.split('-')[0]}"}
        with suppress(httpx.TransportError):
            answer = await client.post("/api/v1/memory/remember", params={"wait": "none"}, json=body, headers={"Idempotency-Key": key})
            if answer.status_code in (201, 207):
                self.accepted[note] = answer.json()["memory_id"]
                return True
            assert answer.status_code in (409, 500, 503), answer.text
            if answer.status_code == 409:  # the first attempt died with its process and holds the key; its content is what tells repeats apart
                answer = await client.post("/api/v1/memory/remember", params={"wait": "none"}, json=body)
                if answer.status_code in (201, 207):
                    self.accepted[note] = answer.json()["memory_id"]
                    return True
        self.refused += 1
        return False


async def nothing_lost(url: str, accepted: dict[str, str]) -> None:
    async with httpx.AsyncClient(base_url=url, headers={"Authorization": f"Bearer {KEY}"}, timeout=30) as client:
        async with asyncio.timeout(90):
            while (await client.get("/health")).json().get("pending_index") != 0:
                await asyncio.sleep(0.2)
        listed: list[dict[str, str]] = []
        cursor = None
        while True:
            page = (await client.get("/api/v1/memory/memories", params={"limit": 100, **({"cursor": cursor} if cursor else {})})).json()
            listed += page["memories"]
            cursor = page["next_cursor"]
            if cursor is None:
                break
        contents = [m["content"] for m in listed]
        assert set(accepted) <= set(contents)
        assert len(contents) == len(set(contents))
        for note in list(accepted)[:: max(1, len(accepted) // 40)]:
            answer = (await client.get("/api/v1/memory/recall", params={"query": note, "k": 3})).json()
            assert not answer["degraded"]
            assert accepted[note] in [r["memory_id"] for r in answer["results"]], note


@pytest.mark.timeout(420)  # processes are started twice, and everything has to be searchable at the end
async def test_the_embedded_database_dies_under_load_and_comes_back(data_dir: Path) -> None:
    with up(data_dir) as running, Load(running.url) as load:
        await load.grown_by(30)
        for _ in range(2):
            database = postmaster(data_dir)
            assert database is not None
            os.kill(database.pid, signal.SIGKILL)
            await load.grown_by(30)
        accepted = await load.finished()
        await nothing_lost(running.url, accepted)


class Proxy:
    """Passes bytes on to a server until it is cut; then every connection breaks and none is taken."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.port = free_port()
        self._server: asyncio.Server | None = None
        self._open: set[asyncio.StreamWriter] = set()

    async def start(self) -> None:
        self._server = await asyncio.start_server(self._pass, "127.0.0.1", self.port)

    async def cut(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in list(self._open):
            writer.transport.abort()
        self._server = None

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self._to)
            self._open |= {writer, far_writer}
            await asyncio.gather(self._copy(reader, far_writer), self._copy(far_reader, writer))
            self._open -= {writer, far_writer}

    async def _copy(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError):
            while data := await reader.read(65_536):
                writer.write(data)
                await writer.drain()
        writer.close()


@asynccontextmanager
async def qdrant_behind_a_proxy() -> AsyncIterator[Proxy]:
    server = QdrantServer()
    proxy = Proxy(server.port)
    await proxy.start()
    try:
        yield proxy
    finally:
        if proxy._server is not None:
            await proxy.cut()
        server.kill()


@pytest.mark.timeout(420)
async def test_qdrant_valkey_and_the_process_itself_fail_under_load(data_dir: Path, empty_dsn: str, tmp_path: Path) -> None:
    valkey = ValkeyServer(tmp_path)
    valkey.start()
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    async with qdrant_behind_a_proxy() as qdrant:
        env = environment(data_dir, DATABASE_URL=empty_dsn, QDRANT_URL=f"http://127.0.0.1:{qdrant.port}", VALKEY_URL=valkey.url)
        log = tmp_path / "gateway.log"

        def start() -> subprocess.Popen[str]:
            command = [sys.executable, "-m", "planner_memory", "serve", "memory-gateway", "--port", str(port)]
            with log.open("a") as errors:
                return subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=errors, text=True)

        process = start()
        try:
            await answering(url, [process], [log])
            with Load(url) as load:
                await load.grown_by(20)
                await qdrant.cut()
                await load.grown_by(20)  # accepted while the index is away
                await qdrant.start()
                valkey.kill()
                await load.grown_by(20)
                valkey.start()
                await load.grown_by(10)
                process.kill()
                process.wait()
                process = start()
                await load.grown_by(20)
                accepted = await load.finished()
            await nothing_lost(url, accepted)
        finally:
            end(process)
            valkey.kill()
