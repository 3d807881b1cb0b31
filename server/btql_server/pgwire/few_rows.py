"""A few rows as DataRow messages: value by value, as what costs little for thousands of rows costs much for one.

Only the plainest values are written here; all others take the way of large batches, so that there is one of it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa

from btql_server.pgwire.binary_values import binary_values
from btql_server.pgwire.text_values import text_values
from btql_server.pgwire.types import TEXT_LIKE, PgType

FEW = 8
_NULL = b"\xff\xff\xff\xff"
_BINARY = 1
_Spell = Callable[[object], bytes]


def few_rows(columns: Sequence[pa.Array], types: Sequence[PgType], formats: Sequence[int]) -> bytes:
    """Return the rows of these columns as whole messages."""
    listed = [_values(*each) for each in zip(columns, types, formats, strict=True)]
    head = len(listed).to_bytes(2, "big")
    messages: list[bytes] = []
    for row in zip(*listed, strict=True):
        body = head + b"".join(_NULL if each is None else len(each).to_bytes(4, "big") + each for each in row)
        messages += (b"D", (len(body) + 4).to_bytes(4, "big"), body)
    return b"".join(messages)


def _values(column: pa.Array, type_: PgType, form: int) -> list[bytes | None]:
    spell = _spelling(column.type, type_, form)
    if spell is not None:
        return [None if each is None else spell(each) for each in column.to_pylist()]
    encode = binary_values if form == _BINARY else text_values
    found: list[bytes | None] = encode(column, type_).array().to_pylist()
    return found


def _spelling(arrow: pa.DataType, type_: PgType, form: int) -> _Spell | None:
    if arrow == pa.string() and type_.oid in TEXT_LIKE:
        return str.encode  # type: ignore[return-value]
    if form == _BINARY:
        return _PACKED.get(arrow) if (arrow, type_.name) in _NATURAL else None
    return _SPELLED.get(arrow) if (arrow, type_.name) in _NATURAL else None


_NATURAL = {(pa.int64(), "int8"), (pa.int32(), "int4"), (pa.bool_(), "bool")}
_SPELLED: Mapping[pa.DataType, _Spell] = {
    pa.int64(): lambda value: str(value).encode(),
    pa.int32(): lambda value: str(value).encode(),
    pa.bool_(): lambda value: b"t" if value else b"f",
}
_PACKED: Mapping[pa.DataType, _Spell] = {
    pa.int64(): struct.Struct("!q").pack,
    pa.int32(): struct.Struct("!i").pack,
    pa.bool_(): struct.Struct("!?").pack,
}
