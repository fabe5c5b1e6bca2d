"""What the services of one process share: data directory, database, keys, jobs, traces; and the care of the embedded data."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from planner_memory import __version__
from planner_memory.adapters.in_process.data_dir import DataDirectory
from planner_memory.adapters.opentelemetry.tracing import Collector, Tracing, langfuse, otlp
from planner_memory.adapters.pgserver.backup import backup as write_backup
from planner_memory.adapters.pgserver.backup import restore as read_backup
from planner_memory.adapters.pgserver.server import EmbeddedPostgres
from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.keys import PostgresKeys
from planner_memory.adapters.postgres.migrations import migrate
from planner_memory.adapters.postgres.profiles import PostgresProfiles
from planner_memory.adapters.procrastinate.jobs import ProcrastinateJobs
from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import NotStarted
from planner_memory.ports.calendar import Calendar
from planner_memory.ports.calendar_account import CalendarAccount
from planner_memory.ports.workspace import Workspace
from planner_memory.settings import Settings
from planner_memory.web.auth import hash_of
from planner_memory.web.face import Face
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
    notices: list[str] = field(default_factory=list)  # what whoever started the process should know, one sentence or two each
    calendar: Calendar | None = None
    workspace: Workspace | None = None
    account: CalendarAccount | None = None  # of the calendar, where it has one that is connected in a browser

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


def _collectors(settings: Settings) -> dict[str, Collector]:
    """Where traces go, by name; empty without keys and without an endpoint."""
    found: dict[str, Collector] = {}
    if settings.langfuse_public_key and settings.langfuse_secret_key:
        found["langfuse"] = langfuse(settings.langfuse_host, settings.langfuse_public_key, settings.langfuse_secret_key.get_secret_value())
    if settings.otlp_endpoint:
        found["otlp"] = otlp(settings.otlp_endpoint, settings.otlp_headers.get_secret_value() if settings.otlp_headers else "")
    return found


@asynccontextmanager
async def open_platform(settings: Settings, *, embedded: bool, service: str = "planner-memory", clock: Clock = utc_now) -> AsyncIterator[Platform]:
    """Opens database, keys, jobs and traces. `embedded` owns the data directory and may start the embedded PostgreSQL.

    `service` is what traces call this process.

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
            raise NotStarted("A single service needs a PostgreSQL of its own. Set DATABASE_URL, or run the all-in-one with `planner-memory up`.")
        collectors = _collectors(settings)
        if collectors:
            tracing = Tracing(list(collectors.values()), version=__version__, service=service)
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
                "traces": " and ".join(collectors) or "off",
                "model": "rules",
                "workspace": "postgresql",
            },
        )
        yield platform


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
