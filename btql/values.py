"""Values of an answer: from the engine's columns, one for each kind, to Python's and Arrow's.

Inside, a column whose values are of several kinds is one engine column for each
kind. Here they become one again: in Python each value has its own type, in
Arrow the column is JSON text (extension type ``arrow.json``), and a column of
whole and fractional numbers is float64 as long as that is exact. An interval is
a text, ``1 day 02:30:00``, and whole numbers of any length are exact.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime
from typing import cast

import orjson
import pyarrow as pa

from btql.instants import INSTANT, datetimes
from btql_planner.engine_plan import OutputColumn
from btql_planner.spelling import time_text
from btql_planner.types import NUMBER, Kind
from btql_storage import json_text
from btql_storage.arrow_functions import compute as pc

_NATIVE: dict[Kind, pa.DataType] = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.TIME: INSTANT,
    Kind.LIST: pa.list_(pa.string()),
    Kind.INTERVAL: pa.string(),
}
"""The Arrow type of a column whose values are all of one kind; other kinds are JSON."""


def arrow_type(output: OutputColumn) -> pa.DataType:
    """Return the Arrow type of a column."""
    kinds = frozenset(output.parts)
    if not kinds:
        return pa.null()
    if output.preview is not None:
        return pa.json_(pa.string())
    if kinds <= NUMBER and len(kinds) > 1 and not output.wide:
        return pa.float64()
    if len(kinds) == 1:
        (kind,) = kinds
        if kind in _NATIVE:
            return _NATIVE[kind]
    return pa.json_(pa.string())


def arrow_values(output: OutputColumn, batch: pa.RecordBatch) -> pa.Array:
    """Return the column as Arrow has it."""
    parts = {kind: natural(batch, kind, name) for kind, name in output.parts.items()}
    kinds = frozenset(parts)
    if not kinds:
        return pa.nulls(batch.num_rows)
    if len(kinds) == 1 and output.preview is None:
        ((kind, array),) = parts.items()
        return array if kind in _NATIVE else pa.ExtensionArray.from_storage(pa.json_(pa.string()), array)
    if kinds <= NUMBER and not output.wide and output.preview is None:
        return pc.coalesce(parts[Kind.INTEGER].cast(pa.float64(), safe=False), parts[Kind.FLOAT])
    texts = [None if value is None else json_of(value) for value in python_values(output, batch)]
    return pa.ExtensionArray.from_storage(pa.json_(pa.string()), pa.array(texts, pa.string()))


def natural(batch: pa.RecordBatch, kind: Kind, name: str) -> pa.Array:
    """Return an engine column in the Arrow type that its kind has outside."""
    column = batch.column(name)
    wanted = _NATIVE.get(kind, pa.string())
    if column.type == wanted:
        return column
    if kind is Kind.TIME:
        # The engine's functions return instants in several units, with and without a zone; all are UTC.
        return column.cast(pa.timestamp("us"), safe=False).cast(INSTANT)
    if kind is Kind.INTERVAL:
        from btql.execution.interval_functions import text as interval

        return pa.array([None if value is None else interval(value) for value in column.to_pylist()], pa.string())
    return column.cast(wanted)


def json_of(value: object) -> str:
    """Return a value as JSON text; times as ISO 8601 with milliseconds, or microseconds where there are any."""
    try:
        return orjson.dumps(value, default=_json_time, option=orjson.OPT_PASSTHROUGH_DATETIME).decode()
    except TypeError:
        return json_text.dumps(value)


def _json_time(value: object) -> str:
    assert isinstance(value, datetime)
    return time_text(value)


def python_values(output: OutputColumn, batch: pa.RecordBatch) -> list[object]:
    """Return the column as Python values, whichever engine column each of them is in."""
    if output.preview is not None:
        length = output.preview
        return [_preview(value, length) for value in python_values(replace(output, preview=None), batch)]
    values: list[object] = [None] * batch.num_rows
    for kind, name in output.parts.items():
        column = natural(batch, kind, name)
        if column.null_count == batch.num_rows:
            continue
        if kind in (Kind.JSON, Kind.RAW, Kind.BIG):
            listed = cast("list[object]", json_text.parse_all(column.cast(pa.binary()).to_pylist()))
        else:
            listed = cast("list[object]", datetimes(column) if kind is Kind.TIME else column.to_pylist())
        if len(output.parts) == 1:
            return list(listed)
        values = [value if new is None else new for value, new in zip(values, listed, strict=True)]
    return values


def _preview(value: object, length: int) -> object:
    """Return a value cut to a number of characters: of the text, or of the JSON of anything else."""
    if value is None or isinstance(value, str):
        return value and value[:length]
    text = json_of(value)
    return value if len(text) <= length else text[:length]
