"""Runs a script with a vendor's own client against a loopback server, in an environment of its own."""

import json
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

_ROOT = Path(__file__).parents[2]
_PYTHON = _ROOT / ".venv-peers" / "bin" / "python"


def run_peer(script: Path, home: Path, **settings: str) -> Any:
    """What the script printed as JSON. Skips when the peers are not installed, unless PLANNER_TEST_REQUIRE_SERVERS=1 makes that an error."""
    if not _PYTHON.exists():
        if os.environ.get("PLANNER_TEST_REQUIRE_SERVERS") == "1":
            pytest.fail(f"{_PYTHON} is missing, and PLANNER_TEST_REQUIRE_SERVERS=1 asks for it. Run `make .venv-peers/.installed`.")
        pytest.skip("the vendors' clients are not installed in .venv-peers: this server was NOT checked by the vendor's client")
    ran = subprocess.run([_PYTHON, script], env=_environment(home) | settings, capture_output=True, text=True, timeout=120, check=False)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


def _environment(home: Path) -> Mapping[str, str]:
    return {"PATH": os.environ.get("PATH", ""), "HOME": str(home), "NO_PROXY": "127.0.0.1", "PYTHONDONTWRITEBYTECODE": "1"}
