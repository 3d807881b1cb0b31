"""Times, dates and intervals as Postgres prints them: ISO, in UTC, with no more digits than they need.

Dates, clocks and digits are looked up in tables, a row of bytes for each day, each second and each thousandth.
"""

from __future__ import annotations

from functools import cache, lru_cache
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.execution.interval_functions import spans
from btql_planner.intervals import clock, in_days, shown
from btql_server.pgwire.byte_arrays import Encoded, encoded, missing_of, numbers_of, of_array, side_by_side
from btql_storage.later import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from btql_server.pgwire.byte_arrays import Mask, Matrix

DAY_US = 86_400_000_000
SECOND_US = 1_000_000
_DAYS = 1_000
_DAYS_AT_ONCE = 20_000
"""Longer spans of days are spelled day by day."""
_YEAR_1 = -719_162
_YEAR_10000 = 2_932_897
"""Between these days a year has four digits."""


def microseconds(values: pa.Array) -> NDArray[np.int64]:
    """Return instants or times of day in microseconds; 0 for null."""
    if values.type.unit == "us":
        return numbers_of(values.cast(pa.int64()))
    numbers = numbers_of(values.cast(pa.int64()))
    match values.type.unit:
        case "ns":
            return numbers // 1_000
        case "ms":
            return numbers * 1_000
        case _:
            return numbers * SECOND_US


def timestamps(values: pa.Array) -> Encoded:
    """Return instants: ``2024-02-29 12:00:00.5``, and ``+00`` behind those that have a zone."""
    missing = missing_of(values)
    days, rest = _divided(microseconds(values), DAY_US)
    zone = "" if values.type.tz is None else "+00"
    if missing is not None:
        days[missing], rest[missing] = 0, 0
    if not _four_digits(days):
        return of_array(_one_by_one(days, missing, rest, zone))
    seconds, fraction = _divided(rest, SECOND_US)
    pieces: list[Matrix | bytes] = [_dates(days), b" ", _clocks().take(seconds, axis=0)]
    return _with_fraction(pieces, fraction, [zone.encode()] if zone else [], missing)


