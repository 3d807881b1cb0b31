"""The few calls of pyarrow whose types depend on values, given one type each.

What an array holds is known here only while a program runs, so the checkers are
told less: an :data:`Array` is an Arrow array of anything.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pyarrow as pa

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    import numpy as np
    from numpy.typing import NDArray

Array: TypeAlias = "pa.Array[Any]"
ChunkedArray: TypeAlias = "pa.ChunkedArray[Any]"

_array = cast("Callable[..., Array]", pa.array)
_chunked_array = cast("Callable[..., ChunkedArray]", pa.chunked_array)
_list_array = cast("Callable[..., Array]", pa.ListArray.from_arrays)
_nulls = cast("Callable[..., Array]", pa.nulls)


def to_array(values: Sequence[object] | NDArray[np.generic], kind: pa.DataType) -> Array:
    """Return values as an array; None is null."""
    return _array(values, kind)


def from_numpy(values: NDArray[np.generic]) -> Array:
    """Return a NumPy array as an Arrow array, without copying where possible."""
    return _array(values)


def chunked(arrays: Sequence[Array], kind: pa.DataType) -> ChunkedArray:
    """Return arrays as one column."""
    return _chunked_array(arrays, kind)


def list_array(offsets: Sequence[int], values: Array) -> Array:
    """Return an array of lists; list ``i`` has the values from ``offsets[i]`` to ``offsets[i + 1]``."""
    field = pa.field("item", values.type, nullable=values.null_count > 0)
    return _list_array(_array(offsets, pa.int32()), values, type=pa.list_(field))


def nulls(count: int, kind: pa.DataType) -> Array:
    """Return nulls only."""
    return _nulls(count, kind)


def take_or_null(values: Array, places: NDArray[np.integer[Any]], absent: NDArray[np.bool_]) -> Array:
    """Return the values at some places, and null where ``absent`` is true."""
    return values.take(_array(places, mask=absent))
