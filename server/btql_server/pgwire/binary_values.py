"""Values in Postgres' binary form, as Arrow arrays of byte strings."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from btql_server.pgwire.bad_value import NOT_SUPPORTED, BadValue
from btql_server.pgwire.byte_arrays import as_bytes, big_endian, fixed, missing
from btql_server.pgwire.text_values import text_values
from btql_server.pgwire.types import TEXT_LIKE, PgType
from btql_storage.arrow_functions import compute as pc
from btql_storage.later import np

if TYPE_CHECKING:
    from numpy.typing import NDArray

POSTGRES_EPOCH_DAYS = 10_957
"""Days from 1970-01-01 to 2000-01-01, where Postgres counts from."""
POSTGRES_EPOCH_US = POSTGRES_EPOCH_DAYS * 86_400_000_000


def binary_values(values: pa.Array, type_: PgType) -> pa.Array:
    """Return values in a type's binary form; null stays null."""
    if isinstance(values, pa.ExtensionArray):
        values = values.storage
    if type_.oid in TEXT_LIKE:
        return text_values(values, type_)
    match type_.name:
        case "bool":
            return _fixed(values.cast(pa.int8()), 1)
        case "int2" | "int4" | "int8" | "oid" | "xid":
            return _fixed(values, type_.size)
        case "float4" | "float8":
            return _fixed(values, type_.size, "f")
        case "timestamp" | "timestamptz":
            micros = values.cast(pa.timestamp("us", tz=values.type.tz)).cast(pa.int64())
            return _fixed(micros, 8, less=POSTGRES_EPOCH_US)
        case "date":
            return _fixed(values.cast(pa.date32()).cast(pa.int32()), 4, less=POSTGRES_EPOCH_DAYS)
        case "jsonb":
            texts = as_bytes(text_values(values, type_))
            return pc.binary_join_element_wise(b"\x01", texts, b"")
        case "bytea":
            return as_bytes(values)
        case _:
            raise BadValue(NOT_SUPPORTED, f"{type_.name} has no binary form here", "ask for the column in text")


def _fixed(values: pa.Array, width: int, kind: str = "i", less: int = 0) -> pa.Array:
    gone = missing(values)
    numbers: NDArray[np.generic] = (values.fill_null(0) if gone is not None else values).to_numpy(zero_copy_only=False)
    return fixed(big_endian(numbers - less if less else numbers, width, kind), gone)