def _divided(numbers: NDArray[np.int64], by: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    whole = numbers // by
    return whole, numbers - whole * by


def dates(values: pa.Array) -> Encoded:
    """Return dates: ``2024-02-29``."""
    missing = missing_of(values)
    days = numbers_of(values.cast(pa.int32())).astype(np.int64)
    if not _four_digits(days):
        return of_array(_one_by_one(days, missing))
    return encoded([_dates(days)], missing)


def times(values: pa.Array) -> Encoded:
    """Return times of day: ``12:00:00.5``."""
    missing = missing_of(values)
    width = pa.int32() if pa.types.is_time32(values.type) else pa.int64()
    numbers = numbers_of(values.cast(width)).astype(np.int64)
    scale = {"s": SECOND_US, "ms": 1_000, "us": 1, "ns": 1}[values.type.unit]
    micros = numbers // 1_000 if values.type.unit == "ns" else numbers * scale
    seconds, fraction = _divided(micros, SECOND_US)
    return _with_fraction([_clocks().take(seconds, axis=0)], fraction, [], missing)


def _four_digits(days: NDArray[np.int64]) -> bool:
    return not len(days) or bool(days.min() >= _YEAR_1 and days.max() < _YEAR_10000)


def _dates(days: NDArray[np.int64]) -> Matrix:
    """Return days since 1970 as rows of ten letters."""
    if not len(days):
        return np.empty((0, 10), np.uint8)
    # From one round number to another, so that the next rows find the same table.
    first, last = int(days.min()) // _DAYS * _DAYS, (int(days.max()) // _DAYS + 1) * _DAYS - 1
    if last - first < _DAYS_AT_ONCE:
        return _table_of_days(first, last).take(days - first, axis=0)
    return _letters(np.datetime_as_string(days.astype("datetime64[D]")).astype("S10"), 10)


@cache
def _clocks() -> Matrix:
    """Return the times of day, for each second, as rows of eight letters."""
    numbers = np.arange(86_400)
    table = np.full((86_400, 8), ord(":"), np.uint8)
    for start, value in ((0, numbers // 3_600), (3, numbers // 60 % 60), (6, numbers % 60)):
        table[:, start] = ord("0") + value // 10
        table[:, start + 1] = ord("0") + value % 10
    return table


@lru_cache(8)
def _table_of_days(first: int, last: int) -> Matrix:
    days = np.arange(first, last + 1).astype("datetime64[D]")
    return _letters(np.datetime_as_string(days).astype("S10"), 10)


def _letters(texts: NDArray[np.bytes_], width: int) -> Matrix:
    return np.ascontiguousarray(texts).view(np.uint8).reshape(-1, width)


def _with_fraction(
    before: list[Matrix | bytes], micros: NDArray[np.int64], after: list[bytes], missing: Mask | None
) -> Encoded:
    """Return times with a fraction of a second: nothing, or a point and up to six digits."""
    rows = len(micros)
    thousandths, rest = _divided(micros, 1_000)
    digits, used = _digits()
    if not micros.any():
        return encoded([side_by_side([*before, *after], rows)], missing)
    fraction: list[Matrix | bytes] = [b".", digits.take(thousandths, axis=0)]
    length = used.take(thousandths) + 1
    if rest.any():
        fraction.append(digits.take(rest, axis=0))
        length = np.where(rest != 0, used.take(rest) + 4, length)
    length[micros == 0] = 0
    # All digits are written, and those that say nothing are taken out again.
    whole = side_by_side([*before, *fraction, *after], rows)
    start = sum(len(each) if isinstance(each, bytes) else each.shape[1] for each in before)
    most = whole.shape[1] - start - sum(map(len, after))
    kept = np.ones(whole.shape, np.bool_)
    for place in range(most):
        kept[:, start + place] = length > place
    sizes = length + np.int32(whole.shape[1] - most)
    if missing is not None:
        kept[missing], sizes[missing] = False, 0
    return of_array(_compressed(whole, kept, sizes, missing))


def _compressed(rows: Matrix, kept: Mask, sizes: NDArray[np.int32], missing: Mask | None) -> pa.Array:
    """Return rows of bytes without those that are not kept, null where they are missing."""
    ends = np.zeros(len(rows) + 1, np.int32)
    np.cumsum(sizes, out=ends[1:])
    data = rows.reshape(-1)[kept.reshape(-1)]
    valid = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(pa.binary(), len(rows), [valid, pa.py_buffer(ends), pa.py_buffer(data)])


@cache
def _digits() -> tuple[Matrix, NDArray[np.int32]]:
    """Return the digits of each thousandth, and how many of them say something."""
    texts = [f"{number:03}" for number in range(1_000)]
    digits = np.frombuffer("".join(texts).encode(), np.uint8).reshape(-1, 3)
    return digits, np.array([len(text.rstrip("0")) for text in texts], np.int32)


def _one_by_one(
    days: NDArray[np.int64], missing: Mask | None, rest: NDArray[np.int64] | None = None, zone: str = ""
) -> pa.Array:
    """Return times of years that have not four digits, or are before Christ."""
    spelled: list[str | None] = []
    for place, day in enumerate(days.tolist()):
        if missing is not None and missing[place]:
            spelled.append(None)
            continue
        year, month_and_day = _civil(day)
        time = "" if rest is None else " " + clock(int(rest[place])) + zone
        era = " BC" if year <= 0 else ""
        spelled.append(f"{year if year > 0 else 1 - year:04}-{month_and_day}{time}{era}")
    return pa.array(spelled, pa.string())


def _civil(day: int) -> tuple[int, str]:
    """Return the year of a day, and the rest of its date: a cycle of the calendar has 146,097 days."""
    cycles, within = divmod(day + 719_468, 146_097)
    date = str(np.datetime64(within - 719_468 + 146_097 * 5, "D"))
    return int(date[:4]) + 400 * (cycles - 5), date[5:]


def durations(values: pa.Array) -> Encoded:
    """Return lengths of time; whole days are days."""
    scale = {"s": SECOND_US, "ms": 1_000, "us": 1}.get(values.type.unit)
    numbers = values.cast(pa.int64()).to_pylist()
    micros = [None if each is None else each // 1_000 if scale is None else each * scale for each in numbers]
    spelled = [None if each is None else shown(in_days((0, 0, each))) for each in micros]
    return of_array(pa.array(spelled, pa.string()))


def intervals(values: pa.Array) -> Encoded:
    """Return intervals of months, days and a time."""
    spelled = [None if each is None else shown(spans(each)) for each in values.to_pylist()]
    return of_array(pa.array(spelled, pa.string()))
