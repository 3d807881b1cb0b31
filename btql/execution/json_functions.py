"""Functions of JSON text, row by row; see ``functions.py`` for how they are reached.

Texts that come in are JSON, and canonical where they are values of their own
(:mod:`btql_storage.json_text`); texts that go out are canonical. Null never
comes in. What a function does not apply to gives None.
"""

from __future__ import annotations

import json
import math
from typing import cast

from btql_storage import json_text
from btql_storage.json_text import JsonValue
from btql_storage.kinds import INTEGER_MAX, INTEGER_MIN

Items = list[JsonValue]
Members = dict[str, JsonValue]


def parse(text: str) -> JsonValue:
    """Return the value of a JSON text."""
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
        return json_text.canonical(parse(text))
    except ValueError:
        return None


def texts(text: str) -> list[str | None] | None:
    """Return an array as a list of texts."""
    items = parse(text)
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
    value = parse(text)
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
    return cast("str", parse(text)) if text.startswith('"') else None


def as_structure(text: str) -> str | None:
    """Return an array or an object."""
    return text if text.startswith(("[", "{")) else None


# Inside arrays and objects.


def get(text: str, path: str) -> str | None:
    """Return what is at a path, a JSON array of keys and indexes; digits are an index of an array.

    A text that is no JSON has nothing anywhere.
    """
    try:
        value = parse(text)
    except ValueError:
        return None
    for piece in cast("list[object]", parse(path)):
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
    value = parse(text)
    return len(value) if isinstance(value, dict | list) else None


def array_length(text: bytes) -> int | None:
    """Return the number of elements of an array."""
    if not text.startswith(b"["):
        return None
    # Of a long conversation nothing needs to be known but where each message ends.
    from btql_storage.members import elements

    return len(elements(text))


def keys(text: str) -> list[str] | None:
    """Return the keys of an object, sorted."""
    value = parse(text)
    return sorted(value) if isinstance(value, dict) else None


def pretty(text: str) -> str:
    """Return JSON over several lines."""
    return json.dumps(parse(text), indent=4, ensure_ascii=False)


def strip_nulls(text: str) -> str:
    """Return JSON without the keys whose value is null, at any depth."""
    return json_text.canonical(_stripped(parse(text)))


def _stripped(value: JsonValue) -> JsonValue:
    if isinstance(value, dict):
        return {key: _stripped(member) for key, member in value.items() if member is not None}
    return [_stripped(item) for item in value] if isinstance(value, list) else value


def delete(text: str, keys: str) -> str | None:
    """Return an object without some keys, an array without some texts: one text, or a list of them."""
    value, found = parse(text), parse(keys)
    gone = {each for each in (found if isinstance(found, list) else [found]) if isinstance(each, str)}
    if isinstance(value, dict):
        return json_text.canonical({key: member for key, member in value.items() if key not in gone})
    if isinstance(value, list):
        return json_text.canonical([item for item in value if not isinstance(item, str) or item not in gone])
    return None


def merge(left: str, right: str) -> str:
    """Return ``left || right``: objects become one, anything else a longer array."""
    one, other = parse(left), parse(right)
    if isinstance(one, dict) and isinstance(other, dict):
        return json_text.canonical({**one, **other})
    return json_text.canonical([*_as_list(one), *_as_list(other)])


def _as_list(value: JsonValue) -> Items:
    return value if isinstance(value, list) else [value]


def set_(text: str, path: str, new: str) -> str | None:
    """Return JSON with the value at a path of keys replaced, added, or taken away by null."""
    value = parse(text)
    keys = texts(path)
    return json_text.canonical(_set(value, keys, parse(new)) if keys else value)


def _set(value: JsonValue, path: list[str | None], new: JsonValue) -> JsonValue:
    if not path:
        return new
    key, *rest = path
    if isinstance(value, list) and key is not None and key.removeprefix("-").isdecimal():
        return _set_element(value, int(key), rest, new)
    if not isinstance(value, dict) or key is None or (rest and key not in value):
        return value
    changed = _set(value.get(key), rest, new)
    if changed is None and not rest:
        return {name: member for name, member in value.items() if name != key}
    return {**value, key: changed}


def _set_element(items: list[JsonValue], index: int, rest: list[str | None], new: JsonValue) -> JsonValue:
    """Return an array with an element changed; an index beyond either end adds one there, as in Postgres."""
    inside = -len(items) <= index < len(items)
    if rest:
        return [*items[:index], _set(items[index], rest, new), *items[index:][1:]] if inside else items
    if inside:
        return [*items[:index], *([] if new is None else [new]), *items[index:][1:]]
    if new is None:
        return items
    return [new, *items] if index < 0 else [*items, new]
