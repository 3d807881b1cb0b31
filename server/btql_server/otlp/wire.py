"""The encoding of protocol buffers, as far as it takes to part a message into its fields without decoding them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

_BYTES = 2
_VARINT_BYTES_MAX = 10


class Field(NamedTuple):
    """One field of a message."""

    number: int
    whole: memoryview
    """All of it, with its number."""
    content: memoryview | None
    """Its text, bytes or message; None for a number."""


def fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message; ValueError for what is none. Nothing is copied."""
    place = 0
    while place < len(message):
        start = place
        tag, place = _varint(message, place)
        match tag & 7:
            case 0:
                _, end = _varint(message, place)
            case 1:
                end = place + 8
            case 2:
                length, place = _varint(message, place)
                end = place + length
            case 5:
                end = place + 4
            case _:
                raise ValueError("a field has an unknown type")
        if end > len(message):
            raise ValueError("a field is longer than its message")
        yield Field(tag >> 3, message[start:end], message[place:end] if tag & 7 == _BYTES else None)
        place = end


def contents(message: memoryview, number: int) -> Iterator[memoryview]:
    """Yield what the fields of one number have: texts, bytes or messages."""
    for field in fields(message):
        if field.number == number and field.content is not None:
            yield field.content


def without(message: memoryview, *numbers: int) -> bytes:
    """Return a message without the fields of some numbers."""
    return b"".join(field.whole for field in fields(message) if field.number not in numbers)


def _varint(message: memoryview, place: int) -> tuple[int, int]:
    """Return the number at a place, and the place behind it."""
    value = 0
    for index, byte in enumerate(message[place : place + _VARINT_BYTES_MAX]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, place + index + 1
    raise ValueError("a number has no end")
