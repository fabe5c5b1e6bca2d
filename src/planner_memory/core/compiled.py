"""Modules that were compiled where the product was installed: used instead of their sources for as long as these are unchanged."""

import hashlib
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(sys.prefix) / "share" / "planner-memory" / "compiled"


def compiled_folder(package: Path, modules: Sequence[str]) -> Path:
    """Where those modules of a package lie compiled, if they do. By their text and this Python: what is edited never runs in an old form."""
    text = hashlib.sha256(str(sys.implementation.cache_tag).encode())
    for module in modules:
        text.update((package / f"{module}.py").read_bytes())
    return ROOT / text.hexdigest()[:16]


def prefer_compiled(path: list[str], modules: Sequence[str]) -> bool:
    """Has a package, given by its `__path__`, import those modules compiled. False when they are not, and their sources serve."""
    folder = compiled_folder(Path(path[0]), modules)
    if not folder.is_dir():
        return False
    path.insert(0, str(folder))
    sys.path.append(str(folder))  # for the library that they share
    return True
