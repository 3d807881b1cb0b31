"""What systems share that answer in Arrow."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pyarrow as pa
from benchmarks.beside.system import Rows


def rows_of(table: pa.Table, columns: Sequence[str]) -> Rows:
    """Return a table's rows with these columns: by name where it has the first, and null where it lacks another.

    Where it has other names its columns are in this order.
    """
    if columns[0] in table.column_names:
        nothing = pa.chunked_array([pa.nulls(table.num_rows)])
        found = [table.column(name) if name in table.column_names else nothing for name in columns]
        table = pa.table(found, names=list(columns))
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
