"""The memory gateway and what it stands on: index, embedder, cache, documents, the second memory."""

import asyncio
import importlib
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast
from zoneinfo import ZoneInfo

from planner_memory.adapters.documents.reader import ChildProcessReader
from planner_memory.adapters.in_process.cache import InProcessCache
from planner_memory.adapters.mem0.second_memory import Mem0SecondMemory
from planner_memory.adapters.openrouter.embedder import OpenRouterEmbedder
from planner_memory.adapters.postgres.documents import PostgresDocuments
from planner_memory.adapters.postgres.followups import PostgresFollowUps
from planner_memory.adapters.postgres.index_home import PostgresIndexHome
from planner_memory.adapters.postgres.memories import PostgresMemories
from planner_memory.adapters.qdrant.collections import setup_collections
from planner_memory.adapters.qdrant.vectors import QdrantVectors
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.adapters.valkey.cache import ValkeyCache
from planner_memory.core.errors import IndexOutdated, NotStarted, Unavailable
from planner_memory.core.local_time import zone
from planner_memory.core.tenancy import spanning
from planner_memory.memory_gateway.copying import Copier
from planner_memory.memory_gateway.current_search import CurrentSearch, SearchPair
from planner_memory.memory_gateway.document_service import Documents
from planner_memory.memory_gateway.echoes import Echoes
from planner_memory.memory_gateway.measures import GatewayMeasures
from planner_memory.memory_gateway.reindexing import EmbedderKind, Places, Reindexer
from planner_memory.memory_gateway.service import Gateway
from planner_memory.ports.cache import Cache
from planner_memory.ports.embedder import Embedder, Vectors
from planner_memory.ports.vectors import VectorIndex
from planner_memory.settings import Settings
from planner_memory.web.metrics import Metrics
from planner_memory.web.model_measures import EmbeddingMeasures
from planner_memory.wiring.platform import Platform


class _WordsOnly:
    """Stands for no embedder where an index says which one filled it; the gateway itself is then given none."""

    name = "none"
    dimension = 1

    async def embed(self, texts: Sequence[str]) -> Vectors:
        raise Unavailable("No embedder is configured. Set PLANNER_EMBEDDER to local or openrouter and run `planner-memory reindex`.")

    async def check(self) -> None:
        """Nothing to check."""


class _Former:
    """Stands for the embedder that filled an older index, which answers by words until a new one takes its place."""

    def __init__(self, name: str, dimension: int) -> None:
        self.name = name
        self.dimension = dimension

    async def embed(self, texts: Sequence[str]) -> Vectors:
        raise Unavailable("The search index is being built anew for another version of the embedder.")

    async def check(self) -> None:
        await self.embed(())


def _local_embedder(threads: int = 1) -> Any:
    """Its library takes 20 MB, which a process that has its embeddings made elsewhere need not carry."""
    return importlib.import_module("planner_memory.adapters.onnx.embedder").OnnxEmbedder(threads=threads)


async def _embedder(platform: Platform, kind: EmbedderKind, measures: EmbeddingMeasures) -> Embedder:
    settings = platform.settings
    if kind == "none":
        return _WordsOnly()
    if kind == "local":
        local = _local_embedder(settings.embedder_threads)
        platform.stack.push_async_callback(local.close)
        return cast(Embedder, local)
    if settings.openrouter_api_key is None:
        raise NotStarted("The embedder openrouter needs OPENROUTER_API_KEY. Set it, or use the local model (PLANNER_EMBEDDER=local).")
    remote = OpenRouterEmbedder(
        settings.openrouter_api_key.get_secret_value(),
        settings.openrouter_base_url,
        settings.embedding_model,
        settings.embedding_dimension,
        on_usage=lambda used: measures.observed(used.model, used.texts, used.tokens, used.cost_usd, used.seconds),
    )
    platform.stack.push_async_callback(remote.close)
    return remote


async def _search_pair(platform: Platform, embedder: Embedder, location: str, *, rebuild: bool = False) -> SearchPair:
    """Embedder and index at a location: a folder beside the first, or a prefix of the collections' names."""
    settings = platform.settings
    vectors: VectorIndex
    if settings.qdrant_url is None:
        vectors = await QdrantEdgeVectors.open(_folder(platform, location), embedder.name, embedder.dimension, rebuild=rebuild)
    else:
        key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
        prefix = f"{location}-" if location else ""
        vectors = await QdrantVectors.open(settings.qdrant_url, embedder.name, embedder.dimension, api_key=key, prefix=prefix, rebuild=rebuild)
    return SearchPair(embedder, vectors)


async def _all_due(memories: PostgresMemories, documents: PostgresDocuments) -> None:
    with spanning("reindexing"):
        async with memories.begin() as tx:
            await tx.mark_all_pending()
        async with documents.begin() as chunks:
            await chunks.mark_all_pending()


async def _discard(platform: Platform, location: str, pair: SearchPair) -> None:
    """Closes an index that is in use no more. In the process its folder goes too; on a server its collections are emptied."""
    if platform.settings.qdrant_url is not None:
        await pair.vectors.clear()
    await pair.vectors.close()
    if platform.settings.qdrant_url is None:
        await asyncio.to_thread(shutil.rmtree, _folder(platform, location), ignore_errors=True)


def _folder(platform: Platform, location: str) -> Path:
    return platform.data.path / (f"vectors-{location}" if location else "vectors")


def _remove_unfinished(platform: Platform, location: str) -> None:
    """What a process that was killed while it built an index left behind. Whoever has the index in use open is the only one to build another."""
    for each in set(platform.data.path.glob("vectors*")) - {_folder(platform, location)}:
        shutil.rmtree(each, ignore_errors=True)


