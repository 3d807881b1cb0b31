"""What systems share that answer in Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pyarrow as pa
from benchmarks.beside.system import Rows


def rows_of(table: pa.Table, columns: Sequence[str]) -> Rows:
    """Return a table's rows with these columns, by name where it has them, else by place."""
    if set(columns) <= set(table.column_names):
        table = table.select(list(columns))
    lists = [_values(table.column(place)) for place in range(table.num_columns)]
    return list(zip(*lists, strict=True))


def _values(column: pa.ChunkedArray) -> list[object]:
    values: list[object] = _plain(column).to_pylist()
    return (
        [dict(cast("list[tuple[str, object]]", value)) for value in values] if pa.types.is_map(column.type) else values
    )


def _plain(column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as what it is stored as: JSON as text."""
    if isinstance(column.type, pa.BaseExtensionType):
        chunks = [chunk.storage for chunk in column.chunks]
        return pa.chunked_array(chunks, column.type.storage_type)
    return column
