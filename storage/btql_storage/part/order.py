"""The columns that queries order by, and which rows are roots, kept in memory as numbers for the parts that are asked.

Whoever wants the newest hundred rows of a part finds them in such an array in
half a millisecond. To have the engine find them means to plan a scan and to
decode three columns of every row. A part never changes, so what was read stays right.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar, cast

import pyarrow as pa

from btql_storage.arrow import chunked, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.fields import SYSTEM_COLUMNS

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
_TRACE = "root_span_id"
_ROOT = "is_root"
T = TypeVar("T", "Numbers", "Traces")


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
    return _made_of(source, _TRACE, _coded)


def roots_of(source: Part | TailChunk) -> NDArray[np.int64]:
    """Return the numbers of the rows that are roots, current or not, in order."""
    return _made_of(source, _ROOT, lambda values: numbers_in(values).nonzero()[0], kept_as="roots")


def _coded(values: ChunkedArray) -> Traces:
    coded = cast("pa.DictionaryArray", pc.dictionary_encode(values).combine_chunks())
    return Traces(to_numpy(coded.indices), coded.dictionary)


def numbers_of(source: Part | TailChunk, column: KeptColumn) -> Numbers:
    """Return a column of all rows of a part, or of a chunk of the tail, as numbers or booleans in the same order."""
    return _made_of(source, column, numbers_in)


def _made_of(source: Part | TailChunk, column: str, make: Callable[[ChunkedArray], T], kept_as: str | None = None) -> T:
    """Return what is made of a column; of a part it is kept, under the column's name or another."""
    of_tail: Callable[[str], Array] | None = getattr(source, "column", None)
    if of_tail is not None:
        return make(chunked([of_tail(column)], SYSTEM_COLUMNS[column]))
    part = cast("Part", source)
    path = part.columns_path
    found = cast("T | None", part.order.get(kept_as or column))
    if found is None:
        found = make(_read_column(path, column))
        part.order.keep(kept_as or column, found, found.nbytes)
    return found


def _read_column(path: Path, column: str) -> ChunkedArray:
    from btql_storage.part.files import read_columns

    return read_columns(path, [column]).column(column)


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
