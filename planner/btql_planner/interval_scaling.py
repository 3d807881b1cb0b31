"""Intervals times and divided by a number, as Postgres does it: months and days stay whole.

What is left of a month is counted as so many thirtieths of it in days, what is left of a day in time:
``interval '1 month' * 1.5`` is ``1 mon 15 days``, ``interval '1 day' * 2.5`` is ``2 days 12:00:00``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from btql_grammar.sql_intervals import interval_parts

Spans: TypeAlias = tuple[int, int, int]
"""Months, days and microseconds."""

_DAYS_PER_MONTH = 30
_DAY_SECONDS = 86_400
_WHOLE_MAX = (1 << 31) - 1
_MICROSECONDS_MAX = 9_223_372_036_854_775
"""As nanoseconds, which the engine counts in, they still fit 64 bits."""
_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}
_MICROSECONDS = {
    "hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000, "millisecond": 1_000, "microsecond": 1,
}  # fmt: skip


def added(one: Spans, other: Spans, sign: int) -> Spans | None:
    """Return the sum of two intervals, with -1 as ``sign`` their difference; None where it is too long."""
    months, days, microseconds = (first + sign * second for first, second in zip(one, other, strict=True))
    made = (months, days, microseconds)
    return made if _fits(made) else None


def times(spans: Spans, factor: float) -> Spans | None:
    """Return an interval times a number; None where it is too long."""
    return _scaled(spans, lambda part: part * factor)


def divided(spans: Spans, divisor: float) -> Spans | None:
    """Return an interval divided by a number; None where it is too long, or has no length: by zero."""
    return _scaled(spans, lambda part: part / divisor)


def _scaled(spans: Spans, scale: Callable[[float], float]) -> Spans | None:
    try:
        months, days, seconds = (scale(part) for part in (spans[0], spans[1], spans[2] / 1_000_000))
        whole_months, whole_days = int(months), int(days)
        more_days = round((months - whole_months) * _DAYS_PER_MONTH, 6)
        rest = round((days - whole_days + more_days - int(more_days)) * _DAY_SECONDS, 6)
        whole_days += int(more_days) + int(rest / _DAY_SECONDS)
        made = (whole_months, whole_days, round((seconds + rest - int(rest / _DAY_SECONDS) * _DAY_SECONDS) * 1_000_000))
    except (OverflowError, ValueError, ZeroDivisionError):
        return None
    return made if _fits(made) else None


def _fits(spans: Spans) -> bool:
    months, days, microseconds = map(abs, spans)
    return months <= _WHOLE_MAX and days <= _WHOLE_MAX and microseconds <= _MICROSECONDS_MAX


def spans_of(text: str) -> Spans | None:
    """Return what a text such as ``1 day 2 hour`` adds up; None where it is no interval."""
    parts = interval_parts(text)
    if parts is None:
        return None
    sums = [sum(amount * units.get(unit, 0) for amount, unit in parts) for units in (_MONTHS, _DAYS, _MICROSECONDS)]
    made = (sums[0], sums[1], sums[2])
    return made if _fits(made) else None


def spelled(spans: Spans) -> str:
    """Return a text that :func:`spans_of` reads, in the largest units that are whole."""
    months, days, microseconds = spans
    unit = next(unit for unit, length in _MICROSECONDS.items() if microseconds % length == 0)
    amounts = ((months, "month"), (days, "day"), (microseconds // _MICROSECONDS[unit], unit))
    return " ".join(f"{amount} {name}" for amount, name in amounts if amount) or "0 second"
