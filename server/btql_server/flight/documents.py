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
``arrow.json``                        what the text says
bytes, durations, intervals, unions   refused
====================================  ==========================================================================

Columns that the database itself gives each row, such as ``_xact_id``, are left out.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from typing import Any, cast

import orjson
import pyarrow as pa

from btql.write_statements import OURS
from btql_server.flight.parameters import is_json, plain
from btql_server.flight.refusals import FlightRefusal
from btql_storage import json_text

_ROWS_AT_ONCE = 8_192
_OPTIONS = orjson.OPT_NAIVE_UTC | orjson.OPT_UTC_Z | orjson.OPT_NON_STR_KEYS


class Documents:
    """Makes documents of batches with one schema."""

    def __init__(self, schema: pa.Schema) -> None:
        self._paths: list[tuple[str, ...] | None] = []
        for each in schema:
            _check(each.type, each.name)
            path = tuple(each.name.split("."))
            if not all(path):
                message = f"`{each.name}` is no path: a column is named as a field, such as `metadata.model`"
                raise FlightRefusal("INVALID_ARGUMENT", message, "rename the column")
            self._paths.append(None if each.name in OURS else path)
        known = [path for path in self._paths if path is not None]
        for path in known:
            if known.count(path) > 1 or any(other[: len(path)] == path and other != path for other in known):
                message = f"`{'.'.join(path)}` is a column, and so is something in it, or it is there twice"
                raise FlightRefusal("INVALID_ARGUMENT", message, "rename a column")

    def of(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """Yield the document of each row."""
        for start in range(0, batch.num_rows, _ROWS_AT_ONCE):
            yield from self._some(batch.slice(start, _ROWS_AT_ONCE))

    def _some(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        rows: list[dict[str, Any]] = [{} for _ in range(batch.num_rows)]
        for path, column, name in zip(self._paths, batch.columns, batch.schema.names, strict=True):
            if path is None:
                continue
            values = _values(column, name)
            if len(path) == 1:
                for row, value in zip(rows, values, strict=True):
                    if value is not None:
                        row[name] = value
                continue
            for row, value in zip(rows, values, strict=True):
                if value is not None:
                    place = row
                    for piece in path[:-1]:
                        place = place.setdefault(piece, {})
                    place[path[-1]] = value
        for row in rows:
            yield _encoded(row)


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
        raise FlightRefusal("INVALID_ARGUMENT", f"`{name}` has the type {kind}, which has no JSON", "send it as text")
    for place in range(kind.num_fields):
        _check(kind.field(place).type, name)


def _values(column: pa.Array, name: str) -> list[object]:
    try:
        found = cast("list[object]", plain(column).to_pylist(maps_as_pydicts="lossy"))
    except (OverflowError, ValueError):
        message = f"`{name}` holds a time that has no spelling: years go from 1 to 9999"
        raise FlightRefusal("INVALID_ARGUMENT", message, "send a text or null") from None
    if is_json(column.type):
        return [None if text is None else _parsed(str(text), name) for text in found]
    if pa.types.is_floating(column.type):
        return [value if value is None or math.isfinite(cast("float", value)) else _spelled(value) for value in found]
    return found


def _parsed(text: str, name: str) -> object:
    try:
        return json_text.parse(text.encode())
    except ValueError:
        shown = text if len(text) <= 40 else text[:40] + "…"
        raise FlightRefusal("INVALID_ARGUMENT", f"`{name}` holds text that is no JSON: `{shown}`") from None


def _spelled(value: object) -> str:
    """Return a number that JSON has not, as SDKs spell it."""
    return "NaN" if value != value else "Infinity" if cast("float", value) > 0 else "-Infinity"  # noqa: PLR0124


def _encoded(row: dict[str, object]) -> bytes:
    try:
        return orjson.dumps(row, default=_other, option=_OPTIONS)
    except TypeError:
        # Whole numbers of more than 64 bits.
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
        case _:
            return orjson.loads(orjson.dumps(value, default=_other, option=_OPTIONS))


def _other(value: object) -> object:
    if isinstance(value, Decimal):
        return int(value) if value.is_finite() and value == value.to_integral_value() else float(value)
    raise TypeError
