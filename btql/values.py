"""Values of an answer: from the engine's columns, one for each kind, to Python's and Arrow's.

Inside, a column whose values are of several kinds is one engine column for each
kind. Here they become one again: in Python each value has its own type, in
Arrow the column is JSON text (extension type ``arrow.json``), and a column of
whole and fractional numbers is float64 as long as that is exact.
"""

from __future__ import annotations

import json
from datetime import datetime
from typing import cast

import orjson
import pyarrow as pa

from btql_planner.engine_plan import OutputColumn
from btql_planner.types import NUMBER, Kind
from btql_storage import json_text
from btql_storage.arrow_functions import compute as pc

_NATIVE = (Kind.BOOLEAN, Kind.INTEGER, Kind.FLOAT, Kind.TEXT, Kind.TIME, Kind.LIST)
_INSTANT = pa.timestamp("us", tz="UTC")


def arrow_type(output: OutputColumn, engine: pa.Schema) -> pa.DataType:
    """Return the Arrow type of a column, given the engine's schema."""
    kinds = frozenset(output.parts)
    if not kinds:
        return pa.null()
    if kinds <= NUMBER and len(kinds) > 1 and not output.wide:
        return pa.float64()
    if len(kinds) == 1:
        (kind,) = kinds
        if kind is Kind.TIME:
            return _INSTANT
        if kind in _NATIVE:
            return cast("pa.DataType", engine.field(output.parts[kind]).type)
    return pa.json_(pa.string())


def arrow_values(output: OutputColumn, batch: pa.RecordBatch) -> pa.Array:
    """Return the column as Arrow has it."""
    parts = {kind: _column(batch, kind, name) for kind, name in output.parts.items()}
    kinds = frozenset(parts)
    if not kinds:
        return pa.nulls(batch.num_rows)
    if len(kinds) == 1:
        ((kind, array),) = parts.items()
        return array if kind in _NATIVE else pa.ExtensionArray.from_storage(pa.json_(pa.string()), array)
    if kinds <= NUMBER and not output.wide:
        return pc.coalesce(parts[Kind.INTEGER].cast(pa.float64(), safe=False), parts[Kind.FLOAT])
    texts = [None if value is None else json_of(value) for value in python_values(output, batch)]
    return pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(texts, pa.string()))


def _column(batch: pa.RecordBatch, kind: Kind, name: str) -> pa.Array:
    column = batch.column(name)
    if kind is not Kind.TIME or column.type == _INSTANT:
        return column
    # The engine's functions return instants in several units, with and without a zone; all are UTC.
    return column.cast(pa.timestamp("us"), safe=False).cast(_INSTANT)


def json_of(value: object) -> str:
    """Return a value as JSON text; times as ISO 8601 with milliseconds."""
    try:
        return orjson.dumps(value, default=_json_time).decode()
    except TypeError:
        return json.dumps(value)


def _json_time(value: object) -> str:
    assert isinstance(value, datetime)
    return value.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def python_values(output: OutputColumn, batch: pa.RecordBatch) -> list[object]:
    """Return the column as Python values, whichever engine column each of them is in."""
    values: list[object] = [None] * batch.num_rows
    for kind, name in output.parts.items():
        column = _column(batch, kind, name)
        if column.null_count == batch.num_rows:
            continue
        listed = column.to_pylist()
        if kind in (Kind.JSON, Kind.RAW):
            listed = [None if text is None else json_text.parse(text.encode()) for text in listed]
        if len(output.parts) == 1:
            return list(listed)
        values = [value if new is None else new for value, new in zip(values, listed, strict=True)]
    return values
