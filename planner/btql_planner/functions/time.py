"""Functions of time.

All instants are in UTC with microseconds. ``day()`` and its like give the start
of a stretch of time, and ``tz_offset`` says by whose clock.
"""

from __future__ import annotations

import re
from typing import Annotated

from btql_grammar import tree
from btql_grammar.span import Span
from btql_planner import compare, sql_text, types
from btql_planner.clocks import is_zone, known_instant
from btql_planner.expressions import Constant
from btql_planner.functions.call import ArgumentError, written_text
from btql_planner.functions.declare import (
    Any,
    Float,
    Integer,
    Interval,
    Moment,
    Text,
    Time,
    coerce,
    form,
    scalar,
)
from btql_planner.functions.function import Binder
from btql_planner.functions.time_patterns import SECONDS, char_pieces, has_pattern, known_timestamp, read
from btql_planner.functions.time_units import (
    MICROSECONDS,
    floor,
    from_microseconds,
    truncated,
    with_nanoseconds,
    written_length,
)
from btql_planner.types import Kind
from btql_planner.value import Value, single

_UNIT = r"'(?:(\d{1,9}) +)?((?:micro|milli)?second|minute|hour|day|week|month|quarter|year)s?'"
_UNITS = "microsecond, millisecond, second, minute, hour, day, week, month, quarter and year"
_LENGTH_MAX = 1 << 62
Stride = Annotated[Value, types.INTERVAL]
_EXAMPLES = {
    "second": "2026-11-25T13:45:56.000Z",
    "minute": "2026-11-25T13:45:00.000Z",
    "hour": "2026-11-25T13:00:00.000Z",
    "day": "2026-11-25T00:00:00.000Z",
    "week": "2026-11-23T00:00:00.000Z",
    "month": "2026-11-01T00:00:00.000Z",
    "year": "2026-01-01T00:00:00.000Z",
}


def _truncation(unit: str) -> None:
    def declaration(value: Time) -> Time:
        return truncated(unit, value)

    declaration.__name__ = unit
    declaration.__doc__ = f"""Return the start of the {unit} that ``value`` lies in.

    >>> {unit}('2026-11-25T13:45:56.789Z')
    '{_EXAMPLES[unit]}'
    """
    scalar(buckets=True)(declaration)


for _unit in _EXAMPLES:
    _truncation(_unit)


@scalar(buckets=True)
def date_trunc(unit: Text, value: Time, zone: Text = "") -> Time:
    """Return the start of the unit, or of the multiple of a unit, that ``value`` lies in.

    Units are microsecond, millisecond, second, minute, hour, day, week, month, quarter and year; the first six may be
    multiples. With a time zone, such as ``'Europe/Berlin'``, it is the start by a clock there.

    >>> date_trunc('15 minutes', '2026-11-25T13:47:56Z')
    '2026-11-25T13:45:00.000Z'
    """
    matched = re.fullmatch(_UNIT, unit.lower())
    if matched is None:
        given = written_text(unit)
        message = (
            "date_trunc takes a unit that is written in the query" if given is None else f"there is no unit {unit}"
        )
        raise ArgumentError(message, 0, help=f"the units are {_UNITS}")
    count, name = matched.groups()
    if zone and count is not None:
        raise ArgumentError("date_trunc with a time zone takes one unit, and no multiple of one", 0)
    if zone:
        there = f"arrow_cast({with_nanoseconds(value)}, {_clock_of('date_trunc', zone, 2)})"
        return f"arrow_cast(date_trunc('{name}', {there}), {sql_text.INSTANT})"
    if count is None:
        return truncated(name, value)
    if name not in MICROSECONDS or int(count) == 0:
        message = f"date_trunc takes positive multiples of microseconds up to days, not {unit}"
        raise ArgumentError(message, 0)
    return from_microseconds(floor(f"arrow_cast({value}, 'Int64')", int(count) * MICROSECONDS[name]))


