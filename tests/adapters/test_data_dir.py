"""The data directory: one owner at a time, secrets once and closed, and a server that can be found."""

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from planner_memory.adapters.in_process.data_dir import DataDirectory, default_data_dir, ensure_secret
from planner_memory.core.errors import NotStarted

SRC = Path(__file__).resolve().parents[2] / "src"
URL = "http://127.0.0.1:8090"


@pytest.fixture
def elsewhere(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds `tmp_path`/data and has announced itself."""
    script = f"""
import pathlib, time
from planner_memory.adapters.in_process.data_dir import DataDirectory
held = DataDirectory(pathlib.Path({str(tmp_path / "data")!r}))
held.acquire({URL!r}); held.announce({URL!r})
print("held", flush=True); time.sleep(60)
"""
    process = subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, text=True, env={"PYTHONPATH": str(SRC), "PATH": os.environ["PATH"]}
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    yield process
    process.kill()
    process.wait()


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_it_is_closed_to_others_but_for_passing_through_as_root(tmp_path: Path) -> None:
    made = DataDirectory(tmp_path / "a" / "data").create()
    assert mode(made) == (0o711 if os.geteuid() == 0 else 0o700)


def test_a_second_process_is_told_who_holds_it_and_where(tmp_path: Path, elsewhere: subprocess.Popen[str]) -> None:
    second = DataDirectory(tmp_path / "data")
    with pytest.raises(NotStarted, match=f"process {elsewhere.pid} at {URL}"):
        second.acquire("http://127.0.0.1:9999")
    found = second.running()
    assert found is not None
    assert (found.pid, found.url) == (elsewhere.pid, URL)
    assert abs(datetime.now(UTC) - found.started_at) < timedelta(seconds=30)
    assert mode(tmp_path / "data" / "server.json") == 0o600
    assert mode(tmp_path / "data" / "lock") == 0o600


def test_a_killed_holder_holds_nothing(tmp_path: Path, elsewhere: subprocess.Popen[str]) -> None:
    elsewhere.kill()
    elsewhere.wait()
    directory = DataDirectory(tmp_path / "data")
    assert (tmp_path / "data" / "server.json").exists()
    assert directory.running() is None
    directory.acquire(URL)
    assert not (tmp_path / "data" / "server.json").exists()
    directory.release()


def test_a_later_process_with_the_same_number_is_not_the_server(tmp_path: Path) -> None:
    directory = DataDirectory(tmp_path)
    long_ago = datetime.now(UTC) - timedelta(days=2)
    (tmp_path / "server.json").write_text(json.dumps({"pid": os.getpid(), "url": URL, "started_at": long_ago.isoformat()}))
    assert directory.running() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"pid": 1}', '{"pid": "x", "url": 1, "started_at": 2}'])
def test_a_damaged_announcement_means_nobody(tmp_path: Path, content: str) -> None:
    (tmp_path / "server.json").write_text(content)
    assert DataDirectory(tmp_path).running() is None


def test_a_clean_stop_leaves_no_trace_and_lets_the_next_in(tmp_path: Path) -> None:
    with DataDirectory(tmp_path) as first:
        first.acquire(URL)
        first.announce(URL)
        found = first.running()
        assert found is not None
        assert found.pid == os.getpid()
        with pytest.raises(NotStarted):
            DataDirectory(tmp_path).acquire(URL)
    assert first.running() is None
    second = DataDirectory(tmp_path)
    second.acquire(URL)
    second.release()
    second.release()


def test_a_place_that_cannot_be_a_folder_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(NotStarted, match="PLANNER_DATA_DIR"):
        DataDirectory(tmp_path / "file" / "data").acquire(URL)


def test_the_default_place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    assert default_data_dir() == Path("/var/lib/planner-memory")
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_DATA_HOME", "/srv/data")
    assert default_data_dir() == Path("/srv/data/planner-memory")
    monkeypatch.setenv("XDG_DATA_HOME", "relative")
    assert default_data_dir() == tmp_path / ".local" / "share" / "planner-memory"
    monkeypatch.setattr(sys, "platform", "darwin")
    assert default_data_dir() == tmp_path / "Library" / "Application Support" / "planner-memory"


def test_many_at_once_get_one_secret(tmp_path: Path) -> None:
    numbers = count()
    with ThreadPoolExecutor(16) as pool:
        secrets = list(pool.map(lambda _: ensure_secret(tmp_path / "api-key", lambda: f"secret-{next(numbers)}"), range(64)))
    assert len(set(secrets)) == 1
    assert (tmp_path / "api-key").read_text() == secrets[0] + "\n"
    assert mode(tmp_path / "api-key") == 0o600
    assert [p.name for p in tmp_path.iterdir()] == ["api-key"]


def test_a_secret_left_open_is_closed_and_an_empty_one_refused(tmp_path: Path) -> None:
    kept = tmp_path / "api-key"
    kept.write_text("mine\n")
    kept.chmod(0o644)
    assert ensure_secret(kept, lambda: "new") == "mine"
    assert mode(kept) == 0o600
    kept.write_text("\n")
    with pytest.raises(NotStarted, match="empty"):
        ensure_secret(kept, lambda: "new")
