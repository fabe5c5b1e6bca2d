"""The folders that the embedded PostgreSQL needs, each open to exactly whom it must be."""

import hashlib
import os
import re
import secrets
import shutil
import stat
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from planner_memory.adapters.pgserver.binaries import Account, blocked_at
from planner_memory.core.errors import NotStarted

# sun_path holds 108 bytes on Linux and 104 on macOS, the final zero included; the longest name is that of a five-digit port
_LONGEST_FOLDER = (107 if sys.platform == "linux" else 103) - len("/.s.PGSQL.65535")
_PLAIN = re.compile(r"[\w./+-]+", re.ASCII)  # unix_socket_directories is a list: no commas, quotes or blanks
_LOG_LIMIT_BYTES = 5_000_000


def make_data_dir(data_dir: Path, account: Account | None) -> None:
    """Makes the data directory. As root, `account` must be able to pass through it and through what lies above, which is never changed.

    Raises:
        NotStarted: a folder above is closed to `account`.
    """
    data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    if account is None:
        return
    if data_dir.stat().st_uid == os.geteuid():
        data_dir.chmod(stat.S_IMODE(data_dir.stat().st_mode) | 0o011)
    closed = blocked_at(data_dir, account)
    if closed is not None:
        raise NotStarted(
            f"The folder {closed} is closed to the system user {account.name}, under whom PostgreSQL runs because you are root. "
            "Set PLANNER_DATA_DIR to a folder that others may pass through, such as /var/lib/planner-memory, or run as an ordinary user."
        )


def make_private(folder: Path, account: Account | None) -> Path:
    """Makes `folder` 0700 and `account`'s own."""
    folder.mkdir(mode=0o700, exist_ok=True)
    folder.chmod(0o700)
    if account is not None:
        os.chown(folder, account.uid, account.gid)
    return folder


def make_socket_dir(data_dir: Path, account: Account | None) -> Path:
    """A private folder for the socket: in the data directory, or, where that path is too long for a socket, in a runtime or temporary folder."""
    own = data_dir / "postgres-socket"
    if _fits(own):
        return make_private(own, account)
    name = f"planner-memory-{hashlib.sha256(os.fsencode(data_dir)).hexdigest()[:12]}"
    runtime = os.environ.get("XDG_RUNTIME_DIR", "")
    bases = ([Path(runtime)] if runtime and account is None else []) + [Path(tempfile.gettempdir()), Path("/tmp")]  # noqa: S108 - checked for owner and mode
    for base in bases:
        # a name that anyone can guess in a folder that anyone can write may be occupied; a random one is not
        for folder in (base / name, base / f"{name}-{secrets.token_hex(4)}"):
            if _fits(folder) and base.is_dir() and (account is None or blocked_at(base, account) is None) and _taken(folder, account):
                return folder
    raise NotStarted(f"No folder short enough for PostgreSQL's socket was found for {data_dir}. Set PLANNER_DATA_DIR to a shorter path.")


def drop_socket_dir(folder: Path, data_dir: Path) -> None:
    """Removes a socket folder outside the data directory once it is empty."""
    if data_dir not in folder.parents:
        with suppress(OSError):
            folder.rmdir()


def open_log(data_dir: Path) -> int:
    """The file descriptor of logs/postgres.log, opened to append. A file that grew large becomes postgres.log.1."""
    log = log_path(data_dir)
    log.parent.mkdir(mode=0o700, exist_ok=True)
    if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
        log.replace(log.with_suffix(".log.1"))
    return os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)


def log_path(data_dir: Path) -> Path:
    return data_dir / "logs" / "postgres.log"


def log_tail(data_dir: Path, lines: int = 8) -> str:
    """The last lines of the log, for the message of an error."""
    try:
        with log_path(data_dir).open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 8000))
            return "\n".join(file.read().decode(errors="replace").splitlines()[-lines:])
    except OSError:
        return ""


def remove_unfinished(data_dir: Path) -> None:
    """Removes clusters whose making was interrupted; they never held data."""
    for leftover in data_dir.glob("postgres.initialising-*"):
        shutil.rmtree(leftover, ignore_errors=True)


def _fits(folder: Path) -> bool:
    return len(os.fsencode(folder)) <= _LONGEST_FOLDER and _PLAIN.fullmatch(str(folder)) is not None


def _taken(folder: Path, account: Account | None) -> bool:
    with suppress(OSError):
        folder.mkdir(mode=0o700)
        return bool(make_private(folder, account))
    try:
        found = folder.lstat()
    except OSError:
        return False
    owner = os.geteuid() if account is None else account.uid
    return stat.S_ISDIR(found.st_mode) and found.st_uid == owner and not stat.S_IMODE(found.st_mode) & 0o077
