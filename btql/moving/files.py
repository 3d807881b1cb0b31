"""Files of exported rows: written as JSON lines, Parquet or Arrow, and read again.

A file is known by its first bytes. One that an export has written comes back exactly; rows of any other Parquet or
Arrow file become documents by their columns (:mod:`btql.moving.documents`). Memory holds a piece of a file at a time.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, BinaryIO, cast

import pyarrow as pa

from btql.moving.documents import Documents
from btql.moving.formats import Format
from btql.moving.lines import EXPORT_SCHEMA, MARK, VERSION, json_texts

if TYPE_CHECKING:
    from io import IOBase

    from btql.moving.exporting import Export

GROUP_ROWS = 131_072
GROUP_BYTES = 64 << 20
"""JSON of a row group; a single row may have more."""
_PIECE_BYTES = 16 << 20


def write(export: Export, form: Format, stream: BinaryIO, *, seekable: bool) -> None:
    """Write all rows; Arrow as a file where ``stream`` is one, else as a stream."""
    match form:
        case Format.NDJSON:
            for texts in export.lines():
                for text in texts:
                    stream.write(text.as_buffer())
                    stream.write(b"\n")
        case Format.PARQUET:
            _write_parquet(export, stream)
        case Format.ARROW:
            new = pa.ipc.new_file if seekable else pa.ipc.new_stream
            options = pa.ipc.IpcWriteOptions(compression="zstd")
            with new(_sink(stream), export.schema, options=options) as writer:
                for batch in export.batches():
                    writer.write_batch(batch)


def _write_parquet(export: Export, stream: BinaryIO) -> None:
    from pyarrow import parquet

    waiting: list[pa.RecordBatch] = []
    rows = size = 0
    with parquet.ParquetWriter(_sink(stream), export.schema, compression="zstd", use_dictionary=False) as writer:
        for batch in export.batches():
            if waiting and (rows + batch.num_rows > GROUP_ROWS or size + batch.nbytes > GROUP_BYTES):
                writer.write_table(pa.Table.from_batches(waiting))
                waiting, rows, size = [], 0, 0
            waiting.append(batch)
            rows += batch.num_rows
            size += batch.nbytes
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting))


def _sink(stream: BinaryIO) -> pa.PythonFile:
    """Wrap a stream for Arrow, which wants to know that it is written to."""
    return pa.PythonFile(cast("IOBase", stream), mode="w")


def read_parquet(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the documents of a Parquet file."""
    from pyarrow import parquet

    with parquet.ParquetFile(stream) as file:
        documents = _Rows(file.schema_arrow)
        for group in range(file.num_row_groups):
            about = file.metadata.row_group(group)
            rows = max(1, min(about.num_rows, about.num_rows * _PIECE_BYTES // max(about.total_byte_size, 1)))
            for batch in file.iter_batches(rows, row_groups=[group]):
                yield from documents.of(batch)


def read_arrow(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the documents of an Arrow stream."""
    with pa.ipc.open_stream(stream) as reader:
        documents = _Rows(reader.schema)
        for batch in reader:
            yield from documents.of(batch)


class _Rows:
    """Makes documents of the rows of a file."""

    def __init__(self, schema: pa.Schema) -> None:
        marked = (schema.metadata or {}).get(MARK)
        self._exported = marked == VERSION and schema.equals(EXPORT_SCHEMA)
        self._documents = None if self._exported else Documents(schema)

    def of(self, batch: pa.RecordBatch) -> Iterator[bytes]:
        """Yield the document of each row."""
        if self._documents is not None:
            yield from self._documents.of(batch)
            return
        rows = max(1, batch.num_rows * _PIECE_BYTES // max(batch.nbytes, 1))
        for start in range(0, batch.num_rows, rows):
            for text in json_texts(batch.slice(start, rows)):
                yield text.as_buffer().to_pybytes()
