"""Opens the platform that the services of one process share, and each service on it."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx

from planner_memory import __version__
from planner_memory.adapters.caldav.calendar import CalDavCalendar
from planner_memory.adapters.documents.reader import ChildProcessReader
from planner_memory.adapters.gateway_http.memory import GatewayMemory
from planner_memory.adapters.in_process.cache import InProcessCache
from planner_memory.adapters.in_process.data_dir import DataDirectory
from planner_memory.adapters.in_process.metered_model import MeteredLanguageModel
from planner_memory.adapters.markdown_files.outlet import MarkdownFiles
from planner_memory.adapters.mem0.second_memory import Mem0SecondMemory
from planner_memory.adapters.onnx.embedder import OnnxEmbedder
from planner_memory.adapters.openrouter.embedder import OpenRouterEmbedder
from planner_memory.adapters.openrouter.language_model import OpenRouterLanguageModel
from planner_memory.adapters.opentelemetry.tracing import Tracing
from planner_memory.adapters.pgserver.backup import backup as write_backup
from planner_memory.adapters.pgserver.backup import restore as read_backup
from planner_memory.adapters.pgserver.server import EmbeddedPostgres
from planner_memory.adapters.planner_http.planning import PlannerPlans
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.documents import PostgresDocuments
from planner_memory.adapters.postgres.facts import PostgresFacts
from planner_memory.adapters.postgres.followups import PostgresFollowUps
from planner_memory.adapters.postgres.index_home import PostgresIndexHome
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.adapters.postgres.memories import PostgresMemories
from planner_memory.adapters.postgres.migrations import migrate
from planner_memory.adapters.postgres.model_calls import PostgresModelLedger
from planner_memory.adapters.postgres.plans import PostgresPlans
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.postgres.prompts import PostgresPrompts
from planner_memory.adapters.postgres.schedules import PostgresSchedules
from planner_memory.adapters.postgres.workspace import PostgresWorkspace
from planner_memory.adapters.procrastinate.jobs import ProcrastinateJobs
from planner_memory.adapters.qdrant.collections import setup_collections
from planner_memory.adapters.qdrant.vectors import QdrantVectors
from planner_memory.adapters.qdrant_edge.vectors import QdrantEdgeVectors
from planner_memory.adapters.radicale.server import EmbeddedRadicale
from planner_memory.adapters.smtp.outlet import SmtpMail
from planner_memory.adapters.valkey.cache import ValkeyCache
from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import NotStarted
from planner_memory.core.local_time import zone
from planner_memory.http_client import service_client
from planner_memory.memory_gateway.copying import Copier
from planner_memory.memory_gateway.current_search import CurrentSearch, SearchPair
from planner_memory.memory_gateway.document_service import Documents
from planner_memory.memory_gateway.echoes import Echoes
from planner_memory.memory_gateway.measures import GatewayMeasures
from planner_memory.memory_gateway.reindexing import EmbedderKind, Places, Reindexer
from planner_memory.memory_gateway.service import Gateway
from planner_memory.observer_agent.service import Observer
from planner_memory.planner_engine.measures import ModelMeasures
from planner_memory.planner_engine.service import Planner
from planner_memory.planner_engine.versions import Prompts
from planner_memory.ports.cache import Cache
from planner_memory.ports.calendar import Calendar
from planner_memory.ports.embedder import Embedder
from planner_memory.ports.language_model import LanguageModel
from planner_memory.ports.outlets import Outlet
from planner_memory.ports.vectors import VectorIndex
from planner_memory.scheduler_engine.service import Scheduler
from planner_memory.settings import Settings
from planner_memory.web.auth import hash_of
from planner_memory.web.face import Face
from planner_memory.web.metrics import Metrics
from planner_memory.wiring.home import api_key_of, data_directory


@dataclass
class Platform:
    """What the services of one process share, opened and closed together."""

    settings: Settings
    data: DataDirectory
    database: Database
    dsn: str
    keys: PostgresKeys
    profiles: PostgresProfiles
    jobs: ProcrastinateJobs
    api_key: str
    clock: Clock
    stack: AsyncExitStack
    adapters: dict[str, str] = field(default_factory=dict)  # need -> what fulfils it, for /health and doctor
    calendar: Calendar | None = None

    @property
    def face(self) -> Face:
        return Face(self.keys, self.keys, default_client=self.settings.client_id, cors_origins=self.settings.cors_origins)


def check_exposure(settings: Settings) -> None:
    """Refuses to listen beyond this machine with a key that nobody chose."""
    if not settings.is_loopback and settings.api_key is None:
        raise NotStarted(
            f"PLANNER_HOST={settings.host} can be reached from other machines. Set PLANNER_API_KEY to a long secret first, or use 127.0.0.1."
        )


@asynccontextmanager
async def database_dsn(settings: Settings, data: DataDirectory) -> AsyncIterator[str]:
    """The DSN of the configured PostgreSQL, or of the embedded one, which then runs as long as the block."""
    if settings.dsn is not None:
        yield settings.dsn
        return
    postgres = EmbeddedPostgres(data.path)
    dsn = await postgres.start()
    watch = asyncio.create_task(postgres.keep_running())
    try:
        yield dsn
    finally:
        watch.cancel()
        await asyncio.gather(watch, return_exceptions=True)
        await postgres.stop()


@asynccontextmanager
async def open_platform(settings: Settings, *, embedded: bool, clock: Clock = utc_now) -> AsyncIterator[Platform]:
    """Opens database, keys, jobs and traces. `embedded` owns the data directory and may start the embedded PostgreSQL.

    Raises:
        NotStarted: the data directory is in use, or a single service was started without a database.
        Unavailable: PostgreSQL does not answer.
    """
    data = data_directory(settings)
    async with AsyncExitStack() as stack:
        data.create()
        if embedded:
            data.acquire(f"http://{settings.host}:{settings.port}")
            stack.callback(data.release)
        elif settings.dsn is None:
            raise NotStarted("A single service needs a PostgreSQL of its own: set DATABASE_URL, or run the all-in-one with `planner-memory up`.")
        if settings.otlp_endpoint:
            tracing = Tracing(settings.otlp_endpoint, version=__version__)
            tracing.install()
            stack.callback(tracing.close)
        dsn = await stack.enter_async_context(database_dsn(settings, data))
        await migrate(dsn)
        database = Database(dsn)
        await database.open()
        stack.push_async_callback(database.close)
        keys = PostgresKeys(database)
        api_key = api_key_of(settings, data)
        await keys.add_key("first", hash_of(api_key))
        jobs = ProcrastinateJobs(dsn)
        await jobs.open()
        stack.push_async_callback(jobs.close)
        platform = Platform(
            settings,
            data,
            database,
            dsn,
            keys,
            PostgresProfiles(database, time_zone=settings.time_zone),
            jobs,
            api_key,
            clock,
            stack,
            {
                "database": "postgresql (embedded)" if settings.dsn is None else "postgresql",
                "traces": "otlp" if settings.otlp_endpoint else "off",
                "model": "rules",
                "workspace": "postgresql",
            },
        )
        yield platform


async def open_calendar(platform: Platform, *, may_start: bool) -> None:
    """Sets the platform's calendar. `may_start`: this process may run the embedded one."""
    settings = platform.settings
    kind = settings.calendar or ("caldav" if settings.caldav_url else "radicale")
    if kind == "caldav":
        if settings.caldav_url is None:
            raise NotStarted("PLANNER_CALENDAR=caldav needs CALDAV_URL, CALDAV_USERNAME and CALDAV_PASSWORD.")
        platform.calendar = CalDavCalendar(settings.caldav_url, settings.caldav_username, settings.caldav_password.get_secret_value())
    elif kind == "radicale" and may_start:
        radicale = EmbeddedRadicale(platform.data.path, port=settings.calendar_port)
        await radicale.start()
        platform.stack.push_async_callback(radicale.stop)
        platform.calendar = CalDavCalendar(radicale.url, radicale.username, radicale.password)
        platform.adapters["calendar_url"] = radicale.url
    if platform.calendar is not None:
        platform.stack.push_async_callback(platform.calendar.close)
    platform.adapters["calendar"] = {"caldav": "caldav", "radicale": "radicale (embedded)"}.get(kind, "off") if platform.calendar else "off"


