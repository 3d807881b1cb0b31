"""Values in Postgres' text form, as Arrow arrays of byte strings."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import date, datetime, time, timedelta
from decimal import Decimal

import pyarrow as pa

from btql_server.pgwire.byte_arrays import as_bytes
from btql_server.pgwire.types import TYPES, PgType
from btql_storage.arrow_functions import compute as pc


def text_values(values: pa.Array, type_: PgType) -> pa.Array:
    """Return values as a type's texts, in bytes; null stays null."""
    if isinstance(values, pa.ExtensionArray) and not isinstance(values.type, pa.UuidType):
        values = values.storage
    if pa.types.is_string(values.type):
        return as_bytes(values)
    if pa.types.is_null(values.type):
        return values.cast(pa.binary())
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, b"t", b"f")
    if pa.types.is_integer(values.type):
        return as_bytes(values.cast(pa.string()))
    spelled = [None if value is None else _text(value, type_).encode() for value in values.to_pylist()]
    return pa.array(spelled, pa.binary())


def _text(value: object, type_: PgType) -> str:
    if type_.name in ("json", "jsonb") and not isinstance(value, str):
        return json.dumps(value, default=str, ensure_ascii=False)
    if type_.element and isinstance(value, list):
        return _array(value, TYPES[type_.element])
    for python, spell in _SPELLINGS.items():
        if isinstance(value, python):
            return spell(value)
    return str(value)


def _float(value: float) -> str:
    if value != value:  # noqa: PLR0124 - NaN is the value that is not itself
        return "NaN"
    text = repr(value)
    if text in ("inf", "-inf"):
        return text.replace("inf", "Infinity")
    if value and not 1e-4 <= abs(value) < 1e15 and "e" not in text:
        text = f"{Decimal(text).normalize():e}"
        mantissa, _, exponent = text.partition("e")
        return f"{mantissa}e{int(exponent):+03}"
    return text.removesuffix(".0")


def _datetime(value: datetime) -> str:
    text = value.strftime("%Y-%m-%d %H:%M:%S").rjust(19, "0")
    text += f".{value.microsecond:06}".rstrip("0") if value.microsecond else ""
    return text if value.tzinfo is None else f"{text}+00"


def _time(value: time) -> str:
    text = value.strftime("%H:%M:%S")
    return text + (f".{value.microsecond:06}".rstrip("0") if value.microsecond else "")


def _array(items: list[object], element: PgType) -> str:
    return "{" + ",".join("NULL" if item is None else _quoted(_text(item, element)) for item in items) + "}"


def _quoted(text: str) -> str:
    if text and text.upper() != "NULL" and not any(char in '"\\{}, \t\n\r\v\f' for char in text):
        return text
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


_SPELLINGS: Mapping[type, Callable[..., str]] = {
    bool: lambda value: "t" if value else "f",
    float: _float,
    bytes: lambda value: "\\x" + value.hex(),
    datetime: _datetime,
    date: date.isoformat,
    time: _time,
    timedelta: str,
    Decimal: lambda value: format(value, "f"),
}
