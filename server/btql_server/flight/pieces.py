"""Batches as messages of Flight have them: neither too small nor too large."""

from __future__ import annotations

import time
from collections.abc import Generator, Iterator, Sequence

import pyarrow as pa

_BATCH_BYTES_MAX = 4 << 20
"""Go's client takes no message of more than 16 MiB."""
_GATHERED_ROWS = 32_768
_GATHERED_S = 0.02


def gathered(batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
    """Yield the first batch at once, and later ones together where they come fast: each piece costs both sides."""
    first = next(batches, None)
    if first is None:
        return
    yield first
    waiting: list[pa.RecordBatch] = []
    rows, since = 0, time.monotonic()
    for batch in batches:
        waiting.append(batch)
        rows += batch.num_rows
        if rows >= _GATHERED_ROWS or time.monotonic() - since >= _GATHERED_S:
            yield _together(waiting)
            waiting, rows, since = [], 0, time.monotonic()
    if waiting:
        yield _together(waiting)


def _together(batches: Sequence[pa.RecordBatch]) -> pa.RecordBatch:
    return batches[0] if len(batches) == 1 else pa.concat_batches(batches)


def pieces(batches: Iterator[pa.RecordBatch]) -> Generator[pa.RecordBatch]:
    """Yield batches in pieces of no more bytes than a message should have, of one row at least."""
    for batch in batches:
        size = batch.nbytes
        if size <= _BATCH_BYTES_MAX or batch.num_rows < 2:
            yield batch
            continue
        half = batch.num_rows // 2
        yield from pieces(iter((batch.slice(0, half), batch.slice(half))))
