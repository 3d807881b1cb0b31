"""Functions of time. All instants are in UTC with microseconds."""

from __future__ import annotations

import re

from btql_grammar import tree
from btql_grammar.span import Span
from btql_planner.expressions import Constant
from btql_planner.functions.registry import ArgumentError, Binder, Moment, Text, Time, form, scalar
from btql_planner.types import Kind

_UNITS = "second, minute, hour, day, week, month or year"


def _truncation(unit: str) -> None:
    def declaration(value: Time) -> Time:
        return f"date_trunc('{unit}', {value})"

    declaration.__name__ = unit
    declaration.__doc__ = f"""Return the start of the {unit} that ``value`` lies in.

    >>> {unit}('2026-11-25T13:45:56.789Z')
    '{_EXAMPLES[unit]}'
    """
    scalar(buckets=True)(declaration)


_EXAMPLES = {
    "second": "2026-11-25T13:45:56.000Z",
    "minute": "2026-11-25T13:45:00.000Z",
    "hour": "2026-11-25T13:00:00.000Z",
    "day": "2026-11-25T00:00:00.000Z",
    "week": "2026-11-23T00:00:00.000Z",
    "month": "2026-11-01T00:00:00.000Z",
    "year": "2026-01-01T00:00:00.000Z",
}
for _unit in _EXAMPLES:
    _truncation(_unit)


@scalar(buckets=True)
def date_trunc(unit: Text, value: Time) -> Time:
    """Return the start of the unit, or of the multiple of a unit, that ``value`` lies in.

    >>> date_trunc('15 minutes', '2026-11-25T13:47:56Z')
    '2026-11-25T13:45:00.000Z'
    """
    matched = re.fullmatch(r"'(?:(\d+) +)?(second|minute|hour|day|week|month|year)s?'", unit.lower())
    if matched is None:
        message = f"date_trunc takes {_UNITS}, not {unit}"
        raise ArgumentError(message, 0)
    count, name = matched.groups()
    if count is None:
        return f"date_trunc('{name}', {value})"
    if name in ("week", "month", "year") or int(count) == 0:
        message = f"date_trunc takes positive multiples of seconds, minutes, hours and days, not {unit}"
        raise ArgumentError(message, 0)
    return f"date_bin(INTERVAL '{count} {name}', {value})"


@form(aliases=("current_timestamp",))
def now(binder: Binder, span: Span) -> Moment:
    """Return the time at which the query was planned, the same wherever it stands in the query.

    >>> now() > '2020-01-01'
    True
    """
    return Constant(binder.options.now, Kind.TIME, span=span)


@form()
def current_date(binder: Binder, span: Span) -> Moment:
    """Return the start of the current day, of the clock of ``tz_offset``.

    >>> current_date() > '2020-01-01'
    True
    """
    return binder.apply("day", [tree.Call("now", (), span=span)], span)
