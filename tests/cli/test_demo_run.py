"""The demo itself, on the whole product: killed in the middle, then run to its end on the same data directory."""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.journeys.product import end_leftovers, environment


@pytest.fixture
def data_dir() -> Iterator[Path]:
    """A data directory that PostgreSQL's own user can reach, with nothing left running in it afterwards."""
    with tempfile.TemporaryDirectory(prefix="pmd-", ignore_cleanup_errors=True) as folder:
        path = Path(folder)
        path.chmod(0o711)
        yield path / "data"
        end_leftovers(path / "data")


def test_the_demo_goes_through_after_a_kill_and_misses_nothing(data_dir: Path) -> None:
    command, env = [sys.executable, "-m", "planner_memory", "demo", "--json"], environment(data_dir)
    ledger = data_dir / "demo-ledger.ndjson"
    with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as first:
        deadline = time.monotonic() + 90
        while not (ledger.exists() and ledger.read_text().count('"memory"') >= 7) and time.monotonic() < deadline and first.poll() is None:
            time.sleep(0.01)
        first.kill()
    accepted = ledger.read_text().count('"memory"')
    assert accepted >= 7
    done = subprocess.run(command, env=env, capture_output=True, text=True, timeout=150, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    assert f"{accepted} accepted earlier, {accepted} found." in done.stderr
    assert "▌" in done.stderr
    lines = done.stdout.splitlines()
    assert len(lines) == 1
    outcome = json.loads(lines[0])
    assert outcome["ok"] is True
    assert outcome["earlier"] == {"accepted": accepted, "found": accepted}
    assert outcome["counts"]["memories"] == 9
    assert outcome["counts"]["blocks"] >= 9
    assert outcome["adapters"]["database"] == "postgresql (embedded)"
    assert all(step["p50_before"] < step["p50_after"] <= 1.3 * step["actual_hours"] for step in outcome["learnt"])
    assert 100 < outcome["peak_memory_mb"] < 700

    (marker,) = (data_dir / "vectors").glob("*.json")
    marker.write_text(json.dumps({**json.loads(marker.read_text()), "embedder": "of an earlier version"}))
    again = subprocess.run(command, env=env, capture_output=True, text=True, timeout=150, check=False)
    assert again.returncode == 0, again.stderr[-3000:]
    assert json.loads(again.stdout)["earlier"]["found"] >= 9
