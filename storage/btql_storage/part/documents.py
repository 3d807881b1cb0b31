"""``rows.arrow``: the documents of a part, laid out for fetching rows by number.

An Arrow IPC file, compressed with zstd, in the row order of the columns. Each
record batch is a *block* (:mod:`btql_storage.block`), at least one row, so that fetching a row decodes little else,
and a trace, whose rows are neighbours, costs a block or two. The system values
have typed columns; every known field has one with its JSON text, null where the
document has no such field; the other fields are in the JSON object ``_other``.
``input`` may be a delta (:mod:`btql_storage.part.deltas`) of the row that ``input_base`` names; whoever reads gets
whole texts.

Which rows a block has is in ``keys.arrow``.
"""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property
from itertools import pairwise
from typing import TYPE_CHECKING

import msgspec
import pyarrow as pa

from btql_storage.arrow import from_numpy, nulls, to_array
from btql_storage.cache_budget import Cache, CacheBudget
from btql_storage.fields import KNOWN_FIELDS, OTHER
from btql_storage.later import np
from btql_storage.members import members
from btql_storage.part.deltas import DELTA_FIELD, DeltaBases
from btql_storage.part.files import FORMAT_METADATA, cannot_read, check_format, read_errors
from btql_storage.part.format import KEYS_FILE
from btql_storage.part.whole_inputs import WholeInputs
from btql_storage.row import Row

if TYPE_CHECKING:
    from collections.abc import Generator, Mapping, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from btql_storage.arrow import ChunkedArray
    from btql_storage.block import Block
    from btql_storage.part.deltas import Pieces
    from btql_storage.part.ipc_blocks import BlockBytes

_PROJECTIONS_MAX = 64
_TAKE_BYTES_MAX = 1 << 30
_SLICE_MIN = 4
"""Rows that are at least one in so many of their block keep the whole block in memory."""

SYSTEM_SCHEMA = pa.schema(
    {
        "id": pa.utf8(),
        "span_id": pa.utf8(),
        "root_span_id": pa.utf8(),
        "created": pa.timestamp("us", tz="UTC"),
        "xact_id": pa.int64(),
        "pagination_key": pa.utf8(),
    }
)
JSON_FIELDS = (*KNOWN_FIELDS, OTHER)
DOCUMENT_SCHEMA = pa.schema([*SYSTEM_SCHEMA, *(pa.field(name, pa.utf8()) for name in JSON_FIELDS)])
BASE_COLUMN = "input_base"
FILE_SCHEMA = DOCUMENT_SCHEMA.append(pa.field(BASE_COLUMN, pa.uint32()))
"""Files of before format 5 end with ``_other``."""
_KNOWN = frozenset(KNOWN_FIELDS)


class DocumentsWriter:
    """Writes the documents of a new part; rows come in order."""

    def __init__(self, path: Path, compression_level: int) -> None:
        options = pa.ipc.IpcWriteOptions(compression=pa.Codec("zstd", compression_level))
        self._file = pa.ipc.new_file(str(path), FILE_SCHEMA.with_metadata(FORMAT_METADATA), options=options)
        # Compressing and writing need no Python, so the caller goes on meanwhile.
        self._pool = ThreadPoolExecutor(1)
        self._writing: Future[None] | None = None
        self._next_start = 0
        self.block_starts: list[int] = []
        self.block_bytes: list[int] = []
        """JSON of each block."""
        self._bases: list[int | None] = []
        self.delta_bytes: list[int] = []
        """JSON of each row that is a delta."""

    def add(self, block: Block) -> None:
        """Take in the next rows. They are written while the caller goes on."""
        batch = _with_deltas(to_batch(block), block)
        self._bases += batch.column(BASE_COLUMN).to_pylist()
        self.delta_bytes += [row.json_bytes for row, delta in zip(block.rows, block.deltas, strict=False) if delta]
        self._wait()
        self._writing = self._pool.submit(self._file.write_batch, batch)
        self.block_starts.append(self._next_start)
        self.block_bytes.append(block.json_bytes)
        self._next_start += len(block.rows)

    @property
    def bases(self) -> DeltaBases:
        """Which rows are deltas."""
        return DeltaBases.of(self._bases)

    def finish(self) -> None:
        """Finish the file. It is complete then, but not yet durable."""
        with self._pool:
            self._wait()
            self._file.close()

    def _wait(self) -> None:
        """Wait for the block before; raise what went wrong with it."""
        if self._writing is not None:
            self._writing.result()


