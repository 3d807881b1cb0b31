"""Functions of JSON, of arrays, and of values of any kind."""

from __future__ import annotations

import json
import re
from datetime import datetime
from functools import cmp_to_key
from typing import cast

from btql_conformance.functions import function
from btql_conformance.json_operators import step
from btql_conformance.operators import includes, text_of, without_keys
from btql_conformance.values import Value, canonical, eq, get, identity, is_number, same, sort_order, time_in


@function("coalesce ifnull nvl", "any*")
def _coalesce(*items: Value) -> Value:
    return next((item for item in items if item is not None), None)


@function("nullif", "any any")
def _nullif(value: Value, other: Value) -> Value:
    return None if eq(value, other) else value


@function("least", "any*")
def _least(*items: Value) -> Value:
    return extreme(list(items), -1)


@function("greatest", "any*")
def _greatest(*items: Value) -> Value:
    return extreme(list(items), 1)


def extreme(items: list[Value], sign: int) -> Value:
    """Return the smallest or largest item that is not null, kinds in the order of a sort."""
    if any(isinstance(item, datetime) for item in items):
        items = [time_in(item) or item for item in items]
    best: Value = None
    for item in items:
        if item is not None and (best is None or sort_order(item, best) == sign):
            best = item
    return best


@function("includes contains array_contains array_has", "any any")
def _includes(haystack: Value, needle: Value) -> Value:
    return includes(haystack, needle)


@function("json_extract", "any text")
def _json_extract(value: Value, key: str) -> Value:
    read = value
    if isinstance(value, str):
        try:
            read = _read(value)
        except ValueError:
            return None
    return cast("dict[str, Value]", read).get(key) if isinstance(read, dict) else None


@function("jsonb_extract_path json_extract_path", "any text*")
def _extract_path(value: Value, *keys: str) -> Value:
    for key in keys:
        value = step(value, key)
    return value


@function("jsonb_extract_path_text json_extract_path_text", "any text*")
def _extract_path_text(value: Value, *keys: str) -> Value:
    return text_of(_extract_path(value, *keys))


@function("jsonb_array_length json_array_length cardinality", "array")
def _array_length(value: list[Value]) -> Value:
    return len(value)


@function("array_length", "array integer?")
def _array_length_of(value: list[Value], dimension: int | None = None) -> Value:
    """With a dimension as in Postgres, where an empty array has none."""
    if dimension is None:
        return len(value)
    return (len(value) or None) if dimension == 1 else None


@function("jsonb_typeof json_typeof", "any")
def _typeof(value: Value) -> Value:
    if value is None:
        return None
    if is_number(value):
        return "number"
    match value:
        case bool():
            return "boolean"
        case list():
            return "array"
        case dict():
            return "object"
        case _:
            return "string"


@function("to_json to_jsonb", "any")
def _to_json(value: Value) -> Value:
    return value


@function("jsonb_build_object json_build_object", "any*")
def _build_object(*items: Value) -> Value:
    return {cast("str", text_of(key)): value for key, value in zip(items[::2], items[1::2], strict=True)}


@function("jsonb_build_array json_build_array", "any*")
def _build_array(*items: Value) -> Value:
    return list(items)


@function("jsonb_strip_nulls json_strip_nulls", "any")
def _strip_nulls(value: Value) -> Value:
    if isinstance(value, dict):
        members = cast("dict[str, Value]", value)
        return {key: _strip_nulls(inner) for key, inner in members.items() if inner is not None}
    return [_strip_nulls(inner) for inner in cast("list[Value]", value)] if isinstance(value, list) else value


@function("jsonb_delete", "any any")
def _delete(value: Value, keys: Value) -> Value:
    return without_keys(value, keys)


@function("array_position", "array any")
def _array_position(items: list[Value], wanted: Value) -> Value:
    return next((at for at, item in enumerate(items, 1) if eq(item, wanted)), None)


@function("array_append", "array any")
def _array_append(items: list[Value], item: Value) -> Value:
    return [*items, item]


@function("array_prepend", "any array")
def _array_prepend(item: Value, items: list[Value]) -> Value:
    return [item, *items]


@function("array_cat array_concat", "array array")
def _array_cat(items: list[Value], others: list[Value]) -> Value:
    return [*items, *others]


@function("array_remove", "array any")
def _array_remove(items: list[Value], unwanted: Value) -> Value:
    return [item for item in items if not same(item, unwanted)]


@function("array_to_string", "array text text?")
def _array_to_string(items: list[Value], separator: str, null: str | None = None) -> Value:
    texts = [null if item is None else text_of(item) for item in items]
    return separator.join(text for text in texts if text is not None)


@function("array_distinct", "array")
def _array_distinct(items: list[Value]) -> Value:
    return list({identity(item): item for item in items}.values())


@function("array_slice", "array integer integer")
def _array_slice(items: list[Value], first: int, last: int) -> Value:
    return items[max(first - 1, 0) : max(last, 0)]


@function("array_sort", "array")
def _array_sort(items: list[Value]) -> Value:
    present = sorted((item for item in items if item is not None), key=cmp_to_key(sort_order))
    return [*present, *(item for item in items if item is None)]


@function("element", "array integer")
def _element(items: list[Value], index: int) -> Value:
    return get(items, (index,))


@function("json_text", "any")
def _json_text(value: Value) -> Value:
    return None if value is None else canonical(value)


@function("parse_json", "any")
def _parse_json(value: Value) -> Value:
    if not isinstance(value, str):
        return value
    try:
        return _read(value)
    except ValueError:
        return None


def _read(text: str) -> Value:
    """Return the value of a JSON text, in which half of a surrogate pair is U+FFFD."""
    written = json.dumps(json.loads(text), ensure_ascii=False)
    return cast("Value", json.loads(written.encode("utf-16", "surrogatepass").decode("utf-16", "replace")))


@function("jsonb_object_keys json_object_keys", "any")
def _object_keys(value: Value) -> Value:
    return sorted(cast("dict[str, Value]", value)) if isinstance(value, dict) else None


@function("jsonb_pretty", "any")
def _pretty(value: Value) -> Value:
    return None if value is None else json.dumps(value, indent=4, ensure_ascii=False, sort_keys=True)


@function("jsonb_set", "any array any")
def _jsonb_set(value: Value, path: list[Value], new: Value) -> Value:
    return _set(value, path, new) if path else value


def _set(value: Value, path: list[Value], new: Value) -> Value:
    if not path:
        return new
    if isinstance(value, dict):
        members = dict(cast("dict[str, Value]", value))
        key = cast("str", path[0])
        if len(path) == 1 and new is None:
            members.pop(key, None)
        elif len(path) == 1 or key in members:
            members[key] = _set(members.get(key), path[1:], new)
        return members
    if isinstance(value, list) and re.fullmatch(r"-?\d+", str(path[0])):
        return _set_element(list(cast("list[Value]", value)), int(str(path[0])), path[1:], new)
    return value


def _set_element(items: list[Value], index: int, deeper: list[Value], new: Value) -> Value:
    place = index + len(items) if index < 0 else index
    if 0 <= place < len(items):
        items[place : place + 1] = [] if new is None and not deeper else [_set(items[place], deeper, new)]
    elif new is not None and not deeper:
        items.insert(0 if place < 0 else len(items), new)
    return items


@function("to_texts", "array")
def _to_texts(items: list[Value]) -> Value:
    return [text_of(item) for item in items]
