"""Columns of parts that are asked for again and again, kept in memory as Arrow arrays without superseded rows.

To scan ``columns.parquet`` means to decompress and decode pages each time, and to leave superseded rows out means to
read the numbers of all rows and to join them with a list. Where the arrays are there, neither is done, and rows whose
numbers are known are taken out of them instead of being looked for.

* A column of a part is kept once it was wanted often enough (:data:`WANTED_MIN`), not before: most questions come once.
* What is kept of a part are its rows without those that were superseded then. A snapshot in which more are gets
  arrays without these, too, which take the place of the others. One in which fewer are, an older one, reads the files.
* A part never changes, so what was read stays right. The bytes are those of the one budget of all caches
  (:mod:`btql_storage.cache_budget`). Columns of wide values are not kept, nor are those of scans that would take more
  than a share of it.
* Of texts that repeat the numbers that stand for them are kept as well (:mod:`btql_storage.part.code_book`), once a
  statement can do with numbers.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING, cast

import pyarrow as pa
from pyarrow.types import is_primitive

from btql_storage.arrow import chunked, from_numpy, nulls, one_array
from btql_storage.later import np
from btql_storage.part.code_book import CodeBook
from btql_storage.part.format import ROW_BITS

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from btql_storage.arrow import Array, ChunkedArray
    from btql_storage.cache_budget import CacheBudget
    from btql_storage.part.reader import Part

    Rows = NDArray[np.int64]

CACHE = "columns"
WANTED_MIN = 8
"""Columns are kept once the weights of the scans that wanted them are as much as this; 0 keeps none."""
ALL_ROWS, SOME_ROWS = 4, 1
"""What a scan weighs that reads all rows of a part, and one that reads a few."""
SHARE = 4
"""One scan, or one book, may have a part of the budget that is one in so many."""
_TEXT_BYTES = 16
"""About what a text or a list takes, to tell beforehand how large a scan is."""
ROW_BYTES_MAX = 64
"""Columns whose values take more on average are not kept."""
BATCH_ROWS = 16_384
"""Rows that the engine gets at a time: more than its own 8,192, as each batch costs it 3 µs a column to take over."""
DIFFERENT_MAX = 0.75
"""Texts are numbered where this share of a part's rows, or fewer, have different ones."""
_COUNTED_MAX = 20_000
"""Columns of parts that are not kept and of which it is known how often they were wanted."""


