"""How much memory the product takes: this process, its children, the embedded PostgreSQL and whatever serves the data directory."""

import json
import os
from contextlib import suppress
from pathlib import Path

import psutil


def peak_pss(data_dir: Path, *, so_far: int = 0, root: int | None = None) -> int:
    """Takes a sample now and returns the higher of it and `so_far`, in bytes.

    A sample is the sum of the proportional set sizes (each shared page counted once, split among those who share it) of the process `root`
    (None: this one) and of all that `processes` finds. Call it at the end of each stage with the last result.
    """
    return max(so_far, sum(_pss(process) for process in processes(data_dir, root)))


def processes(data_dir: Path, root: int | None = None) -> list[psutil.Process]:
    """The process `root` and its descendants; with them, by the pid files of the data directory, the server that runs there and PostgreSQL,
    which is no child of the process that started it."""
    found: dict[int, psutil.Process] = {}
    roots = [root or os.getpid(), _server(data_dir), *(_first_line(p) for p in (*data_dir.glob("*/postmaster.pid"), data_dir / "radicale.pid"))]
    for pid in (each for each in roots if each is not None):
        with suppress(psutil.Error):
            process = psutil.Process(pid)
            for each in (process, *process.children(recursive=True)):
                found[each.pid] = each
    return list(found.values())


def _first_line(path: Path) -> int | None:
    try:
        return int(path.read_text(encoding="ascii").split("\n", 1)[0])
    except (OSError, ValueError):
        return None


def _server(data_dir: Path) -> int | None:
    try:
        return int(json.loads((data_dir / "server.json").read_text(encoding="utf-8"))["pid"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _pss(process: psutil.Process) -> int:
    try:
        for line in Path(f"/proc/{process.pid}/smaps_rollup").read_text(encoding="ascii").splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError):
        # another user's process, or a system without PSS: its resident pages, shared ones counted in full
        with suppress(psutil.Error):
            return int(process.memory_info().rss)
    return 0
