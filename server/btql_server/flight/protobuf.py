"""Messages of protocol buffers, as far as Flight SQL needs them; :mod:`btql.wire` has their encoding.

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

from btql import wire
from btql.wire import Malformed

_DEPTH_MAX = 8


class Message(Protocol):
    """A dataclass whose fields are those of a message."""

    __dataclass_fields__: ClassVar[dict[str, Any]]


M = TypeVar("M", bound=Message)


def decode(kind: type[M], data: bytes, depth: int = 0) -> M:
    """Return the message that the bytes are."""
    if depth > _DEPTH_MAX:
        raise Malformed("messages inside messages are too deep")
    shapes = _shapes(kind)
    found: dict[str, Any] = {}
    several: dict[str, list[object]] = {}
    for field in wire.fields(memoryview(data)):
        shape = shapes.get(field.number)
        if shape is None:
            continue
        value = field.value if isinstance(field.value, int) else bytes(field.value)
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
        return wire.number_field(number, value & (1 << 64) - 1)
    if isinstance(value, str):
        value = value.encode()
    return wire.bytes_field(number, value if isinstance(value, bytes) else encode(cast("Message", value)))


def _signed(value: int) -> int:
    return value - (1 << 64) if value >= 1 << 63 else value


def _varints(data: bytes) -> Iterator[int]:
    place = 0
    while place < len(data):
        value, place = wire.read_varint(memoryview(data), place)
        yield value
