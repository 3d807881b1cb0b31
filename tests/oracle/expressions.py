r"""Operators, functions and aggregates on values of documents (reference 2 and 8).

A value is what ``json`` makes of a document, or a datetime; None is null and also what is
missing. Whole numbers are exact. Conditions are True, False or None.

- ``=`` between values of different kinds is false and ``!=`` true, except that a text that
  spells a number compares with a number as one; arrays and objects compare by content.
- An order exists between numbers, between texts (by code point), between times, and between
  a number and a text that spells one; otherwise it is null.
- Arithmetic takes numbers only, anything else gives null. ``/`` gives a fraction, and null for zero.
- ``%`` and ``_`` are wild in LIKE, a backslash takes that from them.
- MATCH looks for adjacent tokens inside one text; see ``tokens``.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from functools import cache
from typing import cast

Value = object
Condition = bool | None
Number = int | float

_NUMERAL = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?")
_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u1100-\u11ff\uac00-\ud7ff"
_TOKEN = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")
_UNITS = ("year", "month", "day", "hour", "minute", "second")
_FIRST = {"month": 1, "day": 1}


def get(value: Value, *path: str | int) -> Value:
    """Return what is at the path, None where there is nothing. Indexes below zero count from the end."""
    for key in path:
        if isinstance(key, str):
            value = value.get(key) if isinstance(value, dict) else None
        else:
            inside = isinstance(value, list) and -len(value) <= key < len(value)
            value = cast("list[Value]", value)[key] if inside else None
    return value


def is_number(value: Value) -> bool:
    """Whether the value is a number; booleans are not."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def spelled_number(value: Value) -> Number | None:
    """Return a number, or the one that a text spells."""
    if is_number(value):
        return cast("Number", value)
    if isinstance(value, str) and _NUMERAL.fullmatch(value):
        return float(value)
    return None


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
        case _:
            return "json", json.dumps(value, sort_keys=True)


# Comparison


def eq(left: Value, right: Value) -> Condition:
    """``=``."""
    if left is None or right is None:
        return None
    if is_number(left) != is_number(right):
        one, other = spelled_number(left), spelled_number(right)
        return one is not None and other is not None and one == other
    left, right = _as_times(left, right)
    return identity(left) == identity(right)


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
    left, right = _as_times(left, right)
    if is_number(left) or is_number(right):
        left, right = spelled_number(left), spelled_number(right)
    elif not (isinstance(left, str) and isinstance(right, str)) and not (
        isinstance(left, datetime) and isinstance(right, datetime)
    ):
        return None
    if left is None or right is None:
        return None
    one, other = cast("tuple[Number, Number]", (left, right))
    return decide((one > other) - (one < other))


def _as_times(left: Value, right: Value) -> tuple[Value, Value]:
    """Read the text beside a time as a time."""
    if isinstance(left, datetime) and isinstance(right, str):
        return left, time(right)
    if isinstance(right, datetime) and isinstance(left, str):
        return time(left), right
    return left, right


# Logic


def holds(condition: Value) -> bool:
    """Whether a row with this condition is kept."""
    return condition is True


def and_(*conditions: Value) -> Condition:
    """AND: false wins over null, null over true. What is no condition is null."""
    if any(condition is False for condition in conditions):
        return False
    return True if all(condition is True for condition in conditions) else None


def or_(*conditions: Value) -> Condition:
    """OR: true wins over null, null over false."""
    if any(condition is True for condition in conditions):
        return True
    return False if all(condition is False for condition in conditions) else None


def not_(condition: Value) -> Condition:
    """NOT."""
    return not condition if isinstance(condition, bool) else None


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


def like(value: Value, pattern: str, *, any_case: bool = False) -> Condition:
    """LIKE; arrays and objects are looked at as JSON text."""
    if isinstance(value, list | dict):
        value = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    if not isinstance(value, str):
        return None
    expression = re.sub(
        r"\\(.)|(%)|(_)|(.)",
        lambda m: ".*" if m[2] else "." if m[3] else re.escape(m[1] or m[4]),
        pattern,
        flags=re.DOTALL,
    )
    return re.fullmatch(expression, value, re.DOTALL | (re.IGNORECASE if any_case else 0)) is not None


def ilike(value: Value, pattern: str) -> Condition:
    """ILIKE."""
    return like(value, pattern, any_case=True)


@cache
def tokens(text: str) -> list[str]:
    """Return runs of letters and digits in lower case; each Chinese, Japanese or Korean character is one alone."""
    return _TOKEN.findall(text.lower())


def match(value: Value, query: str) -> Condition:
    """MATCH: the tokens of the query stand side by side in one text of the value."""
    if value is None:
        return None
    wanted = tokens(query)
    return bool(wanted) and any(_has_phrase(tokens(text), wanted) for text in _texts(value))


def _has_phrase(found: Sequence[str], wanted: Sequence[str]) -> bool:
    places = (place for place, token in enumerate(found) if token == wanted[0])
    return any(found[place : place + len(wanted)] == wanted for place in places)


def _texts(value: Value) -> list[str]:
    match value:
        case None:
            return []
        case str():
            return [value]
        case dict():
            return [text for key, inner in value.items() for text in (key, *_texts(inner))]
        case list():
            return [text for inner in value for text in _texts(inner)]
        case _:
            return [json.dumps(value)]


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
    return int(value) if isinstance(value, bool) else spelled_number(value)


def to_integer(value: Value) -> Value:
    """``to_integer`` of numbers: cut towards zero."""
    return int(value) if isinstance(value, int | float) else None


# Time


def time(text: str) -> datetime | None:
    """Read an ISO 8601 time; without a zone it is in UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


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
