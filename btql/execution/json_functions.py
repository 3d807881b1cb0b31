"""Functions of JSON text, row by row; see ``functions.py`` for how they are reached.

Texts that come in are JSON, and canonical where they are values of their own
(:mod:`btql_storage.json_text`); texts that go out are canonical. Null never
comes in. What a function does not apply to gives None.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from collections.abc import Callable
from functools import cmp_to_key
from typing import cast

from btql_storage import json_text
from btql_storage.json_text import JsonValue
from btql_storage.kinds import INTEGER_MAX, INTEGER_MIN

Items = list[JsonValue]
Members = dict[str, JsonValue]


def _parse(text: str) -> JsonValue:
    return json_text.parse(text.encode())


def quote(text: str) -> str:
    """Return a text as JSON."""
    return json_text.dumps(text)


def number(value: float) -> str | None:
    """Return a float as JSON, None where JSON has no such number."""
    return json_text.canonical(value) if math.isfinite(value) else None


def from_list(items: list[str | None]) -> str:
    """Return a list of texts as JSON."""
    return json_text.dumps(items)


def canonical(text: str) -> str | None:
    """Return the one spelling of a JSON text, None where it is none."""
    try:
        return json_text.canonical(_parse(text))
    except ValueError:
        return None


def texts(text: str) -> list[str | None] | None:
    """Return an array as a list of texts."""
    items = _parse(text)
    return [_plain(item) for item in items] if isinstance(items, list) else None


def _plain(value: JsonValue) -> str | None:
    """Return a text as itself and anything else as its JSON."""
    return value if value is None or isinstance(value, str) else json_text.canonical(value)


# From JSON to a value of one kind.


def as_boolean(text: str) -> bool | None:
    """Return a boolean."""
    return {"true": True, "false": False}.get(text)


def _number(text: str) -> int | float | None:
    if text[:1] not in "-0123456789" or text == "":
        return None
    value = _parse(text)
    assert isinstance(value, int | float)
    return int(value) if isinstance(value, float) and value.is_integer() and abs(value) < 2**63 else value


def as_integer(text: str) -> int | None:
    """Return a whole number of at most 64 bits."""
    value = _number(text)
    return value if isinstance(value, int) and INTEGER_MIN <= value <= INTEGER_MAX else None


def as_float(text: str) -> float | None:
    """Return a number with a fraction or beyond 64 bits that was written as a float."""
    value = _number(text)
    return value if isinstance(value, float) else None


def as_big(text: str) -> str | None:
    """Return the digits of a whole number beyond 64 bits."""
    value = _number(text)
    return str(value) if isinstance(value, int) and not INTEGER_MIN <= value <= INTEGER_MAX else None


def as_text(text: str) -> str | None:
    """Return a text."""
    return cast("str", _parse(text)) if text.startswith('"') else None


def as_structure(text: str) -> str | None:
    """Return an array or an object."""
    return text if text.startswith(("[", "{")) else None


# Inside arrays and objects.


def get(text: str, path: str) -> str | None:
    """Return what is at a path, a JSON array of keys and indexes; digits are an index of an array.

    A text that is no JSON has nothing anywhere.
    """
    try:
        value = _parse(text)
    except ValueError:
        return None
    for piece in cast("list[object]", _parse(path)):
        value = _at(value, piece)
        if value is None:
            return None
    return json_text.canonical(value)


def _at(value: JsonValue, piece: object) -> JsonValue:
    if isinstance(piece, bool) or not isinstance(piece, str | int):
        return None
    if isinstance(value, dict):
        return value.get(piece) if isinstance(piece, str) else None
    if not isinstance(value, list):
        return None
    if isinstance(piece, str):
        if not piece.removeprefix("-").isdecimal():
            return None
        piece = int(piece)
    return value[piece] if -len(value) <= piece < len(value) else None


def length(text: str) -> int | None:
    """Return the number of elements of an array or object."""
    value = _parse(text)
    return len(value) if isinstance(value, dict | list) else None


def array_length(text: str) -> int | None:
    """Return the number of elements of an array."""
    value = _parse(text)
    return len(value) if isinstance(value, list) else None


def typeof(text: str) -> str:
    """Return the kind of a JSON value by Postgres' names."""
    names = {"{": "object", "[": "array", '"': "string", "t": "boolean", "f": "boolean", "n": "null"}
    return names.get(text[:1], "number")


def keys(text: str) -> list[str] | None:
    """Return the keys of an object, sorted."""
    value = _parse(text)
    return sorted(value) if isinstance(value, dict) else None


def pretty(text: str) -> str:
    """Return JSON over several lines."""
    return json.dumps(_parse(text), indent=4, ensure_ascii=False)


def strip_nulls(text: str) -> str:
    """Return JSON without the keys whose value is null, at any depth."""
    return json_text.canonical(_stripped(_parse(text)))


def _stripped(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _stripped(member) for key, member in value.items() if member is not None}
    return [_stripped(item) for item in value] if isinstance(value, list) else value


def merge(left: str, right: str) -> str:
    """Return ``left || right``: objects become one, anything else a longer array."""
    one, other = _parse(left), _parse(right)
    if isinstance(one, dict) and isinstance(other, dict):
        return json_text.canonical({**one, **other})
    return json_text.canonical([*_as_list(one), *_as_list(other)])


def _as_list(value: JsonValue) -> Items:
    return value if isinstance(value, list) else [value]


