"""Values that clients send: of parameters, and of rows that come in by COPY, in text or in binary.

A value becomes what :mod:`btql_grammar.parameters` takes: JSON becomes lists and dictionaries, an array a list, an
interval of months a cast. What a client declares no type for is text.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import cache
from uuid import UUID

from btql_grammar.parameters import JsonText
from btql_server.pgwire.array_text import read_array
from btql_server.pgwire.bad_value import (
    INVALID_BINARY,
    INVALID_TEXT,
    NOT_SUPPORTED,
    OUT_OF_RANGE,
    TIME_OUT_OF_RANGE,
    BadValue,
    utf8,
)
from btql_server.pgwire.read_text import READERS, interval_value, spoken
from btql_server.pgwire.types import TYPES, PgType
from btql_storage import json_text

BINARY = 1
_JSON = frozenset(oid for oid, type_ in TYPES.items() if type_.name in ("json", "jsonb"))
Convert = Callable[[bytes], object]
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TEXT_MAX = 60
_DIMENSIONS_MAX = 6
_NUMERIC_SPECIALS = {0xC000: "NaN", 0xD000: "Infinity", 0xF000: "-Infinity"}


def decode_parameter(oid: int, form: int, data: bytes, number: int | None = None) -> object:
    """Return the value of a parameter, for :meth:`btql.database.Database.query`; ``number`` is its own, from 1."""
    try:
        value = converter(oid, form)(bytes(data))
    except BadValue as error:
        if number is None:
            raise
        message = f"{error.message} (parameter ${number})"
        raise BadValue(error.sqlstate, message, error.hint, f"parameter ${number}") from None
    # Drivers cast what they send (`$1::jsonb`), and it must not be read as JSON twice.
    return JsonText(value) if isinstance(value, str) and oid in _JSON else value


@cache
def converter(oid: int, form: int) -> Convert:
    """Return what reads the values of a type."""
    type_ = TYPES.get(oid)
    if form == BINARY:
        if type_ is None and oid:
            raise BadValue(NOT_SUPPORTED, f"values of type {oid} cannot be read in binary", "send them as text")
        return _binary(type_) if type_ is not None else utf8
    return _text(type_) if type_ is not None else utf8


def _text(type_: PgType) -> Convert:
    """Return what reads values of a type in text."""
    if type_.name.endswith("vector"):
        read_each = _reading(TYPES[type_.element])
        return lambda data: [read_each(each) for each in utf8(data).split()]
    if type_.element:
        read_one = _reading(TYPES[type_.element])
        return lambda data: read_array(utf8(data), read_one)
    if type_.name not in READERS:
        return utf8
    read = _reading(type_)
    return lambda data: read(utf8(data))


def _reading(type_: PgType) -> Callable[[str], object]:
    read = READERS.get(type_.name)
    if read is None:
        return str

    def checked(text: str) -> object:
        try:
            return read(text)
        except BadValue:
            raise
        except OverflowError:
            message = f'value "{text[:_TEXT_MAX]}" is out of range for type {spoken(type_)}'
            state = TIME_OUT_OF_RANGE if type_.name in ("timestamp", "timestamptz", "date") else OUT_OF_RANGE
            raise BadValue(state, message) from None
        except (ValueError, ArithmeticError):
            shown = text[:_TEXT_MAX]
            raise BadValue(INVALID_TEXT, f'invalid input syntax for type {spoken(type_)}: "{shown}"') from None

    return checked


def _binary(type_: PgType) -> Convert:
    """Return what reads values of a type in binary."""
    read = _array if type_.element else _BINARIES.get(type_.name)
    if read is None:
        return utf8

    def checked(data: bytes) -> object:
        try:
            return read(data)
        except OverflowError:
            message = f"{spoken(type_)} out of range: years from 1 to 9999 can be told apart"
            raise BadValue(TIME_OUT_OF_RANGE, message) from None
        except (ValueError, struct.error, IndexError):
            raise BadValue(INVALID_BINARY, f"incorrect binary data format for type {spoken(type_)}") from None

    return checked


def _unpacked(form: str) -> Convert:
    packed = struct.Struct(form)
    return lambda data: packed.unpack(data)[0]


def _boolean(data: bytes) -> bool:
    (value,) = struct.unpack("!?", data)
    return bool(value)


def _instant(data: bytes) -> datetime:
    (micros,) = struct.unpack("!q", data)
    return _EPOCH + timedelta(microseconds=micros)


def _date(data: bytes) -> object:
    (days,) = struct.unpack("!i", data)
    return (_EPOCH + timedelta(days=days)).date()


def _time(data: bytes) -> str:
    from btql_planner.intervals import clock
    from btql_server.pgwire.text_times import DAY_US

    (micros,) = struct.unpack("!q", data)
    if not 0 <= micros <= DAY_US:
        raise ValueError(micros)
    return clock(micros)


def _time_with_zone(data: bytes) -> str:
    time, west = struct.unpack("!8si", data)
    hours, rest = divmod(abs(west), 3_600)
    minutes, seconds = divmod(rest, 60)
    return f"{_time(time)}{'-' if west > 0 else '+'}{hours:02}:{minutes:02}" + (f":{seconds:02}" if seconds else "")


def _interval(data: bytes) -> object:
    micros, days, months = struct.unpack("!qii", data)
    return interval_value(months, days, micros)


def _numeric(data: bytes) -> Decimal:
    count, weight, sign, scale = struct.unpack_from("!HhHH", data)
    if sign in _NUMERIC_SPECIALS:
        return Decimal(_NUMERIC_SPECIALS[sign])
    groups = struct.unpack(f"!{count}H", data[8:])
    if sign not in (0, 0x4000) or any(group > 9_999 for group in groups):
        raise ValueError(sign)
    digits = "".join(f"{group:04}" for group in groups) or "0"
    exponent = 4 * (weight + 1 - count) if count else 0
    # What stands behind the last digit of its scale is padding, and zeros may be missing.
    digits += "0" * max(scale + exponent, 0)
    digits = digits[: len(digits) - max(-exponent - scale, 0)] or "0"
    return Decimal(f"{'-' if sign else ''}{digits}E{-scale}")


def _jsonb(data: bytes) -> object:
    if data[:1] != b"\x01":
        version = data[0] if data else 0
        raise BadValue(INVALID_BINARY, f"unsupported jsonb version number {version}")
    return json_text.parse(data[1:])


def _array(data: bytes) -> list[object]:
    """Return an array: a head with its dimensions, then each element with its length."""
    dimensions, _, element = struct.unpack_from("!iiI", data)
    if not 0 <= dimensions <= _DIMENSIONS_MAX:
        raise ValueError(dimensions)
    counts = [struct.unpack_from("!i", data, 12 + 8 * each)[0] for each in range(dimensions)]
    read = converter(element, BINARY)
    place = 12 + 8 * dimensions
    found: list[object] = []
    total = 1
    for count in counts:
        total *= count
    if not dimensions or not 0 <= total <= len(data) // 4:
        if total < 0 or total > len(data) // 4:
            raise ValueError(total)
        return []
    for _each in range(total):
        (size,) = struct.unpack_from("!i", data, place)
        place += 4
        if size < -1 or place + size > len(data):
            raise ValueError(size)
        found.append(None if size < 0 else read(data[place : place + size]))
        place += max(size, 0)
    if place != len(data):
        raise ValueError(place)
    for count in reversed(counts[1:]):
        found = [found[start : start + count] for start in range(0, len(found), count)]
    return found


_BINARIES: Mapping[str, Convert] = {
    "bool": _boolean,
    "int2": _unpacked("!h"),
    "int4": _unpacked("!i"),
    "int8": _unpacked("!q"),
    "oid": _unpacked("!I"),
    "xid": _unpacked("!I"),
    "cid": _unpacked("!I"),
    "float4": _unpacked("!f"),
    "float8": _unpacked("!d"),
    "timestamp": _instant,
    "timestamptz": _instant,
    "date": _date,
    "time": _time,
    "timetz": _time_with_zone,
    "interval": _interval,
    "numeric": _numeric,
    "bytea": lambda data: "\\x" + data.hex(),
    "uuid": lambda data: UUID(bytes=data),
    "json": json_text.parse,
    "jsonb": _jsonb,
}
