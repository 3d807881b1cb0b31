"""Fetch: adds to a batch of rows what only their documents have.

A row number says which part or tail chunk a document is in. All documents of a
batch are read block by block (:mod:`btql.execution.documents`), each top-level
field is parsed once however many paths are wanted of it
(:mod:`btql.execution.parsed`), and a field that is only handed out is not parsed at all.
Where the text index knows that few documents have the keys of what is wanted,
the others are not read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import pyarrow as pa

from btql.execution.documents import ROW_MASK, DocumentReader, Rows, Source
from btql.execution.parsed import Parsed, stored_field
from btql.execution.stop import Stop
from btql_planner.columns import engine_column
from btql_planner.engine_plan import FetchSpec
from btql_planner.expressions import engine_name
from btql_planner.types import Kind
from btql_storage.arrow import from_numpy, one_array, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.later import np
from btql_storage.part.deltas import DELTA_FIELD
from btql_storage.part.few_rows import STORED_NAMES, system_column
from btql_storage.part.format import ROW_BITS, TEXT_FOLDER
from btql_storage.part.reader import Part, prefetch
from btql_storage.row_numbers import are_among
from btql_storage.snapshot import Snapshot
from btql_storage.windows import windows

if TYPE_CHECKING:
    from btql.execution.report import FilesReport
    from btql_storage.text.probe import TextProbe

CHUNK_BYTES = 32 << 20
"""JSON of the documents that are held at a time; a single one may have more."""
CHUNK_ROWS_MAX = 4_096
LOOKED_UP_MIN = 256
"""Fewer documents are read in the time in which the index is asked about their keys."""
LOOKED_UP_SHARE = 0.5
"""Where more of a part's documents have the keys, all are read."""
HITS_OF_ROW = 16
"""To find so many hits takes less than to read one document."""
NOWHERE = -1
"""Instead of the number of a row that an outer join has not found."""


class Fetcher:
    """Reads documents of the snapshots of one statement."""

    def __init__(self, snapshots: Sequence[Snapshot], stop: Stop | None = None) -> None:
        self._stop = stop
        sources = [source for snapshot in snapshots for source in snapshot.sources]
        self._sources: dict[int, Source] = {source.part_id: source for source in sources}
        self._reader = DocumentReader(self._sources, self._check)

    def pieces(self, batch: pa.RecordBatch, spec: FetchSpec) -> Iterator[pa.RecordBatch]:
        """Yield a batch in pieces whose documents may be in memory together."""
        if spec.is_empty:
            yield batch
            return
        locators = to_numpy(batch.column(engine_name(spec.source, "_row")).fill_null(NOWHERE))
        for start, end in windows(self._sizes(locators), CHUNK_ROWS_MAX, CHUNK_BYTES):
            yield batch.slice(start, end - start)

    def add(self, batch: pa.RecordBatch, spec: FetchSpec, files: FilesReport | None = None) -> pa.RecordBatch:
        """Return the batch with the columns of ``spec``; rows stay in their order.

        Where there are ``files``, the bytes that it reads are found out, too.
        """
        paths = [*spec.paths, *spec.outputs]
        stored = [STORED_NAMES.get(name, name) for name in spec.columns]
        fields = list(dict.fromkeys([*(stored_field(path) for path in paths), *stored]))
        if not fields:
            return batch
        rows = batch.column(engine_name(spec.source, "_row"))
        if spec.probe is not None and len(rows) >= LOOKED_UP_MIN:
            rows = self._with_keys(rows, spec.probe, files)
        is_whole = DELTA_FIELD in stored or (DELTA_FIELD,) in spec.outputs
        documents = self._reader.read(rows, fields, files, in_pieces=DELTA_FIELD in fields and not is_whole)
        self._check()
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        parsed = Parsed(documents)
        for path, kinds in spec.paths.items():
            self._check()
            found = parsed.columns(path, kinds)
            columns.update({engine_name(spec.source, name): values for name, values in found.items()})
        for path in spec.outputs:
            self._check()
            columns[engine_name(spec.source, engine_column(path, Kind.RAW))] = parsed.texts(path)
        for name, field in zip(spec.columns, stored, strict=True):
            columns[name] = system_column(name, one_array(documents.table.column(field)))
        return pa.record_batch(columns)

    def _sizes(self, locators: Rows) -> Rows:
        sizes = np.zeros(len(locators), np.int64)
        for source, mine in self._places(locators):
            sizes[mine] = source.json_bytes(locators[mine] & ROW_MASK)
        return sizes

    def _places(self, locators: Rows) -> list[tuple[Source, Rows]]:
        """Return each part and tail chunk that has any of the rows, with the places of its rows."""
        numbers = locators >> ROW_BITS
        known = np.unique(numbers[locators != NOWHERE]).tolist()
        return [(self._sources[number], np.flatnonzero(numbers == number)) for number in known]

    def _check(self) -> None:
        if self._stop is not None:
            self._stop.check()

    def _with_keys(self, rows: pa.Array, probe: TextProbe, files: FilesReport | None) -> pa.Array:
        """Return the rows for which a probe may hold, and null instead of each of the others."""
        locators = to_numpy(rows.fill_null(NOWHERE))
        without = np.zeros(len(locators), np.bool_)
        places = self._places(locators)
        indexed = [(source, mine) for source, mine in places if isinstance(source, Part) and source.has_text_index]
        prefetch([part for part, _ in indexed], TEXT_FOLDER)
        for part, mine in indexed:
            hits_max = min(int(part.stats.rows * LOOKED_UP_SHARE), HITS_OF_ROW * len(mine))
            found = part.texts.find(probe, hits_max, loosely=True).rows
            if files is not None:
                files.opened("text", part)
            if found is not None:
                without[mine] = ~are_among(locators[mine] & ROW_MASK, found)
        if files is not None:
            files.without_keys += int(np.count_nonzero(without))
        return pc.if_else(from_numpy(without), pa.scalar(None, rows.type), rows) if without.any() else rows
