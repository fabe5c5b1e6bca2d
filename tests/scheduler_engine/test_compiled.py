"""The search, compiled and as plain Python: the same plans; and what was edited is never run in an old form."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from planner_memory.core import compiled
from planner_memory.scheduler_engine import COMPILED_MODULES, IS_COMPILED

PLANS = """
import json, random, sys
from pathlib import Path
from planner_memory.core import compiled
if sys.argv[1] == "plain":
    compiled.ROOT = Path("/nowhere")
from planner_memory.scheduler_engine import IS_COMPILED
from planner_memory.scheduler_engine.jobs import Ground, Job
from planner_memory.scheduler_engine.placement import place
assert IS_COMPILED == (sys.argv[1] == "compiled")
found = []
for seed in range(6):
    chance = random.Random(seed)
    days = [1440 * d for d in range(8)]
    windows = tuple(w for d in days for w in ((d + 540, d + 720), (d + 780, d + 1020)))
    ground = Ground(windows, (0, 60) * 8, {"high": windows[::2]}, 10)
    jobs = []
    for i in range(12 + 10 * seed):
        minutes = chance.choice((30, 45, 60, 90, 180, 300))
        split = minutes >= 90 and chance.random() < 0.7
        jobs.append(Job(
            f"t{i}", minutes, chance.randint(1, 4), chance.choice((0, 0, 1440)), chance.choice((None, 1440 * chance.randint(1, 7))),
            tuple(chance.sample(range(i), 1)) if i and chance.random() < 0.3 else (), 30 if split else minutes, 90 if split else minutes,
            chance.choice((None, "high")),
        ))
    plan = place(jobs, ground, seed=seed, rounds=1500)
    found.append([plan.cost, plan.places])
print(json.dumps(found))
"""


def _plans(how: str) -> object:
    ran = subprocess.run([sys.executable, "-c", PLANS, how], capture_output=True, text=True, check=False)
    assert not ran.returncode, ran.stderr
    return json.loads(ran.stdout)


@pytest.mark.skipif(not IS_COMPILED, reason="not compiled here: there is no C compiler, or a module was edited since; `make .venv/.compiled` does it")
def test_compiled_it_makes_the_same_plans() -> None:
    assert _plans("compiled") == _plans("plain")


def test_an_edited_module_is_not_run_as_it_was_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "ROOT", tmp_path / "compiled")
    monkeypatch.setattr(sys, "path", list(sys.path))
    package = tmp_path / "package"
    package.mkdir()
    for module in COMPILED_MODULES:
        (package / f"{module}.py").write_text("x = 1\n")
    compiled.compiled_folder(package, COMPILED_MODULES).mkdir(parents=True)
    path = [str(package)]
    assert compiled.prefer_compiled(path, COMPILED_MODULES)
    assert path == [str(compiled.compiled_folder(package, COMPILED_MODULES)), str(package)]
    (package / "board.py").write_text("x = 2\n")
    path = [str(package)]
    assert not compiled.prefer_compiled(path, COMPILED_MODULES)
    assert path == [str(package)]
