"""Times of an answer as Python's datetimes, in UTC.

Arrow's own way takes ten to thirty times as long. Here they are made of their microseconds: with NumPy where it has
been imported, and with Python's integers, which takes four times as long, where it would be imported for this alone
(docs/adr/0010).
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from btql_storage.arrow import to_numpy
from btql_storage.later import is_here, np

if TYPE_CHECKING:
    from collections.abc import Sequence

INSTANT = pa.timestamp("us", tz="UTC")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def datetimes(column: pa.Array) -> list[datetime | None]:
    """Return a column of times; what is null, and what is beyond year 9999, which Python has not, is None."""
    instants = column if column.type == INSTANT else column.cast(INSTANT)
    microseconds = instants.view(pa.int64())
    return _by_numpy(microseconds) if is_here() else _by_integers(microseconds.to_pylist())


def _by_numpy(microseconds: pa.Int64Array) -> list[datetime | None]:
    if microseconds.null_count:
        found = _by_numpy(microseconds.fill_null(0))
        for place in np.flatnonzero(to_numpy(microseconds.is_null())).tolist():
            found[place] = None
        return found
    numbers = to_numpy(microseconds)
    try:
        return cast("list[datetime | None]", (_EPOCH + numbers.view("timedelta64[us]").astype(object)).tolist())
    except (OverflowError, TypeError):
        # What is beyond a timedelta, too, NumPy leaves a number.
        return _by_integers(numbers.tolist())


def _by_integers(microseconds: Sequence[int | None]) -> list[datetime | None]:
    try:
        return [None if number is None else _EPOCH + timedelta(0, 0, number) for number in microseconds]
    except OverflowError:
        return [None if number is None else _datetime(number) for number in microseconds]


def _datetime(microseconds: int) -> datetime | None:
    try:
        return _EPOCH + timedelta(0, 0, microseconds)
    except OverflowError:
        return None
