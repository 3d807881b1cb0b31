"""The columns of a chunk of the tail, and what is known of it, made when they are first asked for.

A part is shredded as a whole (:mod:`btql_storage.shred`), since nobody knows what will be asked. Of a chunk only those
top-level fields are that a query names, so what limits the columns and the paths of a part does so for each field of a
chunk by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from threading import RLock
from typing import TYPE_CHECKING

import pyarrow as pa

from btql_storage.arrow import nulls
from btql_storage.fields import ARRAY_FIELDS, KNOWN_FIELDS, SYSTEM_COLUMNS, SYSTEM_FIELDS
from btql_storage.kinds import FieldPath, Kind, split_column_name
from btql_storage.part.format import ROW_BITS, PartStats, PathStats, PathStatsMerger
from btql_storage.part.stats import choose
from btql_storage.shred import array_column, shred_field, system_column

if TYPE_CHECKING:
    from btql_storage.arrow import Array
    from btql_storage.sparse import SparseColumn
    from btql_storage.tail_rows import TailRows

_KNOWN = frozenset(KNOWN_FIELDS)
_NO_PATHS = SYSTEM_FIELDS | frozenset(ARRAY_FIELDS)


@dataclass(frozen=True, slots=True)
class _Field:
    """A top-level field of all rows."""

    columns: Mapping[tuple[FieldPath, Kind], SparseColumn]
    paths: Mapping[FieldPath, PathStats]
    complete: bool
    """Whether every path is listed."""


class TailColumns:
    """The columns of some rows. Safe from several threads."""

    def __init__(self, rows: TailRows, part_id: int) -> None:
        self._rows = rows
        self._first = part_id << ROW_BITS
        self._guard = RLock()
        self._arrays: dict[str, Array] = {}
        self._fields: dict[str, _Field] = {}
        self._tops: dict[str, PathStats | None] = {}
        self._names: frozenset[str] | None = None

    def column(self, name: str) -> Array | None:
        """Return a column of all rows; None where no row has a value there."""
        with self._guard:
            found = self._arrays.get(name)
            if found is None:
                found = self._make(name)
                if found is not None:
                    self._arrays[name] = found
        return found

    def table(self, schema: pa.Schema) -> pa.Table:
        """Return some columns of all rows, nulls where no row has a value."""
        arrays: list[Array] = []
        for column in schema:
            found = self.column(column.name)
            arrays.append(nulls(len(self._rows), column.type) if found is None else found)
        return pa.table(arrays, schema=schema)

    def field(self, name: str) -> _Field:
        """Return the columns and the paths of a top-level field."""
        with self._guard:
            found = self._fields.get(name)
            if found is None:
                found = self._fields[name] = self._shred(name)
        return found

    def top(self, name: str) -> PathStats | None:
        """Return what a top-level field may be itself, whatever is in it, which is found out much faster."""
        with self._guard:
            if name not in self._tops:
                if name in self._fields or name in _NO_PATHS:
                    return self.field(name).paths.get((name,))
                _, paths = shred_field(name, [*self._rows.shapes(name)])
                self._tops[name] = _merged([paths.get((name,)), *self._rows.stored_stats(name)])
            return self._tops[name]

    def names(self) -> frozenset[str]:
        """Return the top-level fields with paths, and maybe known ones that are null everywhere."""
        with self._guard:
            if self._names is None:
                names = self._rows.names() - _NO_PATHS
                self._names = frozenset(name for name in names if name in _KNOWN or self.top(name) is not None)
            return self._names

    def _make(self, name: str) -> Array | None:
        if name in ARRAY_FIELDS or name == "is_root":
            return array_column(name, self._rows.texts("span_parents" if name == "is_root" else name))
        if name in SYSTEM_COLUMNS:
            return system_column(name, self._rows.rows, self._first)
        split = split_column_name(name)
        column = None if split is None else self.field(split[0][0]).columns.get(split)
        return None if column is None else column.dense(len(self._rows))

    def _shred(self, name: str) -> _Field:
        if name in _NO_PATHS:
            return _Field({}, {}, complete=True)
        columns, paths = shred_field(name, self._rows.texts(name))
        chosen = choose(paths)
        top = (name,)
        # What the field is itself is always kept, a column for each kind: :meth:`top` says so before it is known what
        # else there is.
        return _Field(
            {
                key: column
                for column in columns
                if (key := (column.path, column.kind)) in chosen.columns or column.path == top
            },
            {**chosen.paths, top: paths[top]} if top in paths else chosen.paths,
            chosen.complete,
        )


def _merged(found: Iterable[PathStats | None]) -> PathStats | None:
    """Return what several statistics of a path say together."""
    known = [stats for stats in found if stats is not None]
    merger = PathStatsMerger()
    for stats in known:
        merger.add(stats)
    return merger.result() if known else None


@dataclass(frozen=True, slots=True)
class TailStats(PartStats):
    """What a chunk knows about itself; fields are shredded for it as they are asked about."""

    @classmethod
    def of(cls, rows: TailRows, columns: TailColumns) -> TailStats:
        """Return the statistics of rows."""
        created_us = [row.created_us for row in rows.rows]
        xact_ids = [row.xact_id for row in rows.rows]
        keys = [row.pagination_key for row in rows.rows]
        return cls(
            rows=len(rows),
            json_bytes=rows.json_bytes(),
            created_us_min=min(created_us, default=0),
            created_us_max=max(created_us, default=0),
            xact_id_min=min(xact_ids, default=0),
            xact_id_max=max(xact_ids, default=0),
            pagination_key_min=min(keys, default=""),
            pagination_key_max=max(keys, default=""),
            paths=_Paths(columns),
        )

    def lists(self, path: FieldPath) -> bool:
        """Return whether there are no paths in the field of this one but those that are listed."""
        return len(path) == 1 or self._columns.field(path[0]).complete

    def keys_below(self, above: FieldPath) -> frozenset[str]:
        """Return the keys directly below a path; of ``()`` the top-level fields, some of them maybe null everywhere."""
        if not above:
            return self._columns.names()
        depth = len(above)
        paths = self._columns.field(above[0]).paths
        return frozenset(path[depth] for path in paths if len(path) > depth and path[:depth] == above)

    @property
    def _columns(self) -> TailColumns:
        assert isinstance(self.paths, _Paths)
        return self.paths.columns


class _Paths(Mapping[FieldPath, PathStats]):
    """The statistics of the paths of a chunk."""

    __slots__ = ("columns",)

    def __init__(self, columns: TailColumns) -> None:
        self.columns = columns

    def __getitem__(self, path: FieldPath) -> PathStats:
        """Return the statistics of a path."""
        found = self.columns.top(path[0]) if len(path) == 1 else self.columns.field(path[0]).paths.get(path)
        if found is None:
            raise KeyError(path)
        return found

    def __iter__(self) -> Iterator[FieldPath]:
        """Yield the paths."""
        for name in sorted(self.columns.names()):
            yield from self.columns.field(name).paths

    def __len__(self) -> int:
        """Return how many paths there are."""
        return sum(len(self.columns.field(name).paths) for name in self.columns.names())
