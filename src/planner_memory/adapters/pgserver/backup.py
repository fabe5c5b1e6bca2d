"""Backup and restore of everything embedded that cannot be rebuilt: the database, the calendars and the secrets. The vector index is rebuilt."""

import asyncio
import fcntl
import os
import shutil
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from planner_memory.adapters.pgserver.archive import Manifest, read_archive, write_archive
from planner_memory.adapters.pgserver.binaries import MAJOR, programs
from planner_memory.adapters.pgserver.commands import environment, run_program
from planner_memory.adapters.pgserver.postmaster import FOLDER, SUPERUSER, live_postmaster
from planner_memory.adapters.pgserver.server import EmbeddedPostgres
from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import Conflict, InvalidInput, Unavailable

_DUMP = "database.dump"
_SECRETS = ("api-key", "calendar-credentials", "calendar-port", "credentials-key")
_CALENDARS = "radicale"
_CREDENTIALS = "credentials"  # of vendor accounts
_PSQL = ("-XAtq", "-v", "ON_ERROR_STOP=1")
_COUNTS = """
select format('select %L, count(*) from %I.%I', nspname || '.' || relname, nspname, relname)
from pg_class join pg_namespace on pg_namespace.oid = relnamespace
where relkind = 'r' and nspname not like 'pg\\_%' and nspname <> 'information_schema' \\gexec
\\echo done
"""
_REBUILD_INDEX = """
select format('update %I set index_state = ''pending'', index_due_at = now(), index_attempts = 0', name)
from unnest(array['events', 'doc_chunks']) as indexed (name) where to_regclass('public.' || name) is not null \\gexec
analyze;
"""


@dataclass(frozen=True, slots=True)
class Restored:
    """What a restore did. `counts` are the rows of each table; `set_aside` is where the earlier data directory now lies."""

    created_at: datetime
    counts: dict[str, int]
    set_aside: Path | None


async def backup(data_dir: Path, target: Path, *, clock: Clock = utc_now) -> Manifest:
    """Writes the data of `data_dir` to the one file `target` (.tar.gz, mode 0600), beside a running server or with one started for it.

    Database and row counts are of one snapshot; the calendars are copied under Radicale's own lock.

    Raises:
        InvalidInput: there is no data, or `target` exists or has no folder.
        Unavailable: PostgreSQL does not answer or the dump failed; no file is left.
    """
    data_dir, target = _backup_paths(data_dir, target)
    with tempfile.TemporaryDirectory(dir=target.parent, prefix=".planner-memory-backup-") as name:
        folder = Path(name)
        async with _server(data_dir) as dsn:
            counts = await _dump(dsn, programs(None, folder), folder / _DUMP)
        await asyncio.to_thread(_copy_files, data_dir, folder)
        return await asyncio.to_thread(write_archive, folder, target, created_at=clock(), postgres=MAJOR, counts=counts)


async def restore(source: Path, data_dir: Path, *, force: bool = False, clock: Clock = utc_now) -> Restored:
    """Makes `data_dir` from a backup. Everything happens in a folder beside it, which takes its place only when complete and counted.

    With `force`, a data directory that holds something is set aside under a name with the time; nothing is ever deleted.
    All memories and documents are marked for indexing, because the vector index is not in the backup.

    Raises:
        InvalidInput: the file is damaged or no backup; nothing was changed.
        Conflict: `data_dir` holds something and `force` is not given, is in use, or is a mount point.
        Unavailable: PostgreSQL refused the dump; nothing was changed.
    """
    source, data_dir = _restore_paths(source, data_dir, force=force)
    data_dir.parent.mkdir(parents=True, exist_ok=True)
    with _unused(data_dir):
        folder = Path(tempfile.mkdtemp(dir=data_dir.parent, prefix=f".{data_dir.name}.restoring-"))
        try:
            manifest = await asyncio.to_thread(read_archive, source, folder)
            await _fill(folder, manifest, source)
            set_aside = _swap(folder, data_dir, clock())
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return Restored(manifest.created_at, manifest.counts, set_aside)


def _backup_paths(data_dir: Path, target: Path) -> tuple[Path, Path]:
    data_dir, target = data_dir.expanduser().resolve(), target.expanduser().resolve()
    if not (data_dir / FOLDER).is_dir():
        raise InvalidInput(f"{data_dir} holds no embedded data. Name the data directory that planner-memory uses.", field="data_dir")
    if target.exists() or not target.parent.is_dir():
        raise InvalidInput(f"{target} exists already, or its folder does not. Choose another file.", field="target")
    return data_dir, target


def _restore_paths(source: Path, data_dir: Path, *, force: bool) -> tuple[Path, Path]:
    source, data_dir = source.expanduser().resolve(), data_dir.expanduser().resolve()
    occupied = data_dir.exists() and (not data_dir.is_dir() or any(data_dir.iterdir()))
    if occupied and not force:
        raise Conflict(f"{data_dir} is not empty. Restore into an empty folder, or use --force, which sets the present one aside.")
    if data_dir.is_mount():
        raise Conflict(f"{data_dir} is a mount point and cannot be replaced as a whole. Set PLANNER_DATA_DIR to a folder below it.")
    return source, data_dir


@asynccontextmanager
async def _server(data_dir: Path) -> AsyncIterator[str]:
    """The superuser's DSN of the server that runs on `data_dir`, started for the occasion if none does."""
    found = live_postmaster(data_dir / FOLDER)
    if found is not None:
        yield found.dsn(SUPERUSER)
        return
    own = EmbeddedPostgres(data_dir)
    await own.start()
    try:
        started = live_postmaster(data_dir / FOLDER)
        if started is None:
            raise Unavailable("The embedded PostgreSQL ended while it was backed up. Try again.")
        yield started.dsn(SUPERUSER)
    finally:
        await own.stop()


