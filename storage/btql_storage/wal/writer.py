"""Writing WAL files (:mod:`btql_storage.wal.format`): a request as columns, several as one, and the bytes of a file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pyarrow as pa
from pyarrow import ipc

from btql_storage.arrow import from_numpy, nulls, pieces
from btql_storage.checksums import open_seal, seal_gathered
from btql_storage.gathered import Gathered
from btql_storage.ingest.columns import Accepted
from btql_storage.later import np
from btql_storage.wal.format import (
    CONTROL,
    EVENT,
    OBJECT,
    ROW_NUMBER,
    SEAL,
    ObjectName,
    metadata_of,
    rows_by_object,
)

_THREADS_BYTES_MIN = 4 << 20
_PIECES_BYTES_MIN = 256 << 10
"""To be handed many pieces takes longer than to copy what is smaller."""


@dataclass(frozen=True, slots=True)
class Columns:
    """What a transaction writes as Arrow columns, all but its number: made before the write lock is taken."""

    arrays: dict[str, pa.Array]
    rows: int
    ids: Sequence[str]
    """Of the rows that the events change."""
    objects: Sequence[ObjectName]
    json_bytes: int
    leave_out: frozenset[str]
    """Top-level keys of the events that are not stored."""

    @property
    def rows_by_object(self) -> dict[int, int]:
        """How many events of each object there are."""
        return rows_by_object(self.objects, self.rows, lambda: self.arrays[OBJECT])

    @property
    def metadata(self) -> dict[bytes, bytes]:
        """What a file says of itself."""
        return metadata_of(self.objects, self.rows, self.json_bytes, self.leave_out)


def columns(accepted: Accepted, objects: Sequence[ObjectName], of_rows: Sequence[int] | None = None) -> Columns:
    """Add to a request what the file has besides; ``of_rows`` has each row's object id, where there are several."""
    assert of_rows is not None or len(objects) == 1
    rows = accepted.rows
    of_objects = np.full(rows, objects[0].id, dtype=np.int32) if of_rows is None else np.array(of_rows, dtype=np.int32)
    # As one array and taken apart: each call of Arrow lets other threads go on, and to get back its turn costs a
    # thread as much as some columns.
    texts = pa.array([*accepted.ids, *accepted.root_span_ids, *accepted.span_ids], pa.utf8())
    arrays = {
        **pieces(texts, ("id", "root_span_id", "span_id")),
        "created_us": accepted.created_us,
        ROW_NUMBER: from_numpy(np.arange(rows, dtype=np.int32)),
        "flags": from_numpy(accepted.flags),
        OBJECT: from_numpy(of_objects),
        EVENT: accepted.lines,
    }
    if accepted.controls is not None:
        arrays[CONTROL] = accepted.controls
    # A field may have the name of a system column; no known field begins with a colon.
    arrays |= {f":{name}": texts for name, texts in accepted.fields.items()}
    return Columns(arrays, rows, accepted.ids, objects, accepted.json_bytes, accepted.leave_out)


def together(requests: Sequence[Columns]) -> Columns:
    """Return requests as one, their events in the order of the requests; all leave out the same keys."""
    if len(requests) == 1:
        return requests[0]
    rows = sum(request.rows for request in requests)
    kinds = {name: array.type for request in requests for name, array in request.arrays.items()}
    arrays = {
        name: pa.concat_arrays([request.arrays.get(name, nulls(request.rows, kind)) for request in requests])
        for name, kind in kinds.items()
    }
    arrays[ROW_NUMBER] = from_numpy(np.arange(rows, dtype=np.int32))
    return Columns(
        arrays,
        rows,
        [row_id for request in requests for row_id in request.ids],
        list(dict.fromkeys(name for request in requests for name in request.objects)),
        sum(request.json_bytes for request in requests),
        requests[0].leave_out,
    )


def encode(request: Columns, xact_id: int, *, compress: bool = False) -> Gathered:
    """Return the bytes of the WAL file for a transaction; the columns must not change before these are written.

    To compress takes longer than a disk takes to write twice the bytes, so that is for files that go farther.
    """
    arrays = request.arrays | {"xact_id": from_numpy(np.full(request.rows, xact_id, dtype=np.int64))}
    opened = open_seal()
    batch = pa.record_batch(list(arrays.values()), names=list(arrays))
    batch = batch.replace_schema_metadata(request.metadata | {SEAL: opened})
    use_threads = compress and batch.nbytes >= _THREADS_BYTES_MIN
    options = ipc.IpcWriteOptions(compression="lz4" if compress else None, use_threads=use_threads)
    content = _gathered(batch, options) if batch.nbytes >= _PIECES_BYTES_MIN else _whole(batch, options)
    seal_gathered(content, opened)
    return content


def _gathered(batch: pa.RecordBatch, options: ipc.IpcWriteOptions) -> Gathered:
    content = Gathered()
    with ipc.new_file(pa.PythonFile(content, mode="w"), batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return content


def _whole(batch: pa.RecordBatch, options: ipc.IpcWriteOptions) -> Gathered:
    sink = pa.BufferOutputStream()
    with ipc.new_file(sink, batch.schema, options=options) as writer:
        writer.write_batch(batch)
    return Gathered.of(sink.getvalue().to_pybytes())
