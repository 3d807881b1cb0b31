"""Documents to columns: the single definition of what shredded columns mean.

Used for parts on disk and for the tail in memory, so that a query cannot tell
them apart. Which values land where is the table in :mod:`btql_storage.kinds`.
Objects are walked to any depth, arrays are not: they and everything in them stay
in the document, behind a marker. A :class:`Shredder` gathers the values of each
top-level field over a chunk of rows; :mod:`btql_storage.sparse` then makes the
columns, one path at a time instead of one value at a time.

A table has at most ``COLUMNS_MAX`` shredded columns, those with most values: a
few documents with thousands of keys would take gigabytes otherwise. The
statistics tell which paths were cut (:mod:`btql_storage.part.format`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa

from btql_storage.arrow import to_array
from btql_storage.block import Block, cut
from btql_storage.collector import collector_paused
from btql_storage.fields import ARRAY_FIELDS, SYSTEM_COLUMNS, SYSTEM_FIELDS
from btql_storage.json_text import JsonValue, parse_all
from btql_storage.kinds import FieldPath, column_name
from btql_storage.part.format import ROW_BITS, PartStats, PathStats
from btql_storage.part.stats import StatsBuilder
from btql_storage.sparse import ColumnBuilder, SparseColumn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from btql_storage.row import Row

_ARRAY: JsonValue = []
"""Stands for any array: what is in it stays in the document."""


@dataclass(frozen=True, slots=True)
class Shredded:
    """Rows as columns."""

    table: pa.Table
    """All system columns, then the shredded ones by name."""
    part_stats: PartStats

    @property
    def stats(self) -> Mapping[FieldPath, PathStats]:
        """What is under each path."""
        return self.part_stats.paths


@dataclass(frozen=True, slots=True)
class Chunk:
    """Some consecutive rows as columns."""

    row_count: int
    system: pa.RecordBatch
    columns: list[SparseColumn]
    paths: Mapping[FieldPath, PathStats]

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the columns take."""
        return int(self.system.nbytes) + sum(column.nbytes for column in self.columns)


def shred(rows: Sequence[Row], part_id: int, first_row: int = 0) -> Shredded:
    """Return the columns of rows that are numbered from ``first_row`` in their part."""
    shredder = Shredder(part_id, first_row)
    json_bytes = 0
    with collector_paused():
        for block in cut(rows):
            shredder.add(block, {})
            json_bytes += block.json_bytes
        chunk = shredder.finish()
    builder = StatsBuilder()
    builder.add(rows, json_bytes, chunk.paths)
    stats, kept = builder.result()
    named = {column_name(c.path, c.kind): c for c in chunk.columns if (c.path, c.kind) in kept}
    arrays = {name: named[name].dense(chunk.row_count) for name in sorted(named)}
    system = dict(zip(SYSTEM_COLUMNS, chunk.system.columns, strict=True))
    return Shredded(pa.table(system | arrays), stats)


class Shredder:
    """Turns rows into chunks of columns."""

    def __init__(self, part_id: int, first_row: int = 0) -> None:
        self._part_id = part_id
        self._start(first_row)

    def add(self, block: Block, parsed: Mapping[str, list[JsonValue]]) -> None:
        """Take in the next rows. Fields that the caller has parsed already are not parsed again."""
        start, count = len(self._rows), len(block.rows)
        self._rows += block.rows
        places = np.arange(start, start + count, dtype=np.int32)
        for name, texts in block.known.items():
            if name not in ARRAY_FIELDS:
                values = parsed[name] if name in parsed else parse_all([_shown(raw) for raw in texts])
                self._add(name, places, values)
        for name, (some, raws) in block.others.items():
            if name not in SYSTEM_FIELDS:
                self._add(name, places[some], parse_all([_shown(raw) for raw in raws]))
        for name in ARRAY_FIELDS:
            lists = parsed[name] if name in parsed else parse_all(block.known.get(name, [None] * count))
            self._lists[name] += map(_texts, lists)

    def finish(self) -> Chunk:
        """Return what was added since the last call as one chunk."""
        row_count = len(self._rows)
        columns = ColumnBuilder(row_count)
        for name, (places, values) in self._fields.items():
            columns.add((name,), values, np.concatenate(places))
        chunk = Chunk(row_count, self._system(), *columns.result())
        self._start(self._first_row + row_count)
        return chunk

    def _add(self, name: str, places: NDArray[np.int32], values: list[JsonValue]) -> None:
        all_places, all_values = self._fields.setdefault(name, ([], []))
        all_places.append(places)
        if list in set(map(type, values)):
            # What is in an array stays in the document, so that it is one is all that matters.
            values = [_ARRAY if type(value) is list else value for value in values]
        all_values += values

    def _start(self, first_row: int) -> None:
        self._first_row = first_row
        self._rows: list[Row] = []
        self._fields: dict[str, tuple[list[NDArray[np.int32]], list[JsonValue]]] = {}
        self._lists: dict[str, list[list[str] | None]] = {name: [] for name in ARRAY_FIELDS}

    def _system(self) -> pa.RecordBatch:
        rows = self._rows
        first = (self._part_id << ROW_BITS) + self._first_row
        values: dict[str, Sequence[object] | NDArray[np.int64]] = {
            "_row": np.arange(first, first + len(rows)),
            "id": [row.id for row in rows],
            "span_id": [row.span_id for row in rows],
            "root_span_id": [row.root_span_id for row in rows],
            "_xact_id": [f"{row.xact_id:019d}" for row in rows],
            "_pagination_key": [row.pagination_key for row in rows],
            "created": [row.created_us for row in rows],
            "is_root": [not parents for parents in self._lists["span_parents"]],
            **self._lists,
        }
        arrays = [to_array(values[name], kind) for name, kind in SYSTEM_COLUMNS.items()]
        return pa.record_batch(arrays, names=list(SYSTEM_COLUMNS))


def _shown(raw: bytes | None) -> bytes | None:
    """Return the text of a value, shorter where it is an array: what is in it is not looked at."""
    return b"[]" if raw is not None and raw.startswith(b"[") else raw


def _texts(value: JsonValue) -> list[str] | None:
    """Return the texts of an array field; None where there is no array."""
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else None
