"""Values in Postgres' text form: what PostgreSQL 15 prints for them, with its usual settings.

Each Arrow type has a way of its own, a handful of vectorised steps; what is rare goes value by value. JSON is sent as
it is in the document, where Postgres' ``jsonb`` would sort its keys and space them anew.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import TYPE_CHECKING

import pyarrow as pa

from btql_server.pgwire.byte_arrays import Encoded, bits_of, content, encoded, missing_of, of_array, side_by_side
from btql_server.pgwire.fitting import fitted
from btql_server.pgwire.text_numbers import decimals, floats, without_exponents
from btql_server.pgwire.text_times import dates, durations, intervals, times, timestamps
from btql_server.pgwire.types import TYPES, PgType, is_list
from btql_storage.arrow_functions import compute as pc
from btql_storage.later import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

_SPACES = '[ \\t\\n\\v\\f\\r"{},\\\\]|^$|^(?i:null)$'
"""What an element of an array needs quotes for."""


def text_values(values: pa.Array, type_: PgType) -> Encoded:
    """Return values as a type's texts; null stays null."""
    return _encoded(fitted(values, type_), type_)


def _encoded(values: pa.Array, type_: PgType) -> Encoded:
    kind = values.type
    if pa.types.is_string(kind):
        return of_array(without_exponents(values) if type_.name == "numeric" else values)
    if pa.types.is_boolean(kind):
        return _booleans(values)
    if pa.types.is_integer(kind):
        return of_array(values.cast(pa.string()))
    if is_list(kind):
        return _vectors(values) if type_.name.endswith("vector") else _arrays(values, TYPES[type_.element])
    for is_one, encode in _WAYS:
        if is_one(kind):
            return encode(values)
    return of_array(values.cast(pa.string()))


def _booleans(values: pa.Array) -> Encoded:
    letters = np.where(bits_of(values), np.uint8(ord("t")), np.uint8(ord("f")))
    return encoded([letters.reshape(-1, 1)], missing_of(values))


def _bytes(values: pa.Array) -> Encoded:
    """Return bytes as a backslash, ``x`` and two digits for each."""
    values = values.cast(pa.binary())
    found = pc.binary_length(values).fill_null(0).to_numpy(zero_copy_only=False)
    ends = np.concatenate([np.zeros(1, np.int32), np.cumsum(found * 2, dtype=np.int32)])
    digits = _hexadecimal().take(np.frombuffer(content(values), np.uint8))
    spelled = pa.Array.from_buffers(pa.binary(), len(values), [None, pa.py_buffer(ends), pa.py_buffer(digits)])
    missing = missing_of(values)
    if missing is not None:
        spelled = pc.if_else(pa.array(missing), None, spelled)
    return of_array(pc.binary_join_element_wise(b"\\x", spelled, b""))


def _uuids(values: pa.Array) -> Encoded:
    missing = missing_of(values)
    data = values.cast(pa.binary())
    if missing is not None:
        data = pc.fill_null(data, bytes(16))
    digits = _hexadecimal().take(np.frombuffer(content(data), np.uint8)).view(np.uint8).reshape(-1, 32)
    cuts = ((0, 8), (8, 12), (12, 16), (16, 20), (20, 32))
    groups = [digits[:, start:end] for start, end in cuts]
    pieces = [groups[0], *(each for group in groups[1:] for each in (b"-", group))]
    return encoded([side_by_side(pieces, len(values))], missing)


@cache
def _hexadecimal() -> NDArray[np.uint16]:
    """Return the two digits of each byte."""
    return np.frombuffer("".join(f"{byte:02x}" for byte in range(256)).encode(), np.uint16)


def _arrays(values: pa.Array, element: PgType) -> Encoded:
    """Return lists as ``{a,"b c",NULL}``."""
    flat = text_values(values.flatten(), element).array()
    if not pa.types.is_primitive(values.type.value_type) or pa.types.is_temporal(values.type.value_type):
        flat = _quoted(flat)
    flat = pc.fill_null(flat, b"NULL")
    inside = pc.binary_join(list_like(values, flat), b",")
    return of_array(pc.binary_join_element_wise(b"{", inside, b"}", b""))


def _vectors(values: pa.Array) -> Encoded:
    """Return lists as ``int2vector`` and ``oidvector`` have them: ``1 2``."""
    flat = values.flatten().cast(pa.string()).cast(pa.binary())
    return of_array(pc.binary_join(list_like(values, flat), b" "))


def list_like(values: pa.Array, flat: pa.Array) -> pa.Array:
    """Return lists with the lengths of ``values``, of what is in ``flat``."""
    counts = pc.fill_null(pc.list_value_length(values), 0).to_numpy(zero_copy_only=False)
    ends = np.concatenate([np.zeros(1, np.int32), np.cumsum(counts, dtype=np.int32)])
    mask = values.is_null() if values.null_count else None
    return pa.ListArray.from_arrays(pa.array(ends, pa.int32()), flat, mask=mask)


def _quoted(texts: pa.Array) -> pa.Array:
    needs = pc.match_substring_regex(texts, _SPACES)
    if not pc.any(needs).as_py():
        return texts
    inside = pc.replace_substring(pc.replace_substring(texts, b"\\", b"\\\\"), b'"', b'\\"')
    return pc.if_else(needs, pc.binary_join_element_wise(b'"', inside, b'"', b""), texts)


_WAYS: tuple[tuple[Callable[[pa.DataType], bool], Callable[[pa.Array], Encoded]], ...] = (
    (pa.types.is_floating, floats),
    (pa.types.is_timestamp, timestamps),
    (pa.types.is_date, dates),
    (pa.types.is_time, times),
    (pa.types.is_duration, durations),
    (pa.types.is_interval, intervals),
    (pa.types.is_decimal, decimals),
    (pa.types.is_binary, _bytes),
    (pa.types.is_fixed_size_binary, _uuids),
)
