"""Compiles the search of the scheduler with mypyc, where there is a C compiler; without one its sources run, about three times slower."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path

from planner_memory.core.compiled import ROOT, compiled_folder
from planner_memory.scheduler_engine import COMPILED_MODULES

SOURCES = Path(__file__).resolve().parents[1] / "src"
PACKAGE = SOURCES / "planner_memory" / "scheduler_engine"
BUILD = """
from mypyc.build import mypycify
from setuptools import setup
import sys
build, *modules = sys.argv[1:]
sys.argv[1:] = ["-q", "build_ext", "--parallel", "2", "--build-lib", build + "/out", "--build-temp", build + "/temp"]
setup(name="compiled", packages=[], ext_modules=mypycify(["--cache-dir", build + "/cache", *modules], target_dir=build + "/c"))
"""


def main() -> int:
    target = compiled_folder(PACKAGE, COMPILED_MODULES)
    if target.is_dir():
        return 0
    compiler = (os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc").split()[0]
    if shutil.which(compiler) is None:
        print(f"There is no C compiler ({compiler}): schedules are searched in plain Python, about three times slower.")
        return 0
    print("Compiling the search (half a minute, once) …", flush=True)
    with tempfile.TemporaryDirectory(prefix="planner-memory-compiled-") as build:
        files = [f"planner_memory/scheduler_engine/{module}.py" for module in COMPILED_MODULES]
        ran = subprocess.run(
            [sys.executable, "-c", BUILD, build, *files], cwd=SOURCES, capture_output=True, text=True, check=False, env=os.environ | {"MYPYPATH": "."}
        )
        made = list(Path(build, "out").rglob("*.so")) + list(Path(build, "out").rglob("*.pyd"))
        if ran.returncode or len(made) < len(COMPILED_MODULES):
            print(
                f"The search could not be compiled; its Python serves, about three times slower.\n{(ran.stdout + ran.stderr)[-2000:]}",
                file=sys.stderr,
            )
            return 0
        shutil.rmtree(ROOT, ignore_errors=True)
        half = target.with_name(target.name + ".half")
        half.mkdir(parents=True)
        for file in made:
            shutil.copy(file, half)
        half.rename(target)
    return 0


if __name__ == "__main__":
    sys.exit(main())
