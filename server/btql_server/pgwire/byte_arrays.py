"""Arrow arrays of bytes, made from NumPy's and taken apart again: what rows on the wire are put together from.

Postgres writes the length of each value before it, in four bytes, most significant first, and -1 for null.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from btql_storage.arrow_functions import compute as pc
from btql_storage.later import np

if TYPE_CHECKING:
    from numpy.typing import NDArray


def fixed(rows: NDArray[np.uint8], missing: NDArray[np.bool_] | None = None) -> pa.Array:
    """Return the rows of a matrix as byte strings of one length, null where one is missing."""
    count, width = rows.shape
    offsets = np.arange(0, count * width + 1, width, dtype=np.int32) if width else np.zeros(count + 1, np.int32)
    valid = None if missing is None else pa.py_buffer(np.packbits(~missing, bitorder="little"))
    return pa.Array.from_buffers(pa.binary(), count, [valid, pa.py_buffer(offsets), pa.py_buffer(rows)])


def big_endian(numbers: NDArray[np.generic], width: int, kind: str = "i") -> NDArray[np.uint8]:
    """Return numbers as rows of bytes, most significant first."""
    return np.ascontiguousarray(numbers.astype(f">{kind}{width}")).view(np.uint8).reshape(-1, width)


def lengths(values: pa.Array) -> NDArray[np.int32]:
    """Return the lengths of byte strings or texts; -1 for null."""
    found = pc.binary_length(values)
    if found.null_count:
        found = pc.fill_null(found, pa.scalar(-1, found.type))
    return found.to_numpy(zero_copy_only=False)


def missing(values: pa.Array) -> NDArray[np.bool_] | None:
    """Return where values are null; None where none is."""
    return values.is_null().to_numpy(zero_copy_only=False) if values.null_count else None


def as_bytes(values: pa.Array) -> pa.Array:
    """Return texts or bytes as byte strings with short offsets."""
    return values if values.type == pa.binary() else values.cast(pa.binary())


def content(values: pa.Array) -> memoryview:
    """Return the bytes of all values of an array, one behind the other; there are no nulls with content."""
    _, offsets, data = values.buffers()
    if data is None or not len(values):
        return memoryview(b"")
    ends = np.frombuffer(offsets, np.int32)[values.offset : values.offset + len(values) + 1]
    return memoryview(data)[int(ends[0]) : int(ends[-1])]


def joined(pieces: list[pa.Array]) -> pa.Array:
    """Return for each row its pieces one behind the other; null is nothing."""
    if len(pieces) == 1 and not pieces[0].null_count:
        return pieces[0]
    return pc.binary_join_element_wise(*pieces, b"", null_handling="replace", null_replacement=b"")
