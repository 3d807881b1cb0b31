"""Values in Postgres' binary form: whole numbers and floats most significant byte first, times since the year 2000."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from decimal import Decimal

import pyarrow as pa

from btql_server.pgwire.bad_value import NOT_SUPPORTED, OUT_OF_RANGE, BadValue
from btql_server.pgwire.byte_arrays import (
    Encoded,
    big_endian,
    bits_of,
    encoded,
    lengths,
    missing_of,
    numbers_of,
    of_array,
)
from btql_server.pgwire.fitting import fitted
from btql_server.pgwire.interval import read_interval
from btql_server.pgwire.text_times import DAY_US, microseconds
from btql_server.pgwire.text_values import list_like, text_values
from btql_server.pgwire.types import TEXT_LIKE, TYPES, PgType, is_list
from btql_storage.arrow_functions import compute as pc
from btql_storage.later import np

EPOCH_DAYS = 10_957
"""Days from 1970-01-01 to 2000-01-01, where Postgres counts from."""
EPOCH_US = EPOCH_DAYS * DAY_US


def binary_values(values: pa.Array, type_: PgType) -> Encoded:
    """Return values in a type's binary form; null stays null."""
    if type_.oid in TEXT_LIKE:
        return text_values(values, type_)
    found = fitted(values, type_)
    if found.null_count == len(found):
        return of_array(pa.nulls(len(found), pa.binary()))
    if type_.element and is_list(found.type):
        return _arrays(found, type_)
    way = _WAYS.get(type_.name)
    if way is None:
        raise BadValue(NOT_SUPPORTED, f"no binary output function available for type {type_.name}", "ask for text")
    return way(found)


def _booleans(values: pa.Array) -> Encoded:
    return encoded([bits_of(values).view(np.uint8).reshape(-1, 1)], missing_of(values))


def _numbers(width: int, kind: str = "i") -> Callable[[pa.Array], Encoded]:
    def encode(values: pa.Array) -> Encoded:
        numbers = numbers_of(values)
        if kind != "f" and (numbers.dtype.itemsize > width or numbers.dtype.kind != kind):
            limits = np.iinfo(f"{kind}{width}")
            if len(numbers) and (numbers.min() < limits.min or numbers.max() > limits.max):
                raise BadValue(OUT_OF_RANGE, f"a number does not fit into {width} bytes")
        return encoded([big_endian(numbers, width, kind)], missing_of(values))

    return encode


def _instants(values: pa.Array) -> Encoded:
    return encoded([big_endian(microseconds(values) - EPOCH_US, 8)], missing_of(values))


def _dates(values: pa.Array) -> Encoded:
    days = numbers_of(values.cast(pa.int32()))
    return encoded([big_endian(days - EPOCH_DAYS, 4)], missing_of(values))


def _times(values: pa.Array) -> Encoded:
    micros = values.cast(pa.time64("us"), safe=False).cast(pa.int64())
    return encoded([big_endian(numbers_of(micros), 8)], missing_of(values))


def _intervals(values: pa.Array) -> Encoded:
    texts = values if pa.types.is_string(values.type) else text_values(values, TYPES[1186]).array()
    packed = [None if each is None else _interval(each) for each in texts.cast(pa.string()).to_pylist()]
    return of_array(pa.array(packed, pa.binary()))


def _interval(text: str) -> bytes:
    months, days, micros = read_interval(text)
    return struct.pack("!qii", micros, days, months)


def _numerics(values: pa.Array) -> Encoded:
    texts = text_values(values, TYPES[1700]).array().cast(pa.string()).to_pylist()
    return of_array(pa.array([None if each is None else numeric(each) for each in texts], pa.binary()))


def numeric(text: str) -> bytes:
    """Return a decimal number as Postgres packs it: groups of four digits, and where the point stands."""
    sign, digits, exponent = Decimal(text).as_tuple()
    if not isinstance(exponent, int):
        special = {"n": 0xC000, "N": 0xC000, "F": 0xF000 if sign else 0xD000}[exponent]
        return struct.pack("!HhHH", 0, 0, special, 0)
    shown = "".join(map(str, digits)) + "0" * max(exponent, 0)
    scale = max(-exponent, 0)
    whole, fraction = (shown[:-scale], shown[-scale:].rjust(scale, "0")) if scale else (shown, "")
    whole = whole.lstrip("0")
    whole = whole.rjust(-(-len(whole) // 4) * 4, "0")
    fraction = fraction.ljust(-(-len(fraction) // 4) * 4, "0")
    groups = [int((whole + fraction)[start : start + 4]) for start in range(0, len(whole) + len(fraction), 4)]
    weight = len(whole) // 4 - 1
    while groups and not groups[0]:
        groups.pop(0)
        weight -= 1
    while groups and not groups[-1]:
        groups.pop()
    weight = weight if groups else 0
    return struct.pack(f"!HhHH{len(groups)}H", len(groups), weight, 0x4000 * sign if groups else 0, scale, *groups)


def _json(values: pa.Array) -> Encoded:
    return of_array(pc.binary_join_element_wise(b"\x01", values.cast(pa.binary()), b""))


def _arrays(values: pa.Array, type_: PgType) -> Encoded:
    """Return lists: a head of dimensions, and the elements with their lengths."""
    flat = binary_values(values.flatten(), TYPES[type_.element]).array()
    sizes = big_endian(lengths(flat), 4)
    elements = pc.binary_join_element_wise(
        encoded([sizes]).array(), flat, b"", null_handling="replace", null_replacement=b""
    )
    lists = list_like(values, elements)
    counts = pc.fill_null(pc.list_value_length(lists), 0).to_numpy(zero_copy_only=False)
    missing = missing_of(values)
    gone = np.concatenate([np.zeros(1, np.int64), np.cumsum(flat.is_null().to_numpy(zero_copy_only=False))])
    ends = np.concatenate([np.zeros(1, np.int64), np.cumsum(counts)])
    has_null = gone[ends[1:]] > gone[ends[:-1]]
    lower = 0 if type_.name.endswith("vector") else 1
    heads = [
        struct.pack("!iiIii", 1, null, type_.element, count, lower)
        if count
        else struct.pack("!iiI", 0, 0, type_.element)
        for count, null in zip(counts.tolist(), has_null.tolist(), strict=True)
    ]
    head = pa.array(heads, pa.binary(), mask=missing)
    return of_array(pc.binary_join_element_wise(head, pc.binary_join(lists, b""), b""))


_WAYS: Mapping[str, Callable[[pa.Array], Encoded]] = {
    "bool": _booleans,
    "int2": _numbers(2),
    "int4": _numbers(4),
    "int8": _numbers(8),
    "oid": _numbers(4, "u"),
    "xid": _numbers(4, "u"),
    "cid": _numbers(4, "u"),
    "float4": _numbers(4, "f"),
    "float8": _numbers(8, "f"),
    "timestamp": _instants,
    "timestamptz": _instants,
    "date": _dates,
    "time": _times,
    "interval": _intervals,
    "numeric": _numerics,
    "jsonb": _json,
    "bytea": of_array,
    "uuid": of_array,
}
