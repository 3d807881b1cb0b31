"""Casts: values as another type."""

from __future__ import annotations

from btql_conformance.functions import to_integer
from btql_conformance.functions_all import FUNCTIONS
from btql_conformance.functions_time import truncated
from btql_conformance.intervals import Interval, read_interval
from btql_conformance.operators import text_of
from btql_conformance.values import Value, number_in, time_in

_BOOLEANS = {
    **dict.fromkeys(("true", "t", "yes", "y", "on", "1"), True),
    **dict.fromkeys(("false", "f", "no", "n", "off", "0"), False),
}
"""What Postgres reads as a boolean."""


def to_boolean(value: Value) -> Value:
    """Return a boolean: 1 and the words for true are true, 0 and those for false are false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        return _BOOLEANS.get(value.strip().lower())
    if value in (0, 1):
        return value == 1
    return None


def cast_to(value: Value, type_name: str, tz_offset: int) -> Value:
    """Return the value as another type, null where it cannot be read as one."""
    name, _, arguments = type_name.partition("(")
    match name.strip():
        case _ if value is None or name.endswith("[]"):
            return value
        case "json" | "jsonb":
            return FUNCTIONS["parse_json"]([value])
        case "text" | "varchar" | "char" | "string" | "character varying" | "uuid":
            return text_of(value)
        case "integer" | "int" | "bigint" | "smallint" | "int2" | "int4" | "int8":
            return to_integer(value)
        case "boolean" | "bool":
            return to_boolean(value)
        case "date":
            moment = time_in(value)
            return None if moment is None else truncated("day", moment, tz_offset)
        case "interval":
            return read_interval(value) if isinstance(value, str) else value if isinstance(value, Interval) else None
        case word if word.startswith(("timestamp", "datetime")):
            return time_in(value)
        case _:
            number = int(value) if isinstance(value, bool) else number_in(value)
            scale = arguments.rstrip(")").partition(",")[2]
            return FUNCTIONS["round"]([number, int(scale or 0)]) if arguments else number
