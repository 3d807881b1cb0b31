"""The encoding of protocol buffers, as far as Flight SQL needs it.

A message is a dataclass: its first field has the number 1, the next one 2, and so on. A field is a text, bytes, a
whole number, a boolean, a message, several of one of these (``tuple[str, ...]``), or, with ``| None``, one that tells
"not sent" from "empty". Fields with other numbers are skipped, as the format wants it.

Whatever a client sends, decoding ends with a message or with :class:`Malformed`, and takes memory in proportion to
what was sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import fields
from functools import cache
from types import NoneType
from typing import Any, ClassVar, Protocol, TypeVar, cast, get_args, get_origin, get_type_hints

_VARINT, _FIXED_64, _BYTES, _FIXED_32 = 0, 1, 2, 5
_VARINT_BYTES_MAX = 10
_NUMBER_MAX = (1 << 29) - 1
_DEPTH_MAX = 8


class Message(Protocol):
    """A dataclass whose fields are those of a message."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


M = TypeVar("M", bound=Message)


class Malformed(ValueError):  # noqa: N818  it says what the bytes are
    """Bytes that are no such message."""


def decode(kind: type[M], data: bytes, depth: int = 0) -> M:
    """Return the message that the bytes are."""
    if depth > _DEPTH_MAX:
        raise Malformed("messages inside messages are too deep")
    shapes = _shapes(kind)
    found: dict[str, Any] = {}
    several: dict[str, list[object]] = {}
    for number, value in _fields(data):
        shape = shapes.get(number)
        if shape is None:
            continue
        name, inner, repeated = shape
        if not repeated:
            found[name] = _value(inner, value, depth)
        elif inner is int and isinstance(value, bytes):
            # Repeated numbers are packed into one field.
            several.setdefault(name, []).extend(map(_signed, _varints(value)))
        else:
            several.setdefault(name, []).append(_value(inner, value, depth))
    return kind(**found, **{name: tuple(values) for name, values in several.items()})


def encode(message: Message) -> bytes:
    """Return a message as bytes; fields that are empty or None are left out."""
    pieces: list[bytes] = []
    for number, (name, _, repeated) in _shapes(type(message)).items():
        value = getattr(message, name)
        pieces += [_field(number, one) for one in (value if repeated else (value,)) if repeated or one]
    return b"".join(pieces)


@cache
def _shapes(kind: type[Message]) -> Mapping[int, tuple[str, type, bool]]:
    """Return number to name, type, and whether there may be several, of each field."""
    hints = get_type_hints(kind)
    found: dict[int, tuple[str, type, bool]] = {}
    for number, each in enumerate(fields(cast("Any", kind)), 1):
        hint = hints[each.name]
        repeated = get_origin(hint) is tuple
        inner = next((one for one in get_args(hint) if one not in (NoneType, ...)), hint)
        found[number] = (each.name, inner, repeated)
    return found


def _value(kind: type, value: int | bytes, depth: int) -> object:
    if kind in (int, bool):
        if not isinstance(value, int):
            raise Malformed("bytes stand where a number should")
        return bool(value) if kind is bool else _signed(value)
    if not isinstance(value, bytes):
        raise Malformed("a number stands where bytes should")
    if kind is str:
        try:
            return value.decode()
        except UnicodeDecodeError:
            raise Malformed("a text is not UTF-8") from None
    return value if kind is bytes else decode(kind, value, depth + 1)


def _field(number: int, value: object) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value & (1 << 64) - 1)
    if isinstance(value, str):
        value = value.encode()
    data = value if isinstance(value, bytes) else encode(cast("Message", value))
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def _varint(value: int) -> bytes:
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _varints(data: bytes) -> Iterator[int]:
    place = 0
    while place < len(data):
        value, place = _read_varint(data, place)
        yield value


def _read_varint(data: bytes, place: int) -> tuple[int, int]:
    """Return the number at a place, and the place behind it."""
    value = 0
    for index in range(_VARINT_BYTES_MAX):
        if place + index >= len(data):
            raise Malformed("the message ends inside a number")
        byte = data[place + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, place + index + 1
    raise Malformed("a number is too long")


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """Yield the number and the value of each field: a number, or bytes."""
    place = 0
    while place < len(data):
        tag, place = _read_varint(data, place)
        number, kind = tag >> 3, tag & 7
        if not 0 < number <= _NUMBER_MAX:
            raise Malformed("a field has an impossible number")
        if kind == _VARINT:
            value, place = _read_varint(data, place)
            yield number, value
            continue
        if kind == _BYTES:
            length, place = _read_varint(data, place)
        elif kind in (_FIXED_32, _FIXED_64):
            length = 4 if kind == _FIXED_32 else 8
        else:
            raise Malformed("a field has an unknown type")
        if length > len(data) - place:
            raise Malformed("a field is longer than the message")
        yield number, data[place : place + length]
        place += length
