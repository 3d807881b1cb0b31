"""All documents of a snapshot, whole, in the order in which their rows were first written.

That is the order of ``_pagination_key``, so what is written again in this order is listed in the same
order. Documents pass by a window at a time; besides that, memory holds 24 bytes for each row.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.catalog import RowNumbers
from btql_storage.part.documents import DOCUMENT_SCHEMA
from btql_storage.part.files import read_columns
from btql_storage.part.reader import Part
from btql_storage.snapshot import Snapshot
from btql_storage.tail_chunk import TailChunk
from btql_storage.windows import ROWS_MAX, windows

_ROW_MASK = (1 << 32) - 1
_BYTES_AIM = 16 << 20


class Ordered:
    """The rows of a snapshot in the order of their keys."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._sources: list[Part | TailChunk] = snapshot.sources
        superseded = [np.asarray(entry.superseded, np.int64) for entry in snapshot.parts]
        superseded += [chunk.superseded for chunk in snapshot.tail]
        numbers: list[RowNumbers] = []
        keys: list[NDArray[np.uint64]] = []
        for source, gone in zip(self._sources, superseded, strict=True):
            mine, of_rows = _keys(source)
            current = ~np.isin(mine, gone)
            numbers.append(mine[current])
            keys.append(of_rows[current])
        order = np.argsort(np.concatenate([np.empty(0, np.uint64), *keys]), kind="stable")
        places = np.repeat(np.arange(len(numbers), dtype=np.int32), [len(mine) for mine in numbers])
        self._places = places[order]
        self._numbers = np.concatenate([np.empty(0, np.uint32), *(mine.astype(np.uint32) for mine in numbers)])[order]

    def __len__(self) -> int:
        """Return how many rows there are."""
        return len(self._numbers)

    def tables(self, check: Callable[[], None] = lambda: None) -> Iterator[pa.Table]:
        """Yield the documents, with all columns of ``rows.arrow``; ``check`` is called now and then, and may raise."""
        for first in range(0, len(self), ROWS_MAX):
            places = self._places[first : first + ROWS_MAX]
            numbers = self._numbers[first : first + ROWS_MAX].astype(np.int64)
            for start, end in windows(self._sizes(places, numbers), ROWS_MAX, _BYTES_AIM):
                check()
                yield self._table(places[start:end], numbers[start:end])

    def _sizes(self, places: NDArray[np.int32], numbers: RowNumbers) -> RowNumbers:
        sizes = np.zeros(len(numbers), np.int64)
        for place in np.unique(places).tolist():
            mine = places == place
            sizes[mine] = self._sources[place].json_bytes(numbers[mine])
        return sizes

    def _table(self, places: NDArray[np.int32], numbers: RowNumbers) -> pa.Table:
        tables: list[pa.Table] = []
        came: list[RowNumbers] = []
        for place in np.unique(places).tolist():
            mine = np.flatnonzero(places == place)
            tables.append(self._sources[place].documents(numbers[mine], DOCUMENT_SCHEMA.names))
            came.append(mine)
        table = pa.concat_tables(tables)
        if len(tables) == 1:
            return table
        return table.take(from_numpy(np.argsort(np.concatenate(came))))


def _keys(source: Part | TailChunk) -> tuple[RowNumbers, NDArray[np.uint64]]:
    """Return the numbers of all rows of a part or a chunk, and their keys as numbers."""
    names = ["_row", "_pagination_key"]
    if isinstance(source, Part):
        table = read_columns(source.columns_path, names)
    else:
        table = pa.table([source.column(name) for name in names], names=names)
    digits = pc.utf8_slice_codeunits(table.column("_pagination_key"), 1)
    return to_numpy(table.column("_row")) & _ROW_MASK, to_numpy(digits.cast(pa.uint64()))
