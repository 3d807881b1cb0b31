"""Values that clients send: of parameters, and of rows that come in by COPY, in text or in binary."""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from uuid import UUID

from btql_server.pgwire.bad_value import (
    INVALID_BINARY,
    INVALID_TEXT,
    NOT_SUPPORTED,
    NOT_UTF8,
    BadValue,
)
from btql_server.pgwire.types import TYPES, PgType
from btql_storage import json_text

BINARY = 1
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)
_TRUE = ("t", "true", "y", "yes", "on", "1")
_FALSE = ("f", "false", "n", "no", "off", "0")


def decode_parameter(oid: int, form: int, data: bytes, number: int | None = None) -> object:
    """Return the value of a parameter, for :meth:`btql.database.Database.query`; ``number`` is its own, from 1."""
    try:
        return decode(oid, form, data)
    except BadValue as error:
        if number is None:
            raise
        message = f"{error.message} (parameter ${number})"
        raise BadValue(error.sqlstate, message, error.hint, f"parameter ${number}") from None


def decode(oid: int, form: int, data: bytes) -> object:
    """Return a value."""
    type_ = TYPES.get(oid)
    return _from_binary(type_, oid, bytes(data)) if form == BINARY else _from_text(type_, _utf8(data))


def _utf8(data: bytes) -> str:
    try:
        return bytes(data).decode()
    except UnicodeDecodeError as error:
        byte = data[error.start]
        raise BadValue(NOT_UTF8, f'invalid byte sequence for encoding "UTF8": 0x{byte:02x}') from None


def _from_text(type_: PgType | None, text: str) -> object:
    read = _TEXTS.get(type_.name) if type_ is not None else None
    if read is None or type_ is None:
        return text
    try:
        return read(text)
    except (ValueError, InvalidOperation, ArithmeticError):
        raise BadValue(INVALID_TEXT, f'invalid input syntax for type {type_.name}: "{text[:100]}"') from None


def _from_binary(type_: PgType | None, oid: int, data: bytes) -> object:
    if type_ is None and oid != 0:
        raise BadValue(NOT_SUPPORTED, f"values of type {oid} cannot be read in binary", "send them as text")
    read = _BINARIES.get(type_.name) if type_ is not None else None
    if read is None or type_ is None:
        return _utf8(data)
    try:
        return read(data)
    except (ValueError, struct.error, OverflowError):
        raise BadValue(INVALID_BINARY, f"incorrect binary data for type {type_.name}") from None


def _bool(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(text)


def _timestamp(text: str) -> datetime:
    return datetime.fromisoformat(text.strip())


_TEXTS: Mapping[str, Callable[[str], object]] = {
    "bool": _bool,
    "int2": int,
    "int4": int,
    "int8": int,
    "oid": int,
    "float4": float,
    "float8": float,
    "numeric": Decimal,
    "json": lambda text: json_text.parse(text.encode()),
    "jsonb": lambda text: json_text.parse(text.encode()),
    "timestamp": _timestamp,
    "timestamptz": _timestamp,
    "date": lambda text: date.fromisoformat(text.strip()),
    "uuid": UUID,
}


def _unpacked(form: str) -> Callable[[bytes], object]:
    packed = struct.Struct(form)
    return lambda data: packed.unpack(data)[0]


_BINARIES: Mapping[str, Callable[[bytes], object]] = {
    "bool": _unpacked("!?"),
    "int2": _unpacked("!h"),
    "int4": _unpacked("!i"),
    "int8": _unpacked("!q"),
    "oid": _unpacked("!I"),
    "float4": _unpacked("!f"),
    "float8": _unpacked("!d"),
    "timestamp": lambda data: _EPOCH + timedelta(microseconds=struct.unpack("!q", data)[0]),
    "timestamptz": lambda data: _EPOCH + timedelta(microseconds=struct.unpack("!q", data)[0]),
    "date": lambda data: _EPOCH.date() + timedelta(days=struct.unpack("!i", data)[0]),
    "uuid": lambda data: UUID(bytes=data),
    "json": json_text.parse,
    "jsonb": lambda data: json_text.parse(data[1:]),
}
