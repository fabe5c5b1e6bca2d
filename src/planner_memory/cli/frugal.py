"""Makes the C library give memory back: loading the embedding model and the index frees large pieces that glibc would keep, 40 MB in all."""

import ctypes
from contextlib import suppress

_M_TRIM_THRESHOLD, _M_MMAP_THRESHOLD, _M_ARENA_MAX = -1, -3, -8  # malloc.h


def give_memory_back() -> None:
    """Pieces over 128 kB go straight back to the system, and few threads share the rest. Does nothing where the C library is another one."""
    with suppress(OSError, AttributeError):
        library = ctypes.CDLL("libc.so.6")
        library.mallopt(_M_MMAP_THRESHOLD, 128 * 1024)  # setting it also ends its growth up to 32 MB
        library.mallopt(_M_TRIM_THRESHOLD, 128 * 1024)
        library.mallopt(_M_ARENA_MAX, 2)
