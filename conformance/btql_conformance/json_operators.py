"""Postgres' operators over JSON."""

from __future__ import annotations

import re
from typing import cast

from btql_conformance.operators import text_of
from btql_conformance.values import Value, identity


def json_operator(op: str, left: Value, right: Value) -> Value:
    """Return Postgres' operators over JSON; null on either side gives null."""
    if left is None or right is None:
        return None
    match op:
        case "->" | "->>":
            found = step(left, right)
        case "#>" | "#>>":
            found = left
            for key in path_of(right):
                found = step(found, key)
        case "@>":
            return _contains(left, right)
        case "<@":
            return _contains(right, left)
        case "?":
            return _has_key(left, right)
        case _:
            keys = cast("list[Value]", right) if isinstance(right, list) else [right]
            return (any if op == "?|" else all)(_has_key(left, key) for key in keys if key is not None)
    return text_of(found) if op.endswith(">>") else found


def step(value: Value, key: Value) -> Value:
    """Return what is under a key of an object, or at an index of an array."""
    if isinstance(value, dict) and isinstance(key, str):
        return cast("dict[str, Value]", value).get(key)
    if isinstance(value, list) and isinstance(key, str) and re.fullmatch(r"-?\d+", key):
        key = int(key)
    if isinstance(value, list) and isinstance(key, int):
        items = cast("list[Value]", value)
        return items[key] if -len(items) <= key < len(items) else None
    return None


def path_of(value: Value) -> list[Value]:
    """Return a path given as an array or as ``'{a,b}'``."""
    if isinstance(value, str):
        inside = value.strip().removeprefix("{").removesuffix("}")
        return [piece.strip().strip('"') for piece in inside.split(",")] if inside else []
    return cast("list[Value]", value) if isinstance(value, list) else [value]


def _contains(left: Value, right: Value) -> bool:
    """Whether ``left @> right`` where nothing is around them: here alone an array contains the scalars in it."""
    scalar = not isinstance(right, dict | list)
    return contains(left, [right] if isinstance(left, list) and scalar else right)


def contains(left: Value, right: Value) -> bool:
    """Whether ``left @> right``: everything in the right one is in the left one, at its place."""
    if isinstance(left, dict) and isinstance(right, dict):
        whole, part = cast("tuple[dict[str, Value], dict[str, Value]]", (left, right))
        return all(key in whole and contains(whole[key], value) for key, value in part.items())
    if isinstance(left, list) and isinstance(right, list):
        items, wanted = cast("tuple[list[Value], list[Value]]", (left, right))
        return all(any(contains(item, each) for item in items) for each in wanted)
    return identity(left) == identity(right)


def _has_key(value: Value, key: Value) -> bool:
    if isinstance(value, dict):
        # A key whose value is null is as good as missing.
        return cast("dict[Value, Value]", value).get(key) is not None
    elements = cast("list[Value]", value) if isinstance(value, list) else [value]
    return any(identity(element) == identity(key) for element in elements)
