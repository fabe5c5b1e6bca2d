"""The parts of the demo that can be had without the product: what memory it takes, what it wrote down, when it has learnt."""

import json
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from planner_memory.cli.demo import Learnt, demo_settings
from planner_memory.cli.ledger import Ledger
from planner_memory.cli.memory_use import peak_pss, processes
from planner_memory.settings import Settings


def test_peak_pss_counts_this_process_and_its_children(tmp_path: Path) -> None:
    alone = peak_pss(tmp_path)
    assert 10e6 < alone < 3e9
    ballast = "import sys; kept = bytearray(b'x') * 60_000_000; print('up', flush=True); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", ballast], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        with_child = peak_pss(tmp_path)
        assert with_child > alone + 50e6
        assert peak_pss(tmp_path, root=child.pid) == pytest.approx(60e6, rel=0.5)
        child.communicate()
    assert peak_pss(tmp_path, so_far=with_child) == with_child
    assert peak_pss(tmp_path) < with_child


def test_daemons_are_found_by_their_pid_files(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, start_new_session=True) as other:
        nobody = subprocess.Popen([sys.executable, "-c", "pass"])
        nobody.wait()
        (tmp_path / "postgres").mkdir()
        (tmp_path / "postgres" / "postmaster.pid").write_text(f"{other.pid}\n/somewhere\n")
        (tmp_path / "server.json").write_text(json.dumps({"pid": nobody.pid, "url": "http://127.0.0.1:1"}))
        found = [p.pid for p in processes(tmp_path, root=nobody.pid)]
        assert found == [other.pid]
        other.communicate(b"\n")
    assert psutil.Process().pid in [p.pid for p in processes(tmp_path)]


def test_the_ledger_keeps_each_id_once_and_survives_a_torn_line(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    assert ledger.ids("memory") == []
    ledger.add("memory", "a", "b")
    ledger.add("schedule", "r")
    file = tmp_path / "demo-ledger.ndjson"
    with file.open("a") as torn:
        torn.write('{"kind": "memory", "id": "c')
    again = Ledger(tmp_path)
    again.add("memory", "b", "d")
    assert again.ids("memory") == ["a", "b", "d"]
    assert again.ids("schedule") == ["r"]


@pytest.mark.parametrize(
    ("before", "actual", "after", "moved"),
    [
        (1.0, 1.6, 1.0, False),
        (1.0, 1.6, 1.25, False),
        (1.0, 1.6, 1.35, True),
        (1.0, 1.6, 0.7, False),
        (1.55, 1.6, 1.58, True),
        (1.0, 1.6, 2.6, False),
    ],
)
def test_learnt_means_that_p50_moved_towards_what_it_took(before: float, actual: float, after: float, moved: bool) -> None:
    assert Learnt("Step", before, actual, after).moved is moved


def test_the_demo_stays_away_from_the_persons_own_data(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("PLANNER_DATA_DIR", raising=False)
    monkeypatch.setenv("DATABASE_URL", "postgresql://user@db.example/work")
    monkeypatch.setenv("CALDAV_URL", "https://calendar.example/")
    own = demo_settings(Settings())
    assert own.data_dir is not None
    assert own.data_dir.name == "planner-memory-demo"
    assert own.dsn is None
    assert own.caldav_url is None
    monkeypatch.setenv("PLANNER_DATA_DIR", str(tmp_path))
    assert demo_settings(Settings()).data_dir == tmp_path
