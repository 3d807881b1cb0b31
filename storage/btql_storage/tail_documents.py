"""The documents of a chunk of the tail, with the columns of ``rows.arrow``.

Few rows, as a list or a lookup wants, are made by themselves. Who wants a field of many rows gets it from a column
with the texts of all of them, which is kept.
"""

from __future__ import annotations

from threading import RLock
from typing import TYPE_CHECKING

import pyarrow as pa

from btql_storage.arrow import chunked, from_numpy, to_array
from btql_storage.block import Block
from btql_storage.fields import OTHER
from btql_storage.part.documents import DOCUMENT_SCHEMA, SYSTEM_SCHEMA, to_batch

if TYPE_CHECKING:
    from collections.abc import Sequence

    from btql_storage.arrow import Array, ChunkedArray
    from btql_storage.catalog import RowNumbers
    from btql_storage.tail_rows import TailRows

_FEW = 8
"""Rows that are at most one in so many are made by themselves."""


class TailDocuments:
    """The documents of some rows. Safe from several threads."""

    def __init__(self, rows: TailRows) -> None:
        self._rows = rows
        self._guard = RLock()
        self._columns: dict[str, Array] = {}

    def read(self, numbers: RowNumbers, names: Sequence[str]) -> pa.Table:
        """Return some columns of some rows, both in the order asked for."""
        schema = pa.schema([DOCUMENT_SCHEMA.field(name) for name in names])
        if len(numbers) * _FEW <= len(self._rows) and not all(name in self._columns for name in names):
            batch = to_batch(Block.of(self._rows.whole(numbers.tolist())))
            return pa.table([batch.column(name) for name in names], schema=schema)
        places = from_numpy(numbers)
        return pa.table([self._column(name).take(places) for name in names], schema=schema)

    def column(self, name: str) -> ChunkedArray:
        """Return a column of all rows."""
        return chunked([self._column(name)], DOCUMENT_SCHEMA.field(name).type)

    def _column(self, name: str) -> Array:
        with self._guard:
            found = self._columns.get(name)
            if found is None:
                found = self._columns[name] = self._make(name)
        return found

    def _make(self, name: str) -> Array:
        if name == OTHER:
            return to_batch(Block.of(self._rows.whole(range(len(self._rows))))).column(name)
        if name in SYSTEM_SCHEMA.names:
            attribute = "created_us" if name == "created" else name
            values: Sequence[object] = [getattr(row, attribute) for row in self._rows.rows]
        else:
            values = self._rows.texts(name)
        return to_array(values, DOCUMENT_SCHEMA.field(name).type)
