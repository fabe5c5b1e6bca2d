"""What the demo was told is stored, kept beside the data so that the next run can ask for it again."""

import json
import os
from pathlib import Path
from typing import Literal

Kind = Literal["profile", "memory", "schedule"]


class Ledger:
    """An append-only file of ids. A line is on the disk before `add` returns; one that a crash left half written is ignored."""

    def __init__(self, data_dir: Path) -> None:
        self._path = data_dir / "demo-ledger.ndjson"

    def add(self, kind: Kind, *ids: str) -> None:
        known = set(self.ids(kind))
        lines = "".join(json.dumps({"kind": kind, "id": each}) + "\n" for each in ids if each not in known)
        if not lines:
            return
        torn = self._path.exists() and not self._path.read_bytes().endswith(b"\n")
        with self._path.open("a", encoding="utf-8") as file:
            file.write("\n" + lines if torn and self._path.stat().st_size else lines)
            file.flush()
            os.fsync(file.fileno())

    def ids(self, kind: Kind) -> list[str]:
        """In the order in which they were added, each once."""
        found: dict[str, None] = {}
        for line in self._path.read_text(encoding="utf-8", errors="replace").splitlines() if self._path.exists() else ():
            try:
                entry = json.loads(line)
                if entry["kind"] == kind:
                    found[str(entry["id"])] = None
            except (ValueError, KeyError, TypeError):
                continue
        return list(found)