class DocumentsReader:
    """Reads documents by row number; safe to use from several threads."""

    def __init__(
        self,
        path: Path,
        block_starts: NDArray[np.uint32],
        bases: DeltaBases | None = None,
        kept: Cache[int, Pieces] | None = None,
    ) -> None:
        """``bases`` are those of rows that are deltas; texts that others go on from may be ``kept``."""
        self._path = path
        self._block_starts = block_starts
        self._bases = DeltaBases.of([]) if bases is None else bases
        self._inputs = WholeInputs(path, self._bases, Cache("inputs", CacheBudget(0)) if kept is None else kept)
        with read_errors(path):
            # What is mapped stays so without its file, and a process may read more parts than it may have files open.
            self._mapped = pa.memory_map(str(path)).read_buffer()
            schema = pa.ipc.open_file(self._mapped).schema
            check_format(path, schema.metadata)
        self._tells_bases = BASE_COLUMN in schema.names
        # A file reader decodes one set of columns and serves one thread at a time.
        self._idle: dict[tuple[str, ...], list[pa.ipc.RecordBatchFileReader]] = {}

    def read(self, rows: NDArray[np.int64], fields: Sequence[str]) -> pa.Table:
        """Return some columns of some rows, both in the order asked for."""
        assert fields, "at least one column"
        in_order = bool((np.diff(rows) > 0).all())
        if in_order:
            return self._table(rows, fields)
        # With each row once and in order, every block is decoded once.
        ordered, places = np.unique(rows, return_inverse=True)
        return _take(self._table(ordered, fields), places)

    def input_pieces(self, rows: NDArray[np.int64]) -> list[Pieces | None]:
        """Return the inputs of some rows in the order asked for, in the pieces in which they are stored."""
        ordered, places = np.unique(rows, return_inverse=True)
        if self._inputs.are_deltas(ordered):
            found = self._inputs.pieces(ordered, self._read_ordered)
        else:
            found = in_one(self._stored(ordered, [DELTA_FIELD]).column(DELTA_FIELD))
        return [found[place] for place in places.tolist()]

    def _table(self, ordered: NDArray[np.int64], fields: Sequence[str]) -> pa.Table:
        if DELTA_FIELD in fields and self._inputs.are_deltas(ordered):
            others = [name for name in fields if name != DELTA_FIELD]
            found = self._stored(ordered, others) if others else None
            inputs = self._inputs.read(ordered, self._read_ordered)
            columns = [inputs if found is None or name == DELTA_FIELD else found.column(name) for name in fields]
            return pa.table(columns, pa.schema([DOCUMENT_SCHEMA.field(name) for name in fields]))
        return self._stored(ordered, fields)

    def _stored(self, ordered: NDArray[np.int64], fields: Sequence[str]) -> pa.Table:
        schema = pa.schema([FILE_SCHEMA.field(name) for name in fields])
        batches = self._read_ordered(ordered, tuple(fields))
        return pa.Table.from_batches([batch.select(list(fields)) for batch in batches], schema)

    def bytes_read(self, rows: NDArray[np.int64], fields: Sequence[str]) -> int:
        """Return how many bytes of the file :meth:`read` reads for that; only EXPLAIN ANALYZE asks."""
        blocks = self._blocks(rows)
        needed = self._blocks(self._inputs.needed(np.unique(rows))) if DELTA_FIELD in fields else blocks
        if needed == blocks:
            return self._block_bytes.read(blocks, fields)
        others = [name for name in fields if name != DELTA_FIELD]
        read = self._block_bytes.read(needed, [DELTA_FIELD])
        return read + self._block_bytes.read(blocks, others) if others else read

    def _blocks(self, rows: NDArray[np.int64]) -> list[int]:
        numbers: list[int] = np.unique(np.searchsorted(self._block_starts, rows, "right") - 1).tolist()
        return numbers

    @cached_property
    def _block_bytes(self) -> BlockBytes:
        from btql_storage.part.ipc_blocks import BlockBytes

        return BlockBytes(self._path, FILE_SCHEMA)

    def _read_ordered(self, rows: NDArray[np.int64], fields: tuple[str, ...]) -> list[pa.RecordBatch]:
        blocks = np.searchsorted(self._block_starts, rows, "right") - 1
        firsts = np.flatnonzero(np.diff(blocks, prepend=-1))
        batches: list[pa.RecordBatch] = []
        # What texts go on from is looked at twice: with another row than their own they would be read as sound.
        tells_bases = self._tells_bases and DELTA_FIELD in fields
        read = (*fields, BASE_COLUMN) if tells_bases else fields
        with read_errors(self._path), self._reader(read) as reader:
            for first, after in pairwise([*firsts.tolist(), len(rows)]):
                block = int(blocks[first])
                batch = reader.get_batch(block)
                inside = rows[first:after] - int(self._block_starts[block])
                if inside[-1] - inside[0] == len(inside) - 1 and len(inside) * _SLICE_MIN >= batch.num_rows:
                    # Neighbours, as the rows of a trace are, need not be copied.
                    batches.append(batch.slice(int(inside[0]), len(inside)))
                else:
                    batches.append(batch.take(from_numpy(inside)))
                if len(batches[-1]) < len(inside):
                    raise cannot_read(self._path, f"`{KEYS_FILE}` beside it has other blocks")
                if tells_bases and not self._bases.are_told(rows[first:after], batches[-1].column(BASE_COLUMN)):
                    raise cannot_read(self._path, f"`{KEYS_FILE}` beside it has other bases of deltas")
        return batches

    @contextmanager
    def _reader(self, fields: tuple[str, ...]) -> Generator[pa.ipc.RecordBatchFileReader]:
        """Lend a reader for some columns to one thread."""
        # Lists give and take single items atomically, so no lock is needed.
        idle = self._idle.setdefault(fields, [])
        try:
            reader = idle.pop()
        except IndexError:
            included = sorted({FILE_SCHEMA.get_field_index(name) for name in fields})
            reader = pa.ipc.open_file(
                self._mapped, options=pa.ipc.IpcReadOptions(included_fields=included, use_threads=False)
            )
        yield reader
        if len(self._idle) > _PROJECTIONS_MAX:
            self._idle.clear()
        idle.append(reader)


