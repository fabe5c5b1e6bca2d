"""The Memory Gateway in numbers, beside mem0: `make bench-memory`, or `python -m benchmarks.memory [--full] [--json FILE] [--no-peer]`.

MEMORIES (100000) and CLIENTS (50) say how much, BATCH_MEMORIES (2000) how much is stored in batches, SERVER_MEMORIES (2000) how much in server mode,
PEER_MEMORIES (5000) how much beside mem0; DATA names a file in LoCoMo's form for recall@k, without it the questions about work of the tests
are asked. The stored vectors are drawn at random and written before the gateway starts, since reads take the same time; with `--full` every memory is
stored over HTTP and embedded, which takes half an hour, and memory use is that of such a load. Times are wall clock as a caller sees them; CPU is the
gateway process's own.
"""

import argparse
import asyncio
import itertools
import json
import os
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import numpy as np
from benchmarks.beside_mem0 import PEERS_PYTHON, QUESTIONS, beside_mem0
from benchmarks.gateway_process import Child, percentiles, say
from benchmarks.recall_quality import locomo, recall_at, work_set
from benchmarks.server_mode import server_mode
from benchmarks.work_texts import memories, questions

from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.adapters.pgserver.server import EmbeddedPostgres
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.memories import PostgresMemories
from planner_memory.adapters.postgres.migrations import migrate
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway.indexing import entries
from planner_memory.memory_gateway.requests import Draft, to_store

ROOT = Path(__file__).resolve().parent.parent
BASE = "/api/v1/memory"


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


def load(child: Child, bodies: list[Any]) -> dict[str, Any]:
    say(f"storing {len(bodies)} memories in batches, and waiting for the index")
    stored, searchable = child.loaded(bodies)
    return {
        "in_batches": len(bodies),
        "batch_per_s": round(len(bodies) / stored),
        "searchable_after_s": round(searchable, 1),
        "indexed_per_s": round(len(bodies) / searchable),
    }


async def draw(folder: Path, dsn: str, count: int, clients: int) -> None:
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


def show(report: dict[str, Any]) -> None:
    def line(name: str, *values: object) -> None:
        print(f"{name:38}" + "".join(f"{value!s:>22}" for value in values))

    def pace(of: dict[str, Any]) -> None:
        line(f"{of['in_batches']} in batches", f"{of['batch_per_s']} stored/s", f"{of['indexed_per_s']} indexed/s")
        line("all of them searchable after", f"{of['searchable_after_s']} s")

    def memory_use(name: str, memory: dict[str, float]) -> None:
        line(name, f"{memory['anonymous']} MB anonymous", f"{memory['resident']} MB resident")

    scale = report["scale"]
    line(f"{scale['memories']} memories of {scale['clients']} clients", "p50 ms", "p95 ms", "CPU ms")
    for name, key in (("recall", "recall"), ("recall, cached", "recall_cached"), ("remember, wait=none", "remember")):
        line(name, *scale[f"{key}_ms"], scale[f"{key}_cpu_ms"])
    pace(scale)
    line("one by one, the last searchable after", f"{scale['single_searchable_after_s']} s")
    for when in ("after_loading", "when_quiet", "after_recalls"):
        memory_use(f"memory {when.replace('_', ' ')}", scale[f"megabytes_{when}"])
    if "server_mode" in report:
        print()
        server = report["server_mode"]
        line(f"server mode, {server['memories']} memories")
        pace({"in_batches": server["memories"], **server})
        for when in ("started", "loaded", "after_recalls"):
            memory_use(f"memory {when.replace('_', ' ')}", server[f"megabytes_{when}"])
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
    parser.add_argument("--no-server", action="store_true", help="leave the server mode out")
    how = parser.add_mutually_exclusive_group()
    how.add_argument("--full", action="store_true", help="store and embed every memory over HTTP: half an hour")
    how.add_argument("--drawn", action="store_true", help="what is done without --full")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="pm-bench-"))
    os.chmod(folder, 0o755)  # noqa: PTH101 (PostgreSQL of a root user runs as another one)
    report: dict[str, Any] = {"load_average": os.getloadavg(), "cpus": os.cpu_count()}
    try:
        async with postgres(folder) as dsn:
            amount = int(os.environ.get("MEMORIES", "100000")), int(os.environ.get("CLIENTS", "50"))
            if not arguments.full:
                await draw(folder, dsn, *amount)
            child = await asyncio.to_thread(Child, folder, dsn)
            try:
                several = int(os.environ.get("BATCH_MEMORIES", "2000"))
                bodies = list(memories(*amount)) if arguments.full else list(memories(several, amount[1], seed=37))
                loaded = await asyncio.to_thread(load, child, bodies)
                report["scale"] = await asyncio.to_thread(at_scale, child, *amount, loaded)
                say("asking what is known")
                data = os.environ.get("DATA")
                asked = locomo(Path(data)) if data else work_set(ROOT / "tests" / "memory_gateway" / "data" / "work_memories.json")
                report["quality"] = await asyncio.to_thread(recall_at, child, *asked)
            finally:
                await asyncio.to_thread(child.stop)
            if not arguments.no_server:
                report["server_mode"] = await server_mode(folder, dsn, int(os.environ.get("SERVER_MEMORIES", "2000")))
        if not arguments.no_peer and PEERS_PYTHON.exists():
            peers = folder / "peers"
            peers.mkdir(mode=0o755)
            async with postgres(peers) as dsn:  # neither has anything but the memories that are compared
                await migrate(dsn)
                report["peer"] = await beside_mem0(peers, dsn, int(os.environ.get("PEER_MEMORIES", "5000")))
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    report["load_average_after"] = os.getloadavg()
    show(report)
    if arguments.json:
        arguments.json.write_text(json.dumps(report, indent=1))


if __name__ == "__main__":
    asyncio.run(main())
