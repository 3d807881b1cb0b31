"""Casts. A value that cannot be read as the wanted type gives null, never an error.

SQL's ``value::type`` and ``CAST(value AS type)`` are these functions.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from btql_planner import compare, sql_text, types
from btql_planner.functions.call import written_text
from btql_planner.functions.declare import (
    Any,
    Boolean,
    Float,
    Interval,
    List,
    Text,
    Time,
    WholeValue,
    dynamic_type,
    has,
    scalar,
)
from btql_planner.functions.time_patterns import has_pattern, known_date, known_time, read
from btql_planner.functions.time_units import truncated
from btql_planner.spelling import as_json, as_text, from_json
from btql_planner.types import Kind, Type
from btql_planner.value import BITS, SAFE_MAX, Value

_DIGITS = re.compile(r"-?[0-9]{1,18}")


@scalar(aliases=("text",))
def to_string(value: Any) -> Text:
    """Return ``value`` as a text: a text is itself, anything else its JSON spelling. ``::text``.

    >>> to_string(1.5)
    '1.5'
    """
    return as_text(value)


@scalar
def to_integer(value: Any) -> WholeValue:
    """Return ``value`` as a whole number of 64 bits; fractions are cut towards zero. ``::integer``.

    >>> to_integer('42')
    42
    """
    terms = {
        Kind.INTEGER: "{}",
        Kind.FLOAT: "TRY_CAST(trunc({}) AS BIGINT)",
        Kind.BOOLEAN: "CAST({} AS BIGINT)",
        Kind.TEXT: "coalesce(TRY_CAST({0} AS BIGINT), TRY_CAST(trunc(TRY_CAST({0} AS DOUBLE)) AS BIGINT))",
    }
    whole = _first(value, terms, Kind.INTEGER)
    if (text := written_text(value.get(Kind.TEXT))) is not None and _DIGITS.fullmatch(text):
        return Value({Kind.INTEGER: str(int(text))}, bits=int(text).bit_length())
    known = {Kind.INTEGER: value.bits, Kind.BOOLEAN: 1}
    return Value({Kind.INTEGER: whole}, bits=max((known.get(kind, BITS) for kind in value.parts), default=BITS))


@scalar
def to_number(value: Any) -> Float:
    """Return ``value`` as a float64. ``::double precision``.

    >>> to_number('0.5')
    0.5
    """
    terms = {
        Kind.INTEGER: "CAST({} AS DOUBLE)",
        Kind.FLOAT: "{}",
        Kind.BIG: "CAST({} AS DOUBLE)",
        Kind.BOOLEAN: "CAST({} AS DOUBLE)",
        # A cast to float reads `NaN` and `Infinity`, too, as Postgres does and its drivers send them.
        Kind.TEXT: "TRY_CAST({} AS DOUBLE)",
    }
    return _first(value, terms, Kind.FLOAT)


def _numeric_type(arguments: Sequence[Type]) -> Type:
    return (arguments[0] & types.BIG) | types.NUMBER


@scalar(returns=_numeric_type)
def to_numeric(value: Any) -> Any:
    """Return ``value`` as a number: a whole one exactly, any other as a float64. ``::numeric``.

    >>> to_numeric('42')
    42
    """
    whole = {Kind.INTEGER: "{}", Kind.BOOLEAN: "CAST({} AS BIGINT)"}
    fraction = {Kind.FLOAT: "{}"}
    text = value.parts.get(Kind.TEXT)
    parts = {Kind.INTEGER: _first(value, whole, Kind.INTEGER), Kind.FLOAT: _first(value, fraction, Kind.FLOAT)}
    if text is not None:
        number = compare.as_number(text)
        is_whole = f"{number} = trunc({number}) AND abs({number}) < {SAFE_MAX}"
        read = f"coalesce(TRY_CAST({text} AS BIGINT), CASE WHEN {is_whole} THEN TRY_CAST({number} AS BIGINT) END)"
        parts[Kind.INTEGER] = f"coalesce({parts[Kind.INTEGER]}, {read})"
        parts[Kind.FLOAT] = f"coalesce({parts[Kind.FLOAT]}, CASE WHEN NOT ({is_whole}) THEN {number} END)"
    return Value({**parts, **{kind: sql for kind, sql in value.parts.items() if kind is Kind.BIG}}, apart=True)


@scalar
def to_boolean(value: Any) -> Boolean:
    """Return ``value`` as a boolean. ``::boolean``.

    True are ``'true'``, ``'yes'``, ``'on'``, ``'t'``, ``'y'``, ``'1'`` in any case and 1; the opposites are false.

    >>> to_boolean('true')
    True
    """
    word = "lower(trim({0}))"
    true, false = ("'true', 't', 'yes', 'y', 'on', '1'", "'false', 'f', 'no', 'n', 'off', '0'")
    terms = {
        Kind.BOOLEAN: "{}",
        Kind.INTEGER: "CASE {} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END",
        Kind.TEXT: f"CASE WHEN {word} IN ({true}) THEN TRUE WHEN {word} IN ({false}) THEN FALSE END",
    }
    return _first(value, terms, Kind.BOOLEAN)


@scalar(known=known_time)
def to_datetime(value: Any) -> Time:
    """Return ``value`` as a time; a text is read as ISO 8601, in UTC unless it says otherwise. ``::timestamptz``.

    >>> to_datetime('2026-11-25T10:00:00Z')
    '2026-11-25T10:00:00.000Z'
    """
    return _first(value, {Kind.TIME: "{}", Kind.TEXT: compare.as_time("{}")}, Kind.TIME)


@scalar(aliases=("date",), known=known_date, python=has_pattern)
def to_date(value: Any, pattern: Text = "") -> Time:
    """Return the start of the day that ``value`` lies in; for patterns see ``to_timestamp``. ``::date``.

    >>> to_date('25.11.2026', 'DD.MM.YYYY')
    '2026-11-25T00:00:00.000Z'
    """
    if pattern:
        return read("to_date", value, pattern)
    return truncated("day", to_datetime(value))


@scalar(python=has(Kind.TEXT))
def to_interval(value: Any) -> Interval:
    """Return ``value`` as an interval; a text is one as in ``'1 day 2 hours'`` or ``'1 day 02:30:00'``. ``::interval``.

    >>> to_interval('36 hours')
    '1 day 12:00:00'
    """
    return _first(value, {Kind.INTERVAL: "{}", Kind.TEXT: compare.as_interval("{}")}, Kind.INTERVAL)


@scalar(returns=dynamic_type, python=True)
def parse_json(value: Any) -> Any:
    """Return what a text of JSON says, null where it is none; any other value as it is. ``::jsonb``.

    >>> parse_json('{"a": [1, 2]}')
    {'a': [1, 2]}
    """
    text = value.parts.get(Kind.TEXT)
    others = Value({kind: sql for kind, sql in value.parts.items() if kind is not Kind.TEXT})
    terms = [*([f"btql_json_canonical({text})"] if text else []), *([as_json(others)] if others.parts else [])]
    return from_json(f"coalesce({', '.join([*terms, sql_text.null(Kind.TEXT)])})")


@scalar(python=True)
def to_texts(value: Any) -> List:
    """Return an array as a list of texts. ``::text[]``.

    >>> to_texts([1, 'a', null])
    ['1', 'a', None]
    """
    return _first(value, {Kind.LIST: "{}", Kind.JSON: "btql_json_texts({})"}, Kind.LIST)


def _first(value: Value, terms: dict[Kind, str], kind: Kind) -> str:
    found = [terms[each].replace("{0}", sql).replace("{}", sql) for each, sql in value.parts.items() if each in terms]
    if len(found) == 1:
        return found[0]
    return f"coalesce({', '.join([*found, sql_text.null(kind)])})"
