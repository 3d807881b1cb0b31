"""``columns.parquet``: one flat typed column per path and kind, laid out for scans.

Which columns the file has is known only when all rows went by, so the chunks are
kept until then (:mod:`btql_storage.part.chunks`), without their nulls.

Row groups have about :data:`GROUP_ROWS` rows, fewer where rows are wide or large.
Pages have statistics and an index. Ids have Bloom filters. Only columns with few
distinct values get a dictionary: on unique texts it costs time and space.

A file of a few rows does without statistics, index and Arrow's own schema: each
column has one page, of which the catalog knows the bounds, and all this, column by
column, was more than half of the file.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

import pyarrow as pa
import pyarrow.parquet as pq

from btql_storage.arrow import chunked, nulls
from btql_storage.fields import ARRAY_FIELDS, SYSTEM_COLUMNS
from btql_storage.kinds import ARROW_TYPES, FieldPath, Kind, column_name
from btql_storage.part.chunks import ChunkStore
from btql_storage.part.files import FORMAT_METADATA

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from btql_storage.arrow import Array, ChunkedArray
    from btql_storage.shred import Chunk

GROUP_ROWS = 100_000
GROUP_CELLS_MAX = 8_000_000
"""Rows times columns of a group: all of them are in memory at once, with the nulls."""
GROUP_BYTES_MAX = 128 << 20
FEW_ROWS = 1_000
"""Up to so many rows are few."""
BLOOM_FALSE_POSITIVES = 0.01
_SAMPLE_ROWS = 4096
_BLOOM = ("id", "span_id", "root_span_id")
_DELTA = ("_row", "created")
_NO_DICTIONARY = frozenset({"id", "span_id", "_pagination_key", "span_parents", "is_root", *_DELTA})


class ColumnsWriter:
    """Writes the columns of a new part; chunks come in order."""

    def __init__(self, path: Path, compression_level: int) -> None:
        self._path = path
        self._compression_level = compression_level
        self._chunks = ChunkStore(path.with_suffix(".chunks"))
        self._row_count = 0

    def add(self, chunk: Chunk) -> None:
        """Take in the next rows."""
        self._chunks.add(chunk)
        self._row_count += chunk.row_count

    def finish(self, kept: set[tuple[FieldPath, Kind]]) -> None:
        """Write the file with some of the columns. It is complete then, but not yet durable."""
        columns = {column_name(path, kind): (path, kind) for path, kind in kept}
        names = sorted(columns)
        schema = pa.schema(SYSTEM_COLUMNS | {name: ARROW_TYPES[columns[name][1]] for name in names})
        writer: pq.ParquetWriter | None = None
        for group in self._groups(len(schema)):
            table = _to_table(group, [columns[name] for name in names], schema)
            writer = writer or self._open(table)
            writer.write_table(table, row_group_size=table.num_rows)
        writer = writer or self._open(schema.empty_table())
        writer.close()
        self._chunks.remove()

    def _groups(self, column_count: int) -> Iterator[list[Chunk]]:
        """Yield the chunks of one row group after the other."""
        rows_max = min(GROUP_ROWS, GROUP_CELLS_MAX // column_count)
        group: list[Chunk] = []
        rows = size = 0
        for chunk in self._chunks.chunks():
            if group and (rows + chunk.row_count > rows_max or size + chunk.nbytes > GROUP_BYTES_MAX):
                yield group
                group = []
                rows = size = 0
            group.append(chunk)
            rows += chunk.row_count
            size += chunk.nbytes
        if group:
            yield group

    def _open(self, table: pa.Table) -> pq.ParquetWriter:
        """Begin the file; its first rows tell which columns repeat their values."""
        repeating = [name for name in table.column_names if name not in _NO_DICTIONARY and _repeats(table[name])]
        # A group may have few where rows are wide or large; the file need not.
        few = self._row_count <= FEW_ROWS
        # The stubs do not know that a dictionary may be asked for by column.
        open_writer = cast("Callable[..., pq.ParquetWriter]", pq.ParquetWriter)
        writer = open_writer(
            str(self._path),
            table.schema,
            compression="zstd",
            compression_level=self._compression_level,
            use_dictionary=[f"{name}.list.element" if name in ARRAY_FIELDS else name for name in repeating],
            column_encoding=dict.fromkeys(_DELTA, "DELTA_BINARY_PACKED"),
            write_statistics=not few,
            write_page_index=not few,
            store_schema=not few,
            bloom_filter_options={
                name: {"ndv": max(table.num_rows, 1), "fpp": BLOOM_FALSE_POSITIVES} for name in _BLOOM
            },
        )
        writer.add_key_value_metadata(FORMAT_METADATA)
        return writer


def _to_table(group: list[Chunk], columns: list[tuple[FieldPath, Kind]], schema: pa.Schema) -> pa.Table:
    """Return chunks as one table, with nulls where a chunk has nothing."""
    system = [chunked([chunk.system.column(name) for chunk in group], kind) for name, kind in SYSTEM_COLUMNS.items()]
    present = [{(column.path, column.kind): column for column in chunk.columns} for chunk in group]
    shredded: list[ChunkedArray] = []
    for key in columns:
        kind = ARROW_TYPES[key[1]]
        arrays: list[Array] = []
        for chunk, by_key in zip(group, present, strict=True):
            column = by_key.get(key)
            arrays.append(column.dense(chunk.row_count) if column else nulls(chunk.row_count, kind))
        shredded.append(chunked(arrays, kind))
    return pa.table([*system, *shredded], schema=schema)


def _repeats(column: ChunkedArray) -> bool:
    """Return whether a look at some values finds few distinct ones."""
    if pa.types.is_list(column.type):
        return True
    sample = column.slice(0, _SAMPLE_ROWS).drop_null()
    return bool(2 * len(sample.unique()) <= len(sample))