async def _embedder(platform: Platform, kind: EmbedderKind) -> Embedder:
    settings = platform.settings
    if kind == "local":
        local = OnnxEmbedder(threads=settings.embedder_threads)
        platform.stack.push_async_callback(local.close)
        return local
    if settings.openrouter_api_key is None:
        raise NotStarted("The embedder openrouter needs OPENROUTER_API_KEY. Set it, or use the local model (PLANNER_EMBEDDER=local).")
    remote = OpenRouterEmbedder(
        settings.openrouter_api_key.get_secret_value(), settings.openrouter_base_url, settings.embedding_model, settings.embedding_dimension
    )
    platform.stack.push_async_callback(remote.close)
    return remote


async def _search_pair(platform: Platform, kind: EmbedderKind | None, location: str, *, rebuild: bool = False) -> SearchPair:
    """Embedder and index at a location: a folder beside the first, or a prefix of the collections' names."""
    settings = platform.settings
    embedder = await _embedder(platform, kind or settings.embedder)
    vectors: VectorIndex
    if settings.qdrant_url is None:
        folder = platform.data.path / (f"vectors-{location}" if location else "vectors")
        vectors = await QdrantEdgeVectors.open(folder, embedder.name, embedder.dimension, rebuild=rebuild)
    else:
        key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
        prefix = f"{location}-" if location else ""
        vectors = await QdrantVectors.open(settings.qdrant_url, embedder.name, embedder.dimension, api_key=key, prefix=prefix, rebuild=rebuild)
    return SearchPair(embedder, vectors)


