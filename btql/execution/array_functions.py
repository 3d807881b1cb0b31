"""Functions of arrays as JSON text, row by row; see ``json_functions.py``. Elements count from 1."""

from __future__ import annotations

from collections import Counter
from functools import cmp_to_key

from btql.execution.json_compare import order, same
from btql.execution.json_functions import Members, parse, texts
from btql_storage import json_text
from btql_storage.json_text import JsonValue


def position(items: str, needle: str) -> int | None:
    """Return the place of an element in an array, counted from 1."""
    values, wanted = parse(items), parse(needle)
    if not isinstance(values, list):
        return None
    places = (place for place, value in enumerate(values, 1) if value is not None and same(value, wanted))
    return next(places, None)


def remove(items: str, needle: str) -> str | None:
    """Return an array without every element that is equal to the needle, or is null where the needle is."""
    values, wanted = parse(items), parse(needle)
    if not isinstance(values, list):
        return None
    if wanted is None:
        return json_text.canonical([value for value in values if value is not None])
    return json_text.canonical([value for value in values if value is None or not same(value, wanted)])


def distinct(items: str) -> str | None:
    """Return the elements of an array, each once."""
    values = parse(items)
    if not isinstance(values, list):
        return None
    first: Members = {}
    for value in values:
        first.setdefault(json_text.canonical(value), value)
    return json_text.canonical(list(first.values()))


_RANKS: tuple[type | tuple[type, ...], ...] = (bool, (int, float), str, list, dict)


def sort(items: str, direction: str) -> str | None:
    """Return an array in the order of a sort, ``ASC NULLS LAST`` for example."""
    values = parse(items)
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
    values = parse(items)
    return json_text.canonical(values[max(first - 1, 0) : max(last, 0)]) if isinstance(values, list) else None


def joined(items: str, separator: str, null: str) -> str | None:
    """Return the elements of an array as one text; ``null`` stands for null, which is left out if that is empty."""
    values = texts(items)
    if values is None:
        return None
    return separator.join(null if value is None else value for value in values if value is not None or null)


def mode(items: list[str | None], last: bool) -> str | None:  # noqa: FBT001 - the engine names no arguments
    """Return the JSON text that is there most often, the ``last`` in order of several, None where all are null."""
    counts = Counter(item for item in items if item is not None)
    most = max(counts.values(), default=0)
    often = [item for item, count in counts.items() if count == most]
    return (max if last else min)(often, key=lambda item: _sort_key(parse(item)), default=None)
