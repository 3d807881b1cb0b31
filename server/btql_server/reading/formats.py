"""The formats that rows are sent in: JSON, JSON lines, an Arrow stream, Parquet.

Each is a generator of bytes that reads the result no faster than it is asked for pieces, and keeps none of it.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, cast

from btql_server.http.answer import JSON, LINES, json_bytes
from btql_server.http.errors import HttpError

if TYPE_CHECKING:
    import pyarrow as pa

    from btql.result import Result

MEDIA = {
    "json": JSON,
    "events": JSON,
    "jsonl": LINES,
    "arrow": "application/vnd.apache.arrow.stream",
    "parquet": "application/vnd.apache.parquet",
}
_ROW_GROUP_BYTES = 32 << 20
_END_OF_STREAM = b"\xff\xff\xff\xff\0\0\0\0"
"""An Arrow message of no length."""


def json_array(result: Result) -> Iterator[bytes]:
    """Yield the rows as one JSON array."""
    begun = False
    for piece in result.json(",", ""):
        if piece:
            yield piece if begun else b"[" + piece[1:]
            begun = True
    yield b"]" if begun else b"[]"


def json_lines(result: Result) -> Iterator[bytes]:
    """Yield the rows as lines of JSON."""
    return result.json()


def audit_lines(result: Result, before: bytes = b"", after: bytes = b"\n") -> Iterator[bytes]:
    """Yield a JSON object for each entry of the ``audit_data`` of each row; a row without any gives none."""
    if "audit_data" not in result.columns:
        raise HttpError(400, "`audit_log` needs the field `audit_data`: add it to the select list, or select `*`")
    return _audit_lines(result, before, after)


def _audit_lines(result: Result, before: bytes, after: bytes) -> Iterator[bytes]:
    for row in result:
        entries = row.get("audit_data")
        if isinstance(entries, list):
            for entry in cast("list[object]", entries):
                if isinstance(entry, dict):
                    entry = cast("dict[str, object]", entry)
                    told = {key: entry.get(key) for key in ("_xact_id", "audit_data")}
                    yield before + json_bytes(row | told) + after


def arrow_stream(result: Result) -> Iterator[bytes]:
    """Yield the rows as a stream of Arrow record batches."""
    yield result.schema.serialize().to_pybytes()
    for batch in result.batches():
        yield batch.serialize().to_pybytes()
    yield _END_OF_STREAM


def arrow_error(result: Result, told: Mapping[str, object]) -> bytes:
    """Return the last message of a stream that an error ends: an empty batch with the error in its metadata."""
    import pyarrow as pa

    from btql_storage.arrow import empty_batch

    sink = pa.BufferOutputStream()
    with pa.ipc.new_stream(sink, result.schema) as writer:
        empty = empty_batch(result.schema)
        # The schema is written in front of the first batch.
        writer.write_batch(empty)
        head = sink.tell()
        writer.write_batch(empty, custom_metadata={b"btql.error": json_bytes(told)})
        end = sink.tell()
    return cast("bytes", sink.getvalue().slice(head, end - head).to_pybytes())


def parquet_file(result: Result) -> Iterator[bytes]:
    """Yield the rows as a Parquet file, a row group at a time."""
    import pyarrow as pa
    from pyarrow import parquet

    sink = _Sink()
    waiting: list[pa.RecordBatch] = []
    with parquet.ParquetWriter(pa.PythonFile(sink, mode="w"), result.schema, compression="zstd") as writer:
        for batch in result.batches():
            waiting.append(batch)
            if sum(each.nbytes for each in waiting) >= _ROW_GROUP_BYTES:
                writer.write_table(pa.Table.from_batches(waiting, result.schema))
                waiting.clear()
                yield sink.take()
        if waiting:
            writer.write_table(pa.Table.from_batches(waiting, result.schema))
    yield sink.take()


class _Sink(io.RawIOBase):
    """Keeps what a writer of Arrow's has written until it is taken."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        """Say that one can write."""
        return True

    def write(self, data: object) -> int:
        """Keep some bytes."""
        piece = bytes(cast("bytes", data))
        self._pieces.append(piece)
        self._written += len(piece)
        return len(piece)

    def tell(self) -> int:
        """Return how much was written so far."""
        return self._written

    def take(self) -> bytes:
        """Return what was written since."""
        pieces, self._pieces = self._pieces, []
        return b"".join(pieces)
