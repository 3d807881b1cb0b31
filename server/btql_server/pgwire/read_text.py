"""Values in Postgres' text form, read: what a client, or a line of a COPY, may write for each type."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from uuid import UUID

from btql_grammar import build, tree
from btql_grammar.span import Span
from btql_server.pgwire.bad_value import BAD_TIME, TIME_OUT_OF_RANGE, BadValue
from btql_server.pgwire.interval import read_interval
from btql_server.pgwire.types import PgType
from btql_storage import json_text

_SPOKEN = {
    "bool": "boolean",
    "int2": "smallint",
    "int4": "integer",
    "int8": "bigint",
    "float4": "real",
    "float8": "double precision",
    "timestamp": "timestamp",
    "timestamptz": "timestamp with time zone",
    "json": "json",
    "jsonb": "json",
}
"""What Postgres calls types in its messages."""
_ANY_CASE = re.IGNORECASE | re.ASCII
_WHOLE = re.compile(r"\s*[+-]?[0-9]+\s*", re.ASCII)
_FLOAT = re.compile(r"\s*[+-]?(?:(?:[0-9]++(?:\.[0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?|inf(?:inity)?|nan)\s*", _ANY_CASE)
_DATE = r"(\d{4,6})-(\d\d?)-(\d\d?)"
_CLOCK = r"(\d\d?):(\d\d)(?::(\d\d)(?:\.(\d+))?)?"
_ZONE = r"(z|utc|gmt|[+-]\d\d?(?::?\d\d(?::?\d\d)?)?)"
_INSTANT = re.compile(rf"\s*{_DATE}(?:[ T]+{_CLOCK})?\s*{_ZONE}?\s*(bc|ad)?\s*", _ANY_CASE)
_TIME = re.compile(rf"\s*{_CLOCK}\s*{_ZONE}?\s*", _ANY_CASE)
_TRUE = ("t", "tr", "tru", "true", "y", "ye", "yes", "on", "1")
_FALSE = ("f", "fa", "fal", "fals", "false", "n", "no", "of", "off", "0")
_LONGEST = 128
"""Characters of a time. Spaces may be in many places of one, and a long text of them is not tried in all those ways."""
_WAY_OUT = "write it as 2024-02-29 12:00:00.5+00"
_NOWHERE = Span(0, 0)


def spoken(type_: PgType) -> str:
    """Return what Postgres calls a type in its messages."""
    return _SPOKEN.get(type_.name, type_.name)


def _boolean(text: str) -> bool:
    word = text.strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise ValueError(text)


def _whole(bits: int, *, signed: bool = True) -> Callable[[str], int]:
    lowest, highest = (-(1 << bits - 1), (1 << bits - 1) - 1) if signed else (0, (1 << bits) - 1)

    def read(text: str) -> int:
        if not _WHOLE.fullmatch(text):
            raise ValueError(text)
        if len(text) > bits or not lowest <= (number := int(text)) <= highest:
            raise OverflowError(text)
        return number

    return read


def _float(text: str) -> float:
    if not _FLOAT.fullmatch(text):
        raise ValueError(text)
    number = float(text)
    if number in (float("inf"), float("-inf")) and "inf" not in text.lower():
        raise OverflowError(text)
    return number


def _numeric(text: str) -> Decimal:
    if not _FLOAT.fullmatch(text):
        raise ValueError(text)
    return Decimal(text.strip())


def _json(text: str) -> object:
    return json_text.parse(text.encode())


def instant(text: str) -> datetime:
    """Return an instant in ISO's form, with or without a zone."""
    text = text.strip()
    found = _INSTANT.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        if text.lower() == "epoch":
            return datetime(1970, 1, 1, tzinfo=UTC)
        if text.lower() in ("infinity", "-infinity"):
            raise OverflowError(text)
        raise BadValue(BAD_TIME, f'invalid input syntax for type timestamp: "{text[:60]}"', _WAY_OUT)
    year, month, day, hour, minute, second, fraction, zone, era = found.groups()
    if int(year) > 9_999 or (era or "").lower() == "bc":
        raise OverflowError(text)
    micros = round(int((fraction or "0")[:9].ljust(9, "0")) / 1_000)
    seconds = int(second or 0)
    try:
        whole = datetime(int(year), int(month), int(day), tzinfo=_zone(zone))
        time(int(hour or 0) % 24, int(minute or 0), min(seconds, 59))
    except ValueError:
        raise _out_of_range(text) from None
    if int(hour or 0) > 24 or seconds > 60:
        raise _out_of_range(text)
    return whole + timedelta(hours=int(hour or 0), minutes=int(minute or 0), seconds=seconds, microseconds=micros)


def _out_of_range(text: str) -> BadValue:
    return BadValue(TIME_OUT_OF_RANGE, f'date/time field value out of range: "{text[:60]}"', _WAY_OUT)


def _zone(text: str | None) -> timezone | None:
    if text is None:
        return None
    if text[0] not in "+-":
        return UTC
    digits = text[1:].replace(":", "")
    hours, minutes, seconds = (int(digits[start : start + 2] or 0) for start in (0, 2, 4))
    away = timedelta(hours=hours, minutes=minutes, seconds=seconds)
    return timezone(-away if text[0] == "-" else away)


def _local(text: str) -> datetime:
    # A timestamp without a zone leaves out one that is written.
    return instant(text).replace(tzinfo=None)


def _date(text: str) -> date:
    return _local(text).date()


def _time(text: str) -> str:
    from btql_planner.intervals import clock

    text = text.strip()
    found = _TIME.fullmatch(text) if len(text) <= _LONGEST else None
    if found is None:
        raise ValueError(text)
    hour, minute, second = (int(each or 0) for each in found.groups()[:3])
    if hour > 24 or minute > 59 or second > 60:
        raise _out_of_range(text)
    micros = int((found[4] or "0")[:6].ljust(6, "0"))
    return clock(((hour * 60 + minute) * 60 + second) * 1_000_000 + micros)


def _interval(text: str) -> object:
    return interval_value(*read_interval(text))


def interval_value(months: int, days: int, micros: int) -> object:
    """Return an interval as a parameter takes it; months have no fixed length, so those are left to the engine."""
    from btql_planner.intervals import shown

    if not months:
        return timedelta(days=days, microseconds=micros)
    text = shown((months, days, micros))
    return build.cast(tree.Literal(text, span=_NOWHERE), "interval", _NOWHERE, _NOWHERE)


def _bytes(text: str) -> str:
    """Return bytes as digits, from these or from the older form with octal numbers."""
    if text.startswith("\\x"):
        return "\\x" + bytes.fromhex(text[2:]).hex()
    found = re.sub(rb"\\(?:\\|([0-3][0-7]{2}))", lambda m: bytes([int(m[1], 8)]) if m[1] else b"\\", text.encode())
    return "\\x" + found.hex()


READERS: Mapping[str, Callable[[str], object]] = {
    "bool": _boolean,
    "int2": _whole(16),
    "int4": _whole(32),
    "int8": _whole(64),
    "oid": _whole(32, signed=False),
    "xid": _whole(32, signed=False),
    "cid": _whole(32, signed=False),
    "float4": _float,
    "float8": _float,
    "numeric": _numeric,
    "json": _json,
    "jsonb": _json,
    "timestamp": _local,
    "timestamptz": instant,
    "date": _date,
    "time": _time,
    "interval": _interval,
    "uuid": UUID,
    "bytea": _bytes,
}
"""How each type is read; ValueError and OverflowError become errors that name the type."""