def without(text: str, key: str) -> str:
    """Return ``left - key``: an object without a key, an array without an element."""
    value, unwanted = _parse(text), _parse(key)
    if isinstance(value, dict):
        return json_text.canonical({name: member for name, member in value.items() if name != unwanted})
    if isinstance(value, list) and isinstance(unwanted, int) and -len(value) <= unwanted < len(value):
        del value[unwanted]
    elif isinstance(value, list):
        value = [item for item in value if item != unwanted]
    return json_text.canonical(value)


def set_(text: str, path: str, new: str) -> str | None:
    """Return JSON with the value at a path of keys replaced, added, or taken away by null."""
    value = _parse(text)
    return json_text.canonical(_set(value, texts(path) or [], _parse(new)))


def _set(value: JsonValue, path: list[str | None], new: JsonValue) -> JsonValue:
    if not path:
        return new
    key, *rest = path
    if isinstance(value, list) and key is not None and key.removeprefix("-").isdecimal():
        index = int(key)
        if -len(value) <= index < len(value):
            value[index] = _set(value[index], rest, new)
        return value
    if not isinstance(value, dict) or key is None or (rest and key not in value):
        return value
    changed = _set(value.get(key), rest, new)
    if changed is None and not rest:
        return {name: member for name, member in value.items() if name != key}
    return {**value, key: changed}


# Comparison, by the rules of ``compare.py`` in the planner.


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
    if isinstance(value, int | float):
        return value
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


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
    values, wanted = _parse(items), _parse(needle)
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
    value = _parse(haystack)
    return _has(list(value.values()) if isinstance(value, dict) else value, kind, needle)


def array_includes(haystack: str, kind: str, needle: str) -> bool | None:
    """Whether an array has an element; None for anything but an array."""
    value = _parse(haystack)
    return _has(value, kind, needle) if isinstance(value, list) else None


def _has(members: JsonValue, kind: str, needle: str) -> bool:
    wanted = needle if kind == "t" else _parse(needle)
    return isinstance(members, list) and any(member is not None and same(member, wanted) for member in members)


def contains(whole: str, part: str) -> bool:
    """Return ``whole @> part``: every member of the part is in the whole, at the same place."""
    one, other = _parse(whole), _parse(part)
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
    """Return ``text ?| wanted`` or ``?&``: keys of an object, texts of an array."""
    value = _parse(text)
    there = [key in value for key in texts(wanted) or []] if isinstance(value, dict | list) else []
    if not isinstance(value, dict | list):
        there = [key == value for key in texts(wanted) or []]
    return any(there) if quantifier == "any" else all(there)


# Arrays.


def position(items: str, needle: str) -> int | None:
    """Return the place of an element in an array, counted from 1."""
    values, wanted = _parse(items), _parse(needle)
    if not isinstance(values, list):
        return None
    places = (place for place, value in enumerate(values, 1) if value is not None and same(value, wanted))
    return next(places, None)


def remove(items: str, needle: str) -> str | None:
    """Return an array without every element that is equal to the needle."""
    values, wanted = _parse(items), _parse(needle)
    if not isinstance(values, list):
        return None
    return json_text.canonical([value for value in values if value is None or not same(value, wanted)])


def distinct(items: str) -> str | None:
    """Return the elements of an array, each once."""
    values = _parse(items)
    if not isinstance(values, list):
        return None
    first: Members = {}
    for value in values:
        first.setdefault(json_text.canonical(value), value)
    return json_text.canonical(list(first.values()))


_RANKS: tuple[type | tuple[type, ...], ...] = (bool, (int, float), str, list, dict)


def sort(items: str, direction: str) -> str | None:
    """Return an array in the order of a sort, ``ASC NULLS LAST`` for example."""
    values = _parse(items)
    if not isinstance(values, list):
        return None
    nulls = [value for value in values if value is None]
    known = [value for value in values if value is not None]
    known.sort(key=_sort_key, reverse=direction.startswith("DESC"))
    return json_text.canonical([*nulls, *known] if direction.endswith("FIRST") else [*known, *nulls])


def _rank(value: JsonValue) -> int:
    places = [place for place, types in enumerate(_RANKS) if isinstance(value, types)]
    return places[0] if places else len(_RANKS)


def _sort_order(one: JsonValue, other: JsonValue) -> int:
    if _rank(one) != _rank(other):
        return _rank(one) - _rank(other)
    if isinstance(one, dict | list):
        left, right = json_text.canonical(one), json_text.canonical(other)
        return (left > right) - (left < right)
    return order(one, other) or 0


_sort_key = cmp_to_key(_sort_order)


def slice_(items: str, first: int, last: int) -> str | None:
    """Return the elements from number ``first`` to ``last``, counted from 1."""
    values = _parse(items)
    return json_text.canonical(values[max(first - 1, 0) : max(last, 0)]) if isinstance(values, list) else None


def joined(items: str, separator: str, null: str) -> str | None:
    """Return the elements of an array as one text; ``null`` stands for null, which is left out if that is empty."""
    values = texts(items)
    if values is None:
        return None
    return separator.join(null if value is None else value for value in values if value is not None or null)


def mode(items: list[str | None]) -> str | None:
    """Return the JSON text that occurs most often, None where there are only nulls."""
    counts = Counter(item for item in items if item is not None)
    most = max(counts.values(), default=0)
    often = [item for item, count in counts.items() if count == most]
    return min(often, key=lambda item: _sort_key(_parse(item)), default=None)
