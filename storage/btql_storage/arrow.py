"""The few calls of pyarrow whose types depend on values, given one type each; and the way to NumPy and back.

What an array holds is known here only while a program runs, so the checkers are
told less: an :data:`Array` is an Arrow array of anything.

Arrow and NumPy hand each other their buffers here, and nowhere else: on the
command line Arrow is told that there is no NumPy (docs/adr/0010).
"""

from __future__ import annotations

from functools import cache
from itertools import chain, pairwise
from typing import TYPE_CHECKING, Any, TypeAlias, cast

import pyarrow as pa

from btql_storage.later import np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

Array: TypeAlias = "pa.Array[Any]"
ChunkedArray: TypeAlias = "pa.ChunkedArray[Any]"

_TEXT_BYTES_MAX = 2**31 - 1
"""What one array of texts holds."""

_array = cast("Callable[..., Array]", pa.array)
_chunked_array = cast("Callable[..., ChunkedArray]", pa.chunked_array)
_list_array = cast("Callable[..., Array]", pa.ListArray.from_arrays)
_of_buffers = cast("Callable[..., Array]", pa.Array.from_buffers)
_nulls = cast("Callable[..., Array]", pa.nulls)


def to_array(values: Sequence[object] | NDArray[np.generic], kind: pa.DataType) -> Array:
    """Return values as an array; None is null."""
    return _array(values, kind)


def from_numpy(values: NDArray[np.generic]) -> Array:
    """Return a NumPy array of booleans or numbers as an Arrow array, without copying where possible."""
    if values.dtype == np.bool_:
        return _from_buffer(pa.bool_(), len(values), np.packbits(values.astype(np.bool_), bitorder="little"))
    return _from_buffer(_arrow_type(values.dtype), len(values), np.ascontiguousarray(values))


@cache
def _arrow_type(dtype: np.dtype[Any]) -> pa.DataType:
    return pa.type_for_alias(dtype.name)


def to_numpy(values: Array | ChunkedArray) -> NDArray[Any]:
    """Return an Arrow array of booleans or numbers without nulls as a NumPy array, without copying where possible."""
    array: Array = one_array(values) if isinstance(values, pa.ChunkedArray) else values
    assert array.null_count == 0, "NumPy has no nulls"
    first, after = array.offset, array.offset + len(array)
    buffer = array.buffers()[1] or b""
    if array.type == pa.bool_():
        return np.unpackbits(np.frombuffer(buffer, np.uint8), bitorder="little")[first:after].astype(np.bool_)
    return np.frombuffer(buffer, str(array.type))[first:after]


def one_array(column: ChunkedArray) -> Array:
    """Return a column as one array; ``combine_chunks`` copies even what is one already."""
    return column.chunk(0) if column.num_chunks == 1 else cast("Array", column.combine_chunks())


def _from_buffer(kind: pa.DataType, count: int, values: NDArray[Any], valid: NDArray[np.uint8] | None = None) -> Array:
    mask = None if valid is None else pa.py_buffer(valid)
    return _of_buffers(kind, count, [mask, pa.py_buffer(values)])


def checked_texts(starts: NDArray[np.int32], content: bytes) -> Array:
    """Return texts that are one behind the other, without copying; ArrowInvalid where they are not UTF-8.

    ``starts`` has where each begins, and where the last one ends.
    """
    texts = _of_buffers(pa.utf8(), len(starts) - 1, [None, pa.py_buffer(starts), pa.py_buffer(content)])
    texts.validate(full=True)
    return texts


def joined_texts(texts: Sequence[Sequence[bytes] | None]) -> Array:
    """Return texts whose pieces are UTF-8, None for null.

    They are copied once; ``to_array`` grows as it goes and looks at every byte, which costs several times as much.
    """
    ends = np.cumsum([0, *(0 if pieces is None else sum(map(len, pieces)) for pieces in texts)])
    if ends[-1] > _TEXT_BYTES_MAX:
        return to_array([None if pieces is None else b"".join(pieces) for pieces in texts], pa.utf8())
    content = b"".join(chain.from_iterable(pieces for pieces in texts if pieces is not None))
    valid = np.packbits(np.array([pieces is not None for pieces in texts], np.bool_), bitorder="little")
    buffers = [pa.py_buffer(valid), pa.py_buffer(ends.astype(np.int32)), pa.py_buffer(content)]
    return _of_buffers(pa.utf8(), len(texts), buffers)


def to_list(array: Array) -> list[Any]:
    """Return texts, bytes or numbers without nulls, several times faster than ``to_pylist``."""
    if array.type not in (pa.string(), pa.binary()):
        return cast("list[Any]", to_numpy(array).tolist())
    assert array.null_count == 0, "a null has no text"
    if not len(array):
        return []
    ends, content = _ends(array)
    data: bytes = content.slice(ends[0], ends[-1] - ends[0]).to_pybytes() if content else b""
    places = [end - ends[0] for end in ends]
    if array.type == pa.binary():
        return [data[start:end] for start, end in pairwise(places)]
    if data.isascii():
        text = data.decode()
        return [text[start:end] for start, end in pairwise(places)]
    return [data[start:end].decode() for start, end in pairwise(places)]


def to_views(array: Array) -> list[memoryview]:
    """Return texts without nulls, each where it is in the array, which stays as long as any of them."""
    assert array.null_count == 0, "a null has no text"
    if not len(array):
        return []
    ends, content = _ends(array)
    whole = memoryview(content or b"")
    return [whole[start:end] for start, end in pairwise(ends)]


def _ends(array: Array) -> tuple[list[int], pa.Buffer | None]:
    """Return where the first text of an array begins and where each ends, and the bytes of all; there are some."""
    _, starts, content = array.buffers()
    return np.frombuffer(starts, np.int32)[array.offset : array.offset + len(array) + 1].tolist(), content


def pieces(whole: Array, names: Sequence[str]) -> dict[str, Array]:
    """Return the columns that an array has one behind the other, all of the same length."""
    rows = len(whole) // max(len(names), 1)
    return {name: whole.slice(place * rows, rows) for place, name in enumerate(names)}


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


def empty_batch(schema: pa.Schema) -> pa.RecordBatch:
    """Return a batch without rows."""
    return pa.RecordBatch.from_arrays([_nulls(0, column.type) for column in schema], schema=schema)


def take_or_null(values: Array, places: NDArray[np.integer[Any]], absent: NDArray[np.bool_]) -> Array:
    """Return the values at some places, and null where ``absent`` is true."""
    valid = np.packbits(~absent, bitorder="little")
    return values.take(_from_buffer(_arrow_type(places.dtype), len(places), np.ascontiguousarray(places), valid))
