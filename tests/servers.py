"""Vendors' servers as child processes of the tests, on free loopback ports, each ended by its pid."""

import os
import random
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def missing(what: str) -> None:
    """Skips, or fails where a run has been told that it must have every server."""
    if os.environ.get("PLANNER_TEST_REQUIRE_SERVERS") == "1":
        pytest.fail(f"{what} is missing, and PLANNER_TEST_REQUIRE_SERVERS=1 demands it.")
    pytest.skip(f"{what} is missing")


def free_port() -> int:
    """A port to start a server on that cannot be given 0. From below those of outgoing connections, one of which could take it before the server."""
    for port in random.sample(range(10_000, 20_000), 100):
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("no free port was found")


class ValkeyServer:
    """A real valkey-server, or the redis-server from which it stems; nothing is written to disk."""

    def __init__(self, folder: Path, *options: str) -> None:
        program = shutil.which("valkey-server") or shutil.which("redis-server")
        if program is None:
            missing("valkey-server (or redis-server)")
        self.port = free_port()
        self._command = [str(program), "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(folder), *options]
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"valkey://127.0.0.1:{self.port}/0"

    @property
    def pid(self) -> int:
        assert self._child is not None
        return self._child.pid

    def start(self) -> None:
        self._child = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                    connection.sendall(b"PING\r\n")
                    if connection.recv(64):
                        return
            except OSError:
                assert self._child.poll() is None, f"{self._command[0]} ended with {self._child.returncode}"
                time.sleep(0.02)
        pytest.fail(f"{self._command[0]} did not answer within 10 s")

    def kill(self) -> None:
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            self._child = None


@pytest.fixture(scope="session")
def valkey_url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a running Valkey; give every test a key prefix of its own."""
    server = ValkeyServer(tmp_path_factory.mktemp("valkey"))
    server.start()
    yield server.url
    server.kill()


PEERS_PYTHON = ROOT / ".venv-peers" / "bin" / "python"


class QdrantServer:
    """The stand-in for a Qdrant server (tests/fakes/qdrant_server.py), run by the interpreter that has the official client."""

    def __init__(self, *options: str) -> None:
        if not PEERS_PYTHON.exists():
            missing("qdrant-client (`make .venv-peers/.installed`)")
        command = [str(PEERS_PYTHON), str(ROOT / "tests" / "fakes" / "qdrant_server.py"), *options]
        self._child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        assert self._child.stdout is not None
        self.port = int(self._child.stdout.readline())

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def kill(self) -> None:
        self._child.kill()
        self._child.communicate()


@pytest.fixture(scope="session")
def qdrant_url() -> Iterator[str]:
    """The address of a running stand-in for Qdrant; give every test a collection prefix of its own."""
    server = QdrantServer()
    yield server.url
    server.kill()