@dataclass(frozen=True, slots=True)
class PartColumns:
    """Some columns of the rows of a part that are current."""

    part: str
    gone: Rows
    """The numbers of the rows that are left out, in order."""
    table: pa.Table

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield all rows."""
        yield from self.table.to_batches(max_chunksize=BATCH_ROWS)

    def coded(self, name: str, codes: Array) -> PartColumns:
        """Return the same with numbers for the texts of a column."""
        table = self.table.set_column(self.table.schema.get_field_index(name), name, codes)
        return PartColumns(self.part, self.gone, table)

    def take(self, rows: Rows) -> pa.Table:
        """Return some of the rows by their numbers in the part, all of which are current."""
        return self.table.take(from_numpy(rows - np.searchsorted(self.gone, rows)))


@dataclass(frozen=True, slots=True)
class _Kept:
    """What is kept of one part; never changed, but replaced."""

    gone: Rows
    columns: dict[str, Array | None] = field(default_factory=dict["str", "Array | None"])
    """None is one with wide values."""

    def without(self, gone: Rows) -> _Kept | None:
        """Return the same without more rows; None where it lacks rows that should be there."""
        if len(gone) == len(self.gone) and (not len(gone) or np.array_equal(gone, self.gone)):
            return self
        if len(np.setdiff1d(self.gone, gone, assume_unique=True)):
            return None
        later = np.setdiff1d(gone, self.gone, assume_unique=True)
        places = later - np.searchsorted(self.gone, later)
        columns = {name: None if each is None else _without(each, places) for name, each in self.columns.items()}
        return _Kept(gone, columns)


class KeptColumns:
    """The columns that are kept of all parts of a database. Safe from several threads."""

    def __init__(self, budget: CacheBudget) -> None:
        self._budget = budget
        self._parts: dict[str, _Kept] = {}
        self._books: dict[str, CodeBook] = {}
        """What the numbers of texts mean, by column; it goes with all of them."""
        self._wanted: OrderedDict[tuple[str, str], int] = OrderedDict()
        """How often columns were wanted that are not kept, those wanted last at the end."""
        self._lock = Lock()

    def fit(self, rows: int, row_bytes: float) -> bool:
        """Whether a scan of so many rows is small enough that its columns are kept."""
        return bool(WANTED_MIN) and rows * row_bytes * SHARE <= self._budget.bytes_max

    def get(self, part: Part, gone: Sequence[int] | Rows, schema: pa.Schema, weight: int) -> PartColumns | None:
        """Return columns of the current rows of a part, if they are kept, or are from now on; null where it has none.

        ``gone`` are the superseded rows, in order.
        """
        if part.quarantined is not None:
            return None
        with self._lock:
            known = self._parts.get(part.name)
        absent = [name for name in schema.names if known is None or name not in known.columns]
        if absent and not self._is_wanted(part.name, absent, weight):
            return None
        # Not before: a process that lives for one query does without NumPy.
        missing_rows = np.asarray(gone, np.int64)
        kept = (known or _Kept(missing_rows)).without(missing_rows)
        if kept is None:
            return None
        if absent:
            types = {each.name: each.type for each in schema if each.name in absent}
            kept = _Kept(kept.gone, kept.columns | _read(part, types, kept.gone))
        if kept is known:
            for name in schema.names:
                self._budget.touched(CACHE, (part.name, name))
        else:
            self._keep(part.name, kept, schema.names)
        columns = [kept.columns[name] for name in schema.names]
        if any(each is None for each in columns):
            return None
        return PartColumns(part.name, kept.gone, pa.table(cast("list[Array]", columns), schema=schema))

    def has(self, part: Part, names: Iterable[str]) -> bool:
        """Whether columns of a part are kept."""
        with self._lock:
            kept = self._parts.get(part.name)
        return kept is not None and all(name in kept.columns for name in names)

    def book(self, name: str) -> CodeBook:
        """Return the numbers that stand for the texts of a column."""
        with self._lock:
            return self._books.setdefault(name, CodeBook())

    def codes(self, columns: PartColumns, name: str, book: CodeBook) -> Array | None:
        """Return the numbers of the texts of a column, which are kept from now on.

        None where hardly a text repeats, and where the book has become too large, by texts that no row has any more or
        otherwise: it is not used then, and goes when there is need for its room.
        """
        if book.nbytes * SHARE > self._budget.bytes_max:
            return None
        kept_as = _as_codes(name, book)
        with self._lock:
            kept = self._parts.get(columns.part)
        if kept is not None and kept_as in kept.columns and (same := kept.without(columns.gone)) is not None:
            self._budget.touched(CACHE, ("", name))
            self._budget.touched(CACHE, (columns.part, kept_as))
            return same.columns[kept_as]
        texts = one_array(columns.table.column(name)).dictionary_encode()
        codes = book.encode(texts) if len(texts.dictionary) <= DIFFERENT_MAX * len(texts) else None
        self._budget.used(CACHE, ("", name), book.nbytes, partial(self._drop_book, name))
        self._keep(columns.part, _Kept(columns.gone, {kept_as: codes}), [kept_as])
        return codes

    def forget(self, part: str) -> None:
        """Let go of a part whose files are removed."""
        with self._lock:
            kept = self._parts.pop(part, None)
        for name in () if kept is None else kept.columns:
            self._budget.gone(CACHE, (part, name))

    def _is_wanted(self, part: str, names: Sequence[str], weight: int) -> bool:
        """Count that columns are wanted; whether this is often enough."""
        with self._lock:
            counts = [self._wanted.pop((part, name), 0) + weight for name in names]
            self._wanted.update(zip([(part, name) for name in names], counts, strict=True))
            while len(self._wanted) > _COUNTED_MAX:
                self._wanted.popitem(last=False)
        return weight > 0 and min(counts) >= WANTED_MIN

    def _keep(self, part: str, kept: _Kept, used: Collection[str]) -> None:
        with self._lock:
            known = self._parts.get(part)
            if known is not None and known is not kept:
                base = known.without(kept.gone)
                if base is None:
                    # Another thread has a later snapshot.
                    return
                kept = _Kept(kept.gone, base.columns | kept.columns)
            self._parts[part] = kept
            for name in used:
                self._wanted.pop((part, name), None)
        for name in used:
            array = kept.columns[name]
            size = 0 if array is None else array.nbytes
            self._budget.used(CACHE, (part, name), size, partial(self._drop, part, name))

    def _drop_book(self, name: str) -> None:
        """Let go of what numbers mean, and of the numbers: those of a next book are others."""
        with self._lock:
            book = self._books.pop(name, None)
            kept_as = "" if book is None else _as_codes(name, book)
            parts = [part for part, kept in self._parts.items() if kept_as in kept.columns]
        for part in parts:
            self._drop(part, kept_as)
            self._budget.gone(CACHE, (part, kept_as))

    def _drop(self, part: str, name: str) -> None:
        with self._lock:
            kept = self._parts.get(part)
            if kept is not None:
                columns = {each: array for each, array in kept.columns.items() if each != name}
                if columns:
                    self._parts[part] = _Kept(kept.gone, columns)
                else:
                    del self._parts[part]


def _as_codes(name: str, book: CodeBook) -> str:
    """Return the name under which the numbers of a column's texts are kept; no column's own name ends so."""
    return f"{name}@{book.id}"


def _read(part: Part, types: Mapping[str, pa.DataType], gone: Rows) -> dict[str, Array | None]:
    """Return columns of a part without some rows."""
    found: dict[str, Array | None] = {name: nulls(part.stats.rows, kind) for name, kind in types.items()}
    found.update(_stored(part, types))
    if "_row" in types:
        found["_row"] = from_numpy(np.arange(part.stats.rows, dtype=np.int64) + (part.part_id << ROW_BITS))
    return {name: None if each is None else _without(each, gone) for name, each in found.items()}


def _stored(part: Part, types: Mapping[str, pa.DataType]) -> dict[str, Array | None]:
    """Return the columns that the file has; None for one with wide values."""
    import pyarrow.parquet as pq

    from btql_storage.part.files import read_errors

    path = part.columns_path
    with read_errors(path), pq.ParquetFile(path, memory_map=True) as file:
        there = set(file.schema_arrow.names)
        groups: dict[str, list[ChunkedArray]] = {name: [] for name in types if name in there and name != "_row"}
        wide: dict[str, Array | None] = {}
        for number in range(file.num_row_groups):
            table = file.read_row_group(number, columns=list(groups), use_threads=False)
            for name in list(groups):
                column = table.column(name)
                if column.nbytes > ROW_BYTES_MAX * len(column):
                    wide[name] = None
                    del groups[name]
                else:
                    groups[name].append(column.cast(types[name]))
    narrow = {
        name: chunked([chunk for each in columns for chunk in each.chunks], types[name])
        for name, columns in groups.items()
    }
    return wide | {name: cast("Array", column.combine_chunks()) for name, column in narrow.items()}


def row_bytes_of(schema: pa.Schema) -> float:
    """Return about how many bytes a row takes in memory."""
    return sum(_value_bytes(column.type) for column in schema)


def _value_bytes(kind: pa.DataType) -> float:
    """Return about how many bytes a value takes, with the bit that says whether there is one."""
    return (kind.bit_width + 1) / 8 if is_primitive(kind) else _TEXT_BYTES


def _without(array: Array, places: Rows) -> Array:
    """Return an array without the values at some places."""
    if not len(places):
        return array
    wanted = np.ones(len(array), np.bool_)
    wanted[places] = False
    return array.filter(from_numpy(wanted))
