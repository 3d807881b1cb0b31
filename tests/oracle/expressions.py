r"""Operators, functions and aggregates on values of documents (reference 2 and 8).

A value is what ``json`` makes of a document, or a datetime; None is null and also what is
missing. Whole numbers are exact. Conditions are True, False or None.

- ``=`` between values of different kinds is false and ``!=`` true, except that a text that
  spells a number compares with a number as one; arrays and objects compare by content.
- An order exists between numbers, between texts (by code point), between times, and between
  a number and a text that spells one; otherwise it is null.
- Arithmetic takes numbers only, anything else gives null. ``/`` gives a fraction, and null for zero.
- What the interpreter of the conformance cases says of comparison, logic and text patterns holds here, too.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from typing import cast

from btql_conformance import values
from btql_conformance.operators import and_, like, not_, or_
from btql_conformance.values import Condition, Number, Value, eq, identity, is_number, number_in, order

_UNITS = ("year", "month", "day", "hour", "minute", "second")
_FIRST = {"month": 1, "day": 1}


def get(value: Value, *path: str | int) -> Value:
    """Return what is at the path, None where there is nothing. Indexes below zero count from the end."""
    return values.get(value, path)


# Comparison


def ne(left: Value, right: Value) -> Condition:
    """``!=``."""
    return not_(eq(left, right))


def lt(left: Value, right: Value) -> Condition:
    """``<``."""
    return _ordered(left, right, lambda sign: sign < 0)


def le(left: Value, right: Value) -> Condition:
    """``<=``."""
    return _ordered(left, right, lambda sign: sign <= 0)


def gt(left: Value, right: Value) -> Condition:
    """``>``."""
    return _ordered(left, right, lambda sign: sign > 0)


def ge(left: Value, right: Value) -> Condition:
    """``>=``."""
    return _ordered(left, right, lambda sign: sign >= 0)


def between(value: Value, low: Value, high: Value) -> Condition:
    """``BETWEEN``: both ends belong to it."""
    return and_(ge(value, low), le(value, high))


def is_in(value: Value, items: Iterable[Value]) -> Condition:
    """``IN``: equal to one of the items; of an array, one of its elements is."""
    if isinstance(value, list):
        return or_(*(eq(element, item) for element in value for item in items), False)
    return or_(*(eq(value, item) for item in items))


def includes(haystack: Value, needle: Value) -> Condition:
    """``INCLUDES`` on an array."""
    if haystack is None or needle is None:
        return None
    return isinstance(haystack, list) and any(eq(element, needle) is True for element in haystack)


def _ordered(left: Value, right: Value, decide: Callable[[int], bool]) -> Condition:
    # These queries ask for no order of booleans.
    sign = None if isinstance(left, bool) else order(left, right)
    return None if sign is None else decide(sign)


# Logic


def holds(condition: Value) -> bool:
    """Whether a row with this condition is kept."""
    return condition is True


def if_(condition: Value, then: Value, otherwise: Value) -> Value:
    """``condition ? then : otherwise``."""
    return then if condition is True else otherwise


# Arithmetic


def _arithmetic(left: Value, right: Value, operation: Callable[[Number, Number], Number | None]) -> Value:
    if not (is_number(left) and is_number(right)):
        return None
    return operation(cast("Number", left), cast("Number", right))


def add(left: Value, right: Value) -> Value:
    """``+``."""
    return _arithmetic(left, right, lambda a, b: a + b)


def sub(left: Value, right: Value) -> Value:
    """``-``."""
    return _arithmetic(left, right, lambda a, b: a - b)


def mul(left: Value, right: Value) -> Value:
    """``*``."""
    return _arithmetic(left, right, lambda a, b: a * b)


def div(left: Value, right: Value) -> Value:
    """``/``."""
    return _arithmetic(left, right, lambda a, b: a / b if b else None)


def mod(left: Value, right: Value) -> Value:
    """``%``: the remainder has the sign of the dividend."""
    return _arithmetic(left, right, lambda a, b: a - b * math.trunc(a / b) if b else None)


# Text


def ilike(value: Value, pattern: str) -> Condition:
    """ILIKE."""
    return like(value, pattern, any_case=True)


def lower(value: Value) -> Value:
    """``lower``."""
    return value.lower() if isinstance(value, str) else None


def upper(value: Value) -> Value:
    """``upper``."""
    return value.upper() if isinstance(value, str) else None


def concat(*values: Value) -> Value:
    """``concat`` of texts."""
    return "".join(cast("Sequence[str]", values))


def len_(value: Value) -> Value:
    """``len``: elements of an array, characters of a text."""
    return len(value) if isinstance(value, list | str) else None


# Values of any kind


def coalesce(*values: Value) -> Value:
    """Return the first value that is not null."""
    return next((value for value in values if value is not None), None)


def nullif(value: Value, other: Value) -> Value:
    """Return null where both are equal."""
    return None if eq(value, other) else value


def least(*values: Value) -> Value:
    """Return the smallest number that is not null."""
    return min_(values)


def greatest(*values: Value) -> Value:
    """Return the largest number that is not null."""
    return max_(values)


def round_(value: Value, digits: int) -> Value:
    """``round``, half away from zero."""
    if not is_number(value):
        return None
    exact = Decimal(cast("Number", value))
    return float(exact.quantize(Decimal(1).scaleb(-digits), rounding=ROUND_HALF_UP))


def to_number(value: Value) -> Value:
    """``to_number``."""
    return int(value) if isinstance(value, bool) else number_in(value)


def to_integer(value: Value) -> Value:
    """``to_integer`` of numbers: cut towards zero."""
    return int(value) if isinstance(value, int | float) else None


# Time


def date_trunc(unit: str, moment: Value, multiple: int = 1) -> Value:
    """Return the start of the unit, or of the multiple of seconds to days since 1970."""
    if not isinstance(moment, datetime):
        return None
    if multiple > 1:
        step = timedelta(**{f"{unit}s": multiple})
        epoch = datetime(1970, 1, 1, tzinfo=UTC)
        return epoch + (moment - epoch) // step * step
    if unit == "week":
        day = moment.replace(hour=0, minute=0, second=0, microsecond=0)
        return day - timedelta(days=day.weekday())
    smaller = _UNITS[_UNITS.index(unit) + 1 :]
    start = moment.replace(microsecond=0)
    for name in smaller:
        start = start.replace(**{name: _FIRST.get(name, 0)})  # type: ignore[arg-type]
    return start


# Aggregates: null takes no part.


def count(values: Iterable[Value]) -> int:
    """``count(value)``."""
    return sum(value is not None for value in values)


def count_if(conditions: Iterable[Value]) -> int:
    """``count_if``."""
    return sum(condition is True for condition in conditions)


def count_distinct(values: Iterable[Value]) -> int:
    """``count_distinct``."""
    return len({identity(value) for value in values if value is not None})


def _numbers(values: Iterable[Value]) -> list[Number]:
    return [value for value in values if isinstance(value, int | float)]


def sum_(values: Iterable[Value]) -> Value:
    """``sum``; booleans count as 1 and 0."""
    numbers = _numbers(values)
    exact = all(isinstance(number, int) for number in numbers)
    return None if not numbers else sum(numbers) if exact else math.fsum(numbers)


def avg(values: Iterable[Value]) -> Value:
    """``avg``."""
    numbers = _numbers(values)
    return math.fsum(numbers) / len(numbers) if numbers else None


def min_(values: Iterable[Value]) -> Value:
    """``min`` of values of one kind."""
    return min((value for value in values if value is not None), default=None)  # type: ignore[type-var]


def max_(values: Iterable[Value]) -> Value:
    """``max`` of values of one kind."""
    return max((value for value in values if value is not None), default=None)  # type: ignore[type-var]


def percentile(values: Iterable[Value], fraction: float) -> Value:
    """``percentile`` by linear interpolation between the two nearest numbers."""
    numbers = sorted(_numbers(values))
    if not numbers:
        return None
    place = (len(numbers) - 1) * fraction
    below, above = numbers[math.floor(place)], numbers[math.ceil(place)]
    return below + (above - below) * (place - math.floor(place))
