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
from operator import attrgetter
from typing import TYPE_CHECKING, Protocol

import numpy as np
import pyarrow as pa

from btql_storage.arrow import to_array
from btql_storage.block import Block
from btql_storage.collector import collector_paused
from btql_storage.fields import ARRAY_FIELDS, SYSTEM_COLUMNS, SYSTEM_FIELDS
from btql_storage.json_text import JsonValue, parse_all
from btql_storage.kinds import FieldPath
from btql_storage.part.format import ROW_BITS, PathStats
from btql_storage.sparse import ColumnBuilder, SparseColumn

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from btql_storage.arrow import Array
    from btql_storage.row import Row

_ARRAY: JsonValue = []
"""Stands for any array: what is in it stays in the document."""


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


class SystemValues(Protocol):
    """What a row has besides its fields."""

    @property
    def id(self) -> str: ...  # noqa: D102 - as of rows
    @property
    def span_id(self) -> str: ...  # noqa: D102
    @property
    def root_span_id(self) -> str: ...  # noqa: D102
    @property
    def created_us(self) -> int: ...  # noqa: D102
    @property
    def xact_id(self) -> int: ...  # noqa: D102
    @property
    def pagination_key(self) -> str: ...  # noqa: D102


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
        first = (self._part_id << ROW_BITS) + self._first_row
        arrays: list[Array] = []
        for name in SYSTEM_COLUMNS:
            if name in ARRAY_FIELDS:
                arrays.append(to_array(self._lists[name], SYSTEM_COLUMNS[name]))
            elif name == "is_root":
                arrays.append(_are_roots(self._lists["span_parents"]))
            else:
                arrays.append(system_column(name, self._rows, first))
        return pa.record_batch(arrays, names=list(SYSTEM_COLUMNS))


def shred_field(name: str, texts: Sequence[bytes | None]) -> tuple[list[SparseColumn], Mapping[FieldPath, PathStats]]:
    """Return the columns of one top-level field of some rows, and what is under each of its paths."""
    places = np.flatnonzero(np.array([raw is not None for raw in texts], np.bool_)).astype(np.int32)
    columns = ColumnBuilder(len(texts))
    with collector_paused():
        values = parse_all([_shown(raw) for raw in texts if raw is not None])
        columns.add((name,), values, places)
    return columns.result()


def system_column(name: str, rows: Sequence[SystemValues], first: int) -> Array:
    """Return a system column that no field is needed for; ``first`` is the locator of the first row."""
    values: Sequence[object] | NDArray[np.int64]
    match name:
        case "_row":
            values = np.arange(first, first + len(rows))
        case "_xact_id":
            values = [f"{row.xact_id:019d}" for row in rows]
        case "created":
            values = [row.created_us for row in rows]
        case _:
            values = [*map(attrgetter(name.removeprefix("_")), rows)]
    return to_array(values, SYSTEM_COLUMNS[name])


def array_column(name: str, texts: Sequence[bytes | None]) -> Array:
    """Return the system column of an array field, or ``is_root``, given the JSON texts of ``span_parents``."""
    with collector_paused():
        lists = [*map(_texts, parse_all(texts))]
    return _are_roots(lists) if name == "is_root" else to_array(lists, SYSTEM_COLUMNS[name])


def _are_roots(parents: Sequence[list[str] | None]) -> Array:
    return to_array([not each for each in parents], SYSTEM_COLUMNS["is_root"])


def _shown(raw: bytes | None) -> bytes | None:
    """Return the text of a value, shorter where it is an array: what is in it is not looked at."""
    return b"[]" if raw is not None and raw.startswith(b"[") else raw


def _texts(value: JsonValue) -> list[str] | None:
    """Return the texts of an array field; None where there is no array."""
    return [text for text in value if isinstance(text, str)] if isinstance(value, list) else None