async def _discard(platform: Platform, location: str, pair: SearchPair) -> None:
    """Closes an index that is in use no more. In the process its folder goes too; on a server its collections are emptied."""
    if platform.settings.qdrant_url is not None:
        await pair.vectors.clear()
    await pair.vectors.close()
    if platform.settings.qdrant_url is None:
        await asyncio.to_thread(shutil.rmtree, platform.data.path / (f"vectors-{location}" if location else "vectors"), ignore_errors=True)


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


async def open_gateway(platform: Platform, metrics: Metrics, *, rebuild: bool = False) -> Memories:
    """Opens the memory. `rebuild` throws the index away and makes everything due for indexing again.

    Raises:
        NotStarted: the index was filled by another embedder than the configured one; the message names `planner-memory reindex`.
    """
    settings = platform.settings
    home, store = PostgresIndexHome(platform.database), PostgresMemories(platform.database)
    search = CurrentSearch(await _search_pair(platform, None, await home.location(), rebuild=rebuild))
    platform.stack.push_async_callback(search.vectors.close)
    platform.adapters |= {
        "vectors": "qdrant" if settings.qdrant_url else "qdrant edge",
        "embedder": search.embedder.name,
        "cache": "valkey" if settings.valkey_url else "in process",
    }
    documents = Documents(
        store=PostgresDocuments(platform.database),
        reader=ChildProcessReader(),
        vectors=search.vectors,
        embedder=search.embedder,
        clock=platform.clock,
    )
    followups = PostgresFollowUps(platform.database)
    second = _second_memory(platform)
    echoes = Echoes(second) if second else None
    if echoes is not None:
        platform.stack.push_async_callback(echoes.close)
    gateway = Gateway(
        store=store,
        vectors=search.vectors,
        embedder=search.embedder,
        cache=_cache(platform),
        jobs=platform.jobs,
        profiles=platform.profiles,
        clock=platform.clock,
        default_client=settings.client_id,
        cache_vendor="valkey" if settings.valkey_url else None,
        measures=GatewayMeasures(metrics.registry),
        copier=Copier(followups, second, platform.clock) if second else None,
        echoes=echoes,
        extractions=followups,
        extract=settings.extraction,
    )
    gateway.register_jobs(platform.jobs)

    async def make(kind: EmbedderKind | None, location: str) -> SearchPair:
        return await _search_pair(platform, kind, location)

    async def discard(location: str, pair: SearchPair) -> None:
        await _discard(platform, location, pair)

    async def person_zone() -> ZoneInfo:
        return zone((await platform.profiles.profile("me")).time_zone)

    reindexer = Reindexer(
        store=store, documents=documents, current=search, home=home, places=Places(make, discard), clock=platform.clock, zone=person_zone
    )
    if rebuild:
        await gateway.reindex()
        await documents.reindex()
    for service in (gateway, documents):
        service.open()
        platform.stack.push_async_callback(service.close)
    platform.stack.push_async_callback(reindexer.close)
    return Memories(gateway, documents, reindexer)


async def _memory(platform: Platform, transport: httpx.AsyncBaseTransport | None) -> GatewayMemory:
    client = await platform.stack.enter_async_context(service_client(platform.settings.memory_gateway_url, platform.api_key, transport=transport))
    return GatewayMemory(client)


def _model(platform: Platform, ledger: PostgresModelLedger, metrics: Metrics) -> LanguageModel | None:
    settings = platform.settings
    if settings.openrouter_api_key is None:
        return None
    model = OpenRouterLanguageModel(
        settings.openrouter_api_key.get_secret_value(),
        settings.openrouter_base_url,
        settings.model,
        dialect=settings.model_dialect,
        clock=platform.clock,
    )
    platform.stack.push_async_callback(model.close)
    platform.adapters["model"] = settings.model
    return MeteredLanguageModel(
        model,
        ledger,
        monthly_budget_usd=settings.monthly_budget_usd,
        provider=settings.model_dialect,
        on_call=ModelMeasures(metrics.registry).observed,
        clock=platform.clock,
    )


