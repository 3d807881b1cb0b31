"""Fetch: adds to a batch of rows what only their documents have.

A row number says which part or tail chunk a document is in. All documents of a
batch are read block by block, each top-level field is parsed once however many
paths are wanted of it, and a field that is only handed out is not parsed at all.
Where the text index knows that few documents have the keys of what is wanted,
the others are not read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING, TypeAlias, cast

import pyarrow as pa

from btql.execution.helpers import one_by_one, run_all
from btql.execution.kind_of import kept_as
from btql.execution.stop import Stop
from btql_planner.columns import engine_column
from btql_planner.engine_plan import FetchSpec
from btql_planner.expressions import engine_name
from btql_planner.types import Kind
from btql_storage import json_text
from btql_storage.arrow import from_numpy, one_array, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.fields import KNOWN_FIELDS, OTHER
from btql_storage.later import np
from btql_storage.part.few_rows import STORED_NAMES, system_column
from btql_storage.part.format import ROW_BITS, ROWS_FILE, TEXT_FOLDER
from btql_storage.part.reader import Part, prefetch
from btql_storage.row_numbers import are_among
from btql_storage.snapshot import Snapshot
from btql_storage.windows import windows

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from btql.execution.report import FilesReport
    from btql_storage.tail_chunk import TailChunk
    from btql_storage.text.probe import TextProbe

Path = tuple[str | int, ...]
Rows: TypeAlias = "NDArray[np.int64]"
CHUNK_BYTES = 32 << 20
"""JSON of the documents that are held at a time; a single one may have more."""
CHUNK_ROWS_MAX = 4_096
SHARE_BLOCKS = 4
"""Blocks that one thread decodes before it looks whether another has taken the next; a millisecond or two."""
LOOKED_UP_MIN = 256
"""Fewer documents are read in the time in which the index is asked about their keys."""
LOOKED_UP_SHARE = 0.5
"""Where more of a part's documents have the keys, all are read."""
HITS_OF_ROW = 16
"""To find so many hits takes less than to read one document."""
NOWHERE = -1
"""Instead of the number of a row that an outer join has not found."""
_ROW_MASK = (1 << ROW_BITS) - 1
_TYPES = {
    Kind.BOOLEAN: pa.bool_(),
    Kind.INTEGER: pa.int64(),
    Kind.FLOAT: pa.float64(),
    Kind.TEXT: pa.string(),
    Kind.JSON: pa.string(),
    Kind.BIG: pa.string(),
}


