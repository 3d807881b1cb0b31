"""Functions of intervals, row by row; see ``functions.py`` for how they are reached."""

from __future__ import annotations

import pyarrow as pa

from btql_planner import interval_scaling
from btql_planner.interval_scaling import Spans

_SECOND = 1_000_000_000
_DAY = 86_400 * _SECOND


def text(value: pa.MonthDayNano) -> str:
    """Return an interval as Postgres shows it: ``1 year 2 mons 3 days 04:05:06.5``."""
    months, days, nanos = value
    # An interval between two times is all nanoseconds; whole days read better.
    more, rest = divmod(abs(nanos), _DAY)
    days += more if nanos >= 0 else -more
    years, months = int(months / 12), months - 12 * int(months / 12)
    pieces = [
        f"{count} {unit}{'' if count == 1 else 's'}"
        for count, unit in ((years, "year"), (months, "mon"), (days, "day"))
        if count
    ]
    if rest or not pieces:
        seconds, fraction = divmod(rest, _SECOND)
        clock = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
        clock += f".{fraction:09}".rstrip("0") if fraction else ""
        pieces.append(f"-{clock}" if nanos < 0 else clock)
    return " ".join(pieces)


def times(value: pa.MonthDayNano, factor: float) -> pa.MonthDayNano | None:
    """Return an interval times a number; None where it is too long."""
    return _made(interval_scaling.times(_spans(value), factor))


def divided(value: pa.MonthDayNano, divisor: float) -> pa.MonthDayNano | None:
    """Return an interval divided by a number; None by zero, and where it is too long."""
    return _made(interval_scaling.divided(_spans(value), divisor))


def _spans(value: pa.MonthDayNano) -> Spans:
    return value.months, value.days, value.nanoseconds // 1000


def _made(spans: Spans | None) -> pa.MonthDayNano | None:
    return None if spans is None else pa.MonthDayNano([spans[0], spans[1], spans[2] * 1000])
