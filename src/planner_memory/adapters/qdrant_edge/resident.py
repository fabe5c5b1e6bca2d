"""Gives back memory that the engine keeps without need. Does nothing on systems that have no such call."""

import ctypes
import mmap
from pathlib import Path

_MAPS = Path("/proc/self/maps")
_LIBRARY = ctypes.CDLL(None)  # the process's own C library


def trim() -> None:
    """Pieces of the heap that a merge has freed."""
    given_back = getattr(_LIBRARY, "malloc_trim", None)  # glibc has it, macOS and musl do not
    if given_back is not None:
        given_back(0)


def let_go(folder: Path) -> int:
    """Pages of the folder's mapped files: opening reads each payload index of a segment whole, 4 MB of nothing in a small one. What a search
    needs comes back from the page cache. Returns the bytes of the mappings."""
    advise = getattr(_LIBRARY, "madvise", None)
    dont_need = getattr(mmap, "MADV_DONTNEED", None)
    if advise is None or dont_need is None or not _MAPS.exists():
        return 0
    total = 0
    for line in _MAPS.read_text(encoding="utf-8", errors="surrogateescape").splitlines():
        span, rights, *_, name = line.split(None, 5)
        # of a shared mapping of a file only the view goes, never what was written
        if rights.endswith("s") and name.startswith(f"{folder}/"):
            start, end = (int(bound, 16) for bound in span.split("-"))
            advise(ctypes.c_void_p(start), ctypes.c_size_t(end - start), dont_need)
            total += end - start
    return total
