"""Keeps the memory of compaction flat, however many jobs there are.

A job frees documents of every size, from a hundred bytes to tens of megabytes.
glibc keeps what they leave in the heaps of its threads, in pieces that fit
nothing: twenty jobs over 50 KB spans ended at three times the memory of the
first. Two settings and a call after each job prevent that. They hold for the
whole process, and cost nothing that could be measured. Other C libraries have
neither and are left alone.
"""

from __future__ import annotations

import ctypes
from functools import cache

import pyarrow as pa

_MMAP_THRESHOLD = -3
_ARENA_MAX = -8
"""Numbers of the settings, from ``malloc.h``."""
_LARGE_BYTES = 512 << 10
"""Blocks of this size and more are mapped, and go back to the system when they are freed."""
_ARENAS = 2


@cache
def tame_allocator() -> None:
    """Have large blocks mapped, and no more than two heaps; once for the process."""
    library = _glibc()
    if library is not None:
        library.mallopt(_MMAP_THRESHOLD, _LARGE_BYTES)
        library.mallopt(_ARENA_MAX, _ARENAS)


def give_back() -> None:
    """Return to the system what Arrow's pool and the C library hold without need."""
    pa.default_memory_pool().release_unused()
    library = _glibc()
    if library is not None:
        library.malloc_trim(0)


@cache
def _glibc() -> ctypes.CDLL | None:
    try:
        library = ctypes.CDLL(None)
    except (OSError, TypeError):
        return None
    return library if hasattr(library, "malloc_trim") and hasattr(library, "mallopt") else None
