"""The encoding of protocol buffers, as far as it takes to part a message into its fields, whatever they mean.

The engine's plans are such messages (:mod:`btql.execution.parquet_scan`). In the server Flight SQL makes its own of
them; OpenTelemetry's, for which there is a library, are taken apart so where that gives up.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

VARINT, BYTES = 0, 2
_FIXED = {1: 8, 5: 4}
"""Bytes of the types that have always as many."""
_VARINT_BYTES_MAX = 10
_NUMBER_MAX = (1 << 29) - 1


class Malformed(ValueError):  # noqa: N818  it says what the bytes are
    """Bytes that are no such message."""


class Field(NamedTuple):
    """One field of a message."""

    number: int
    whole: memoryview
    """All of it, with its number."""
    value: int | memoryview
    """A number of variable length, or bytes."""
    content: memoryview | None
    """Its text, bytes or message; None for a number of any length."""


def fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message; :class:`Malformed` for what is none. Nothing is copied."""
    place = 0
    while place < len(message):
        start = place
        tag, place = read_varint(message, place)
        number, kind = tag >> 3, tag & 7
        if not 0 < number <= _NUMBER_MAX:
            raise Malformed("a field has an impossible number")
        if kind == VARINT:
            value, place = read_varint(message, place)
            yield Field(number, message[start:place], value, None)
            continue
        if kind == BYTES:
            length, place = read_varint(message, place)
        elif kind in _FIXED:
            length = _FIXED[kind]
        else:
            raise Malformed("a field has an unknown type")
        if length > len(message) - place:
            raise Malformed("a field is longer than the message")
        content = message[place : place + length]
        place += length
        yield Field(number, message[start:place], content, content if kind == BYTES else None)


def contents(message: memoryview, number: int) -> Iterator[memoryview]:
    """Yield what the fields of one number have: texts, bytes or messages."""
    for field in fields(message):
        if field.number == number and field.content is not None:
            yield field.content


def without(message: memoryview, *numbers: int) -> bytes:
    """Return a message without the fields of some numbers."""
    return b"".join(field.whole for field in fields(message) if field.number not in numbers)


def number_field(number: int, value: int) -> bytes:
    """Return a field with a number that is not negative."""
    return varint(number << 3 | VARINT) + varint(value)


def bytes_field(number: int, content: bytes) -> bytes:
    """Return a field with a text, bytes or a message."""
    return varint(number << 3 | BYTES) + varint(len(content)) + content


def varint(value: int) -> bytes:
    """Return a number that is not negative as it is written, with as many bytes as it needs."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    found.append(value)
    return bytes(found)


def read_varint(message: memoryview, place: int) -> tuple[int, int]:
    """Return the number at a place, and the place behind it."""
    value = 0
    for index in range(_VARINT_BYTES_MAX):
        if place + index >= len(message):
            raise Malformed("the message ends inside a number")
        byte = message[place + index]
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            if value >= 1 << 64:
                break
            return value, place + index + 1
    raise Malformed("a number is too long")
