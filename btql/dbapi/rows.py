"""From Arrow batches to tuples of Python values, as many at a time as are asked for.

What a value becomes depends on the type of its column alone, so that a folder and a server give the same: a JSON
column is decoded, instants are datetimes in UTC, and those beyond year 9999, which Python has not, are None.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeAlias, cast

import pyarrow as pa

from btql.instants import datetimes
from btql_storage import json_text

Row: TypeAlias = tuple[object, ...]
CHUNK_ROWS = 1_024
"""So many rows are made at once at least, as making them one by one would cost more."""


class Rows:
    """The rows of an answer that have not been fetched yet."""

    def __init__(self, schema: pa.Schema, batches: Iterator[pa.RecordBatch]) -> None:
        self.schema = schema
        self._batches = batches
        self._batch: pa.RecordBatch | None = None
        """The rest of the batch that is being read."""
        self._made: list[Row] = []
        """Rows that are made already, from ``_next`` on."""
        self._next = 0
        self._made_from: pa.RecordBatch | None = None
        self.fetched = 0
        """How many rows have been handed out."""
        self.ended = False
        """Whether there are no more."""

    def take(self, count: int) -> list[Row]:
        """Return the next rows, fewer than asked for only at the end."""
        taken: list[Row] = []
        while len(taken) < count and (self._next < len(self._made) or self._make(count - len(taken))):
            piece = self._made[self._next : self._next + count - len(taken)]
            self._next += len(piece)
            taken += piece
        self.fetched += len(taken)
        return taken

    def one(self) -> Row | None:
        """Return the next row; None at the end."""
        if self._next >= len(self._made) and not self._make(1):
            return None
        row = self._made[self._next]
        self._next += 1
        self.fetched += 1
        return row

    def rest(self) -> list[Row]:
        """Return all rows that are left."""
        taken = self._made[self._next :]
        for batch in self._left():
            taken += rows_of(batch)
        self._made, self._next = [], 0
        self.fetched += len(taken)
        return taken

    def has_made(self, count: int) -> bool:
        """Return whether so many rows can be had without waiting for anything."""
        return len(self._made) - self._next >= count

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield what is left as Arrow."""
        if self._made_from is not None and self._next < len(self._made):
            rest = self._made_from.slice(self._next)
            self._made, self._next = [], 0
            self.fetched += rest.num_rows
            yield rest
        for batch in self._left():
            self.fetched += batch.num_rows
            yield batch

    def _left(self) -> Iterator[pa.RecordBatch]:
        """Yield the rest of the batch that is being read, and the batches behind it."""
        batch, self._batch = self._batch, None
        if batch is not None:
            yield batch
        yield from self._batches
        self.ended = True

    def _make(self, count: int) -> bool:
        """Make the next rows; return whether there are any."""
        while self._batch is None or not self._batch.num_rows:
            self._batch = next(self._batches, None)
            if self._batch is None:
                self.ended = True
                self._made, self._next = [], 0
                return False
        size = max(count, CHUNK_ROWS)
        self._made_from = self._batch.slice(0, size)
        self._batch = self._batch.slice(size)
        self._made, self._next = rows_of(self._made_from), 0
        return True


def rows_of(batch: pa.RecordBatch) -> list[Row]:
    """Return the rows of a batch as tuples."""
    if not batch.num_columns:
        return [()] * batch.num_rows
    return list(zip(*map(python_values, batch.columns), strict=True))


def python_values(column: pa.Array) -> list[object]:
    """Return a column as Python values."""
    kind = column.type
    if isinstance(kind, pa.JsonType):
        texts = cast("pa.ExtensionArray", column).storage.to_pylist()
        return [None if text is None else json_text.parse(str(text).encode()) for text in texts]
    if pa.types.is_timestamp(kind):
        return cast("list[object]", datetimes(column))
    return cast("list[object]", column.to_pylist())
