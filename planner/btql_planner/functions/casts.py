"""Casts. A value that cannot be read as the wanted type gives null, never an error."""

from __future__ import annotations

from btql_planner import compare, sql_text
from btql_planner import value as values
from btql_planner.functions.registry import Any, Boolean, Float, Integer, Text, Time, scalar
from btql_planner.spelling import as_text
from btql_planner.types import Kind


@scalar(aliases=("text",))
def to_string(value: Any) -> Text:
    """Return ``value`` as a text: a text is itself, anything else its JSON spelling.

    >>> to_string(1.5)
    '1.5'
    """
    return as_text(value)


@scalar
def to_integer(value: Any) -> Integer:
    """Return ``value`` as a whole number; fractions are cut towards zero.

    >>> to_integer('42')
    42
    """
    terms = {
        Kind.INTEGER: "{}",
        Kind.FLOAT: "TRY_CAST(trunc({}) AS BIGINT)",
        Kind.BOOLEAN: "CAST({} AS BIGINT)",
        Kind.TEXT: "coalesce(TRY_CAST({0} AS BIGINT), TRY_CAST(trunc(TRY_CAST({0} AS DOUBLE)) AS BIGINT))",
    }
    return _first(value, terms, Kind.INTEGER)


@scalar
def to_number(value: Any) -> Float:
    """Return ``value`` as a number.

    >>> to_number('0.5')
    0.5
    """
    terms = {
        Kind.INTEGER: "CAST({} AS DOUBLE)",
        Kind.FLOAT: "{}",
        Kind.BOOLEAN: "CAST({} AS DOUBLE)",
        Kind.TEXT: "TRY_CAST({} AS DOUBLE)",
    }
    return _first(value, terms, Kind.FLOAT)


@scalar
def to_boolean(value: Any) -> Boolean:
    """Return ``value`` as a boolean: ``'true'`` and 1 are true, ``'false'`` and 0 false.

    >>> to_boolean('true')
    True
    """
    terms = {
        Kind.BOOLEAN: "{}",
        Kind.INTEGER: "CASE {} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END",
        Kind.TEXT: "CASE lower({}) WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END",
    }
    return _first(value, terms, Kind.BOOLEAN)


@scalar
def to_datetime(value: Any) -> Time:
    """Return ``value`` as a time; a text is read as ISO 8601, in UTC unless it says otherwise.

    >>> to_datetime('2026-11-25T10:00:00Z')
    '2026-11-25T10:00:00.000Z'
    """
    return _first(value, {Kind.TIME: "{}", Kind.TEXT: compare.as_time("{}")}, Kind.TIME)


@scalar
def to_date(value: Any) -> Time:
    """Return the start of the day that ``value`` lies in.

    >>> to_date('2026-11-25T10:00:00Z')
    '2026-11-25T00:00:00.000Z'
    """
    return f"date_trunc('day', {to_datetime(value)})"


def _first(value: values.Value, terms: dict[Kind, str], kind: Kind) -> str:
    found = [terms[each].replace("{0}", sql).replace("{}", sql) for each, sql in value.parts.items() if each in terms]
    return f"coalesce({', '.join([*found, sql_text.null(kind)])})"
