"""Values of documents, and how any two of them compare (reference 2.3).

A value is what ``json`` makes of a document, or a datetime in UTC, or an
:class:`~btql_conformance.intervals.Interval`; None is null and also what is missing. Whole numbers are exact.

- ``=`` between values of different kinds is false and ``!=`` true, except that a text that spells a
  number compares with a number as one, and a text that spells a time or an interval with one of those.
- An order exists between numbers, between texts (by code point), between times, between intervals (by length), between
  booleans (false first), and between a number, time or interval and a text that spells one. Otherwise it is null.
- A sort puts kinds in the order boolean, number, time, interval, text, array or object; null comes last.
"""

from __future__ import annotations

import json
import math
import re
from datetime import UTC, datetime
from decimal import Decimal
from typing import cast

from btql_conformance.intervals import Interval, length_in

Value = object
Condition = bool | None
Number = int | float

_NUMERAL = re.compile(r"[ \t\n\f\r]*[+-]?([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?[ \t\n\f\r]*")
_WHOLE = re.compile(r"[ \t\n\f\r]*[+-]?[0-9]+[ \t\n\f\r]*")


def get(value: Value, path: tuple[str | int, ...]) -> Value:
    """Return what is at the path, None where there is nothing. Indexes below zero count from the end."""
    for key in path:
        if isinstance(key, str):
            value = cast("dict[str, Value]", value).get(key) if isinstance(value, dict) else None
        elif isinstance(value, list):
            items = cast("list[Value]", value)
            value = items[key] if -len(items) <= key < len(items) else None
        else:
            return None
    return value


def is_number(value: Value) -> bool:
    """Whether the value is a number; booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def number_in(value: Value) -> Number | None:
    """Return a number, or the one that a text spells."""
    if is_number(value):
        return cast("Number", value)
    if isinstance(value, str) and _NUMERAL.fullmatch(value):
        number = int(value) if _WHOLE.fullmatch(value) else float(value)
        return number if isinstance(number, int) or math.isfinite(number) else None
    return None


def time_in(value: Value) -> datetime | None:
    """Return a time, or the one that a text spells in ISO 8601; without a zone it is in UTC."""
    if isinstance(value, datetime):
        return value
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def canonical(value: Value) -> str:
    """Return the value as JSON text without spaces, keys in order, numbers as short as they can be."""
    match value:
        case float():
            return _spelled_float(value)
        case list():
            return f"[{','.join(canonical(item) for item in cast('list[Value]', value))}]"
        case dict():
            members = cast("dict[str, Value]", value)
            return f"{{{','.join(f'{canonical(key)}:{canonical(members[key])}' for key in sorted(members))}}}"
        case _:
            return json.dumps(value, ensure_ascii=False, default=spelled_time)


def _spelled_float(number: float) -> str:
    """Return ``1`` for 1.0, ``1e+20`` for 1e20, ``1e-7`` for 1e-07, ``0.00001`` for 1e-05."""
    if number == int(number) and abs(number) < 2**63:
        return str(int(number))
    if 1e-5 <= abs(number) < 1e-4:
        return f"{Decimal(repr(number)):f}"
    mantissa, _, exponent = repr(number).partition("e")
    return f"{mantissa}e{int(exponent):+}" if exponent else mantissa


def spelled_time(value: object) -> str:
    """Return a time as answers spell it: in UTC, with milliseconds, with microseconds where there are any."""
    assert isinstance(value, datetime)
    digits = "microseconds" if value.microsecond % 1000 else "milliseconds"
    return value.astimezone(UTC).isoformat(timespec=digits).replace("+00:00", "Z")


def identity(value: Value) -> tuple[str, Value]:
    """Return what two values have in common exactly when they are the same: 1 and 1.0, but not 1, '1' and true."""
    match value:
        case None:
            return "null", None
        case bool():
            return "boolean", value
        case int() | float():
            return "number", value
        case str():
            return "text", value
        case datetime():
            return "time", value
        case Interval():
            return "interval", value.length
        case list():
            return "array", tuple(identity(item) for item in cast("list[Value]", value))
        case _:
            members = cast("dict[str, Value]", value)
            return "object", tuple((key, identity(members[key])) for key in sorted(members))


def eq(left: Value, right: Value) -> Condition:
    """``=``."""
    if left is None or right is None:
        return None
    if is_number(left) != is_number(right):
        one, other = number_in(left), number_in(right)
        return one is not None and other is not None and one == other
    if isinstance(left, datetime) != isinstance(right, datetime):
        begin, end = time_in(left), time_in(right)
        return begin is not None and end is not None and begin == end
    if isinstance(left, Interval) != isinstance(right, Interval):
        short, long = length_in(left), length_in(right)
        return short is not None and short == long
    return identity(left) == identity(right)


def order(left: Value, right: Value) -> int | None:
    """Return -1, 0 or 1 for two values that have an order, else None."""
    if is_number(left) or is_number(right):
        one, other = number_in(left), number_in(right)
        return None if one is None or other is None else _sign(one, other)
    if isinstance(left, datetime) or isinstance(right, datetime):
        begin, end = time_in(left), time_in(right)
        return None if begin is None or end is None else _sign(begin, end)
    if isinstance(left, Interval) or isinstance(right, Interval):
        short, long = length_in(left), length_in(right)
        return None if short is None or long is None else _sign(short, long)
    if isinstance(left, bool) and isinstance(right, bool):
        return _sign(left, right)
    if isinstance(left, str) and isinstance(right, str):
        return _sign(left, right)
    return None


def same(left: Value, right: Value) -> bool:
    """``<=>``: equal, or both null."""
    return left is right is None or eq(left, right) is True


def place(value: Value) -> int:
    """Return where the value's kind stands in a sort."""
    if isinstance(value, bool):
        return 0
    if is_number(value):
        return 1
    if isinstance(value, datetime):
        return 2
    if isinstance(value, Interval):
        return 3
    return 4 if isinstance(value, str) else 5


def sort_order(left: Value, right: Value) -> int:
    """Return -1, 0 or 1 for any two values that are not null, as a sort arranges them."""
    if place(left) != place(right):
        return _sign(place(left), place(right))
    if place(left) == 5:
        return _sign(canonical(left), canonical(right))
    return order(left, right) or 0


def _sign(one: object, other: object) -> int:
    return int(one > other) - int(one < other)  # type: ignore[operator]
