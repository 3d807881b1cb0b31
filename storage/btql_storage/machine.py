"""What a process may have in memory, and the shares for queries and for caches where no number is set."""

from __future__ import annotations

import os
from contextlib import suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from btql_storage.limits import Limits

QUERIES_SHARE = 2
"""Queries may have one part in so many of the memory, all of them together."""
CACHES_SHARE = 8
"""The same for what is kept because it may be needed again: a database of many GB is asked without reading its columns
each time, and a process in a small container leaves room for its queries."""
_CGROUPS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


@cache
def machine_memory() -> int:
    """Return the bytes that this process may have: the machine's, or less where a control group says so."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in _CGROUPS:
        with suppress(OSError, ValueError):
            found.append(int(Path(path).read_text()))
    return min(found)


def of_queries(limits: Limits) -> int:
    """Return the bytes that all queries of this process may hold together."""
    return limits.memory_bytes_max or machine_memory() // QUERIES_SHARE


def of_caches(limits: Limits) -> int:
    """Return the bytes that this process may keep because they may be needed again."""
    return limits.memory_cache_bytes_max or machine_memory() // CACHES_SHARE


def shared(limits: Limits, processes: int) -> Limits:
    """Return the limits of one of several processes that share a machine; a number that was set is for each of them."""
    return replace(
        limits,
        memory_bytes_max=limits.memory_bytes_max or of_queries(limits) // processes,
        memory_cache_bytes_max=limits.memory_cache_bytes_max or of_caches(limits) // processes,
    )
