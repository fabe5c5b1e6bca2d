"""Radicale as a child process: started, recognised and stopped by number, start time and command line; never imported, as its licence is the GPL."""

import fcntl
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Literal

import psutil

_LIFELINE = Path(__file__).with_name("lifeline.py")
_LOG_LIMIT_BYTES = 5_000_000
_CLOCK_SLACK_SECONDS = 2.0
_PATIENCE_SECONDS = 5.0
_ENVIRONMENT = ("PATH", "HOME", "TMPDIR", "PYTHONPATH", "VIRTUAL_ENV", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")  # no secret of ours is among them

Means = Literal["kernel", "pipe"]
DEATH_NOTICE: Means = "kernel" if sys.platform == "linux" else "pipe"


def command(config: Path) -> list[str]:
    return [sys.executable, "-P", "-m", "radicale", "--config", str(config)]


class Child:
    """One run of Radicale. Make it in the thread that lives as long as the process: on Linux the kernel ends the child with that thread."""

    def __init__(self, config: Path, log: Path, pid_file: Path, *, means: Means = DEATH_NOTICE) -> None:
        self._pid_file = pid_file
        log.parent.mkdir(mode=0o700, exist_ok=True)
        if log.exists() and log.stat().st_size > _LOG_LIMIT_BYTES:
            log.replace(log.with_suffix(".log.1"))
        output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        try:
            self._process = subprocess.Popen(
                [sys.executable, "-I", "-S", str(_LIFELINE), means, str(os.getpid()), *command(config)],
                stdin=subprocess.PIPE,
                stdout=output,
                stderr=output,
                cwd=config.parent,
                env={name: os.environ[name] for name in _ENVIRONMENT if name in os.environ} | {"LC_ALL": "C.UTF-8", "TZ": "UTC"},
                start_new_session=True,  # Ctrl-C in a terminal must reach us first
                umask=0o077,
            )
        finally:
            os.close(output)
        with suppress(psutil.Error):
            born = psutil.Process(self._process.pid).create_time()
            file = os.open(pid_file, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
            with os.fdopen(file, "w", encoding="utf-8") as opened:
                json.dump({"pid": self._process.pid, "create_time": born}, opened)

    @property
    def pid(self) -> int:
        return self._process.pid

    def ended(self) -> bool:
        return self._process.poll() is not None

    def ask_to_end(self) -> None:
        self._process.terminate()

    def kill(self) -> None:
        self._process.kill()

    def forget(self) -> None:
        """Closes what belonged to an ended run."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        self._pid_file.unlink(missing_ok=True)


def end_stale(pid_file: Path, config: Path) -> None:
    """Ends the Radicale that a killed parent left behind. Any other process that has its number now is left alone. Waits up to ten seconds."""
    try:
        kept = json.loads(pid_file.read_text(encoding="utf-8"))
        process = psutil.Process(int(kept["pid"]))
        same = abs(process.create_time() - float(kept["create_time"])) < _CLOCK_SLACK_SECONDS and process.cmdline()[1:] == command(config)[1:]
    except (OSError, ValueError, KeyError, TypeError, psutil.Error):
        same = False
    if same:
        with suppress(psutil.NoSuchProcess):
            process.terminate()
            try:
                process.wait(_PATIENCE_SECONDS)
            except psutil.TimeoutExpired:
                process.kill()
                with suppress(psutil.TimeoutExpired):
                    process.wait(_PATIENCE_SECONDS)
    pid_file.unlink(missing_ok=True)


def lock(path: Path) -> int | None:
    """Locks `path` until the returned descriptor is closed or the process ends; None when another process has it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        return None
    return file
