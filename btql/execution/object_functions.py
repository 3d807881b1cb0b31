"""Functions that take arrays and objects apart, or add up objects; see ``functions.py`` for how they are reached.

Rows of a result are structs with one field for each kind that a value may have;
they are what ``unnest`` in the engine makes rows of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import fsum, isfinite
from typing import TypeAlias, cast

import pyarrow as pa

from btql.execution.kind_of import kept_as
from btql_planner.types import Kind
from btql_storage import json_text
from btql_storage.json_text import JsonValue

Struct: TypeAlias = "dict[str, JsonValue | bytes]"

_KINDS: dict[str, pa.DataType] = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.BIG: pa.string(),
    Kind.TEXT: pa.string(),
    Kind.JSON: pa.string(),
}
ROWS = pa.list_(pa.struct({"key": pa.string(), "position": pa.int64(), **_KINDS}))
"""What :func:`entries` and :func:`elements` return."""


def entries(text: str) -> list[Struct] | None:
    """Return the keys of an object with their values, those that are null left out."""
    value = json_text.parse(text.encode())
    if not isinstance(value, dict):
        return None
    known = [(key, each) for key, each in sorted(value.items()) if each is not None]
    return [_struct(key, place, each) for place, (key, each) in enumerate(known, 1)]


def elements(text: str) -> list[Struct] | None:
    """Return the elements of an array in order, null for null."""
    value = json_text.parse(text.encode())
    return [_struct(None, place, each) for place, each in enumerate(value, 1)] if isinstance(value, list) else None


def _struct(key: str | None, position: int, value: JsonValue) -> Struct:
    struct: Struct = {"key": key, "position": position, **dict.fromkeys(_KINDS)}
    if value is not None:
        kind, known = kept_as(value)
        struct[kind] = known
    return struct


def average(texts: list[str | None]) -> str | None:
    """Return the object of the averages of objects, key by key; what is no number does not count."""
    return _added(texts, lambda numbers: fsum(numbers) / len(numbers))


def total(texts: list[str | None]) -> str | None:
    """Return the object of the sums of objects, key by key; whole numbers stay whole."""
    return _added(texts, _sum)


def with_members(text: str, changes: str) -> str | None:
    """Return an object with members set, or taken out where they are null; None where nothing is left."""
    whole, members = json_text.parse(text.encode()), json_text.parse(changes.encode())
    assert isinstance(members, dict)
    changed = {**(whole if isinstance(whole, dict) else {}), **members}
    kept = {key: value for key, value in changed.items() if value is not None or key not in members}
    return json_text.canonical(kept) if kept else None


def _sum(numbers: list[int | float]) -> int | float:
    return sum(cast("list[int]", numbers)) if all(isinstance(each, int) for each in numbers) else fsum(numbers)


def _added(texts: Iterable[str | None], combine: Callable[[list[int | float]], int | float]) -> str | None:
    numbers: dict[str, list[int | float]] = {}
    for text in texts:
        value = None if text is None else json_text.parse(text.encode())
        for key, each in value.items() if isinstance(value, dict) else ():
            if isinstance(each, int | float):
                numbers.setdefault(key, []).append(int(each) if isinstance(each, bool) else each)
    added = {key: _finite(combine, listed) for key, listed in numbers.items()}
    return json_text.canonical(added) if added else None


def _finite(combine: Callable[[list[int | float]], int | float], numbers: list[int | float]) -> int | float | None:
    """Return what numbers make; None where that is beyond the range of a float."""
    try:
        made = combine(numbers)
    except OverflowError:
        return None
    return made if isinstance(made, int) or isfinite(made) else None
