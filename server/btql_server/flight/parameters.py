"""Parameters of prepared statements: which ones a statement has, as a schema, and values from Arrow's columns."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from btql.moving.documents import is_json, plain
from btql.values import arrow_type
from btql_grammar.parameters import JsonText
from btql_planner.engine_plan import OutputColumn
from btql_planner.types import NUMERIC, Kind
from btql_server.flight.refusals import FlightRefusal
from btql_storage.json_text import parse

if TYPE_CHECKING:
    from btql.describe import ParameterInfo
    from btql_grammar.parameters import Values

ROWS_MAX = 65_536
"""How many times a statement is run for one upload of values."""
BYTES_MAX = 64 << 20
_STREAMED_BYTES_MAX = 1 << 20
"""Larger values do not go into tickets."""


def schema_of(parameters: Sequence[ParameterInfo]) -> pa.Schema:
    """Return the types of a statement's parameters; texts where nothing tells."""
    return pa.schema([pa.field(_name(each), _type(each)) for each in parameters])


def _name(parameter: ParameterInfo) -> str:
    return f"${parameter.key}" if isinstance(parameter.key, int) else parameter.key


def _type(parameter: ParameterInfo) -> pa.DataType:
    kinds = parameter.kinds
    if not kinds or (len(kinds) > 1 and not kinds <= NUMERIC):
        return pa.string()
    kind = next(iter(kinds)) if len(kinds) == 1 else Kind.FLOAT
    found = arrow_type(OutputColumn("", {kind: ""}))
    return pa.string() if isinstance(found, pa.JsonType) else found


def read(schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> pa.Table:
    """Return values that a client sends, within bounds; no type in them is one that has no value here."""
    for each in schema:
        _check_type(each.type, each.name)
    taken: list[pa.RecordBatch] = []
    rows = size = 0
    for batch in batches:
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows > ROWS_MAX or size > BYTES_MAX:
            most = f"{ROWS_MAX:,} rows or {BYTES_MAX:,} bytes"
            raise FlightRefusal("INVALID_ARGUMENT", f"these are more values than {most}", "bind fewer at a time")
        taken.append(batch)
    return pa.Table.from_batches(taken, schema)


def _check_type(kind: pa.DataType, name: str) -> None:
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_fixed_size_binary(kind):
        raise FlightRefusal("INVALID_ARGUMENT", f"`{name}` holds bytes, which no value here is", "send a text")
    if pa.types.is_time(kind) or pa.types.is_interval(kind):
        message = f"`{name}` has the type {kind}, which no parameter has"
        raise FlightRefusal("INVALID_ARGUMENT", message, "send a text, and cast it in the statement")


def values_of(table: pa.Table, parameters: Sequence[ParameterInfo]) -> list[Values]:
    """Return the values of each row: by name for a statement whose parameters have names, else in their order.

    Columns that are called as parameters are written, ``:name`` or ``$1``, are for these alone.
    """
    order = _in_order(table.column_names)
    columns = [_listed(table.column(place), table.column_names[place]) for place in order]
    rows = list(zip(*columns, strict=True)) if columns else [()] * table.num_rows
    names = [each.key for each in parameters if isinstance(each.key, str)]
    if any(name.startswith(":") for name in table.column_names):
        return [dict(zip([name.removeprefix(":") for name in table.column_names], row, strict=True)) for row in rows]
    if not names or any(name.startswith("$") for name in table.column_names):
        return list(rows)
    sent = table.column_names
    if not set(names) <= set(sent):
        # Clients that know of no names send them in their order.
        sent = names if len(names) == len(sent) else sent
    return [dict(zip(sent, row, strict=True)) for row in rows]


def _in_order(names: Sequence[str]) -> list[int]:
    """Return the places of columns: by their numbers where they are called ``$1`` to ``$n``, else as they stand."""
    places = {name: place for place, name in enumerate(names)}
    numbers = [f"${number}" for number in range(1, len(names) + 1)]
    return [places[each] for each in numbers] if places.keys() == set(numbers) else list(range(len(names)))


def _listed(column: pa.ChunkedArray, name: str) -> list[object]:
    try:
        found = cast("list[object]", plain(column).to_pylist(maps_as_pydicts="lossy"))
    except (OverflowError, ValueError):
        message = f"`{name}` holds a time that no value here is: years go from 1 to 9999"
        raise FlightRefusal("INVALID_ARGUMENT", message, "send a text or null") from None
    if not is_json(column.type):
        return found
    try:
        values = [None if text is None else parse(str(text).encode()) for text in found]
    except ValueError:
        raise FlightRefusal("INVALID_ARGUMENT", f"`{name}` holds text that is no JSON") from None
    # Beside a cast, `$1::jsonb`, a text must not be read as JSON twice.
    return [JsonText(value) if isinstance(value, str) else value for value in values]


def as_stream(table: pa.Table | None) -> bytes | None:
    """Return values for a ticket, empty where there are none; None where they are too large."""
    if table is None:
        return b""
    if table.nbytes > _STREAMED_BYTES_MAX:
        return None
    sink = io.BytesIO()
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return sink.getvalue()


def from_stream(data: bytes) -> pa.Table | None:
    """Return the values of a ticket."""
    if not data:
        return None
    try:
        with pa.ipc.open_stream(data) as reader:
            return read(reader.schema, iter(reader))
    except pa.ArrowException:
        raise FlightRefusal("INVALID_ARGUMENT", "the values in the ticket cannot be read") from None
