"""The embedded calendar: a real Radicale in a child process, really killed."""

import asyncio
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import psutil
import pytest

from planner_memory.adapters.radicale import server as server_module
from planner_memory.adapters.radicale.child import Child, end_stale
from planner_memory.adapters.radicale.server import EmbeddedRadicale
from planner_memory.core.errors import NotStarted, Unavailable

SRC = Path(__file__).resolve().parents[2] / "src"
EVENT = """\
BEGIN:VCALENDAR
VERSION:2.0
PRODID:test
BEGIN:VEVENT
UID:one
DTSTAMP:20261123T090000Z
DTSTART:20261123T090000Z
DTEND:20261123T100000Z
SUMMARY:Call
END:VEVENT
END:VCALENDAR
""".replace("\n", "\r\n")


@pytest.fixture
async def calendar(tmp_path: Path) -> AsyncIterator[EmbeddedRadicale]:
    running = EmbeddedRadicale(tmp_path, port=0)
    await running.start()
    yield running
    await running.stop()


async def ask(server: EmbeddedRadicale, method: str, path: str, content: str = "", *, auth: tuple[str, str] | None = None) -> int:
    async with httpx.AsyncClient(trust_env=False) as client:
        return (await client.request(method, server.url + path, content=content, auth=auth or (server.username, server.password))).status_code


async def wait_until_gone(pid: int, seconds: float = 5) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if not psutil.pid_exists(pid) or psutil.Process(pid).status() == psutil.STATUS_ZOMBIE:
            return True
        await asyncio.sleep(0.05)
    return False


def owner_elsewhere(data_dir: Path) -> subprocess.Popen[str]:
    script = f"""
import asyncio, pathlib
from planner_memory.adapters.radicale.server import EmbeddedRadicale
async def main():
    server = EmbeddedRadicale(pathlib.Path({str(data_dir)!r}), port=0)
    await server.start()
    print(server.pid, flush=True)
    await asyncio.sleep(60)
asyncio.run(main())
"""
    return subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(SRC), "PATH": os.environ["PATH"]}
    )