class Fetcher:
    """Reads documents of the snapshots of one statement."""

    def __init__(self, snapshots: Sequence[Snapshot], stop: Stop | None = None) -> None:
        self._stop = stop
        sources = [source for snapshot in snapshots for source in snapshot.sources]
        self._sources: dict[int, Part | TailChunk] = {source.part_id: source for source in sources}

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
        fields = list(dict.fromkeys([*(_stored_field(path) for path in paths), *stored]))
        if not fields:
            return batch
        rows = batch.column(engine_name(spec.source, "_row"))
        if spec.probe is not None and len(rows) >= LOOKED_UP_MIN:
            rows = self._with_keys(rows, spec.probe, files)
        documents = self._documents(rows, fields, files)
        self._check()
        columns = dict(zip(batch.schema.names, batch.columns, strict=True))
        parsed = _Parsed(documents)
        for path, kinds in spec.paths.items():
            self._check()
            split = _split(parsed.values(path), path, kinds)
            columns.update({engine_name(spec.source, name): values for name, values in split.items()})
        for path in spec.outputs:
            self._check()
            columns[engine_name(spec.source, engine_column(path, Kind.RAW))] = parsed.texts(path)
        for name, field in zip(spec.columns, stored, strict=True):
            columns[name] = system_column(name, one_array(documents.column(field)))
        return pa.record_batch(columns)

    def _sizes(self, locators: Rows) -> Rows:
        sizes = np.zeros(len(locators), np.int64)
        for source, mine in self._places(locators):
            sizes[mine] = source.json_bytes(locators[mine] & _ROW_MASK)
        return sizes

    def _places(self, locators: Rows) -> list[tuple[Part | TailChunk, Rows]]:
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
            hits_max = min(int(part.row_count * LOOKED_UP_SHARE), HITS_OF_ROW * len(mine))
            found = part.find(probe, hits_max, loosely=True).rows
            if files is not None:
                files.opened("text", part)
            if found is not None:
                without[mine] = ~are_among(locators[mine] & _ROW_MASK, found)
        if files is not None:
            files.without_keys += int(np.count_nonzero(without))
        return pc.if_else(from_numpy(without), pa.scalar(None, rows.type), rows) if without.any() else rows

    def _documents(self, rows: pa.Array, fields: Sequence[str], files: FilesReport | None) -> pa.Table:
        """Return the documents of rows; where there is none to be read, there are nulls."""
        if not rows.null_count:
            return self._read(to_numpy(rows), fields, files)
        there = rows.is_valid()
        places = from_numpy(np.cumsum(to_numpy(there), dtype=np.int64) - 1)
        documents = self._read(to_numpy(rows.drop_null()), fields, files)
        return documents.take(pc.if_else(there, places, pa.scalar(None, pa.int64())))

    def _read(self, locators: Rows, fields: Sequence[str], files: FilesReport | None) -> pa.Table:
        if not len(locators):
            from btql_storage.part.documents import DOCUMENT_SCHEMA

            return pa.schema([DOCUMENT_SCHEMA.field(field) for field in fields]).empty_table()
        order = np.argsort(locators, kind="stable")
        shares: list[Callable[[], pa.Table]] = []
        blocks = 0
        for source, rows in self._by_source(locators[order]):
            if not isinstance(source, Part):
                shares.append(partial(source.documents, rows, fields))
                continue
            shares += [partial(source.documents, some, fields) for some in source.shares(rows, SHARE_BLOCKS)]
            blocks += source.blocks(rows)
            if files is not None:
                files.documents += len(rows)
                files.opened("rows", source)
                # Which rows are in which block is told there.
                files.opened("keys", source)
                files.read("rows", source.document_bytes(rows, fields))
        run = run_all if blocks > SHARE_BLOCKS else one_by_one
        documents = pa.concat_tables(run(shares, self._check))
        if (np.diff(order) > 0).all():
            return documents
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        places = from_numpy(back)
        columns = [partial(column.take, places) for column in documents.columns]
        return pa.table(dict(zip(documents.column_names, run(columns, self._check), strict=True)))

    def _by_source(self, ordered: Rows) -> list[tuple[Part | TailChunk, Rows]]:
        """Return the rows of each part and tail chunk that has any."""
        parts = ordered >> ROW_BITS
        starts = [0, *(np.flatnonzero(np.diff(parts)) + 1).tolist(), len(ordered)]
        found = [(self._sources[int(parts[start])], ordered[start:end] & _ROW_MASK) for start, end in pairwise(starts)]
        prefetch([source for source, _ in found if isinstance(source, Part)], ROWS_FILE)
        return found


class _Parsed:
    """The documents of a batch; each field is parsed when a path first needs it."""

    def __init__(self, documents: pa.Table) -> None:
        self._documents = documents
        self._fields: dict[str, list[object]] = {}

    def values(self, path: Path) -> list[object]:
        """Return the value at ``path`` of each row, None where there is none."""
        field = _stored_field(path)
        if field not in self._fields:
            texts = self._documents.column(field).cast(pa.binary()).to_pylist()
            self._fields[field] = cast("list[object]", json_text.parse_all(texts))
        below = path if field == OTHER else path[1:]
        return [_at(value, below) for value in self._fields[field]] if below else self._fields[field]

    def texts(self, path: Path) -> pa.Array:
        """Return the value at ``path`` as JSON text, as it was written where it is a whole field."""
        field = _stored_field(path)
        column = self._documents.column(field)
        if len(path) == 1 and field != OTHER:
            return one_array(column)
        if column.null_count == len(column):
            return pa.nulls(len(column), pa.string())
        return pa.array([None if value is None else json_text.dumps(value) for value in self.values(path)], pa.string())


def _stored_field(path: Path) -> str:
    head = str(path[0])
    return head if head in KNOWN_FIELDS else OTHER


def _at(value: object, path: Path) -> object:
    for piece in path:
        if isinstance(piece, str):
            value = value.get(piece) if isinstance(value, dict) else None
        elif isinstance(value, list) and -len(value) <= piece < len(value):
            value = value[piece]
        else:
            return None
    return value


def _split(values: list[object], path: Path, kinds: Sequence[Kind]) -> dict[str, pa.Array]:
    lists: dict[Kind, list[object]] = {kind: [None] * len(values) for kind in _TYPES}
    for row, value in enumerate(values):
        if value is None:
            continue
        kind, known = kept_as(value)
        lists[kind][row] = known
    return {engine_column(path, kind): pa.array(lists[kind], _TYPES[kind]) for kind in kinds}
