"""The Memory Gateway in numbers, beside mem0: `make bench-memory`, or `python -m benchmarks.memory [--json FILE] [--no-peer]`.

MEMORIES (100000) and CLIENTS (50) say how much, PEER_MEMORIES (5000) how much beside mem0, DATA names a file in LoCoMo's form for recall@k;
without it the questions about work of the tests are asked. With `--drawn` the stored vectors are drawn at random instead of embedded, and the rows
are written before the gateway starts: minutes instead of half an hour, for the times of reads. Times are wall clock as a caller sees them; CPU is
the gateway process's own.
"""

import argparse
import asyncio
import http.client
import itertools
import json
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np
import psutil
from benchmarks.recall_quality import locomo, recall_at, work_set
from benchmarks.work_texts import memories, questions

from planner_memory.adapters.in_process.cache import InProcessCache
from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.adapters.pgserver.server import EmbeddedPostgres
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.memories import PostgresMemories
from planner_memory.adapters.postgres.migrations import migrate
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.core.tenancy import spanning, widen_to
from planner_memory.memory_gateway.indexing import entries
from planner_memory.memory_gateway.requests import Draft, Narrowing, to_store
from planner_memory.memory_gateway.service import Gateway

ROOT = Path(__file__).resolve().parent.parent
PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"
KEY = "pm_benchmark"
QUESTIONS = 500
BASE = "/api/v1/memory"


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def percentiles(taken: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(taken)
    return round(statistics.median(ordered), 2), round(ordered[int(len(ordered) * 0.95)], 2)


class Child:
    """A gateway process, and one connection to it that stays open."""

    def __init__(self, folder: Path, dsn: str) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        environment = os.environ | {
            "DATABASE_URL": dsn,
            "PLANNER_DATA_DIR": str(folder / "gateway"),
            "PLANNER_API_KEY": KEY,
            "PLANNER_PORT": str(self._port),
            "PLANNER_LOG_LEVEL": "warning",
        }
        self._log = (folder / "gateway.log").open("wb")
        command = [sys.executable, "-m", "planner_memory", "serve", "memory-gateway", "--port", str(self._port)]
        self._child = subprocess.Popen(command, env=environment, cwd=folder, stdout=self._log, stderr=self._log)
        self._process = psutil.Process(self._child.pid)
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        for _ in range(600):
            try:
                self.ask("GET", "/health")
                return
            except OSError:
                self._connection.close()
                if self._child.poll() is not None:
                    break
                time.sleep(0.1)
        self.stop()
        raise SystemExit((folder / "gateway.log").read_text())

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body)
        self._connection.request(method, path, sent, headers)
        answer = self._connection.getresponse()
        read = answer.read()
        if answer.status >= 400 and path != "/health":
            raise SystemExit(f"{method} {path.split('?')[0]} -> {answer.status}: {read[:500]!r}")
        return json.loads(read)

    def reconnect(self) -> None:
        """A connection that was idle for some seconds has been closed by the other side."""
        self._connection.close()

    def timed(self, calls: Sequence[tuple[str, str, Any]]) -> tuple[list[float], float]:
        """Milliseconds of each call, and the CPU milliseconds that the process spent on one of them."""
        taken, cpu = [], self._cpu()
        for method, path, body in calls:
            started = time.perf_counter()
            self.ask(method, path, body)
            taken.append((time.perf_counter() - started) * 1000)
        return taken, (self._cpu() - cpu) * 1000 / len(calls)

    def settled(self) -> float:
        """Seconds until everything is searchable."""
        started = last = time.monotonic()
        while pending := self.ask("GET", "/health")["pending_index"]:
            if time.monotonic() - last > 20:
                say(f"{pending} to be indexed")
                last = time.monotonic()
            time.sleep(0.5)
        return time.monotonic() - started

    def megabytes(self) -> dict[str, float]:
        """Resident, and the part of it that no file backs."""
        lines = Path(f"/proc/{self._child.pid}/smaps_rollup").read_text().splitlines() if sys.platform == "linux" else []
        kilobytes = {line.split(":")[0]: float(line.split()[1]) for line in lines[1:]}
        resident = self._process.memory_info().rss / 1e6
        return {"resident": round(resident), "anonymous": round(kilobytes.get("Anonymous", float("nan")) * 1024 / 1e6)}

    def _cpu(self) -> float:
        spent = self._process.cpu_times()
        return spent.user + spent.system

    def stop(self) -> None:
        self._connection.close()
        self._child.terminate()
        try:
            self._child.wait(30)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._log.close()


@asynccontextmanager
async def postgres(folder: Path) -> AsyncIterator[str]:
    server = EmbeddedPostgres(folder / "pg")
    dsn = await server.start()
    try:
        yield dsn
    finally:
        await server.stop()


def recalls(asked: Sequence[tuple[str, str]]) -> list[tuple[str, str, Any]]:
    return [("GET", f"{BASE}/recall?{urlencode({'query': text, 'client_id': client, 'k': 10})}", None) for client, text in asked]