@scalar
def date_bin(stride: Stride, value: Time, origin: Time = "") -> Time:
    """Return the start of the stretch of time, of a fixed length and counted from ``origin``, that ``value`` lies in.

    ``stride`` is an interval, or the text of one: ``'15 minutes'``, ``'1 hour 30 minutes'``.

    >>> date_bin(interval 2 hour, '2026-11-25T13:47:56Z', '2026-11-25T01:00:00Z')
    '2026-11-25T13:00:00.000Z'
    """
    length = written_length(stride)
    if not 0 < length < _LENGTH_MAX:
        message = "date_bin takes an interval that is written in the query, from microseconds to weeks"
        raise ArgumentError(message, 0)
    moment = f"arrow_cast({value}, 'Int64')"
    if not origin:
        return from_microseconds(floor(moment, length))
    start = f"arrow_cast({origin}, 'Int64')"
    return from_microseconds(f"({floor(f'({moment} - {start})', length)} + {start})")


@form(aliases=("current_timestamp",))
def now(binder: Binder, span: Span) -> Moment:
    """Return the time at which the query was planned, the same wherever it stands in the query.

    >>> now() > '2020-01-01'
    True
    """
    return Constant(binder.now(), Kind.TIME, span=span)


@form()
def current_date(binder: Binder, span: Span) -> Moment:
    """Return the start of the current day, by the clock of ``tz_offset``.

    >>> current_date() > '2020-01-01'
    True
    """
    return binder.bind(tree.Call("day", (tree.Call("now", (), span=span),), span=span))


@scalar
def age(later: Time, earlier: Time) -> Interval:
    """Return the time between two instants, in days, hours, minutes and seconds; the same as ``later - earlier``.

    Null where it is longer than 292 years.

    >>> age('2026-11-25T10:30:00Z', '2026-11-23T10:00:00Z')
    '2 days 00:30:00'
    """
    return compare.difference(later, earlier)


def _number(value: str, least: int, greatest: int) -> str:
    return f"CASE WHEN {value} BETWEEN {least} AND {greatest} THEN {value} END"


def _date(year: str, month: str, day: str) -> str:
    pieces = [
        f"lpad(CAST({_number(value, 1, most)} AS VARCHAR), {width}, '0')"
        for value, most, width in ((year, 9999, 4), (month, 12, 2), (day, 31, 2))
    ]
    dashed = " || '-' || ".join(pieces)
    return compare.as_time(f"({dashed})")


@scalar(scalars_only=True)
def make_date(year: Integer, month: Integer, day: Integer) -> Time:
    """Return the start of a day; null where there is no such day.

    >>> make_date(2026, 11, 25)
    '2026-11-25T00:00:00.000Z'
    """
    return _date(year, month, day)


@scalar(aliases=("make_timestamptz",), scalars_only=True)
def make_timestamp(year: Integer, month: Integer, day: Integer, hour: Integer, minute: Integer, second: Float) -> Time:
    """Return an instant; null where there is none.

    >>> make_timestamp(2026, 11, 25, 10, 30, 1.5)
    '2026-11-25T10:30:01.500Z'
    """
    seconds = f"CASE WHEN {second} >= 0 AND {second} < 60 THEN {second} END"
    clock = f"{_number(hour, 0, 23)} * 3600000000 + {_number(minute, 0, 59)} * 60000000"
    day_start = f"arrow_cast({_date(year, month, day)}, 'Int64')"
    return from_microseconds(f"({day_start} + {clock} + CAST(round({seconds} * 1000000) AS BIGINT))")


@scalar(known=known_timestamp, python=has_pattern)
def to_timestamp(value: Any, pattern: Text = "") -> Time:
    """Return the instant so many seconds after the start of 1970, as ``metrics.start`` counts.

    A text is read as ISO 8601, or by a pattern of Postgres: YYYY, YY, MM, Mon, Month, DD, HH24, HH12, MI, SS, MS, US,
    AM, TZH, TZM, and texts in double quotes. One that does not fit is null, and an error where the query says it.

    >>> to_timestamp('25 Nov 2026, 13:45', 'DD Mon YYYY, HH24:MI')
    '2026-11-25T13:45:00.000Z'
    """
    if pattern:
        return read("to_timestamp", value, pattern)
    terms: list[str] = [value.parts[Kind.TIME]] if Kind.TIME in value.parts else []
    if value.type & types.NUMERIC:
        seconds = single(coerce(value, types.FLOAT))
        bounded = f"CASE WHEN {seconds} >= {SECONDS[0]} AND {seconds} < {SECONDS[1]} THEN {seconds} END"
        terms.append(from_microseconds(f"CAST(round({bounded} * 1000000) AS BIGINT)"))
    if Kind.TEXT in value.parts:
        terms.append(compare.as_time(value.parts[Kind.TEXT]))
    return terms[0] if len(terms) == 1 else f"coalesce({', '.join([*terms, sql_text.null(Kind.TIME)])})"


