"""The embedded PostgreSQL: a cluster in the data directory, run by this process, adopted when an earlier one was killed."""

import asyncio
import fcntl
import os
import secrets
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import structlog

from planner_memory.adapters.pgserver.binaries import MAJOR, Account, programs, server_account
from planner_memory.adapters.pgserver.commands import environment, run_program
from planner_memory.adapters.pgserver.configuration import ACCESS, command, objects
from planner_memory.adapters.pgserver.folders import (
    drop_socket_dir,
    log_path,
    log_tail,
    make_data_dir,
    make_private,
    make_socket_dir,
    open_log,
    remove_unfinished,
)
from planner_memory.adapters.pgserver.postmaster import DATABASE, FOLDER, ROLE, SUPERUSER, Postmaster, forget_recycled_pid, live_postmaster
from planner_memory.core.errors import NotStarted, Unavailable

log = structlog.get_logger()
_START_SECONDS = 120.0  # after a crash PostgreSQL first replays its log
_FAST_SECONDS = 30.0
_ORPHAN_SECONDS = 60.0
_POLL_SECONDS = 0.02
_WATCH_SECONDS = 0.5


class EmbeddedPostgres:
    """PostgreSQL with its data in `data_dir`/postgres, reached through a private socket and, with `listen_port`, also on 127.0.0.1.

    The role of the DSN owns its database and is no superuser, so that row-level security holds for it.
    """

    def __init__(self, data_dir: Path, *, listen_port: int | None = None) -> None:
        self._data_dir = data_dir.expanduser().resolve()
        self._cluster = self._data_dir / FOLDER
        self._listen_port = listen_port
        self._lock: int | None = None
        self._account: Account | None = None
        self._programs = Path()
        self._started: subprocess.Popen[bytes] | None = None
        self._postmaster: Postmaster | None = None

    async def start(self) -> str:
        """Makes the cluster the first time, starts or adopts the server, and returns the DSN of its socket.

        Raises:
            NotStarted: another process runs this data directory, or PostgreSQL refuses; the detail says why.
        """
        if self._postmaster is not None:
            return self.dsn
        try:
            await asyncio.to_thread(self._prepare)
            if not self._cluster.exists():
                await self._initialise()
            self._check_version()
            await self._ensure_running()
            await self._sql(objects(password=None if self._listen_port is None else self._password()), database="postgres")
        except BaseException:
            await self.stop()
            raise
        return self.dsn

    async def stop(self) -> None:
        """Ends all sessions, writes everything and waits until the server is gone. Does nothing when it does not run."""
        running, self._postmaster = live_postmaster(self._cluster) if self._lock is not None else None, None
        if running is not None:
            await self._shut_down(running)
            drop_socket_dir(running.socket_dir, self._data_dir)
        if self._started is not None:
            await self._wait_gone(psutil.Process(self._started.pid) if self._started.poll() is None else None, _FAST_SECONDS)
            self._started = None
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    async def keep_running(self) -> None:
        """Starts the server again whenever it has died, on the same socket, so that the DSN holds. Runs until it is cancelled."""
        while True:
            await asyncio.sleep(_WATCH_SECONDS)
            if self._started is not None and self._started.poll() is not None:
                self._started = None
            if self._postmaster is None or live_postmaster(self._cluster) is not None:
                continue
            log.warning("the embedded PostgreSQL died and is started again", log=str(log_path(self._data_dir)))
            try:
                await self._ensure_running()
            except NotStarted as error:
                log.error("the embedded PostgreSQL does not start; it is tried again", reason=error.detail)

    async def check(self) -> None:
        """Raises Unavailable when the server is not running."""
        if live_postmaster(self._cluster) is None:
            raise Unavailable(f"The embedded PostgreSQL is not running; see {log_path(self._data_dir)}. Restart planner-memory.")

    @property
    def dsn(self) -> str:
        return self._running.dsn()

    @property
    def tcp_dsn(self) -> str | None:
        """The DSN with password for other users' processes on this machine; None without `listen_port`."""
        if self._listen_port is None:
            return None
        return f"postgresql://{ROLE}:{self._password()}@127.0.0.1:{self._listen_port}/{DATABASE}"

    @property
    def pid(self) -> int:
        return self._running.process.pid

    @property
    def programs(self) -> Path:
        """The folder of pg_dump and its siblings."""
        return self._programs

    @property
    def _running(self) -> Postmaster:
        if self._postmaster is None:
            raise NotStarted("The embedded PostgreSQL has not been started.")
        return self._postmaster

    def _prepare(self) -> None:
        self._account = server_account()
        try:
            make_data_dir(self._data_dir, self._account)
            self._take_lock()
            self._programs = programs(self._account, self._data_dir / "programs")
            remove_unfinished(self._data_dir)
        except OSError as error:
            raise NotStarted(
                f"The data directory {self._data_dir} cannot be used: {error.strerror}. Set PLANNER_DATA_DIR to a folder of your own."
            ) from error

    def _take_lock(self) -> None:
        file = os.open(self._data_dir / "postgres.lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(file)
            raise NotStarted(
                f"Another process runs the embedded PostgreSQL of {self._data_dir}. Stop it first, or set PLANNER_DATA_DIR to another folder."
            ) from None
        self._lock = file

    async def _initialise(self) -> None:
        """Makes the cluster beside its place and renames it, because an interrupted initdb leaves a folder that looks finished."""
        draft = make_private(self._data_dir / f"postgres.initialising-{secrets.token_hex(4)}", self._account)
        options = ["--auth=trust", "--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        await self._run("initdb", *options, f"--username={SUPERUSER}", "-D", str(draft), as_account=True)
        draft.rename(self._cluster)

    def _check_version(self) -> None:
        try:
            found = (self._cluster / "PG_VERSION").read_text(encoding="utf-8").strip()
        except OSError as error:
            raise NotStarted(f"{self._cluster} holds no PostgreSQL cluster ({error.strerror}). Move it away, or restore a backup.") from error
        if found != str(MAJOR):
            raise NotStarted(
                f"{self._cluster} was made by PostgreSQL {found}, this version runs {MAJOR}. "
                "Back up with the version that made it, and restore with this one."
            )

    async def _ensure_running(self) -> None:
        found = live_postmaster(self._cluster)
        if found is not None:
            if found.status != "stopping" and self._as_wanted(found):
                await self._wait_ready()
                return
            await self._shut_down(found)
        deadline = asyncio.get_running_loop().time() + _ORPHAN_SECONDS
        while True:
            socket_dir = await asyncio.to_thread(self._spawn)
            try:
                await self._wait_ready()
                return
            except NotStarted as error:
                # a busy session of a killed server holds its shared memory until its statement ends
                if "shared memory block" not in error.detail or asyncio.get_running_loop().time() > deadline:
                    drop_socket_dir(socket_dir, self._data_dir)
                    raise
                await asyncio.sleep(0.5)

    def _command(self, socket_dir: Path) -> list[str]:
        return command(self._programs / "postgres", self._cluster, socket_dir, self._listen_port)

    def _as_wanted(self, found: Postmaster) -> bool:
        with suppress(OSError, psutil.Error):
            return found.socket_dir.is_dir() and found.process.cmdline() == self._command(found.socket_dir)
        return False

    def _spawn(self) -> Path:
        """Starts the server, whose session is its own so that Ctrl-C in a terminal stops us first, and returns its socket folder."""
        forget_recycled_pid(self._cluster)
        socket_dir = make_socket_dir(self._data_dir, self._account)
        for stale in socket_dir.glob(".s.PGSQL.*"):
            stale.unlink()
        (self._cluster / "pg_hba.conf").write_text(ACCESS, encoding="utf-8")
        log = open_log(self._data_dir)
        try:
            self._started = subprocess.Popen(
                self._command(socket_dir),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                env=environment(),
                start_new_session=True,
                umask=0o077,
                **self._identity(),
            )
        finally:
            os.close(log)
        return socket_dir

    async def _wait_ready(self) -> None:
        deadline = asyncio.get_running_loop().time() + _START_SECONDS
        while asyncio.get_running_loop().time() < deadline:
            ended = self._started is not None and self._started.poll() is not None
            found = live_postmaster(self._cluster)
            if found is not None and found.status == "ready" and (self._started is None or found.process.pid == self._started.pid):
                self._postmaster = found
                return
            if ended or (self._started is None and found is None):
                self._started = None
                break
            await asyncio.sleep(_POLL_SECONDS)
        raise NotStarted(f"The embedded PostgreSQL did not start; see {log_path(self._data_dir)}:\n{log_tail(self._data_dir)}")

    async def _shut_down(self, running: Postmaster) -> None:
        for how, patience in ((signal.SIGINT, _FAST_SECONDS), (signal.SIGQUIT, _FAST_SECONDS)):  # fast, then immediate: both lose nothing committed
            with suppress(psutil.NoSuchProcess):
                running.process.send_signal(how)
            if await self._wait_gone(running.process, patience):
                return
        raise NotStarted(f"The embedded PostgreSQL (process {running.process.pid}) does not stop; see {log_path(self._data_dir)}.")

    async def _wait_gone(self, process: psutil.Process | None, patience: float) -> bool:
        deadline = asyncio.get_running_loop().time() + patience
        while process is not None and process.is_running():
            if self._started is not None and self._started.pid == process.pid and self._started.poll() is not None:
                break
            with suppress(psutil.NoSuchProcess):
                if process.status() == psutil.STATUS_ZOMBIE:  # adopted by an init that does not reap
                    break
            if asyncio.get_running_loop().time() > deadline:
                return False
            await asyncio.sleep(_POLL_SECONDS)
        return True

    def _password(self) -> str:
        kept = self._data_dir / "postgres-password"
        with suppress(FileExistsError), os.fdopen(os.open(kept, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
            file.write(secrets.token_urlsafe(24))
        return kept.read_text(encoding="utf-8").strip()

    async def _sql(self, text: str, *, database: str = DATABASE) -> str:
        """Runs SQL as the superuser and returns the rows, unaligned."""
        return await self._run("psql", "-XAtq", "-v", "ON_ERROR_STOP=1", "-d", self._running.dsn(SUPERUSER, database), stdin=text)

    async def _run(self, program: str, *arguments: str, stdin: str = "", as_account: bool = False) -> str:
        return await run_program(self._programs / program, arguments, stdin=stdin, identity=self._identity() if as_account else None)

    def _identity(self) -> dict[str, Any]:
        return {} if self._account is None else {"user": self._account.uid, "group": self._account.gid, "extra_groups": []}
