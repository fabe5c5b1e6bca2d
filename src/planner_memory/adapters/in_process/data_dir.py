"""The folder that holds everything embedded: who may use it, who uses it now, and the secrets in it."""

import fcntl
import json
import os
import secrets
import stat
import sys
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Self

import psutil

from planner_memory.core.clock import Clock, utc_now
from planner_memory.core.errors import NotStarted

_CLOCK_SLACK_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class RunningServer:
    """What server.json says: where the all-in-one of this data directory answers."""

    pid: int
    url: str
    started_at: datetime


def default_data_dir() -> Path:
    """Where the data goes when nobody says: /var/lib for root, whose home the embedded PostgreSQL cannot enter, else the person's own data folder."""
    if os.geteuid() == 0:
        return Path("/var/lib/planner-memory")
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Application Support" / "planner-memory"
    chosen = os.environ.get("XDG_DATA_HOME", "")
    # the XDG specification tells programs to ignore a relative path
    return (Path(chosen) if Path(chosen).is_absolute() else Path.home() / ".local" / "share") / "planner-memory"


def ensure_secret(path: Path, make: Callable[[], str]) -> str:
    """The secret kept at `path`, made by `make()` the first time. Many processes at once all get the same one.

    Raises:
        NotStarted: the file is empty, or cannot be read or written.
    """
    try:
        if not path.exists():
            _create_once(path, make())
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            path.chmod(0o600)
        kept = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        raise NotStarted(
            f"The secret {path} cannot be read or written: {error.strerror}. Mend the permissions of that file and its folder."
        ) from error
    if not kept:
        raise NotStarted(f"The secret {path} is empty. Delete the file, and a new one is made at the next start.")
    return kept


def _create_once(path: Path, text: str) -> None:
    """Creates `path` whole or not at all; if somebody else was first, theirs stays."""
    draft = _draft(path, text)
    try:
        with suppress(FileExistsError):
            os.link(draft, path)  # unlike a rename, a link never replaces
    finally:
        draft.unlink()


def _draft(path: Path, text: str) -> Path:
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return draft


class DataDirectory:
    """One data directory, held by at most one all-in-one process at a time. Usable as a context manager once acquired."""

    def __init__(self, path: Path | None = None, *, clock: Clock = utc_now) -> None:
        self.path = (path or default_data_dir()).expanduser().absolute()
        self._clock = clock
        self._lock: int | None = None

    def create(self) -> Path:
        """Makes the folder, closed to others. As root they may pass through (0711), because PostgreSQL then runs as a user of its own.

        Raises:
            NotStarted: it cannot be made, is no folder, or belongs to someone else.
        """
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self.path.chmod(0o711 if os.geteuid() == 0 else 0o700)
            if not os.access(self.path, os.W_OK | os.X_OK):
                raise PermissionError(13, "Permission denied")
        except OSError as error:
            raise NotStarted(
                f"The data directory {self.path} cannot be used: {error.strerror}. Set PLANNER_DATA_DIR to a folder of your own."
            ) from error
        return self.path

    def acquire(self, url: str) -> None:
        """Takes the directory for this process, which will answer at `url`. The kernel lets go of it however the process ends.

        Raises:
            NotStarted: another live process holds it.
        """
        if self._lock is not None:
            return
        self.create()
        file = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = _holder(os.pread(file, 4096, 0))
            os.close(file)
            raise NotStarted(
                f"The data directory {self.path} is in use by {holder}. Use that one, stop it first, or set PLANNER_DATA_DIR to another folder."
            ) from None
        os.ftruncate(file, 0)
        os.pwrite(file, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)
        self._lock = file
        self._announcement.unlink(missing_ok=True)  # of a process that was killed

    def announce(self, url: str) -> None:
        """Tells the command line where this process answers, once it does."""
        running = {"pid": os.getpid(), "url": url, "started_at": self._clock().isoformat()}
        _draft(self._announcement, json.dumps(running)).replace(self._announcement)

    def running(self) -> RunningServer | None:
        """The live all-in-one of this directory, or None. A number that the system gave to a later process is not taken for it."""
        try:
            kept = json.loads(self._announcement.read_text(encoding="utf-8"))
            found = RunningServer(int(kept["pid"]), str(kept["url"]), datetime.fromisoformat(kept["started_at"]))
            born = datetime.fromtimestamp(psutil.Process(found.pid).create_time() - _CLOCK_SLACK_SECONDS, UTC)
        except (OSError, ValueError, KeyError, TypeError, psutil.Error):
            return None
        return found if born <= found.started_at else None

    def release(self) -> None:
        """Withdraws the announcement and lets the next process in. Does nothing when not acquired."""
        if self._lock is None:
            return
        self._announcement.unlink(missing_ok=True)
        os.ftruncate(self._lock, 0)
        os.close(self._lock)
        self._lock = None

    @property
    def _announcement(self) -> Path:
        return self.path / "server.json"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


def _holder(content: bytes) -> str:
    try:
        kept = json.loads(content)
        return f"process {kept['pid']} at {kept['url']}"
    except (ValueError, KeyError, TypeError):
        return "another process"  # it holds the lock and has not written its name yet