def load(child: Child, count: int, clients: int) -> dict[str, Any]:
    say(f"storing {count} memories of {clients} clients")
    bodies = list(memories(count, clients))
    started = time.monotonic()
    for n in range(0, count, 500):
        child.ask("POST", f"{BASE}/remember/batch", {"memories": bodies[n : n + 500]})
    stored = time.monotonic() - started
    say(f"stored in {stored:.0f} s; waiting for the index")
    searchable = stored + child.settled()
    return {"batch_per_s": round(count / stored), "searchable_after_s": round(searchable, 1), "indexed_per_s": round(count / searchable)}


async def draw(folder: Path, dsn: str, count: int, clients: int) -> dict[str, Any]:
    """Writes the rows and their index without an embedder."""
    say(f"writing {count} memories of {clients} clients with random vectors")
    await migrate(dsn)
    model, chance, now = OnnxEmbedder(), np.random.default_rng(5), datetime.now(UTC)
    index = await QdrantEdgeVectors.open(folder / "gateway" / "vectors", model.name, model.dimension)
    database = Database(dsn)
    await database.open()
    bodies = memories(count, clients)
    with spanning("indexing"):
        while part := list(itertools.islice(bodies, 6 * 500)):
            rows = [to_store(Draft(**body), now, ZoneInfo("UTC")) for body in part]
            async with PostgresMemories(database).begin() as tx:
                await tx.add(rows)
            async with PostgresMemories(database).begin() as tx:
                stored = await tx.claim(first=[], limit=len(rows), lease_seconds=600)
            vectors = chance.standard_normal((len(rows), model.dimension)).astype(np.float32)
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
            listed = entries(stored, [], ZoneInfo("UTC"))
            await index.upsert([entry.point(vector) for entry, vector in zip(listed, vectors, strict=True)])
            async with PostgresMemories(database).begin() as tx:
                await tx.mark_indexed(stored)
    await index.close()
    await database.close()
    return {}


def at_scale(child: Child, count: int, clients: int, loaded: dict[str, Any]) -> dict[str, Any]:
    peak = child.megabytes()
    time.sleep(15)  # the index merges its segments when it is quiet
    child.reconnect()
    settled = child.megabytes()
    asked = list(questions(QUESTIONS, clients))
    child.timed(recalls(list(questions(30, clients, seed=3))))
    cold, cpu = child.timed(recalls(asked))
    cached, cached_cpu = child.timed(recalls(asked))
    say("remembering one by one")
    more = [("POST", f"{BASE}/remember?wait=none", b) for b in memories(200, clients, seed=99)]
    kept, kept_cpu = child.timed(more)
    return {
        "memories": count,
        "clients": clients,
        **loaded,
        "recall_ms": percentiles(cold),
        "recall_cpu_ms": round(cpu, 2),
        "recall_cached_ms": percentiles(cached),
        "recall_cached_cpu_ms": round(cached_cpu, 2),
        "remember_ms": percentiles(kept),
        "remember_cpu_ms": round(kept_cpu, 2),
        "single_searchable_after_s": round(child.settled(), 1),
        "megabytes_after_loading": peak,
        "megabytes_when_quiet": settled,
        "megabytes_after_recalls": child.megabytes(),
    }


class LookedUp:
    """An embedder over vectors that were made before."""

    name = "looked-up@1"

    def __init__(self, vectors: dict[str, Any], dimension: int) -> None:
        self._vectors, self.dimension = vectors, dimension

    async def embed(self, texts: Sequence[str]) -> Any:
        """A stored text comes dated and with its speaker; its vector is that of the bare text."""
        return np.stack([self._vectors[text.split("] ", 1)[-1]] for text in texts]) if texts else np.zeros((0, self.dimension), np.float32)

    async def check(self) -> None:
        return

    async def close(self) -> None:
        return


