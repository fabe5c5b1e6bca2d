"""The folder of the index: who may open it, and which embedder filled it."""

import fcntl
import json
import os
import shutil
from pathlib import Path

from planner_memory.core.errors import IndexOutdated, NotStarted

_LAYOUT = 1  # raise it when fields or lexical settings change, so that an old index is rebuilt rather than half understood


class IndexFolder:
    """Holds `lock`, `embedder.json` and the engine's files in `shard`. The lock is the kernel's, so it goes with the process, however that ends."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.shard = path / "shard"
        self._marker = path / "embedder.json"
        self._lock: int | None = None

    def acquire(self) -> None:
        """Raises NotStarted when another process, or another index object of this one, has the folder open."""
        try:
            self.path.mkdir(parents=True, exist_ok=True)
            self._lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise NotStarted(
                f"The search index in {self.path} is open in another process. Only one may have it: stop the other one, "
                "or give this one a PLANNER_DATA_DIR of its own."
            ) from error
        except OSError as error:
            raise NotStarted(f"The search index in {self.path} cannot be opened: {error}. Give the service a folder it may write to.") from error

    def release(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def discard(self) -> None:
        self._marker.unlink(missing_ok=True)
        shutil.rmtree(self.shard, ignore_errors=True)

    def has_shard(self) -> bool:
        """False as well for one whose making was cut short, which therefore holds no memory."""
        return (self.shard / "edge_config.json").exists()

    def require_or_record(self, embedder_name: str, dimension: int) -> None:
        """Raises NotStarted when the folder was filled by another embedder, or under another layout."""
        expected = {"embedder": embedder_name, "dimension": dimension, "layout": _LAYOUT}
        try:
            found = json.loads(self._marker.read_text(encoding="utf-8"))
            if found.keys() != expected.keys():
                raise ValueError(f"it holds {found}")
        except FileNotFoundError:
            if self.has_shard():
                raise NotStarted(f"{self._marker} is missing, so nobody can tell which embedder filled the index. {_REMEDY}") from None
            fresh = self._marker.with_suffix(".new")
            fresh.write_text(json.dumps(expected), encoding="utf-8")
            fresh.replace(self._marker)
            return
        except (OSError, ValueError, AttributeError) as error:
            raise NotStarted(f"{self._marker} cannot be read: {error}. {_REMEDY}") from error
        if found != expected:
            raise IndexOutdated(
                f"The search index in {self.path} was filled with {found}, and the service is set to {expected}. {_REMEDY}"
                " Nothing is lost by that: the index is derived from PostgreSQL.",
                filled_by=(found["embedder"], found["dimension"]) if found["layout"] == _LAYOUT else None,
            )


_REMEDY = "Run `planner-memory reindex` to build it anew."
