"""A service as a process of its own, asked over HTTP and measured from outside."""

import http.client
import json
import os
import socket
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

_AT_ONCE = 500
KEY = "pm_benchmark"


def say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def percentiles(taken: Sequence[float]) -> tuple[float, float]:
    ordered = sorted(taken)
    return round(statistics.median(ordered), 2), round(ordered[int(len(ordered) * 0.95)], 2)


class Child:
    """A service's process, and one connection to it that stays open."""

    def __init__(self, folder: Path, dsn: str, settings: Mapping[str, str] | None = None, *, service: str = "memory-gateway") -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        environment = os.environ | {
            "DATABASE_URL": dsn,
            "PLANNER_DATA_DIR": str(folder / "gateway"),
            "PLANNER_API_KEY": KEY,
            "PLANNER_PORT": str(self._port),
            "PLANNER_LOG_LEVEL": "warning",
            **(settings or {}),
        }
        self._log = (folder / "gateway.log").open("wb")
        command = [sys.executable, "-m", "planner_memory", "serve", service, "--port", str(self._port)]
        self._child = subprocess.Popen(command, env=environment, cwd=folder, stdout=self._log, stderr=self._log)
        self._process = psutil.Process(self._child.pid)
        self._connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=120)
        for _ in range(600):
            try:
                self.ask("GET", "/health")
                return
            except OSError:
                self._connection.close()
                if self._child.poll() is not None:
                    break
                time.sleep(0.1)
        self.stop()
        raise SystemExit((folder / "gateway.log").read_text())

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        headers = {"Authorization": f"Bearer {KEY}", "Content-Type": "application/json"}
        sent = None if body is None else json.dumps(body)
        self._connection.request(method, path, sent, headers)
        answer = self._connection.getresponse()
        read = answer.read()
        if answer.status >= 400 and path != "/health":
            raise SystemExit(f"{method} {path.split('?')[0]} -> {answer.status}: {read[:500]!r}")
        return json.loads(read)

    def reconnect(self) -> None:
        """A connection that was idle for some seconds has been closed by the other side."""
        self._connection.close()

    def timed(self, calls: Sequence[tuple[str, str, Any]]) -> tuple[list[float], float]:
        """Milliseconds of each call, and the CPU milliseconds that the process spent on one of them."""
        taken, cpu = [], self._cpu()
        for method, path, body in calls:
            started = time.perf_counter()
            self.ask(method, path, body)
            taken.append((time.perf_counter() - started) * 1000)
        return taken, (self._cpu() - cpu) * 1000 / len(calls)

    def loaded(self, bodies: Sequence[Any]) -> tuple[float, float]:
        """Stores memories in batches, then waits for the index: seconds until all were stored, and until all could be found."""
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        started = last = time.monotonic()
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as progress:
            bar = progress.add_task("storing", total=len(bodies))
            for n in range(0, len(bodies), _AT_ONCE):
                self.ask("POST", "/api/v1/memory/remember/batch", {"memories": bodies[n : n + _AT_ONCE]})
                progress.advance(bar, len(bodies[n : n + _AT_ONCE]))
            stored = time.monotonic() - started
            bar = progress.add_task("indexing", total=len(bodies))
            while pending := self.ask("GET", "/health")["pending_index"]:
                progress.update(bar, completed=len(bodies) - pending)
                if not console.is_terminal and time.monotonic() - last > 20:
                    say(f"{pending} to be indexed")
                    last = time.monotonic()
                time.sleep(min(3, 0.2 + pending / 10_000))  # to count many takes the database a while
                self.reconnect()
        return stored, time.monotonic() - started

    def settled(self) -> float:
        """Seconds until everything is searchable."""
        started = time.monotonic()
        while self.ask("GET", "/health")["pending_index"]:
            time.sleep(0.2)
        return time.monotonic() - started

    def megabytes(self) -> dict[str, float]:
        """Resident, and the part of it that no file backs."""
        lines = Path(f"/proc/{self._child.pid}/smaps_rollup").read_text().splitlines() if sys.platform == "linux" else []
        kilobytes = {line.split(":")[0]: float(line.split()[1]) for line in lines[1:]}
        resident = self._process.memory_info().rss / 1e6
        return {"resident": round(resident), "anonymous": round(kilobytes.get("Anonymous", float("nan")) * 1024 / 1e6)}

    def _cpu(self) -> float:
        spent = self._process.cpu_times()
        return spent.user + spent.system

    def stop(self) -> None:
        self._connection.close()
        self._child.terminate()
        try:
            self._child.wait(30)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait()
        self._log.close()
