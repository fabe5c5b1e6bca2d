"""A gateway over a real database, asked through its HTTP face."""

import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import APIRouter

from planner_memory.adapters.documents.reader import ChildProcessReader
from planner_memory.adapters.in_process.cache import InProcessCache
from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.documents import PostgresDocuments
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.adapters.postgres.memories import PostgresMemories
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.memory_gateway.document_routes import router as document_router
from planner_memory.memory_gateway.document_service import Documents
from planner_memory.memory_gateway.measures import GatewayMeasures
from planner_memory.memory_gateway.routes import router
from planner_memory.memory_gateway.service import Gateway
from planner_memory.web.auth import hash_of
from planner_memory.web.face import Face, build_app
from planner_memory.web.metrics import Metrics

BASE = "/api/v1/memory"


@asynccontextmanager
async def gateway_over(
    database: Database, routers: Sequence[APIRouter] = (), state: Mapping[str, Any] | None = None, **parts: Any
) -> AsyncIterator[tuple[httpx.AsyncClient, Gateway]]:
    """An HTTP client with a key for every client (`k-all`), and the gateway behind it. `k-acme` is bound to the client acme."""
    keys = PostgresKeys(database)
    await keys.add_key("all", hash_of("k-all"))
    await keys.add_key("acme", hash_of("k-acme"), client_ids=("acme",))
    metrics = Metrics("memory-gateway")
    measures = GatewayMeasures(metrics, lambda: datetime.now(UTC))
    settings: dict[str, Any] = {
        "store": PostgresMemories(database),
        "vectors": None,
        "embedder": None,
        "cache": InProcessCache(max_bytes=10_000_000, clock=time.monotonic),
        "jobs": None,
        "profiles": PostgresProfiles(database, time_zone="Europe/Berlin"),
        "clock": lambda: datetime.now(UTC),
        "measures": measures,
    }
    gateway = Gateway(**{**settings, **parts})
    measures.watch(gateway.pending)
    app = build_app(
        "memory-gateway",
        Face(keys, keys),
        health=gateway.health,
        routers=[router, *routers],
        metrics=metrics,
        state={"gateway": gateway, **(state or {})},
    )
    headers = {"Authorization": "Bearer k-all"}
    try:
        async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://gateway", headers=headers) as client:
            yield client, gateway
    finally:
        await gateway.close()


@pytest.fixture
async def http(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """Without an index: words are looked up in PostgreSQL."""
    async with gateway_over(database) as (client, _):
        yield client


@pytest.fixture
async def both(database: Database) -> AsyncIterator[httpx.AsyncClient]:
    """The gateway with its documents, without an index."""
    store, reader = PostgresDocuments(database), ChildProcessReader()
    documents = Documents(store=store, reader=reader, vectors=None, embedder=None, clock=lambda: datetime.now(UTC))
    async with gateway_over(database, routers=[document_router], state={"documents": documents}) as (client, _):
        yield client


@pytest.fixture
def open_gateway(database: Database) -> Callable[..., Any]:
    return partial(gateway_over, database)


@pytest.fixture(scope="session")
def embedder() -> OnnxEmbedder:
    return OnnxEmbedder()


@pytest.fixture
async def vectors(tmp_path: Path, embedder: OnnxEmbedder) -> AsyncIterator[QdrantEdgeVectors]:
    opened = await QdrantEdgeVectors.open(tmp_path / "index", embedder.name, embedder.dimension)
    yield opened
    await opened.close()
