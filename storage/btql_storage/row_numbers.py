"""Numbers of rows of a part. Those of its superseded rows are always sorted, in the catalog as in a snapshot."""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql_storage.later import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from btql_storage.catalog import RowNumbers


def are_among(rows: RowNumbers, others: Sequence[int] | RowNumbers) -> NDArray[np.bool_]:
    """Return which rows are among others, which are sorted: each is looked up, so that nothing is sorted for it."""
    known = np.asarray(others, np.int64)
    if not len(known):
        return np.zeros(len(rows), np.bool_)
    found: NDArray[np.bool_] = known.take(np.searchsorted(known, rows), mode="clip") == rows
    return found


def ranges(starts: NDArray[np.int64], lengths: NDArray[np.int64]) -> RowNumbers:
    """Return the numbers of all ranges, one after the other."""
    ends = np.cumsum(lengths)
    total = int(ends[-1]) if len(ends) else 0
    return np.repeat(starts - (ends - lengths), lengths) + np.arange(total)