async def test_it_serves_one_person_on_loopback_and_keeps_everything_over_a_restart(tmp_path: Path, calendar: EmbeddedRadicale) -> None:
    url, password, pid = calendar.url, calendar.password, calendar.pid
    assert url.startswith("http://127.0.0.1:")
    await calendar.check()
    assert await ask(calendar, "MKCALENDAR", "planner/work/") == 201
    assert await ask(calendar, "PUT", "planner/work/one.ics", EVENT) == 201
    assert await ask(calendar, "PROPFIND", "planner/", auth=("planner", "guess")) == 401
    assert await ask(calendar, "MKCALENDAR", "someone/work/") == 403
    for name in ("calendar-credentials", "radicale-users", "radicale.conf"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    assert password not in (tmp_path / "radicale-users").read_text()
    listening = {c.laddr.ip for c in psutil.Process(pid).net_connections("tcp") if c.status == psutil.CONN_LISTEN}
    assert listening == {"127.0.0.1"}
    await calendar.stop()
    assert await wait_until_gone(pid or 0, 0.5)
    assert not (tmp_path / "radicale.pid").exists()
    await calendar.start()
    assert (calendar.url, calendar.password) == (url, password)
    assert await ask(calendar, "GET", "planner/work/one.ics") == 200


async def test_a_crashed_child_is_restarted_on_the_same_port(calendar: EmbeddedRadicale) -> None:
    url, pid = calendar.url, calendar.pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    with pytest.raises(Unavailable):
        await calendar.check()
    deadline = time.monotonic() + 10
    while calendar.pid in (pid, None) or not await calendar._answers():
        assert time.monotonic() < deadline
        await asyncio.sleep(0.05)
    await calendar.check()
    assert calendar.url == url


async def test_restarts_are_bounded_and_the_check_says_so(calendar: EmbeddedRadicale, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(server_module, "_BACKOFF_SECONDS", (0.01, 0.01))
    calendar._config.write_text("[server]\nno_such_option = 1\n")
    assert calendar.pid is not None
    os.kill(calendar.pid, signal.SIGKILL)
    assert calendar._watcher is not None
    await asyncio.wait_for(asyncio.shield(calendar._watcher), 15)
    with pytest.raises(Unavailable, match="not restarted again"):
        await calendar.check()


async def test_the_child_dies_with_its_owner(tmp_path: Path) -> None:
    owner = owner_elsewhere(tmp_path)
    assert owner.stdout is not None
    pid = int(owner.stdout.readline())
    owner.kill()
    owner.wait()
    assert await wait_until_gone(pid)


async def test_without_the_kernels_help_a_pipe_does_the_same(tmp_path: Path, calendar: EmbeddedRadicale) -> None:
    await calendar.stop()
    child = Child(calendar._config, tmp_path / "logs" / "other.log", tmp_path / "other.pid", means="pipe")
    try:
        deadline = time.monotonic() + 20
        while not await calendar._answers():
            assert time.monotonic() < deadline
            assert not child.ended()
            await asyncio.sleep(0.05)
        assert child._process.stdin is not None
        child._process.stdin.close()  # as the kernel does for a process that dies
        assert await wait_until_gone(child.pid)
    finally:
        if not child.ended():
            child.kill()
        child._process.wait()


async def test_a_stale_child_is_ended_before_the_start(tmp_path: Path) -> None:
    calendar = EmbeddedRadicale(tmp_path, port=0)
    await calendar.start()
    pid = calendar.pid
    assert pid is not None
    port = calendar.url
    # forgotten without being stopped, as by an owner that was killed where the kernel could not tell the child
    assert calendar._watcher is not None
    calendar._watcher.cancel()
    assert calendar._lock is not None
    os.close(calendar._lock)
    stale, calendar._child, calendar._watcher, calendar._lock = calendar._child, None, None, None
    fresh = EmbeddedRadicale(tmp_path)
    await fresh.start()
    try:
        assert stale is not None
        assert stale.ended()
        assert fresh.pid != pid
        assert fresh.url == port
    finally:
        await fresh.stop()


def test_a_stranger_with_the_number_of_a_stale_child_is_left_alone(tmp_path: Path) -> None:
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        born = psutil.Process(stranger.pid).create_time()
        (tmp_path / "radicale.pid").write_text(f'{{"pid": {stranger.pid}, "create_time": {born}}}')
        end_stale(tmp_path / "radicale.pid", tmp_path / "radicale.conf")
        assert stranger.poll() is None
        assert not (tmp_path / "radicale.pid").exists()
    finally:
        stranger.kill()
        stranger.wait()


async def test_starts_in_the_same_instant_do_not_take_each_others_port(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        coveted = int(probe.getsockname()[1])
    monkeypatch.setattr(server_module, "DEFAULT_PORT", coveted)  # all three find it free: none listens before all have looked
    servers = [EmbeddedRadicale(tmp_path / name) for name in ("one", "two", "three")]
    started = await asyncio.gather(*(server.start() for server in servers), return_exceptions=True)
    try:
        assert started == [None, None, None]
        assert len({server.url for server in servers}) == 3
        for server in servers:
            await server.check()
            assert server.url == f"http://127.0.0.1:{(server._data_dir / 'calendar-port').read_text().strip()}/"
    finally:
        for server in servers:
            await server.stop()


async def test_two_owners_a_taken_port_and_a_public_address_are_refused(tmp_path: Path, calendar: EmbeddedRadicale) -> None:
    with pytest.raises(NotStarted, match="Another process"):
        await EmbeddedRadicale(tmp_path).start()
    taken = int(calendar.url.rstrip("/").rpartition(":")[2])
    with pytest.raises(NotStarted, match=f"Port {taken}"):
        await EmbeddedRadicale(tmp_path / "other", port=taken).start()
    (tmp_path / "third").mkdir()
    (tmp_path / "third" / "calendar-port").write_text(f"{taken}\n")
    with pytest.raises(NotStarted, match="calendar-port"):
        await EmbeddedRadicale(tmp_path / "third").start()
    (tmp_path / "third" / "calendar-port").write_text("none\n")
    with pytest.raises(NotStarted, match="no port"):
        await EmbeddedRadicale(tmp_path / "third").start()
    with pytest.raises(NotStarted, match="loopback"):
        EmbeddedRadicale(tmp_path, host="0.0.0.0")
    second = EmbeddedRadicale(tmp_path / "second")
    await second.start()
    assert second.url != calendar.url
    await second.stop()
    await calendar.check()
