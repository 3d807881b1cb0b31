"""Functions of intervals, row by row; see ``functions.py`` for how they are reached."""

from __future__ import annotations

import pyarrow as pa

from btql_planner import intervals
from btql_planner.intervals import Spans


def text(value: pa.MonthDayNano) -> str:
    """Return an interval as Postgres shows it: ``1 year 2 mons 3 days 04:05:06.5``; more than 24 hours as days, too."""
    return intervals.shown(intervals.in_days(spans(value)))


def read(text: str) -> pa.MonthDayNano | None:
    """Return the interval that a text spells; None where it spells none."""
    return _made(intervals.spans_of(text))


def times(value: pa.MonthDayNano, factor: float) -> pa.MonthDayNano | None:
    """Return an interval times a number; None where it is too long."""
    return _made(intervals.times(spans(value), factor))


def divided(value: pa.MonthDayNano, divisor: float) -> pa.MonthDayNano | None:
    """Return an interval divided by a number; None by zero, and where it is too long."""
    return _made(intervals.divided(spans(value), divisor))


def part(value: pa.MonthDayNano, unit: str) -> int:
    """Return the number of a unit in an interval as it is shown."""
    return intervals.part(spans(value), unit)


def spans(value: pa.MonthDayNano) -> Spans:
    """Return months, days and microseconds; the engine's nanoseconds are always whole microseconds."""
    return value.months, value.days, value.nanoseconds // 1000


def _made(made: Spans | None) -> pa.MonthDayNano | None:
    return None if made is None else pa.MonthDayNano([made[0], made[1], made[2] * 1000])
