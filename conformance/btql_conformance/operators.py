r"""Operators on values (reference 1.10 and 2.3). Conditions are True, False or None.

- Logic has three values; what is no boolean is null there.
- Arithmetic takes numbers, anything else gives null. ``/`` gives a fraction, and null for zero. A whole
  result that needs more than 64 bits becomes a fraction.
- ``%`` and ``_`` are wild in LIKE, a backslash takes that from them; arrays and objects are looked at as JSON text.
- MATCH looks for adjacent tokens inside one text; see :func:`tokens`.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime, timedelta
from fractions import Fraction
from functools import cache
from typing import cast

from btql_conformance.intervals import Interval, spelled_interval
from btql_conformance.values import (
    Condition,
    Number,
    Value,
    canonical,
    eq,
    is_number,
    order,
    time_in,
)

_ALONE = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\u1100-\u11ff\uac00-\ud7ff"
_TOKEN = re.compile(rf"[{_ALONE}]|[^\W_{_ALONE}]+")
_LIMIT = 1 << 63


# Logic


def and_(*conditions: Value) -> Condition:
    """AND: false wins over null, null over true."""
    if any(condition is False for condition in conditions):
        return False
    return True if all(condition is True for condition in conditions) else None


def or_(*conditions: Value) -> Condition:
    """OR: true wins over null, null over false."""
    if any(condition is True for condition in conditions):
        return True
    return False if all(condition is False for condition in conditions) else None


def any_of(conditions: Iterable[Value]) -> Condition:
    """OR over any number of conditions; over none it is false."""
    listed = list(conditions)
    return or_(*listed) if listed else False


def all_of(conditions: Iterable[Value]) -> Condition:
    """AND over any number of conditions; over none it is true."""
    listed = list(conditions)
    return and_(*listed) if listed else True


def not_(condition: Value) -> Condition:
    """NOT."""
    return not condition if isinstance(condition, bool) else None


# Comparison


def compare(op: str, left: Value, right: Value) -> Condition:
    """Return ``left op right`` for the operators that compare two values."""
    match op:
        case "eq":
            return eq(left, right)
        case "ne":
            return not_(eq(left, right))
        case "nseq" | "is":
            return left is right is None or eq(left, right) is True
        case "nsne":
            return not (left is right is None or eq(left, right) is True)
        case "in":
            return is_in(left, right)
        case "like" | "ilike":
            return like(left, right, any_case=op == "ilike")
        case "match":
            return match(left, right)
        case _:
            sign = order(left, right)
            return None if sign is None else {"lt": sign < 0, "le": sign <= 0, "gt": sign > 0, "ge": sign >= 0}[op]


def is_in(value: Value, items: Value) -> Condition:
    """``IN``: equal to one of the items; of an array, one of its elements is."""
    if not isinstance(items, list):
        return includes(items, value)
    listed = cast("list[Value]", items)
    if isinstance(value, list):
        whole = cast("Value", value)
        return any_of(or_(includes(whole, item), eq(whole, item)) for item in listed)
    return any_of(eq(value, item) for item in listed) if value is not None else None


def includes(haystack: Value, needle: Value) -> Condition:
    """``INCLUDES``: an array has the element, an object the value."""
    if haystack is None or needle is None:
        return None
    return any(eq(element, needle) is True for element in elements_of(haystack))


def elements_of(value: Value) -> list[Value]:
    """Return the elements of an array, the values of an object, nothing for anything else."""
    if isinstance(value, dict):
        return list(cast("dict[str, Value]", value).values())
    return cast("list[Value]", value) if isinstance(value, list) else []


# Arithmetic


def arithmetic(op: str, left: Value, right: Value) -> Value:
    """Return ``left op right`` over numbers, or over a time and an interval."""
    if isinstance(left, Interval) or isinstance(right, Interval):
        return _with_interval(op, left, right)
    if op == "sub" and isinstance(left, (dict, list)) and isinstance(right, (str, list)):
        return without_keys(left, right)
    if op == "sub" and (isinstance(left, datetime) or isinstance(right, datetime)):
        # A text beside a time is read as one.
        later, earlier = time_in(left), time_in(right)
        return None if later is None or earlier is None else Interval(rest=later - earlier)
    if not (is_number(left) and is_number(right)):
        return None
    one, other = cast("tuple[Number, Number]", (left, right))
    if op in ("div", "mod") and not other:
        return None
    try:
        return _fitting(_OPERATIONS[op](one, other))
    except OverflowError:
        return None


def without_keys(value: Value, keys: Value) -> Value:
    """Return an object without one key or several, an array without such texts."""
    gone = [key for key in (keys if isinstance(keys, list) else [keys]) if isinstance(key, str)]
    if isinstance(value, dict) and keys is not None:
        return {key: inner for key, inner in cast("dict[str, Value]", value).items() if key not in gone}
    if isinstance(value, list) and keys is not None:
        return [inner for inner in cast("list[Value]", value) if not isinstance(inner, str) or inner not in gone]
    return None


def _remainder(one: Number, other: Number) -> Number:
    if isinstance(one, int) and isinstance(other, int):
        return abs(one) % abs(other) * (1 if one >= 0 else -1)
    return math.fmod(one, other)


_OPERATIONS: dict[str, Callable[[Number, Number], Number]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a / b,
    "mod": _remainder,
}


def _fitting(number: Number) -> Number:
    return float(number) if isinstance(number, int) and not -_LIMIT <= number < _LIMIT else number


def negative(value: Value) -> Value:
    """Unary minus."""
    if isinstance(value, Interval):
        return Interval(-value.months, -value.rest)
    return _fitting(-cast("Number", value)) if is_number(value) else None


def _with_interval(op: str, left: Value, right: Value) -> Value:
    sign = {"add": 1, "sub": -1}.get(op)
    if sign is None:
        return _scaled(op, left, right)
    if isinstance(left, Interval) and isinstance(right, Interval):
        return Interval(left.months + sign * right.months, left.rest + sign * right.rest)
    if isinstance(left, Interval):
        left, right = right, left
    moment = time_in(left)
    interval = cast("Interval", right)
    try:
        return None if moment is None else shifted(moment, sign * interval.months) + sign * interval.rest
    except (OverflowError, ValueError):
        # Years go from 1 to 9999.
        return None


def _scaled(op: str, left: Value, right: Value) -> Value:
    if isinstance(right, Interval):
        left, right = right, left
        if op == "div":
            return None
    if op not in ("mul", "div") or not isinstance(left, Interval) or not is_number(right):
        return None
    factor = Fraction(cast("Number", right))
    if op == "div" and not factor:
        return None
    factor = 1 / factor if op == "div" else factor
    months = int(left.months * factor)
    # What is left of a month is so many thirtieths of it in days.
    days = (left.months * factor - months) * 30
    rest = left.rest // timedelta(microseconds=1) * factor + days * 86_400_000_000
    return Interval(months, timedelta(microseconds=round(rest)))


def shifted(moment: datetime, months: int) -> datetime:
    """Return the time some months later; a day that the month does not have becomes its last."""
    if not months:
        return moment
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last = (datetime(year + month // 11, (month + 1) % 12 + 1, 1) - timedelta(days=1)).day  # noqa: DTZ001
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last))


# Text


def like(value: Value, pattern: Value, *, any_case: bool = False) -> Condition:
    """LIKE and ILIKE."""
    if isinstance(value, list | dict):
        value = canonical(cast("Value", value))
    if not isinstance(value, str) or not isinstance(pattern, str):
        return None
    expression = re.sub(
        r"\\(.)|(%)|(_)|(.)",
        lambda m: ".*" if m[2] else "." if m[3] else re.escape(m[1] or m[4]),
        pattern,
        flags=re.DOTALL,
    )
    return re.fullmatch(expression, value, re.DOTALL | (re.IGNORECASE if any_case else 0)) is not None


@cache
def tokens(text: str) -> list[str]:
    """Return runs of letters and digits in lower case; each Chinese, Japanese or Korean character is one alone."""
    return _TOKEN.findall(text.lower())


def match(value: Value, phrase: Value) -> Condition:
    """MATCH: the tokens of the phrase stand side by side in one text of the value."""
    if value is None or not isinstance(phrase, str):
        return None
    wanted = tokens(phrase)
    return bool(wanted) and any(_has(tokens(text), wanted) for text in _texts(value))


def _has(found: Sequence[str], wanted: Sequence[str]) -> bool:
    places = (at for at, token in enumerate(found) if token == wanted[0])
    return any(found[at : at + len(wanted)] == wanted for at in places)


def _texts(value: Value) -> list[str]:
    match value:
        case None:
            return []
        case str():
            return [value]
        case dict():
            members = cast("dict[str, Value]", value)
            return [text for key, inner in members.items() for text in (key, *_texts(inner))]
        case list():
            return [text for inner in cast("list[Value]", value) for text in _texts(inner)]
        case datetime():
            return [canonical(value)]
        case _:
            return [json.dumps(value)]


def text_of(value: Value) -> str | None:
    """Return a value as text: a text is itself, a time is as in answers, anything else is its JSON spelling."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, datetime):
        precision = "microseconds" if value.microsecond % 1000 else "milliseconds"
        return value.isoformat(timespec=precision).replace("+00:00", "Z")
    return spelled_interval(value) if isinstance(value, Interval) else canonical(value)