async def beside_mem0(folder: Path, dsn: str, count: int) -> dict[str, Any]:
    """The same texts, clients and vectors through both libraries, in their own process, one call after another."""
    clients = 10
    stored = [(b["client_id"], f"{n}: {b['content']}") for n, b in enumerate(memories(count, clients, seed=23))]
    asked = list(questions(QUESTIONS, clients, seed=29))
    later = [(b["client_id"], f"later {n}: {b['content']}") for n, b in enumerate(memories(QUESTIONS, clients, seed=31))]
    texts = [text for _, text in (*stored, *asked, *later)]
    say(f"embedding {len(texts)} texts for both")
    model = OnnxEmbedder()
    vectors = await model.embed(texts)
    await model.close()
    index = await QdrantEdgeVectors.open(folder / "index", LookedUp.name, model.dimension)
    database = Database(dsn)
    await database.open()
    widen_to("all-clients key")
    gateway = Gateway(
        store=PostgresMemories(database),
        vectors=index,
        embedder=LookedUp(dict(zip(texts, vectors, strict=True)), model.dimension),
        cache=InProcessCache(32_000_000, time.monotonic),
        jobs=None,
        profiles=PostgresProfiles(database, time_zone="UTC"),
        clock=lambda: datetime.now(UTC),
    )
    taken: dict[str, list[float]] = {"add": [], "search": [], "acknowledge": []}
    cpu: dict[str, float] = {}

    async def each(name: str, calls: Sequence[tuple[str, str]], call: Callable[[str, str], Any]) -> None:
        begun = time.process_time()
        for client, text in calls:
            started = time.perf_counter()
            await call(client, text)
            taken[name].append((time.perf_counter() - started) * 1000)
        cpu[name] = round((time.process_time() - begun) * 1000 / len(calls), 2)

    say("planner-memory: adding one by one, each waiting until it can be found")
    await each("add", stored, lambda client, text: gateway.remember(Draft(client, text), wait=True))
    await each("search", asked, lambda client, text: gateway.recall(text, client, Narrowing(), k=10))
    await each("acknowledge", later, lambda client, text: gateway.remember(Draft(client, text), wait=False))
    found = (await gateway.recall(asked[0][1], asked[0][0], Narrowing(), k=10))["total"]
    await gateway.close()
    await index.close()
    await database.close()
    ours = {f"{name}_ms": percentiles(taken[name]) for name in taken} | {f"{name}_cpu_ms": cpu[name] for name in cpu} | {"found": found}
    (folder / "work.json").write_text(json.dumps({"texts": texts, "memories": stored, "questions": asked}))
    np.save(folder / "vectors.npy", vectors)
    say("mem0: the same")
    command = [str(PEERS_PYTHON), str(Path(__file__).with_name("mem0_peer.py")), str(folder)]
    child = await asyncio.to_thread(subprocess.run, command, stdout=subprocess.PIPE, check=True)
    peer = json.loads(child.stdout)
    theirs = {key: percentiles(value) if isinstance(value, list) else round(value, 2) for key, value in peer.items()}
    return {"memories": count, "planner-memory": ours, "mem0ai (infer off, local Qdrant)": theirs}


def show(report: dict[str, Any]) -> None:
    def line(name: str, *values: object) -> None:
        print(f"{name:38}" + "".join(f"{value!s:>22}" for value in values))

    scale = report["scale"]
    line(f"{scale['memories']} memories of {scale['clients']} clients", "p50 ms", "p95 ms", "CPU ms")
    for name, key in (("recall", "recall"), ("recall, cached", "recall_cached"), ("remember, wait=none", "remember")):
        line(name, *scale[f"{key}_ms"], scale[f"{key}_cpu_ms"])
    for name, unit in (
        ("batch_per_s", "memories/s"),
        ("indexed_per_s", "memories/s"),
        ("searchable_after_s", "s"),
        ("single_searchable_after_s", "s"),
    ):
        if name in scale:
            line(name, f"{scale[name]} {unit}")
    for when in ("after_loading", "when_quiet", "after_recalls"):
        memory = scale[f"megabytes_{when}"]
        line(f"memory {when.replace('_', ' ')}", f"{memory['anonymous']} MB anonymous", f"{memory['resident']} MB resident")
    print()
    for name, numbers in report["quality"].items():
        line(name, *(f"{key} {value}" for key, value in numbers.items()))
    if "peer" in report:
        print()
        names = [name for name in report["peer"] if name != "memories"]
        line(
            f"{report['peer']['memories']} memories, the same vectors",
            "add p50 ms",
            "add p95 ms",
            "search p50 ms",
            "search p95 ms",
            "add / search CPU ms",
        )
        for name in names:
            numbers = report["peer"][name]
            if "acknowledge_ms" in numbers:
                line(f"{name}, not waiting", *numbers["acknowledge_ms"])
            line(name, *numbers["add_ms"], *numbers["search_ms"], f"{numbers['add_cpu_ms']} / {numbers['search_cpu_ms']}")


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--json", type=Path, help="write the numbers there too")
    parser.add_argument("--no-peer", action="store_true", help="leave mem0 out")
    parser.add_argument("--drawn", action="store_true", help="random vectors, written beforehand: for the times of reads")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pm-bench-"))
    os.chmod(folder, 0o755)  # noqa: PTH101 (PostgreSQL of a root user runs as another one)
    report: dict[str, Any] = {"load_average": os.getloadavg(), "cpus": os.cpu_count()}
    try:
        async with postgres(folder) as dsn:
            amount = int(os.environ.get("MEMORIES", "100000")), int(os.environ.get("CLIENTS", "50"))
            loaded = await draw(folder, dsn, *amount) if arguments.drawn else {}
            child = await asyncio.to_thread(Child, folder, dsn)
            try:
                loaded = loaded if arguments.drawn else await asyncio.to_thread(load, child, *amount)
                report["scale"] = await asyncio.to_thread(at_scale, child, *amount, loaded)
                say("asking what is known")
                data = os.environ.get("DATA")
                asked = locomo(Path(data)) if data else work_set(ROOT / "tests" / "memory_gateway" / "data" / "work_memories.json")
                report["quality"] = await asyncio.to_thread(recall_at, child, *asked)
            finally:
                await asyncio.to_thread(child.stop)
            if not arguments.no_peer and PEERS_PYTHON.exists():
                await migrate(dsn)
                report["peer"] = await beside_mem0(folder, dsn, int(os.environ.get("PEER_MEMORIES", "5000")))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report["load_average_after"] = os.getloadavg()
    show(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
