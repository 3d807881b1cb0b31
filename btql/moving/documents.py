"""Rows of Arrow as events: one JSON document for each row.

The name of a column is a path: ``input``, or ``metadata.model``, which is below ``metadata``. What a value becomes:

====================================  ==========================================================================
Arrow                                 JSON
====================================  ==========================================================================
null                                  nothing: the field is left out
boolean, integers, floats, text       the same; NaN and infinities are the texts that SDKs send for them
decimals                              a whole number, or the nearest float
timestamps                            text in ISO 8601, in UTC, with microseconds; those without a zone are in UTC
dates, times                          text in ISO 8601
lists                                 arrays
structs, maps                         objects
``arrow.json``                        what the text says, as it is spelled there
bytes, durations, intervals, unions   refused
====================================  ==========================================================================

Columns that the database itself gives each row, such as ``_xact_id``, are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

import msgspec
import orjson
import pyarrow as pa

from btql.errors import DataError
from btql.write_statements import OURS
from btql_storage import json_text
from btql_storage.arrow_functions import compute as pc
from btql_storage.surrogates import mended

_ROWS_AT_ONCE = 8_192
_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z
_NAIVE = pa.timestamp("us")
_INSTANT = pa.timestamp("us", tz="UTC")
_TIME = pa.time64("us")
_DURATION = pa.duration("us")
_check_json = msgspec.json.Decoder(msgspec.Raw).decode


class NoDocuments(DataError):  # noqa: N818  read in `except` clauses
    """Columns that cannot be documents."""

    def __init__(self, message: str, way_out: str | None = None) -> None:
        super().__init__(message if way_out is None else f"{message}; {way_out}")
        self.message = message
        self.help = way_out


class Documents:
    """Makes documents of batches with one schema."""

    def __init__(self, schema: pa.Schema) -> None:
        self._paths: list[tuple[str, ...] | None] = []
        for each in schema:
            _check(each.type, each.name)
            path = tuple(each.name.split("."))
            if not all(path):
                message = f"`{each.name}` is no path: a column is named as a field, such as `metadata.model`"
                raise NoDocuments(message, "rename the column")
            self._paths.append(None if each.name in OURS else path)
        known = [path for path in self._paths if path is not None]
        for path in known:
            if known.count(path) > 1 or any(other[: len(path)] == path and other != path for other in known):
                message = f"`{'.'.join(path)}` is a column, and so is something in it, or it is there twice"
                raise NoDocuments(message, "rename a column")

    def of(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """Yield the document of each row."""
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            yield from self._some(batch.slice(start, _ROWS_AT_ONCE))

    def _some(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        top = _Level({})
        for path, column, name in zip(self._paths, batch.columns, batch.schema.names, strict=True):
            if path is not None:
                level = top
                for piece in path[:-1]:
                    below = level.parts.setdefault(piece, _Level({}))
                    assert isinstance(below, _Level), "a field and a path in it were refused before"
                    level = below
                level.parts[path[-1]] = _values(column, name)
        if not top.parts:
            yield from [b"{}"] * batch.num_rows
            return
        for row in _joined(top):
            yield _encoded(row or {})


@dataclass(slots=True)
class _Level:
    """The fields of one object: their values in each row, or fields of their own."""

    parts: dict[str, list[object] | _Level]


def _joined(level: _Level) -> list[dict[str, object] | None]:
    """Return the object of each row; None where it has no field."""
    names = list(level.parts)
    columns = [_joined(each) if isinstance(each, _Level) else each for each in level.parts.values()]
    rows = zip(*columns, strict=True)
    if not any(None in column for column in columns):
        return [dict(zip(names, row, strict=True)) for row in rows]
    return [{name: value for name, value in zip(names, row, strict=True) if value is not None} or None for row in rows]


def _check(kind: pa.DataType, name: str) -> None:
    """Refuse types that have no JSON, at any depth."""
    types = pa.types
    if isinstance(kind, pa.BaseExtensionType):
        kind = kind.storage_type
    refused = (
        types.is_binary(kind)
        or types.is_large_binary(kind)
        or types.is_fixed_size_binary(kind)
        or types.is_binary_view(kind)
        or types.is_duration(kind)
        or types.is_interval(kind)
        or types.is_union(kind)
    )
    if refused:
        raise NoDocuments(f"`{name}` has the type {kind}, which has no JSON", "send it as text")
    for place in range(kind.num_fields):
        _check(kind.field(place).type, name)


def _values(column: pa.Array, name: str) -> list[object]:
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        # Texts come much faster so.
        return cast("list[object]", column.to_numpy(zero_copy_only=False).tolist())
    column = plain(column)
    try:
        maps = "lossy" if pa.types.is_nested(column.type) else None
        found = cast("list[object]", column.to_pylist(maps_as_pydicts=maps))
    except (OverflowError, ValueError):
        message = f"`{name}` holds a time that has no spelling: years go from 1 to 9999"
        raise NoDocuments(message, "send a text or null") from None
    if is_json(column.type):
        return [None if text is None else _checked(str(text), name) for text in found]
    return found if _is_finite(column) else [_finite(each) for each in found]


def _is_finite(column: pa.Array) -> bool:
    """Whether all numbers of a column have a spelling in JSON, at any depth."""
    kind = column.type
    if isinstance(kind, pa.BaseExtensionType):
        return _is_finite(column.storage)
    if pa.types.is_floating(kind):
        return pc.all(pc.is_finite(column)).as_py() is not False
    if pa.types.is_map(kind):
        return _is_finite(column.items)
    if pa.types.is_run_end_encoded(kind):
        return _is_finite(column.values)
    if pa.types.is_struct(kind):
        return all(map(_is_finite, column.flatten()))
    return _is_finite(column.flatten()) if pa.types.is_nested(kind) else True


def _finite(value: object) -> object:
    """Return a value whose numbers have a spelling in JSON."""
    match value:
        case float():
            return value if math.isfinite(value) else _spelled(value)
        case list():
            return [_finite(each) for each in cast("list[object]", value)]
        case dict():
            return {key: _finite(each) for key, each in cast("dict[object, object]", value).items()}
        case _:
            return value


class _Json:
    """A JSON text, to be copied as it is."""

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text


def _checked(text: str, name: str) -> _Json:
    raw = text.encode()
    try:
        _check_json(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeError):
        whole = mended(raw)
        if whole is None:
            shown = text if len(text) <= 40 else text[:40] + "…"
            raise NoDocuments(f"`{name}` holds text that is no JSON: `{shown}`") from None
        return _checked(whole.decode(), name)
    return _Json(raw)


def plain(column: pa.ChunkedArray | pa.Array) -> pa.ChunkedArray | pa.Array:
    """Return a column whose values Python has: times in microseconds, instants in UTC where they have a zone."""
    kind = _plain_type(column.type)
    return column if kind == column.type else column.cast(kind, safe=False)


def _plain_type(kind: pa.DataType) -> pa.DataType:
    types = pa.types
    if types.is_dictionary(kind):
        # Dictionaries of views are what polars sends for its categories; Arrow (26) reads them, and casts none.
        return kind if types.is_string_view(kind.value_type) else _plain_type(kind.value_type)
    if types.is_timestamp(kind):
        return _NAIVE if kind.tz is None else _INSTANT
    if types.is_time64(kind):
        return _TIME
    if types.is_duration(kind):
        return _DURATION
    if types.is_struct(kind):
        return pa.struct([(each.name, _plain_type(each.type)) for each in kind])
    if types.is_map(kind):
        return pa.map_(_plain_type(kind.key_type), _plain_type(kind.item_type))
    if types.is_fixed_size_list(kind):
        return pa.list_(_plain_type(kind.value_type), kind.list_size)
    if types.is_list(kind):
        return pa.list_(_plain_type(kind.value_type))
    if types.is_large_list(kind):
        return pa.large_list(_plain_type(kind.value_type))
    # Views of lists, too, which Arrow (26) casts wrongly.
    return kind


def is_json(kind: pa.DataType) -> bool:
    """Whether a column is JSON text."""
    return isinstance(kind, pa.JsonType)


def _spelled(value: float) -> str:
    """Return a number that JSON has not, as SDKs spell it."""
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"


def _encoded(row: dict[str, object]) -> bytes:
    try:
        return orjson.dumps(row, default=_other, option=_OPTIONS)
    except TypeError:
        # Whole numbers of more than 64 bits, keys of maps that are no texts.
        return json_text.dumps(_plain(row)).encode()


def _plain(value: object) -> object:
    """Return a value with nothing in it that only the faster encoder knows."""
    match value:
        case dict():
            return {str(key): _plain(each) for key, each in cast("dict[object, object]", value).items()}
        case list():
            return [_plain(each) for each in cast("list[object]", value)]
        case int() | float() | str() | None:
            return value
        case _Json():
            return json_text.parse(value.text)
        case Decimal():
            return _number(value)
        case _:
            return orjson.loads(orjson.dumps(value, default=_other, option=_OPTIONS))


def _other(value: object) -> object:
    if isinstance(value, _Json):
        return orjson.Fragment(value.text)
    if isinstance(value, Decimal):
        return _number(value)
    raise TypeError


def _number(value: Decimal) -> int | float:
    return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
