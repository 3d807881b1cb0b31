"""Engine sessions, kept from one query to the next.

To make a session costs 0.6 ms, and it begins without what the one before knew of files: the footer of each Parquet
file is read and decoded again, a millisecond for one with 150 columns. So a session whose query ended well is kept
without its tables, and lent again to one query at a time, the one used last first. What a session knows of a footer
goes by the file's size and time of change, and what all of them may keep is a share of the bytes of the caches
(``memory_cache_bytes_max``).

The session of a query that failed, or that was given up, is not kept: what the engine goes on with may hold some of
its memory.
"""

from __future__ import annotations

import atexit
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from btql.execution.engine import CORES, SessionContext

KEPT_MAX = 8
"""Sessions that wait for a query; more queries than this rarely run at the same time."""
FOOTERS_SHARE = 16
"""One part in so many of the bytes of the caches is for the footers that one session keeps."""
SETTINGS = {
    "datafusion.execution.parquet.pushdown_filters": "true",
    "datafusion.execution.parquet.reorder_filters": "true",
    "datafusion.execution.parquet.schema_force_view_types": "false",
    "datafusion.sql_parser.enable_ident_normalization": "false",
    "datafusion.execution.time_zone": "UTC",
    # Its own 50 refuses joins of 20 relations. Deeper than this, planning may need more stack than a thread has.
    "datafusion.sql_parser.recursion_limit": "200",
    # Its own rules change whether a column may be null, and then it refuses its own plan.
    "datafusion.execution.skip_physical_aggregate_schema_check": "true",
}
UNITED = {"datafusion.optimizer.enable_topk_dynamic_filter_pushdown": "false"}
"""For a union whose sides differ in a constant that is sorted by: with a limit, the engine (55) sorts each side by
the other keys alone, and then drops rows of one side by what it has found in another."""


@dataclass(frozen=True, slots=True)
class SessionSpec:
    """What a session is like."""

    memory_bytes: int
    """What the engine's operators may hold before they spill to disk."""
    spill_bytes: int
    """What they may spill; the engine's own bound is 100 GB, and one join could fill a disk."""
    united: bool = False
    """Rows of several queries become one."""
    metadata_bytes: int = 32 << 20
    """What it may keep of footers."""

    def settings(self) -> Mapping[str, str]:
        """Return the engine's settings."""
        more = UNITED if self.united else {}
        return {**SETTINGS, **more, "datafusion.execution.target_partitions": str(CORES)}


class Sessions:
    """The sessions of this process."""

    def __init__(self) -> None:
        self.lookups: Counter[bool] = Counter()
        """How often a session was asked for, and whether one was kept."""
        self._kept: list[tuple[SessionSpec, SessionContext]] = []
        self._lock = Lock()

    def lend(self, spec: SessionSpec) -> SessionContext:
        """Return a session without tables, for one query."""
        with self._lock:
            place = next((at for at in range(len(self._kept) - 1, -1, -1) if self._kept[at][0] == spec), None)
            self.lookups[place is not None] += 1
            if place is not None:
                return self._kept.pop(place)[1]
        return new_session(spec)

    def give_back(self, spec: SessionSpec, session: SessionContext) -> None:
        """Keep a session whose query has ended, and whose answer was read to its end."""
        session.clear()
        with self._lock:
            self._kept.append((spec, session))
            if len(self._kept) > KEPT_MAX:
                del self._kept[0]

    def clear(self) -> None:
        """Keep none."""
        with self._lock:
            self._kept.clear()

    def __len__(self) -> int:
        """Return how many are kept."""
        return len(self._kept)


sessions = Sessions()
# The folder that a session has spilled to is removed with it.
atexit.register(sessions.clear)


def new_session(spec: SessionSpec) -> SessionContext:
    """Return an engine session that nobody has used."""
    return SessionContext(spec.settings(), spec.memory_bytes, spec.spill_bytes, spec.metadata_bytes)
