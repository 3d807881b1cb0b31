"""How many rows to hold at once, when rows may have any size.

Rows are fetched a window at a time. Parts tell about how much JSON a row has
without reading it, so a window holds what may be in memory, and at least one row.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from btql_storage.later import np

if TYPE_CHECKING:
    from btql_storage.catalog import RowNumbers

ROWS_MAX = 2_048
BYTES_AIM = 8 << 20


def windows(sizes: RowNumbers, rows_max: int = ROWS_MAX, bytes_aim: int = BYTES_AIM) -> Iterator[tuple[int, int]]:
    """Yield where each window begins and ends, for rows of some sizes."""
    ends = np.cumsum(sizes)
    start = 0
    while start < len(sizes):
        before = int(ends[start - 1]) if start else 0
        fitting = int(np.searchsorted(ends, before + bytes_aim, "right"))
        end = min(max(fitting, start + 1), start + rows_max, len(sizes))
        yield start, end
        start = end
