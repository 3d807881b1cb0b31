"""How many bytes of ``rows.arrow`` it takes to read some columns of its blocks, found without reading them.

Arrow's reader does not tell. But the head of each block, a message of a few hundred bytes, lists where in the
file each column's buffers are, and of a block the reader takes this head and the buffers of the columns it is asked
for. The lists are flatbuffers: tables whose fields are found through a table of offsets; what is read of them here
is named in ``File.fbs`` and ``Message.fbs`` of the Arrow format.

Only EXPLAIN ANALYZE asks. Whoever just reads pays nothing for it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

if TYPE_CHECKING:
    from pathlib import Path

_MAGIC = b"ARROW1"
_RECORD_BATCHES = 3
"""Field of Footer: a vector of blocks, each with the offset of its head and the lengths of head and body."""
_BLOCK = struct.Struct("<qi4xq")
_HEADER = 2
"""Field of Message: the table of the record batch."""
_BUFFERS = 2
"""Field of RecordBatch: a vector of buffers, each with its offset in the body and its length."""
_BUFFER = struct.Struct("<qq")
_PREFIX_BYTES = 8
"""A head begins with a marker and its length."""


class BlockBytes:
    """The bytes of each column of each block of one file."""

    def __init__(self, path: Path, schema: pa.Schema) -> None:
        with pa.memory_map(str(path)) as file:
            self._file = memoryview(file.read_buffer(file.size()))
        end = len(self._file) - len(_MAGIC) - 4
        (length,) = struct.unpack_from("<i", self._file, end)
        footer = self._file[end - length : end]
        self._blocks = [_BLOCK.unpack_from(footer, place) for place in _vector(footer, _root(footer), _RECORD_BATCHES)]
        self._buffers = _buffers_of(schema)

    def read(self, blocks: Iterable[int], columns: Sequence[str]) -> int:
        """Return how many bytes are read for some columns of some blocks."""
        wanted = [number for name in columns for number in self._buffers[name]]
        total = 0
        for block in blocks:
            start, head_bytes, _ = self._blocks[block]
            head = self._file[start + _PREFIX_BYTES : start + head_bytes]
            places = _vector(head, _table(head, _root(head), _HEADER), _BUFFERS)
            total += head_bytes + sum(_BUFFER.unpack_from(head, places[number])[1] for number in wanted)
        return total


def _buffers_of(schema: pa.Schema) -> dict[str, range]:
    """Return which buffers of a block belong to each column: validity and values, and with texts their offsets."""
    found: dict[str, range] = {}
    start = 0
    for column in schema:
        count = 3 if pa.types.is_string(column.type) else 2
        found[column.name] = range(start, start + count)
        start += count
    return found


def _root(buffer: memoryview) -> int:
    (place,) = struct.unpack_from("<I", buffer, 0)
    return int(place)


def _field(buffer: memoryview, table: int, number: int) -> int:
    """Return where the value of a field of a table is."""
    (to_offsets,) = struct.unpack_from("<i", buffer, table)
    offsets = table - to_offsets
    (offset,) = struct.unpack_from("<H", buffer, offsets + 4 + 2 * number)
    assert offset, f"the file has field {number}"
    return table + int(offset)


def _table(buffer: memoryview, table: int, number: int) -> int:
    place = _field(buffer, table, number)
    (to_table,) = struct.unpack_from("<I", buffer, place)
    return place + int(to_table)


def _vector(buffer: memoryview, table: int, number: int) -> range:
    """Return where the elements of a vector of blocks or of buffers are."""
    place = _table(buffer, table, number)
    (length,) = struct.unpack_from("<I", buffer, place)
    size = _BLOCK.size if number == _RECORD_BATCHES else _BUFFER.size
    return range(place + 4, place + 4 + size * int(length), size)
