"""Comparison and membership of JSON, by the rules of ``compare.py`` in the planner; see ``json_functions.py``."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from functools import lru_cache

from btql.execution.json_functions import parse, texts
from btql_storage import json_text
from btql_storage.json_text import JsonValue

_NUMERAL = re.compile(r"[ \t\n\f\r]*[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?[ \t\n\f\r]*")


def same(one: JsonValue, other: JsonValue) -> bool:
    """Whether two values that are not null are equal by the rules of ``=``."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict | list) or isinstance(other, dict | list):
        return type(one) is type(other) and json_text.canonical(one) == json_text.canonical(other)
    if isinstance(one, str) != isinstance(other, str):
        return _spelled(one) == _spelled(other) is not None
    return one == other


def _spelled(value: JsonValue) -> int | float | None:
    """Return a number, or the one that a text spells: what the engine casts, where Python's own float() takes more."""
    if isinstance(value, int | float):
        return value
    if not isinstance(value, str) or _NUMERAL.fullmatch(value) is None:
        return None
    number = float(value)
    return number if math.isfinite(number) else None


def order(one: JsonValue, other: JsonValue) -> int | None:
    """Return the sign of an order between two values, None where they have none."""
    if isinstance(one, bool) and isinstance(other, bool):
        return one - other
    if isinstance(one, str) and isinstance(other, str):
        return (one > other) - (one < other)
    if isinstance(one, bool | dict | list) or isinstance(other, bool | dict | list):
        return None
    left, right = _spelled(one), _spelled(other)
    return None if left is None or right is None else (left > right) - (left < right)


_DECIDE: dict[str, Callable[[int], bool]] = {
    "lt": lambda sign: sign < 0,
    "le": lambda sign: sign <= 0,
    "gt": lambda sign: sign > 0,
    "ge": lambda sign: sign >= 0,
}


def quantified(items: str, operator: str, quantifier: str, needle: str) -> bool | None:
    """Return ``needle op ANY (items)`` or ``ALL``, with SQL's rules for nulls; None for anything but an array."""
    values, wanted = parse(items), parse(needle)
    if not isinstance(values, list):
        return None
    answers = [_compared(operator, wanted, value) for value in values]
    decisive = quantifier == "any"
    if decisive in answers:
        return decisive
    return None if None in answers else not decisive


def _compared(operator: str, one: JsonValue, other: JsonValue) -> bool | None:
    if one is None or other is None:
        return None
    if operator in ("eq", "ne"):
        return same(one, other) is (operator == "eq")
    sign = order(one, other)
    return None if sign is None else _DECIDE[operator](sign)


def includes(haystack: str, kind: str, needle: str) -> bool:
    """Whether an array has an element, or an object a value."""
    value = parse(haystack)
    return _has(list(value.values()) if isinstance(value, dict) else value, kind, needle)


def array_includes(haystack: str, kind: str, needle: str) -> bool | None:
    """Whether an array has an element; None for anything but an array."""
    value = parse(haystack)
    return _has(value, kind, needle) if isinstance(value, list) else None


def array_includes_any(haystack: str, needles: str) -> bool | None:
    """Whether an array has one of the elements of another; None for anything but an array."""
    value = parse(haystack)
    if not isinstance(value, list):
        return None
    return any(member is not None and same(member, wanted) for member in value for wanted in _needles(needles))


@lru_cache(maxsize=8)
def _needles(text: str) -> list[JsonValue]:
    """Return the items of a literal array, which is the same for every row."""
    items = parse(text)
    assert isinstance(items, list)
    return items


def _has(members: JsonValue, kind: str, needle: str) -> bool:
    wanted = needle if kind == "t" else parse(needle)
    return isinstance(members, list) and any(member is not None and same(member, wanted) for member in members)


def contains(whole: str, part: str) -> bool:
    """Return ``whole @> part``: every member of the part is in the whole, at the same place."""
    one, other = parse(whole), parse(part)
    if isinstance(one, list) and not isinstance(other, list | dict):
        return any(_contains(item, other) for item in one)
    return _contains(one, other)


def _contains(one: JsonValue, other: JsonValue) -> bool:
    if isinstance(one, dict) and isinstance(other, dict):
        return all(key in one and _contains(one[key], value) for key, value in other.items())
    if isinstance(one, list) and isinstance(other, list):
        return all(any(_contains(item, wanted) for item in one) for wanted in other)
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    return not isinstance(one, dict | list) and not isinstance(other, dict | list) and one == other


def has_keys(text: str, wanted: str, quantifier: str) -> bool:
    """Return ``text ?| wanted`` or ``?&``: keys of an object that have a value, elements of an array."""
    value = parse(text)
    holds = any if quantifier == "any" else all
    if isinstance(value, list):
        items = parse(wanted)
        sought = [item for item in items if item is not None] if isinstance(items, list) else []
        return holds(any(_identical(member, item) for member in value) for item in sought)
    keys = [key for key in texts(wanted) or [] if key is not None]
    return holds(value.get(key) is not None if isinstance(value, dict) else key == value for key in keys)


def _identical(member: JsonValue, item: JsonValue) -> bool:
    """Whether two values are equal and of one kind: a text is not the number that it spells."""
    return member is not None and isinstance(member, str) == isinstance(item, str) and same(member, item)