@scalar
def timezone(zone: Text, value: Time) -> Time:
    """Return what a clock in a time zone shows at an instant. Also written ``value AT TIME ZONE zone``.

    >>> timezone('Europe/Berlin', '2026-11-25T10:00:00Z')
    '2026-11-25T11:00:00.000Z'
    """
    there = f"arrow_cast({value}, {_clock_of('timezone', zone, 0)})"
    return f"arrow_cast(to_local_time({there}), {sql_text.INSTANT})"


@scalar(known=known_instant, python=True)
def from_timezone(zone: Text, value: Time) -> Time:
    """Return the instant at which a clock in a time zone shows ``value``: what ``timezone`` does, the other way round.

    SQL writes it ``value AT TIME ZONE zone``, too, where ``value`` is what a clock shows: ``x::timestamp``, or what
    another ``AT TIME ZONE`` gave, and ``date_trunc`` and other functions of these. Of an hour that the clock shows
    twice it is the later one, and where the clock leaves an hour out, it goes on as before.

    >>> from_timezone('Europe/Berlin', '2026-11-25T11:00:00Z')
    '2026-11-25T10:00:00.000Z'
    """
    _clock_of("from_timezone", zone, 0)
    return value if written_text(zone) in _UTC else f"btql_from_timezone(arrow_cast({value}, 'Int64'), {zone})"


_UTC = ("UTC", "Etc/UTC", "GMT")


def _clock_of(function: str, zone: str, index: int) -> str:
    """Return the engine's type of times in a zone that the query names."""
    name = written_text(zone)
    if name is None:
        raise ArgumentError(f"{function} takes a time zone that is written in the query", index)
    if not is_zone(name):
        raise ArgumentError(f"there is no time zone {zone}; write one such as 'Europe/Berlin'", index)
    return f"'Timestamp(Microsecond, Some(\"{name}\"))'"


@scalar
def to_char(value: Any, pattern: Text) -> Text:
    """Return a time or a number as a text by a pattern of Postgres.

    For times: YYYY, YY, Q, MM, Mon, Month, DD, DDD, HH24, HH12, MI, SS, MS, US, AM, Dy, Day, WW, ID, IW, IYYY, TZ, and
    texts in double quotes; names are never padded. For numbers: 9, 0, ``.``, ``,``, S, FM and ``%``.

    >>> to_char('2026-11-25T13:45:56Z', 'DD Mon YYYY, HH24:MI')
    '25 Nov 2026, 13:45'
    """
    written = written_text(pattern)
    if written is None:
        raise ArgumentError("to_char takes a pattern that is written in the query", 1)
    terms: list[str] = []
    if value.type & types.NUMERIC and re.fullmatch(r"(?i)(FM)?S?(?!G)[90,GD.]+%?", written):
        terms.append(f"btql_number_text({single(coerce(value, types.FLOAT))}, {pattern})")
    if value.type & (types.TIME | types.TEXT):
        terms.append(char_pieces(single(coerce(value, types.TIME)), written))
    if not terms and value.type == types.INTERVAL:
        message = "to_char shows times and numbers, and this is an interval"
        raise ArgumentError(message, 0, help="write `value::text`, or `extract(epoch FROM value)` for seconds")
    if not terms and value.parts:
        raise ArgumentError(f"to_char cannot show a number by {pattern}: write digits such as '999.99'", 1)
    return terms[0] if len(terms) == 1 else f"coalesce({', '.join([*terms, sql_text.null(Kind.TEXT)])})"