async def open_planner(platform: Platform, metrics: Metrics, *, gateway: httpx.AsyncBaseTransport | None = None) -> Planner:
    ledger = PostgresModelLedger(platform.database)
    prompts = Prompts(PostgresPrompts(platform.database), default_version=platform.settings.prompt_template_version, clock=platform.clock)
    planner = Planner(
        store=PostgresPlans(platform.database),
        memory=await _memory(platform, gateway),
        profiles=platform.profiles,
        clock=platform.clock,
        default_client=platform.settings.client_id,
        model=_model(platform, ledger, metrics),
        ledger=ledger,
        prompts=prompts,
    )

    async def tell_memory() -> None:
        await planner.tell_memory()

    platform.jobs.register("planner-engine-tell-memory", tell_memory, cron="*/5 * * * *")
    return planner


async def open_scheduler(
    platform: Platform, *, gateway: httpx.AsyncBaseTransport | None = None, planner: httpx.AsyncBaseTransport | None = None
) -> Scheduler:
    if platform.calendar is None:
        raise NotStarted("The scheduler needs a calendar. Set CALDAV_URL with its user name and password, or leave PLANNER_CALENDAR unset.")
    client = await platform.stack.enter_async_context(service_client(platform.settings.planner_engine_url, platform.api_key, transport=planner))
    return Scheduler(
        store=PostgresSchedules(platform.database),
        calendar=platform.calendar,
        profiles=platform.profiles,
        memory=await _memory(platform, gateway),
        plans=PlannerPlans(client),
        clock=platform.clock,
        default_client=platform.settings.client_id,
    )


def _outlets(settings: Settings) -> list[Outlet]:
    """Where reflections go besides the workspace's daily thread."""
    outlets: list[Outlet] = []
    if settings.markdown_dir is not None:
        outlets.append(MarkdownFiles(settings.markdown_dir))
    if settings.mail_to is not None:
        if settings.smtp_host is None:
            raise NotStarted("PLANNER_MAIL_TO needs PLANNER_SMTP_HOST, the mail server. Set both, or neither.")
        outlets.append(
            SmtpMail(
                settings.smtp_host,
                settings.smtp_port,
                sender=settings.mail_from,
                recipient=settings.mail_to,
                username=settings.smtp_username,
                password=settings.smtp_password.get_secret_value(),
                security=settings.smtp_security,
            )
        )
    return outlets


async def open_observer(platform: Platform, *, gateway: httpx.AsyncBaseTransport | None = None) -> Observer:
    outlets = _outlets(platform.settings)
    if outlets:
        platform.adapters["letters"] = ", ".join(outlet.name for outlet in outlets)
    observer = Observer(
        outlets=outlets,
        store=PostgresFacts(platform.database),
        workspace=PostgresWorkspace(platform.database),
        calendar=platform.calendar,
        profiles=platform.profiles,
        memory=await _memory(platform, gateway),
        clock=platform.clock,
        default_client=platform.settings.client_id,
    )
    observer.register_jobs(platform.jobs)
    return observer


async def migrate_database(settings: Settings) -> list[str]:
    """Brings the database up to date and returns the migrations that were applied."""
    data = data_directory(settings)
    data.create()
    async with database_dsn(settings, data) as dsn:
        return await migrate(dsn)


async def back_up(settings: Settings, target: Path) -> None:
    """Writes everything embedded into one archive; the PostgreSQL is started for it when it does not run."""
    await write_backup(data_directory(settings).path, target)


async def restore_backup(settings: Settings, source: Path, *, force: bool) -> None:
    """Makes the data directory anew from an archive. With `force` a directory that is in the way is moved aside."""
    await read_backup(source, data_directory(settings).path, force=force)


async def set_up_collections(settings: Settings) -> dict[str, str]:
    """Makes the four collections on the configured Qdrant server, for the configured embedder's vectors."""
    assert settings.qdrant_url is not None
    key = settings.qdrant_api_key.get_secret_value() if settings.qdrant_api_key else None
    dimension = OnnxEmbedder().dimension if settings.embedder == "local" else settings.embedding_dimension
    return dict(await setup_collections(settings.qdrant_url, dimension, api_key=key))
