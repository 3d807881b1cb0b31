"""Counts the rows of a scan of which nothing else is asked: by the catalog, and by the text index."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.execution.candidates import Candidates
from btql.execution.pruning import ruled_out
from btql_planner.engine_plan import ScanSpec
from btql_storage.arrow import from_numpy
from btql_storage.later import np
from btql_storage.part.reader import Part
from btql_storage.row_numbers import are_among
from btql_storage.snapshot import Snapshot

if TYPE_CHECKING:
    from array import array

    from btql_storage.catalog import RowNumbers
    from btql_storage.tail_chunk import TailChunk

BATCH_ROWS = 1 << 16


def count_rows(spec: ScanSpec, snapshots: Iterable[Snapshot], candidates: Candidates) -> int:
    """Return how many current rows a scan gives."""
    total = 0
    for snapshot in snapshots:
        for entry in snapshot.parts:
            candidates.report.parts += 1
            total += _of_source(spec, entry.part, entry.superseded, candidates)
        total += sum(_of_source(spec, chunk, chunk.superseded, candidates) for chunk in snapshot.tail)
    return total


def _of_source(
    spec: ScanSpec, source: Part | TailChunk, superseded: array[int] | RowNumbers, candidates: Candidates
) -> int:
    means = ruled_out(spec, source)
    if means is not None:
        if isinstance(source, Part):
            candidates.report.leave_out(means)
        return 0
    if isinstance(source, Part) and spec.probes and not candidates.keys(spec) and not len(superseded):
        return candidates.count(source, spec)
    rows = candidates.rows(spec, source)
    if rows is None:
        if isinstance(source, Part):
            candidates.report.leave_out("statistics")
        return source.stats.rows - len(superseded)
    # The superseded are few, mostly, so they are looked up among the others.
    return len(rows) - int(np.count_nonzero(are_among(np.asarray(superseded, np.int64), rows)))


def counted_batches(count: int) -> list[pa.RecordBatch]:
    """Return so many rows that say nothing; most of them share their memory."""
    whole = pa.record_batch({"_row": from_numpy(np.zeros(min(count, BATCH_ROWS), np.int64))})
    batches, rest = divmod(count, BATCH_ROWS)
    return [*([whole] * batches), whole.slice(0, rest)]
