"""Intervals: read from a text, shown as one, added, and times and divided by a number.

All as Postgres does it: in a product and a quotient months and days stay whole. What is left of a month is counted
as so many thirtieths of it in days, what is left of a day in time: ``interval '1 month' * 1.5`` is
``1 mon 15 days``, ``interval '1 day' * 2.5`` is ``2 days 12:00:00``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from btql_grammar.intervals import interval_parts

Spans: TypeAlias = tuple[int, int, int]
"""Months, days and microseconds."""

_DAYS_PER_MONTH = 30
_DAY_SECONDS = 86_400
_SECOND = 1_000_000
_DAY = _DAY_SECONDS * _SECOND
_WHOLE_MAX = (1 << 31) - 1
_MICROSECONDS_MAX = 9_223_372_036_854_775
"""As nanoseconds, which the engine counts in, they still fit 64 bits."""
_MONTHS = {"month": 1, "year": 12}
_DAYS = {"day": 1, "week": 7}
_MICROSECONDS = {
    "hour": 3_600_000_000, "minute": 60_000_000, "second": 1_000_000, "millisecond": 1_000, "microsecond": 1,
}  # fmt: skip
PARTS = ("year", "month", "day", *_MICROSECONDS)
"""What an interval is shown as, and the small units of its clock."""


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
        months, days, seconds = (scale(part) for part in (spans[0], spans[1], spans[2] / _SECOND))
        whole_months, whole_days = int(months), int(days)
        more_days = round((months - whole_months) * _DAYS_PER_MONTH, 6)
        rest = round((days - whole_days + more_days - int(more_days)) * _DAY_SECONDS, 6)
        whole_days += int(more_days) + int(rest / _DAY_SECONDS)
        made = (whole_months, whole_days, round((seconds + rest - int(rest / _DAY_SECONDS) * _DAY_SECONDS) * _SECOND))
    except (OverflowError, ValueError, ZeroDivisionError):
        return None
    return made if _fits(made) else None


def _fits(spans: Spans) -> bool:
    months, days, microseconds = map(abs, spans)
    return months <= _WHOLE_MAX and days <= _WHOLE_MAX and microseconds <= _MICROSECONDS_MAX


def spans_of(text: str) -> Spans | None:
    """Return what a text such as ``1 day 2 hour`` or ``1 day 02:30:00`` adds up; None where it is no interval."""
    parts = interval_parts(text)
    if parts is None:
        return None
    sums = [sum(amount * units.get(unit, 0) for amount, unit in parts) for units in (_MONTHS, _DAYS, _MICROSECONDS)]
    made = (sums[0], sums[1], sums[2])
    return made if _fits(made) else None


def spelled(spans: Spans) -> str:
    """Return an interval as the engine reads it, in the largest units that are whole."""
    months, days, microseconds = spans
    unit = next(unit for unit, length in _MICROSECONDS.items() if microseconds % length == 0)
    amounts = ((months, "month"), (days, "day"), (microseconds // _MICROSECONDS[unit], unit))
    return " ".join(f"{amount} {name}" for amount, name in amounts if amount) or "0 second"


def in_days(spans: Spans) -> Spans:
    """Return an interval with whole days as days: one between two times is all microseconds."""
    months, days, microseconds = spans
    more = abs(microseconds) // _DAY * (1 if microseconds > 0 else -1)
    return months, days + more, microseconds - more * _DAY


def part(spans: Spans, unit: str) -> int:
    """Return one of :data:`PARTS` of an interval as it is shown, below zero where that is."""
    months, days, microseconds = in_days(spans)
    years, sign, length = int(months / 12), -1 if microseconds < 0 else 1, abs(microseconds)
    match unit:
        case "year":
            return years
        case "month":
            return months - 12 * years
        case "day":
            return days
        case "hour":
            return sign * (length // _MICROSECONDS["hour"])
        case _:
            # Minutes begin anew with the hour, all that is smaller with the minute.
            cycle = _MICROSECONDS["hour" if unit == "minute" else "minute"]
            return sign * (length % cycle // _MICROSECONDS[unit])


def shown(spans: Spans) -> str:
    """Return an interval as Postgres shows it, ``1 year -2 mons +3 days -04:05:06.5``, which :func:`spans_of` reads."""
    months, days, microseconds = spans
    years = int(months / 12)
    pieces: list[str] = []
    negative = False
    for count, unit in ((years, "year"), (months - 12 * years, "mon"), (days, "day")):
        if count:
            pieces.append(f"{'+' if negative and count > 0 else ''}{count} {unit}{'' if count == 1 else 's'}")
            negative = count < 0
    if microseconds or not pieces:
        pieces.append(("-" if microseconds < 0 else "+" if negative else "") + clock(abs(microseconds)))
    return " ".join(pieces)


def clock(microseconds: int) -> str:
    """Return a length of time as hours, minutes and seconds: ``04:05:06.5``."""
    seconds, fraction = divmod(microseconds, _SECOND)
    text = f"{seconds // 3600:02}:{seconds // 60 % 60:02}:{seconds % 60:02}"
    return text + f".{fraction:06}".rstrip("0") if fraction else text