async def _renewable(platform: Platform, location: str, outdated: IndexOutdated) -> SearchPair:
    """The older index, to be searched by its words meanwhile, when another version of our own model filled it: building it anew costs nobody
    money and no other process has it open. Else raises what it was given."""
    settings = platform.settings
    if settings.embedder != "local" or settings.qdrant_url is not None or outdated.filled_by is None:
        raise outdated
    name, dimension = outdated.filled_by
    if name == _WordsOnly.name or name.startswith("openrouter:"):
        raise outdated
    return await _search_pair(platform, _Former(name, dimension), location)


def _cache(platform: Platform) -> Cache:
    settings = platform.settings
    if settings.valkey_url is None:
        return InProcessCache(settings.cache_megabytes * 1_000_000, time.monotonic)
    valkey = ValkeyCache(settings.valkey_url.get_secret_value())
    platform.stack.push_async_callback(valkey.close)
    return valkey


def _second_memory(platform: Platform) -> Mem0SecondMemory | None:
    settings = platform.settings
    if settings.mem0_api_key is None:
        return None
    second = Mem0SecondMemory(settings.mem0_api_key.get_secret_value(), settings.mem0_base_url)
    platform.stack.push_async_callback(second.close)
    platform.adapters["second memory"] = "mem0"
    return second


@dataclass(frozen=True, slots=True)
class Memories:
    """What the memory gateway serves; all of it shares one index and one embedder."""

    gateway: Gateway
    documents: Documents
    reindexer: Reindexer


async def open_gateway(platform: Platform, metrics: Metrics, *, rebuild: bool = False, renew: bool = False) -> Memories:
    """Opens the memory. `rebuild` throws the index away and makes everything due for indexing again. `renew` opens an index that another version
    of the local model filled, too, and builds a new one in the background.

    Raises:
        NotStarted: the index was filled by another embedder than the configured one; the message names `planner-memory reindex`.
    """
    settings = platform.settings
    home, store = PostgresIndexHome(platform.database), PostgresMemories(platform.database)
    measures = EmbeddingMeasures(metrics)
    location, chosen, is_outdated = await home.location(), await _embedder(platform, settings.embedder, measures), False
    kept = PostgresDocuments(platform.database)
    if rebuild:
        await _all_due(store, kept)  # before the index is emptied: a crash on the way leaves nothing that counts as indexed and is not
    try:
        pair = await _search_pair(platform, chosen, location, rebuild=rebuild)
    except IndexOutdated as outdated:
        if not renew:
            raise
        pair, is_outdated = await _renewable(platform, location, outdated), True
    search = CurrentSearch(pair)
    platform.stack.push_async_callback(search.vectors.close)
    embedder = search.embedder if settings.embedder != "none" else None
    platform.adapters |= {
        "vectors": "qdrant" if settings.qdrant_url else "qdrant edge",
        "embedder": chosen.name,
        "cache": "valkey" if settings.valkey_url else "in process",
    }
    documents = Documents(
        store=kept,
        reader=ChildProcessReader(),
        vectors=search.vectors,
        embedder=embedder,
        clock=platform.clock,
    )
    followups = PostgresFollowUps(platform.database)
    second = _second_memory(platform)
    echoes = Echoes(second) if second else None
    if echoes is not None:
        platform.stack.push_async_callback(echoes.close)
    measured = GatewayMeasures(metrics, platform.clock)
    gateway = Gateway(
        store=store,
        vectors=search.vectors,
        embedder=embedder,
        cache=_cache(platform),
        jobs=platform.jobs,
        profiles=platform.profiles,
        clock=platform.clock,
        default_client=settings.client_id,
        cache_vendor="valkey" if settings.valkey_url else None,
        measures=measured,
        copier=Copier(followups, second, platform.clock) if second else None,
        echoes=echoes,
        extractions=followups,
        extract=settings.extraction,
    )
    measured.watch(gateway.pending)
    measured.watch(documents.pending)
    gateway.register_jobs(platform.jobs)

    async def make(kind: EmbedderKind | None, location: str) -> SearchPair:
        if "none" in (settings.embedder, kind):
            raise NotStarted(
                "A change from or to no embedder needs a stop: run `planner-memory reindex --embedder …` while nothing runs, "
                "set PLANNER_EMBEDDER, and start."
            )
        return await _search_pair(platform, await _embedder(platform, kind or settings.embedder, measures), location)

    async def discard(location: str, pair: SearchPair) -> None:
        await _discard(platform, location, pair)

    async def person_zone() -> ZoneInfo:
        return zone((await platform.profiles.profile("me")).time_zone)

    reindexer = Reindexer(
        store=store, documents=documents, current=search, home=home, places=Places(make, discard), clock=platform.clock, zone=person_zone
    )
    if rebuild:
        reindexer.was_emptied(await gateway.reindex())
        await documents.reindex()
    for service in (gateway, documents):
        service.open()
        platform.stack.push_async_callback(service.close)
    platform.stack.push_async_callback(reindexer.close)
    if settings.qdrant_url is None:
        await asyncio.to_thread(_remove_unfinished, platform, location)
    if is_outdated:
        await reindexer.start(None)
        platform.notices.append(
            f"The search index was made by an earlier version of the embedder ({pair.embedder.name}). It is being built anew in the background; "
            "until that is done, memories are found by their words alone."
        )
    return Memories(gateway, documents, reindexer)


async def set_up_collections(settings: Settings) -> dict[str, str]:
    """Makes the four collections on the configured Qdrant server, for the configured embedder's vectors."""
    assert settings.qdrant_url is not None
    key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
    if settings.embedder == "local":
        dimension = _local_embedder().dimension
    else:
        dimension = settings.embedding_dimension if settings.embedder == "openrouter" else _WordsOnly.dimension
    return dict(await setup_collections(settings.qdrant_url, dimension, api_key=key))
