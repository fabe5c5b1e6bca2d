"""Add and search of the gateway and of mem0ai, on the same texts and vectors, each in a process of its own and without HTTP."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from benchmarks.gateway_process import percentiles, say
from benchmarks.work_texts import memories, questions

from planner_memory.adapters.in_process.cache import InProcessCache
from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.memories import PostgresMemories
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.core.tenancy import widen_to
from planner_memory.memory_gateway.requests import Draft, Narrowing
from planner_memory.memory_gateway.service import Gateway

PEERS_PYTHON = Path(__file__).resolve().parent.parent / ".venv-peers" / "bin" / "python"
QUESTIONS = 500


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
    gateway.open()
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
