"""Functions that the engine has no equivalent of, in Python.

They are declared volatile, which keeps the engine from moving them into a
Parquet reader, where they would hold the interpreter's lock.
"""

from __future__ import annotations

from collections.abc import Callable

import orjson
import pyarrow as pa
from datafusion import SessionContext, udf

from btql_storage import json_text, tokens


def register_functions(context: SessionContext) -> None:
    """Make every function of this module known to ``context``."""
    text, boolean, whole = pa.string(), pa.bool_(), pa.int64()
    for name, function, inputs, output in (
        ("btql_match", _match, [text, text, text], boolean),
        ("btql_array_includes", _array_includes, [text, text, text], boolean),
        ("btql_json_includes", _json_includes, [text, text, text], boolean),
        ("btql_json_length", _json_length, [text], whole),
    ):
        context.register_udf(udf(_by_row(function, output), inputs, output, "volatile", name))


def _by_row(function: Callable[..., object], output: pa.DataType) -> Callable[..., pa.Array]:
    """Return ``function`` over arrays; a row with any null gives null."""

    def evaluate(*arrays: pa.Array) -> pa.Array:
        columns = [array.to_pylist() for array in arrays]
        return pa.array([None if None in row else function(*row) for row in zip(*columns, strict=True)], output)

    return evaluate


def _match(kind: str, value: str, phrase: str) -> bool:
    if kind == "l":
        return any(tokens.matches(item, phrase.split()) for item in value.split("\n"))
    return tokens.matches(json_text.parse(value.encode()) if kind == "j" else value, phrase.split())


def _json_includes(haystack: str, kind: str, needle: str) -> bool:
    """Whether an array has an element, or an object a value."""
    value = json_text.parse(haystack.encode())
    return _has(list(value.values()) if isinstance(value, dict) else value, kind, needle)


def _array_includes(haystack: str, kind: str, needle: str) -> bool | None:
    """Whether an array has an element; null for anything but an array."""
    value = json_text.parse(haystack.encode())
    return _has(value, kind, needle) if isinstance(value, list) else None


def _has(members: object, kind: str, needle: str) -> bool:
    wanted = needle if kind == "t" else json_text.parse(needle.encode())
    return isinstance(members, list) and any(_same(member, wanted) for member in members)


def _same(one: object, other: object) -> bool:
    """Whether two JSON values are equal by the rules of ``=``."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, dict | list) and isinstance(other, dict | list):
        return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(other, option=orjson.OPT_SORT_KEYS)
    if isinstance(one, str) != isinstance(other, str):
        return _number(one) == _number(other) is not None
    return one == other


def _number(value: object) -> float | None:
    if isinstance(value, int | float):
        return value
    try:
        return float(value) if isinstance(value, str) else None
    except ValueError:
        return None


def _json_length(value: str) -> int | None:
    parsed = json_text.parse(value.encode())
    return len(parsed) if isinstance(parsed, dict | list) else None
