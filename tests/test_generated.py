"""The generated pages are what the code says."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]


def test_generated_files_are_fresh() -> None:
    done = subprocess.run([sys.executable, ROOT / "tools" / "generated.py", "--check"], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
