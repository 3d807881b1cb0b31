"""Values as text and as JSON, and JSON as values: SQL for both ways.

JSON text that is a value of its own is always spelled one way (keys sorted,
numbers without needless fractions), so that equal arrays and objects are equal
texts. The functions that begin with ``btql_`` are in ``btql/execution``.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from btql_planner import sql_text
from btql_planner.types import ANY, Kind
from btql_planner.value import Value, of

_MICROSECONDS = "'%Y-%m-%dT%H:%M:%S%.6fZ'"


def as_text(value: Value) -> str:
    """Return the value as text: a text is itself, anything else its JSON spelling."""
    return _coalesced(sql if kind is Kind.TEXT else _spelled(kind, sql) for kind, sql in value.parts.items())


def as_json(value: Value) -> str:
    """Return the value as JSON text, null for null."""
    if (document := _read_from(value)) is not None:
        return f"nullif({document}, 'null')"
    return _coalesced(_json(kind, sql) for kind, sql in value.parts.items())


def as_member(value: Value) -> str:
    """Return the value as JSON text for use inside an array or object: ``null`` for null."""
    return f"coalesce({as_json(value)}, 'null')"


def from_json(sql: str) -> Value:
    """Return the value that a JSON text spells, of whatever kind."""
    return Value({kind: f"btql_json_as_{kind}({sql})" for kind in sorted(ANY)}, apart=True)


def _read_from(value: Value) -> str | None:
    """Return the JSON text that all of a value was read from, which is spelled as it would be again.

    Taken apart and put together by each of some functions inside each other, it would be six times as long with each.
    """
    structure = value.parts.get(Kind.JSON, "")
    document = structure.removeprefix("btql_json_as_j(").removesuffix(")")
    return document if value.parts == from_json(document).parts else None


def text(value: Value) -> Value:
    """Return the value as text."""
    return of(Kind.TEXT, as_text(value))


def _spelled(kind: Kind, sql: str) -> str:
    match kind:
        case Kind.JSON | Kind.BIG | Kind.RAW:
            return sql
        case Kind.TIME:
            # With milliseconds, and microseconds where there are any, as in answers.
            return f"replace({formatted(sql, _MICROSECONDS)}, '000Z', 'Z')"
        case Kind.LIST:
            return f"btql_json_list({sql})"
        case Kind.INTERVAL:
            return f"btql_interval_text({sql})"
        case Kind.FLOAT:
            # 2.0 is 2: the engine would spell the fraction.
            return f"btql_json_number({sql})"
        case _:
            return f"CAST({sql} AS VARCHAR)"


def time_text(moment: datetime) -> str:
    """Return a time in UTC as text, as the engine spells it."""
    precision = "microseconds" if moment.microsecond % 1000 else "milliseconds"
    return moment.isoformat(timespec=precision).replace("+00:00", "Z")


def formatted(moment: str, form: str) -> str:
    """Return a time as text by a pattern of the engine."""
    # With a time zone the engine counts in nanoseconds, and stops at the year 2262.
    return f"to_char(arrow_cast({moment}, 'Timestamp(Microsecond, None)'), {form})"


def _json(kind: Kind, sql: str) -> str:
    match kind:
        case Kind.TEXT:
            return f"btql_json_quote({sql})"
        case Kind.TIME | Kind.INTERVAL:
            return f"('\"' || {_spelled(kind, sql)} || '\"')"
        case _:
            return _spelled(kind, sql)


def _coalesced(terms: Iterable[str]) -> str:
    listed = list(terms)
    if len(listed) == 1:
        return listed[0]
    return f"coalesce({', '.join(listed)})" if listed else sql_text.null(Kind.TEXT)
