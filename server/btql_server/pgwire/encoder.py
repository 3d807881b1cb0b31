"""Rows on the wire: a batch of Arrow becomes DataRow messages, one column after the other.

Each column is brought into its form on the wire (:mod:`.text_values`, :mod:`.binary_values`), and then all are joined,
with their lengths between them, by one step of Arrow: what comes out, all rows one behind the other, is what is sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from btql_server.pgwire.binary_values import binary_values
from btql_server.pgwire.byte_arrays import Encoded, big_endian, joined
from btql_server.pgwire.few_rows import FEW, few_rows
from btql_server.pgwire.text_values import text_values
from btql_server.pgwire.types import PgType
from btql_storage.later import np

if TYPE_CHECKING:
    from btql_server.pgwire.byte_arrays import Piece

BINARY_FORMAT = 1
_ROWS_MAX = 16_384
_BYTES_MAX = 8 << 20
"""Of a part that is encoded at once: so much stays in the processor's cache, and memory stays flat."""


class RowEncoder:
    """Makes DataRow messages of the batches of one answer."""

    def __init__(self, schema: pa.Schema, types: Sequence[PgType], formats: Sequence[int]) -> None:
        assert len(schema) == len(types) == len(formats)
        self._types = tuple(types)
        self._formats = tuple(formats)
        self._encoders = [binary_values if each == BINARY_FORMAT else text_values for each in formats]

    def encode(self, batch: pa.RecordBatch) -> bytes | memoryview:
        """Return the rows of a batch as whole messages."""
        parts = list(self.parts(batch))
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def parts(self, batch: pa.RecordBatch) -> Iterator[bytes | memoryview]:
        """Yield the same in pieces of some megabytes, each of whole messages, as they are made."""
        if batch.num_rows <= FEW:
            yield few_rows(batch.columns, self._types, self._formats)
            return
        for part in parts_of(batch):
            columns = [
                encode(column, type_)
                for encode, column, type_ in zip(self._encoders, part.columns, self._types, strict=True)
            ]
            yield joined(_pieces(columns, part.num_rows), part.num_rows)


def parts_of(batch: pa.RecordBatch) -> Iterator[pa.RecordBatch]:
    """Yield a batch in parts that are good to encode at once."""
    rows = batch.num_rows
    bytes_each = batch.nbytes // max(rows, 1) + 1
    step = max(1, min(_ROWS_MAX, _BYTES_MAX // bytes_each))
    for start in range(0, rows, step):
        yield batch.slice(start, step) if rows > step else batch


def with_lengths(columns: Sequence[Encoded]) -> Iterator[Piece | bytes]:
    """Yield the pieces of columns, with the length of each value before it."""
    for column in columns:
        sizes = column.sizes
        yield sizes.to_bytes(4, "big") if isinstance(sizes, int) else big_endian(sizes, 4)
        yield from column.pieces


def _pieces(columns: Sequence[Encoded], rows: int) -> Iterator[Piece | bytes]:
    """Yield what DataRow messages consist of."""
    count = len(columns)
    constant = 6 + 4 * count + sum(each.sizes for each in columns if isinstance(each.sizes, int))
    varying = [np.maximum(each.sizes, 0) for each in columns if not isinstance(each.sizes, int)]
    yield b"D"
    if varying:
        total = np.full(rows, constant, np.int64)
        for each in varying:
            total += each
        yield big_endian(total, 4)
    else:
        yield constant.to_bytes(4, "big")
    yield count.to_bytes(2, "big")
    yield from with_lengths(columns)
