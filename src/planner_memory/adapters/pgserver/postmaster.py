"""The running server of one cluster folder, as PostgreSQL's own postmaster.pid and the process table tell it."""

import os
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psutil

DATABASE = "planner_memory"
ROLE = "planner"
SUPERUSER = "postgres"
FOLDER = "postgres"  # the cluster, below the data directory


@dataclass(frozen=True, slots=True)
class Postmaster:
    """One live server. `status` is PostgreSQL's word: starting, ready, stopping, standby."""

    process: psutil.Process
    port: int
    socket_dir: Path
    status: str

    def dsn(self, role: str = ROLE, database: str = DATABASE) -> str:
        return f"postgresql://{role}@/{database}?host={quote(str(self.socket_dir), safe='')}&port={self.port}"


def live_postmaster(cluster: Path) -> Postmaster | None:
    """The server that runs on `cluster`, or None. A recycled process number is not taken for it: the command line must name the very folder."""
    lines = _lines(cluster)
    try:
        process = psutil.Process(abs(int(lines[0])))
        if not _runs(process, cluster):
            return None
        return Postmaster(process, int(lines[3]), Path(lines[4]), lines[7].strip() if len(lines) > 7 else "starting")
    except (IndexError, ValueError, psutil.Error):
        return None


def running_dsn(data_dir: Path) -> str | None:
    """The DSN of the embedded PostgreSQL of `data_dir` if it runs now, in whichever process it was started; else None."""
    found = live_postmaster((data_dir / FOLDER).resolve())
    return found.dsn() if found and found.status == "ready" else None


def forget_recycled_pid(cluster: Path) -> None:
    """Removes a postmaster.pid whose number now belongs to a stranger, which PostgreSQL would take for a running server.

    A number that belongs to nobody is left to PostgreSQL, which also looks for orphaned backends through the file's shared memory id.
    """
    lines = _lines(cluster)
    try:
        process = psutil.Process(abs(int(lines[0])))
    except (IndexError, ValueError, psutil.Error):
        return
    if not _runs(process, cluster) and not any(_is_backend(other, cluster) for other in psutil.process_iter()):
        (cluster / "postmaster.pid").unlink(missing_ok=True)


def _lines(cluster: Path) -> list[str]:
    try:
        return (cluster / "postmaster.pid").read_text(encoding="utf-8").splitlines()
    except OSError:
        return []


def _runs(process: psutil.Process, cluster: Path) -> bool:
    return process.status() != psutil.STATUS_ZOMBIE and process.name().startswith("postgres") and str(cluster) in process.cmdline()


def _is_backend(process: psutil.Process, cluster: Path) -> bool:
    try:
        return process.name().startswith("postgres") and Path(process.cwd()) == cluster
    except psutil.AccessDenied:
        return os.geteuid() == 0  # root without the right to look cannot tell, so the file stays; anyone else's backends are not of this cluster
    except (psutil.Error, OSError):
        return False
