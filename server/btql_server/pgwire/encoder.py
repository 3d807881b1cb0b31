"""Rows on the wire: a batch of Arrow becomes DataRow messages, one column after the other.

Each column becomes an array of byte strings (:mod:`.text_values`, :mod:`.binary_values`), and these are joined, with
their lengths between them, by one step of Arrow: what comes out, all rows one behind the other, is what is sent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from btql_server.pgwire.binary_values import binary_values
from btql_server.pgwire.byte_arrays import big_endian, content, fixed, joined, lengths
from btql_server.pgwire.text_values import text_values
from btql_server.pgwire.types import PgType
from btql_storage.later import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

TEXT_FORMAT = 0
BINARY_FORMAT = 1
_BYTES_MAX = 128 << 20
"""Of a batch that is encoded at once; Arrow's byte strings end at 2 GiB."""


class RowEncoder:
    """Makes DataRow messages of the batches of one answer."""

    def __init__(self, schema: pa.Schema, types: Sequence[PgType], formats: Sequence[int]) -> None:
        assert len(schema) == len(types) == len(formats)
        self._types = tuple(types)
        self._encoders: list[Callable[[pa.Array, PgType], pa.Array]] = [
            binary_values if each == BINARY_FORMAT else text_values for each in formats
        ]

    def encode(self, batch: pa.RecordBatch) -> bytes | memoryview:
        """Return the rows of a batch as whole messages."""
        if batch.nbytes > _BYTES_MAX and batch.num_rows > 1:
            middle = batch.num_rows // 2
            return b"".join(self.encode(half) for half in (batch.slice(0, middle), batch.slice(middle)))
        columns = [
            encode(column, type_)
            for encode, column, type_ in zip(self._encoders, batch.columns, self._types, strict=True)
        ]
        return content(joined(_pieces(columns, batch.num_rows)))


def _pieces(columns: list[pa.Array], rows: int) -> list[pa.Array]:
    sizes = [lengths(column) for column in columns]
    total: NDArray[np.int64] = np.full(rows, 6 + 4 * len(columns), np.int64)
    for size in sizes:
        total += np.maximum(size, 0)
    header = np.empty((rows, 7), np.uint8)
    header[:, 0] = ord("D")
    header[:, 1:5] = big_endian(total, 4)
    header[:, 5:7] = big_endian(np.full(rows, len(columns)), 2)
    pieces = [fixed(header)]
    for size, column in zip(sizes, columns, strict=True):
        pieces += [fixed(big_endian(size, 4)), column]
    return pieces