def in_one(texts: ChunkedArray) -> list[Pieces | None]:
    """Return texts each of which is one piece."""
    return [None if text is None else (text,) for text in texts.cast(pa.binary()).to_pylist()]


def to_batch(block: Block) -> pa.RecordBatch:
    """Return rows with the columns of ``rows.arrow``."""
    rows = block.rows
    columns: dict[str, Sequence[object]] = {
        "id": [row.id for row in rows],
        "span_id": [row.span_id for row in rows],
        "root_span_id": [row.root_span_id for row in rows],
        "created": [row.created_us for row in rows],
        "xact_id": [row.xact_id for row in rows],
        "pagination_key": [row.pagination_key for row in rows],
        **block.known,
    }
    if block.others:
        columns[OTHER] = [_join_other(row.fields) for row in rows]
    arrays = [
        to_array(columns[field.name], field.type) if field.name in columns else nulls(len(rows), field.type)
        for field in DOCUMENT_SCHEMA
    ]
    return pa.record_batch(arrays, schema=DOCUMENT_SCHEMA)


def _with_deltas(batch: pa.RecordBatch, block: Block) -> pa.RecordBatch:
    """Return rows as they are stored."""
    columns = batch.columns
    if not block.deltas:
        return pa.record_batch([*columns, nulls(batch.num_rows, pa.uint32())], schema=FILE_SCHEMA)
    whole = block.known[DELTA_FIELD]
    stored = [text if delta is None else delta.text for text, delta in zip(whole, block.deltas, strict=True)]
    columns[FILE_SCHEMA.get_field_index(DELTA_FIELD)] = to_array(stored, pa.utf8())
    bases = to_array([None if delta is None else delta.base for delta in block.deltas], pa.uint32())
    return pa.record_batch([*columns, bases], schema=FILE_SCHEMA)


def to_rows(table: pa.Table) -> list[Row]:
    """Return the rows of a table that has all columns of ``rows.arrow``."""
    system = [table.column(name) for name in SYSTEM_SCHEMA.names]
    created = system[3].cast(pa.int64())
    lists = [column.to_pylist() for column in (*system[:3], created, *system[4:])]
    rows = [Row(id_, span, root, us, xact, key, {}) for id_, span, root, us, xact, key in zip(*lists, strict=True)]
    for name in KNOWN_FIELDS:
        column = table.column(name)
        if column.null_count < len(rows):
            for row, raw in zip(rows, column.cast(pa.binary()).to_pylist(), strict=True):
                if raw is not None:
                    row.fields[name] = raw
    for row, raw in zip(rows, table.column(OTHER).cast(pa.binary()).to_pylist(), strict=True):
        if raw is not None:
            row.fields.update((key, bytes(value)) for key, value in members(raw).items())
    return rows


def _join_other(fields: Mapping[str, bytes]) -> bytes | None:
    """Return the JSON object of all fields that have no column; None where there are none."""
    if fields.keys() <= _KNOWN:
        return None
    others = [msgspec.json.encode(name) + b":" + raw for name, raw in fields.items() if name not in _KNOWN]
    return b"{" + b",".join(others) + b"}"


def _take(table: pa.Table, places: NDArray[np.intp]) -> pa.Table:
    if table.nbytes < _TAKE_BYTES_MAX:
        return table.combine_chunks().take(from_numpy(places))
    # One array of texts holds at most 2 GiB: leave every row in its own array.
    return pa.concat_tables([table.slice(place, 1) for place in places.tolist()])