async def _dump(dsn: str, folder: Path, dump: Path) -> dict[str, int]:
    """Dumps and counts in one snapshot, which a psql session holds open meanwhile."""
    session = await asyncio.create_subprocess_exec(
        folder / "psql",
        *_PSQL,
        "-d",
        dsn,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        cwd="/",
        env=environment(),
    )
    assert session.stdin is not None
    assert session.stdout is not None
    try:
        session.stdin.write(("begin isolation level repeatable read read only;\nselect pg_export_snapshot();\n" + _COUNTS).encode())
        await session.stdin.drain()
        lines: list[str] = []
        while (line := (await session.stdout.readline()).decode().strip()) != "done":
            if not line:
                raise Unavailable("PostgreSQL does not answer; no backup was written. Try again in a moment.")
            lines.append(line)
        await run_program(folder / "pg_dump", ["--format=custom", f"--snapshot={lines[0]}", f"--file={dump}", f"--dbname={dsn}"])
        return _counted(lines[1:])
    finally:
        session.stdin.close()
        with suppress(ProcessLookupError):
            session.terminate()
        await session.wait()


def _counted(lines: list[str]) -> dict[str, int]:
    return {table: int(rows) for table, _, rows in (line.rpartition("|") for line in lines)}


def _copy_files(data_dir: Path, folder: Path) -> None:
    for name in _SECRETS:
        if (data_dir / name).is_file():
            shutil.copy2(data_dir / name, folder / name)
    if (data_dir / _CREDENTIALS).is_dir():
        shutil.copytree(data_dir / _CREDENTIALS, folder / _CREDENTIALS)
    if (data_dir / _CALENDARS).is_dir():
        with _calendars_still(data_dir / _CALENDARS):
            shutil.copytree(data_dir / _CALENDARS, folder / _CALENDARS, ignore=shutil.ignore_patterns(".Radicale.lock*", ".Radicale.tmp*"))


@contextmanager
def _calendars_still(storage: Path) -> Iterator[None]:
    """Radicale writes under an exclusive lock on this file; a shared one keeps it waiting for the moment of the copy."""
    file = os.open(storage / ".Radicale.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_SH)
        yield
    finally:
        os.close(file)


@contextmanager
def _unused(data_dir: Path) -> Iterator[None]:
    """Holds the locks of the all-in-one and of its parts, so that none starts meanwhile."""
    held = []
    try:
        for name in ("lock", "postgres.lock", "radicale.lock"):
            if not (data_dir / name).exists():
                continue
            held.append(os.open(data_dir / name, os.O_RDWR))
            try:
                fcntl.flock(held[-1], fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise Conflict(f"{data_dir} is in use. Stop planner-memory before restoring.") from None
        if live_postmaster(data_dir / FOLDER) is not None:
            raise Conflict(
                f"The PostgreSQL of {data_dir} still runs after its owner was killed. Start planner-memory once and stop it, then restore."
            )
        yield
    finally:
        for file in held:
            os.close(file)


async def _fill(folder: Path, manifest: Manifest, source: Path) -> None:
    """Makes the cluster in the unpacked `folder` and proves that every table has the rows that the manifest says."""
    if not (folder / _DUMP).is_file():
        raise InvalidInput(f"{source} holds no database. Use another backup.", field="source")
    server = EmbeddedPostgres(folder)
    await server.start()
    try:
        found = live_postmaster(folder / FOLDER)
        if found is None:
            raise Unavailable("The embedded PostgreSQL ended while it was restored. Try again.")
        dsn = found.dsn(SUPERUSER)
        arguments = ["--exit-on-error", "--single-transaction", f"--dbname={dsn}", str(folder / _DUMP)]
        await run_program(server.programs / "pg_restore", arguments)
        await run_program(server.programs / "psql", [*_PSQL, "-d", dsn], stdin=_REBUILD_INDEX)
        output = await run_program(server.programs / "psql", [*_PSQL, "-d", dsn], stdin=_COUNTS)
    finally:
        await server.stop()
    counts = _counted([line for line in output.splitlines() if "|" in line])
    if counts != manifest.counts:
        wrong = sorted(table for table in counts.keys() | manifest.counts.keys() if counts.get(table) != manifest.counts.get(table))
        raise InvalidInput(f"{source} does not give the rows its manifest names, for {', '.join(wrong)}. Use another backup.", field="source")
    for name in (_DUMP, "postgres.lock"):
        (folder / name).unlink()


def _swap(folder: Path, data_dir: Path, now: datetime) -> Path | None:
    """Puts `folder` in the place of `data_dir` and returns where what was there now lies."""
    if not data_dir.exists():
        folder.rename(data_dir)
        return None
    mode = data_dir.stat().st_mode & 0o7777
    set_aside = data_dir.with_name(f"{data_dir.name}.before-restore-{now:%Y%m%dT%H%M%S%f}")
    empty = data_dir.is_dir() and not any(data_dir.iterdir())
    data_dir.rename(set_aside)
    try:
        folder.rename(data_dir)
    except OSError:
        set_aside.rename(data_dir)
        raise
    data_dir.chmod(mode | 0o700)
    if empty:
        set_aside.rmdir()
        return None
    return set_aside
