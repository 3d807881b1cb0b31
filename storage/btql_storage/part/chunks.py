"""Keeps the column chunks of a new part until its file can be written, in bounded memory.

Chunks stay in memory up to :data:`HELD_BYTES_MAX`; then all of them move to a
file, each as an Arrow stream of one batch with one row, whose columns are the
chunk's arrays as lists. They come back memory-mapped, in the order they went in.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from btql_storage.arrow import from_numpy, list_array, to_numpy
from btql_storage.fields import SYSTEM_COLUMNS
from btql_storage.shred import Chunk
from btql_storage.sparse import SparseColumn

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from btql_storage.arrow import Array
    from btql_storage.kinds import FieldPath, Kind

HELD_BYTES_MAX = 64 << 20


class ChunkStore:
    """Chunks in the order they were added."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._held: list[Chunk] = []
        self._held_bytes = 0
        self._file: pa.OSFile | None = None
        self._moved: list[_Moved] = []

    def add(self, chunk: Chunk) -> None:
        """Keep one more chunk."""
        self._held.append(chunk)
        self._held_bytes += chunk.nbytes
        if self._held_bytes > HELD_BYTES_MAX:
            self._move()

    def chunks(self) -> Iterator[Chunk]:
        """Yield all chunks. None may be added afterwards."""
        if self._file is not None:
            self._file.close()
            with pa.memory_map(str(self._path)) as file:
                for moved in self._moved:
                    file.seek(moved.place)
                    yield moved.read(pa.ipc.open_stream(file).read_next_batch())
        yield from self._held

    def remove(self) -> None:
        """Remove the file, where there is one."""
        if self._file is not None:
            self._file.close()
            self._path.unlink()
            self._file = None

    def _move(self) -> None:
        file = self._file or pa.OSFile(str(self._path), "wb")
        self._file = file
        for chunk in self._held:
            lists = [list_array([0, len(array)], array) for array in _arrays(chunk)]
            batch = pa.record_batch(lists, names=[str(i) for i in range(len(lists))])
            place = file.tell()
            with pa.ipc.new_stream(file, batch.schema) as stream:
                stream.write_batch(batch)
            columns = [(column.path, column.kind, column.rows is not None) for column in chunk.columns]
            self._moved.append(_Moved(place, chunk.row_count, columns))
        self._held = []
        self._held_bytes = 0


@dataclass(frozen=True, slots=True)
class _Moved:
    """What it takes to read a chunk back."""

    place: int
    row_count: int
    columns: list[tuple[FieldPath, Kind, bool]]
    """Path and kind, and whether row numbers follow the values."""

    def read(self, batch: pa.RecordBatch) -> Chunk:
        arrays = iter([column.flatten() for column in batch.columns])
        system = pa.record_batch([next(arrays) for _ in SYSTEM_COLUMNS], names=list(SYSTEM_COLUMNS))
        columns = [
            SparseColumn(path, kind, next(arrays), to_numpy(next(arrays)) if sparse else None)
            for path, kind, sparse in self.columns
        ]
        return Chunk(self.row_count, system, columns, {})


def _arrays(chunk: Chunk) -> Iterator[Array]:
    yield from chunk.system.columns
    for column in chunk.columns:
        yield column.values
        if column.rows is not None:
            yield from_numpy(column.rows)
