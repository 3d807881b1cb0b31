"""Which traces a policy lets go of: those that are too old, and the oldest where there are too many.

A trace goes as a whole, so that nobody ever sees half of one. It is as old as its newest row, by ``created``.
Limits on rows and bytes keep the newest traces that fit; the newest of all stays even where it is too large alone.
Rows of an object that has no traces, a dataset's, are a trace each.

Pure: it sees numbers and returns which of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from btql_storage.errors import BadSetting

if TYPE_CHECKING:
    from numpy.typing import NDArray

DAY_S = 86_400
_US = 1_000_000


@dataclass(frozen=True, slots=True)
class RetentionPolicy:
    """How much of an object is kept; None is no limit."""

    age_s: int | None = None
    """Seconds since ``created`` of the newest row of a trace."""
    json_bytes: int | None = None
    """JSON of the current documents. What a single row has is told from its part: all rows of one count alike."""
    rows: int | None = None
    """Current rows."""
    history_s: int | None = None
    """Seconds that rows of the past are kept after they were replaced or deleted, of kinds that have versions."""

    def __post_init__(self) -> None:
        """Check what was given."""
        for name in ("age_s", "json_bytes", "rows", "history_s"):
            value = getattr(self, name)
            if value is not None and value <= 0:
                raise BadSetting(f"a policy with {name} = {value:,}", "give a number over 0, or leave it out")

    @property
    def is_empty(self) -> bool:
        """Whether it keeps everything."""
        return self == RetentionPolicy()

    @property
    def limits_rows(self) -> bool:
        """Whether it may let go of current rows."""
        return not (self.age_s is None and self.json_bytes is None and self.rows is None)


@dataclass(frozen=True, slots=True, eq=False)
class Traces:
    """What a policy looks at; one entry of each array for every trace."""

    newest_us: NDArray[np.int64]
    """When its newest row was created."""
    rows: NDArray[np.int64]
    json_bytes: NDArray[np.float64]
    kept: NDArray[np.bool_]
    """Whether it stays in any case, because events wait for it."""


def expired(traces: Traces, policy: RetentionPolicy, now_us: int) -> NDArray[np.bool_]:
    """Return which of the traces go."""
    gone = np.zeros(len(traces.newest_us), dtype=np.bool_)
    if policy.age_s is not None:
        gone = traces.newest_us < now_us - policy.age_s * _US
    for limit, sizes in ((policy.rows, traces.rows), (policy.json_bytes, traces.json_bytes)):
        if limit is not None:
            gone = gone | _beyond(traces.newest_us, np.where(gone & ~traces.kept, 0, sizes), limit)
    return gone & ~traces.kept


def _beyond(newest_us: NDArray[np.int64], sizes: NDArray[np.float64], limit: int) -> NDArray[np.bool_]:
    """Return which traces do not fit, the newest first."""
    order = np.argsort(-newest_us, kind="stable")
    beyond = np.cumsum(sizes[order]) > limit
    beyond[:1] = False
    found = np.zeros(len(newest_us), dtype=np.bool_)
    found[order] = beyond
    return found
