"""The gateway as a server installation runs it: embeddings, index and cache elsewhere. What it costs itself: memory, and the pace of its batches.

The vendors are loopback stand-ins, the index of them pure Python: how fast they answer says nothing, so that no times of recalls are shown.
"""

import asyncio
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from benchmarks.gateway_process import Child, say
from benchmarks.work_texts import memories, questions
from tests.fakes.openrouter_server import KEY, OpenRouterServer
from tests.servers import QdrantServer, ValkeyServer

CLIENTS = 10
RECALLS = 200


async def server_mode(folder: Path, dsn: str, count: int) -> dict[str, Any]:
    """Stores `count` memories in batches, waits for the index, recalls; on the database at `dsn`, whose other rows are left alone."""
    with ExitStack() as stack:
        vendor = stack.enter_context(OpenRouterServer())
        qdrant, valkey = QdrantServer(), ValkeyServer(folder)
        stack.callback(qdrant.kill)
        valkey.start()
        stack.callback(valkey.kill)
        settings = {
            "PLANNER_DATA_DIR": str(folder / "server-mode"),
            "PLANNER_EMBEDDER": "openrouter",
            "OPENROUTER_API_KEY": KEY,
            "OPENROUTER_BASE_URL": vendor.base_url,
            "QDRANT_URL": qdrant.url,
            "VALKEY_URL": valkey.url,
        }
        child = await asyncio.to_thread(Child, folder, dsn, settings)
        try:
            return await asyncio.to_thread(_measured, child, count)
        finally:
            await asyncio.to_thread(child.stop)


def _measured(child: Child, count: int) -> dict[str, Any]:
    say(f"server mode: storing {count} memories in batches")
    started = child.megabytes()
    stored, searchable = child.loaded(list(memories(count, CLIENTS, seed=41)))
    loaded = child.megabytes()
    child.reconnect()
    paths = [f"/api/v1/memory/recall?{urlencode({'query': q, 'client_id': c, 'k': 10})}" for c, q in questions(RECALLS, CLIENTS, seed=43)]
    degraded = sum(bool(child.ask("GET", path)["degraded"]) for path in paths)
    if degraded:
        say(f"server mode: {degraded} of {RECALLS} recalls were degraded, since a stand-in took too long")
    return {
        "memories": count,
        "batch_per_s": round(count / stored),
        "indexed_per_s": round(count / searchable),
        "searchable_after_s": round(searchable, 1),
        "megabytes_started": started,
        "megabytes_loaded": loaded,
        "megabytes_after_recalls": child.megabytes(),
    }
