"""Values to typed columns, a whole column at a time.

What Python does once per value is slow, so nothing here does: a column of
values is looked at with ``set(map(type, …))`` and ``max(map(len, …))``, goes to
Arrow or NumPy as one list, and is split only where kinds are really mixed.

A column knows which rows it has values for, so that nulls take neither time nor
memory until somebody wants them: documents with thousands of keys of their own
stay cheap.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from itertools import chain, compress
from math import inf
from types import NoneType
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa

from btql_storage.arrow import from_numpy, take_or_null, to_array
from btql_storage.kinds import INTEGER_MAX, INTEGER_MIN, TEXT_BYTES_MAX, FieldPath, Kind, Marker
from btql_storage.part.format import PathStats, TextBounds, widen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from btql_storage.arrow import Array
    from btql_storage.json_text import JsonValue

    Rows = NDArray[np.int32]

_SHORT_CHARS = TEXT_BYTES_MAX // 4
"""No character takes more than four bytes, so such texts need no counting."""
_TWO_63 = 2.0**63
_DENSE = 0.8
"""From this share of objects on, a key is asked of each of them: what is missing costs as much as what is there."""


@dataclass(frozen=True, slots=True)
class SparseColumn:
    """The values of one path and kind in a chunk of rows, without the nulls."""

    path: FieldPath
    kind: Kind
    values: Array
    rows: Rows | None
    """Which rows of the chunk have the values, in order; None where all have."""

    @property
    def nbytes(self) -> int:
        """Bytes of memory that the column takes."""
        return int(self.values.nbytes) + (0 if self.rows is None else self.rows.nbytes)

    def dense(self, row_count: int) -> Array:
        """Return the column with its nulls."""
        if self.rows is None:
            return self.values
        places = np.zeros(row_count, np.int32)
        places[self.rows] = np.arange(len(self.rows), dtype=np.int32)
        absent = np.ones(row_count, np.bool_)
        absent[self.rows] = False
        return take_or_null(self.values, places, absent)


class ColumnBuilder:
    """Sorts the values of a chunk of rows into columns."""

    def __init__(self, row_count: int) -> None:
        self._row_count = row_count
        self._columns: list[SparseColumn] = []
        self._paths: dict[FieldPath, PathStats] = {}

    def result(self) -> tuple[list[SparseColumn], dict[FieldPath, PathStats]]:
        """Return the columns and what is under each path."""
        return self._columns, self._paths

    def add(self, path: FieldPath, values: list[JsonValue], rows: Rows) -> None:
        """Take in everything under a path: its values and the rows they are in, in order."""
        cells = _Cells()
        for kind, of_kind, kind_rows in _by_type(values, rows):
            if kind is str:
                cells.add_texts(cast("list[str]", of_kind), kind_rows)
            elif kind is int:
                cells.add_ints(cast("list[int]", of_kind), kind_rows)
            elif kind is float:
                cells.add_floats(np.array(of_kind, np.float64), kind_rows)
            elif kind is bool:
                cells.put(Kind.BOOLEAN, to_array(of_kind, pa.bool_()), kind_rows)
            elif kind is list:
                cells.mark(Marker.ARRAY, kind_rows)
            elif kind is dict:
                cells.mark(Marker.OBJECT, kind_rows)
                self._add_objects(path, cast("list[dict[str, JsonValue]]", of_kind), kind_rows)
        if columns := cells.columns(path, self._row_count):
            self._columns += columns
            counts = {column.kind: len(column.values) for column in columns}
            self._paths[path] = PathStats(counts, cells.integers, cells.floats, cells.texts, big=cells.big)

    def _add_objects(self, path: FieldPath, objects: list[dict[str, JsonValue]], rows: Rows) -> None:
        """Take in what the objects under a path have under their keys."""
        counts = Counter(chain.from_iterable(objects))
        rare: dict[str, tuple[list[JsonValue], list[int]]] = {}
        for key, count in counts.items():
            if count >= _DENSE * len(objects):
                self.add((*path, key), [one.get(key) for one in objects], rows)
            else:
                rare[key] = [], []
        if rare:
            for one, row in zip(objects, rows.tolist(), strict=True):
                for key, value in one.items():
                    if key in rare:
                        values, value_rows = rare[key]
                        values.append(value)
                        value_rows.append(row)
        for key, (values, value_rows) in rare.items():
            self.add((*path, key), values, np.array(value_rows, np.int32))


class _Cells:
    """The values of one path, by kind."""

    def __init__(self) -> None:
        self.big = 0
        """How many whole numbers are beyond 64 bits."""
        self.integers: tuple[int, int] | None = None
        self.floats: tuple[float, float] | None = None
        self.texts: TextBounds | None = None
        self._pieces: dict[Kind, list[tuple[Array, Rows]]] = {}

    def put(self, kind: Kind, values: Array, rows: Rows) -> None:
        """Take in values of a kind."""
        self._pieces.setdefault(kind, []).append((values, rows))

    def mark(self, marker: Marker, rows: Rows) -> None:
        """Note that the values of some rows are in their documents only."""
        self.put(Kind.MARKER, from_numpy(np.full(len(rows), marker, np.int8)), rows)

    def add_texts(self, texts: list[str], rows: Rows) -> None:
        """Take in texts, long ones as markers."""
        if max(map(len, texts)) > _SHORT_CHARS:
            fit = [len(text) <= TEXT_BYTES_MAX and len(text.encode()) <= TEXT_BYTES_MAX for text in texts]
            texts = list(compress(texts, fit))
            if len(texts) < len(fit):
                mask = np.array(fit)
                self.mark(Marker.LONG_TEXT, rows[~mask])
                rows = rows[mask]
        if texts:
            self.texts = TextBounds.of(min(texts), max(texts))
            self.put(Kind.TEXT, to_array(texts, pa.utf8()), rows)

    def add_ints(self, numbers: list[int], rows: Rows) -> None:
        """Take in numbers that were written as whole ones."""
        if min(numbers) < INTEGER_MIN or max(numbers) > INTEGER_MAX:
            fit = [INTEGER_MIN <= number <= INTEGER_MAX for number in numbers]
            mask = np.array(fit)
            self._add_big([number for number, fits in zip(numbers, fit, strict=True) if not fits], rows[~mask])
            numbers, rows = list(compress(numbers, fit)), rows[mask]
        self._put_int64(np.array(numbers, np.int64), rows)

    def _add_big(self, numbers: list[int], rows: Rows) -> None:
        """Take in whole numbers beyond 64 bits: the document has them, a column their nearest floats."""
        self.big += len(numbers)
        self.mark(Marker.NUMBER, rows)
        floats = np.array([_nearest(number) for number in numbers], np.float64)
        finite = np.isfinite(floats)
        if finite.any():
            self._put_floats(floats[finite], rows[finite])

    def add_floats(self, numbers: NDArray[np.float64], rows: Rows) -> None:
        """Take in numbers that were written with a fraction or an exponent, or are large."""
        whole = (numbers == np.floor(numbers)) & (numbers >= -_TWO_63) & (numbers < _TWO_63)
        finite = np.isfinite(numbers)
        self._put_int64(numbers[whole].astype(np.int64), rows[whole])
        if not finite.all():
            self.mark(Marker.NUMBER, rows[~finite])
        broken = finite & ~whole
        if broken.any():
            self._put_floats(numbers[broken], rows[broken])

    def columns(self, path: FieldPath, row_count: int) -> list[SparseColumn]:
        """Return one column per kind that occurs."""
        columns: list[SparseColumn] = []
        for kind, pieces in self._pieces.items():
            values, rows = pieces[0] if len(pieces) == 1 else _in_row_order(pieces)
            # A row has at most one value of a kind, so as many values as rows are all.
            columns.append(SparseColumn(path, kind, values, None if len(rows) == row_count else rows))
        return columns

    def _put_floats(self, floats: NDArray[np.float64], rows: Rows) -> None:
        self.floats = widen(self.floats, (float(floats.min()), float(floats.max())))
        self.put(Kind.FLOAT, from_numpy(floats), rows)

    def _put_int64(self, numbers: NDArray[np.int64], rows: Rows) -> None:
        if len(numbers):
            self.integers = widen(self.integers, (int(numbers.min()), int(numbers.max())))
            self.put(Kind.INTEGER, from_numpy(numbers), rows)


def _nearest(number: int) -> float:
    try:
        return float(number)
    except OverflowError:
        return inf


def _by_type(values: list[JsonValue], rows: Rows) -> Iterator[tuple[type, list[JsonValue], Rows]]:
    """Yield the values of each type with their rows; null has none."""
    types = set(map(type, values))
    if len(types) == 1:
        only = types.pop()
        if only is not NoneType:
            yield only, values, rows
        return
    for kind in types - {NoneType}:
        chosen = [type(value) is kind for value in values]
        yield kind, list(compress(values, chosen)), rows[np.array(chosen)]


def _in_row_order(pieces: list[tuple[Array, Rows]]) -> tuple[Array, Rows]:
    rows = np.concatenate([piece_rows for _, piece_rows in pieces])
    order = np.argsort(rows)
    return pa.concat_arrays([values for values, _ in pieces]).take(from_numpy(order)), rows[order]
