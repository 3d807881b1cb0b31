"""Byte strings in columns: what rows on the wire are put together from.

A column on the wire is :class:`Encoded`: its values, cut into pieces, and their lengths. A piece is a matrix, one row
of bytes for each value, or an Arrow array of byte strings. Matrices that stand side by side become one before rows are
joined, so that numbers, times and lengths cost little; this is what makes the encoder fast.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from btql_storage.arrow_functions import compute as pc
from btql_storage.later import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Matrix: TypeAlias = NDArray[np.uint8]
    Mask: TypeAlias = NDArray[np.bool_]
    Sizes: TypeAlias = int | NDArray[np.int32]
    Piece: TypeAlias = Matrix | pa.Array


_FALSE = pa.scalar(value=False)


@dataclass(frozen=True, slots=True)
class Encoded:
    """Values of a column on the wire."""

    pieces: tuple[Piece, ...]
    """In order, as each value has them; all are null where the value is."""
    sizes: Sizes
    """Bytes of each value, -1 for null; one number where all have the same."""

    def array(self) -> pa.Array:
        """Return the values as one array of byte strings."""
        arrays = [each if isinstance(each, pa.Array) else fixed(each) for each in self.pieces]
        return arrays[0] if len(arrays) == 1 else pc.binary_join_element_wise(*arrays, b"")


def encoded(pieces: Sequence[Piece], missing: Mask | None = None) -> Encoded:
    """Return values that have these pieces, null where they are missing; arrays are null there already."""
    if missing is None and not any(isinstance(each, pa.Array) for each in pieces):
        return Encoded(tuple(pieces), sum(each.shape[1] for each in pieces))
    kept = [each if missing is None or isinstance(each, pa.Array) else fixed(each, missing) for each in pieces]
    width = sum(0 if isinstance(each, pa.Array) else each.shape[1] for each in kept)
    arrays = [lengths(each) for each in kept if isinstance(each, pa.Array)]
    sizes = arrays[0] + width if width else arrays[0]
    for each in arrays[1:]:
        sizes = sizes + each
    if missing is not None:
        sizes = np.where(missing, np.int32(-1), sizes)
    return Encoded(tuple(kept), sizes)


def of_array(values: pa.Array) -> Encoded:
    """Return the values of an array of byte strings, or of texts."""
    if values.type != pa.binary():
        values = values.cast(pa.binary())
    return Encoded((values,), lengths(values))


def fixed(rows: Matrix, missing: Mask | None = None) -> pa.Array:
    """Return the rows of a matrix as byte strings of one length, null where one is missing."""
    count, width = rows.shape
    offsets = np.arange(0, (count + 1) * width, width, dtype=np.int32) if width else np.zeros(count + 1, np.int32)
    valid = None
    if missing is not None:
        rows = rows[~missing]
        offsets = np.concatenate([np.zeros(1, np.int32), np.cumsum(~missing, dtype=np.int32) * np.int32(width)])
        valid = pa.py_buffer(np.packbits(~missing, bitorder="little"))
    data = pa.py_buffer(np.ascontiguousarray(rows))
    return pa.Array.from_buffers(pa.binary(), count, [valid, pa.py_buffer(offsets), data])


def big_endian(numbers: NDArray[np.generic], width: int, kind: str = "i") -> Matrix:
    """Return numbers as rows of bytes, most significant first."""
    return np.ascontiguousarray(numbers.astype(f">{kind}{width}")).view(np.uint8).reshape(-1, width)


def lengths(values: pa.Array) -> NDArray[np.int32]:
    """Return the lengths of byte strings or texts; -1 for null."""
    found = pc.binary_length(values)
    if found.null_count:
        found = pc.fill_null(found, pa.scalar(-1, found.type))
    numbers: NDArray[np.int32] = found.to_numpy(zero_copy_only=False)
    return numbers


def missing_of(values: pa.Array) -> Mask | None:
    """Return where values are null; None where none is."""
    return values.is_null().to_numpy(zero_copy_only=False) if values.null_count else None


def bits_of(values: pa.Array) -> Mask:
    """Return booleans as NumPy has them; false for null."""
    found: Mask = (values.fill_null(_FALSE) if values.null_count else values).to_numpy(zero_copy_only=False)
    return found


def numbers_of(values: pa.Array) -> NDArray[np.int64]:
    """Return whole numbers as NumPy has them; 0 for null."""
    found: NDArray[np.int64] = (values.fill_null(0) if values.null_count else values).to_numpy(zero_copy_only=False)
    return found


def content(values: pa.Array) -> memoryview:
    """Return the bytes of all values of an array, one behind the other; there are no nulls with content."""
    _, offsets, data = values.buffers()
    if data is None or not len(values):
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    return memoryview(data)[int(ends[0]) : int(ends[-1])]


def joined(columns: Iterable[Piece | bytes], rows: int) -> memoryview:
    """Return the pieces of each row, row by row; null is nothing, and bytes are the same in each row."""
    return content(as_rows(columns, rows))


def as_rows(columns: Iterable[Piece | bytes], rows: int) -> pa.Array:
    """Return the same as an array of byte strings, one for each row."""
    pieces = list(_merged(columns, rows))
    if len(pieces) == 1:
        return pieces[0]
    return pc.binary_join_element_wise(*pieces, b"", null_handling="replace", null_replacement=b"")


def _merged(columns: Iterable[Piece | bytes], rows: int) -> list[pa.Array]:
    """Return the pieces with those of a fixed width put together where they touch."""
    found: list[pa.Array] = []
    run: list[Matrix | bytes] = []
    for each in (*columns, None):
        if each is not None and not isinstance(each, pa.Array):
            run.append(each)
            continue
        if run:
            found.append(fixed(side_by_side(run, rows)))
            run = []
        if each is not None:
            found.append(each)
    return found


def side_by_side(run: Sequence[Matrix | bytes], rows: int) -> Matrix:
    """Return matrices, and bytes that are the same in each row, as one matrix."""
    if len(run) == 1 and not isinstance(run[0], bytes):
        return run[0]
    widths = [len(each) if isinstance(each, bytes) else each.shape[1] for each in run]
    starts = [sum(widths[:place]) for place in range(len(widths))]
    # As records, each of whose fields is written at once; slices of a matrix would be written byte by byte.
    formats = [_WORDS.get(width, f"V{width}") for width in widths]
    names = [str(place) for place in range(len(run))]
    records = np.empty(rows, np.dtype({"names": names, "formats": formats, "offsets": starts, "itemsize": sum(widths)}))
    for name, form, each in zip(names, formats, run, strict=True):
        if isinstance(each, bytes):
            records[name] = np.frombuffer(each, form)[0]
        else:
            records[name] = np.ascontiguousarray(each).view(form).ravel()
    return records.view(np.uint8).reshape(rows, sum(widths))


_WORDS = {1: "u1", 2: "u2", 4: "u4", 8: "u8"}
