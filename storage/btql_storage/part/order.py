"""The columns that queries order by, and which rows are roots, kept in memory as numbers for the parts that are asked.

Whoever wants the newest hundred rows of a part finds them in such an array in
half a millisecond. To have the engine find them means to plan a scan and to
decode three columns of every row. A part never changes, so what was read stays right;
what was used least is forgotten once all arrays together have more than
:data:`KEPT_BYTES_MAX`.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, Literal, TypeAlias, TypeVar, cast

import pyarrow as pa

from btql_storage.arrow import to_numpy
from btql_storage.arrow_functions import compute as pc

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from btql_storage.arrow import Array, ChunkedArray
    from btql_storage.part.reader import Part
    from btql_storage.tail_chunk import TailChunk

Ordered: TypeAlias = Literal["created", "_xact_id", "_pagination_key"]
KeptColumn: TypeAlias = Ordered | Literal["is_root"]
Numbers: TypeAlias = "NDArray[Any]"
KEPT_BYTES_MAX = 32 << 20
_TRACE = "root_span_id"
T = TypeVar("T")


class _Kept(Generic[T]):
    """Arrays of numbers by file and column, those used last at the end."""

    def __init__(self, size: Callable[[T], int]) -> None:
        self._size = size
        self._arrays: OrderedDict[tuple[str, str], T] = OrderedDict()
        self._bytes = 0
        self._lock = Lock()

    def get(self, key: tuple[str, str]) -> T | None:
        with self._lock:
            found = self._arrays.get(key)
            if found is not None:
                self._arrays.move_to_end(key)
            return found

    def keep(self, key: tuple[str, str], numbers: T) -> None:
        with self._lock:
            if key in self._arrays:
                return
            self._arrays[key] = numbers
            self._bytes += self._size(numbers)
            while self._bytes > KEPT_BYTES_MAX and len(self._arrays) > 1:
                self._bytes -= self._size(self._arrays.popitem(last=False)[1])


_kept = _Kept[Numbers](lambda numbers: numbers.nbytes)
_kept_traces = _Kept["Traces"](lambda traces: traces.nbytes)


@dataclass(frozen=True, slots=True)
class Traces:
    """Which trace each row of a part belongs to."""

    codes: NDArray[np.int32]
    """Places in ``ids``, for each row."""
    ids: Array

    @property
    def nbytes(self) -> int:
        """How much memory they take."""
        return int(self.codes.nbytes + self.ids.nbytes)


def traces_of(source: Part | TailChunk) -> Traces:
    """Return the traces of a part, or of a chunk of the tail."""
    return _made_of(source, _TRACE, _kept_traces, _coded)


def _coded(values: ChunkedArray) -> Traces:
    coded = cast("pa.DictionaryArray", pc.dictionary_encode(values).combine_chunks())
    return Traces(to_numpy(coded.indices), coded.dictionary)


def numbers_of(source: Part | TailChunk, column: KeptColumn) -> Numbers:
    """Return a column of all rows of a part, or of a chunk of the tail, as numbers or booleans in the same order."""
    return _made_of(source, column, _kept, numbers_in)


def _made_of(source: Part | TailChunk, column: str, kept: _Kept[T], make: Callable[[ChunkedArray], T]) -> T:
    """Return what is made of a column; of a part it is kept."""
    table: pa.Table | None = getattr(source, "table", None)
    if table is not None:
        return make(table.column(column))
    path = cast("Part", source).columns_path
    # Numbers of parts begin anew in another folder, and a copy of a folder has the same files.
    key = (str(path), column)
    found = kept.get(key)
    if found is None:
        found = make(_read_column(path, column))
        kept.keep(key, found)
    return found


def _read_column(path: Path, column: str) -> ChunkedArray:
    import pyarrow.parquet as pq

    from btql_storage.part.files import read_errors

    # `read_table` imports Arrow's package for datasets first.
    with read_errors(path), pq.ParquetFile(path, memory_map=True) as file:
        return file.read(columns=[column]).column(column)


def number_of(value: int | str) -> int:
    """Return a value, as statistics have it, as a number in the order of its column."""
    return value if isinstance(value, int) else int(value.removeprefix("p") or 0)


def value_of(column: Ordered, number: int) -> int | str:
    """Return the value that a number stands for: microseconds, or the text of the column."""
    match column:
        case "created":
            return number
        case "_xact_id":
            return f"{number:019}"
        case "_pagination_key":
            return f"p{number:020}"


def numbers_in(values: Array | ChunkedArray) -> Numbers:
    """Return times as microseconds, transactions and pagination keys as the numbers in them."""
    if pa.types.is_boolean(values.type):
        return to_numpy(values.fill_null(False))  # noqa: FBT003
    if pa.types.is_timestamp(values.type):
        return to_numpy(values.cast(pa.int64()))
    digits = pc.utf8_ltrim(values, "p")
    return to_numpy(digits.cast(pa.uint64()))
