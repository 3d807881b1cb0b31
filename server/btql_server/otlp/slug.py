"""Exported spans: the text that ``span.export()`` of an SDK gives, naming an object and perhaps a span in it.

It is base64 of bytes: a version, the kind of object, then

- version 1: flags (a span follows; its row id is a UUID), the object's UUID, and of a span: its id, its root's
  id, its row id;
- version 2: flags (object id; arguments; span; row id is a UUID), then each that is there. Arguments are JSON
  after four bytes of length;
- versions 3 and 4: a count, that many fields (a number and the id's bytes), and JSON with what is left. Version 3
  has UUIDs there, version 4 the hexadecimal ids of OpenTelemetry.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar, cast
from uuid import UUID

import msgspec

from btql_storage.surrogates import mended

T = TypeVar("T")
KINDS = {1: "experiment", 2: "project_logs", 3: "playground_logs"}
_FIELDS = {1: "object_id", 2: "row_id", 3: "span_id", 4: "root_span_id"}


@dataclass(frozen=True, slots=True)
class Exported:
    """What an exported span says."""

    kind: str
    """Of the object, as storage has it."""
    object_id: str | None
    arguments: dict[str, object]
    """Where there is no id: what the object is found by, such as ``project_name``."""
    span_id: str | None = None
    """None where only the object is meant."""
    root_span_id: str | None = None
    propagated_event: dict[str, object] | None = None
    """What each span below it takes over."""


class _Rest(msgspec.Struct):
    """The JSON at the end of versions 3 and 4; other keys are ignored."""

    object_id: str | None = None
    row_id: str | None = None
    span_id: str | None = None
    root_span_id: str | None = None
    compute_object_metadata_args: dict[str, object] | None = None
    propagated_event: dict[str, object] | None = None


# Made by one thread: msgspec learns what a Struct is when it is first decoded, and two at once would crash.
_rest = msgspec.json.Decoder(_Rest).decode
_arguments = msgspec.json.Decoder(dict[str, object]).decode


class _Reader:
    """Takes pieces off the front of some bytes; ValueError where they end too early."""

    def __init__(self, raw: bytes) -> None:
        self._raw = raw
        self._place = 0

    def take(self, size: int) -> bytes:
        piece = self._raw[self._place : self._place + size]
        if len(piece) < size:
            raise ValueError("it is cut short")
        self._place += size
        return piece

    def byte(self) -> int:
        return self.take(1)[0]

    def uuid(self) -> str:
        return str(UUID(bytes=self.take(16)))

    def rest(self) -> bytes:
        return self.take(len(self._raw) - self._place)


def parse_exported(text: str) -> Exported:
    """Return what an exported span says; ValueError for any other text."""
    try:
        reader = _Reader(base64.b64decode(text, validate=True))
        version, kind = reader.byte(), KINDS.get(reader.byte())
        read = _VERSIONS.get(version)
        if read is None or kind is None:
            raise ValueError("its version or its kind of object is not known")
        exported = read(reader, kind)
    except (binascii.Error, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(str(error)) from None
    if exported.object_id is None and not exported.arguments:
        raise ValueError("it names no object")
    if (exported.span_id is None) != (exported.root_span_id is None):
        raise ValueError("it has a span without its trace")
    return exported


def _version_1(reader: _Reader, kind: str) -> Exported:
    has_span, _ = reader.byte(), reader.byte()
    object_id = reader.uuid()
    return Exported(kind, object_id, {}, *_two_ids(reader, has_span))


def _version_2(reader: _Reader, kind: str) -> Exported:
    has_id, has_arguments, has_span, _ = reader.take(4)
    object_id = reader.uuid() if has_id else None
    arguments: dict[str, object] = {}
    if has_arguments:
        size = int.from_bytes(reader.take(4), "big")
        arguments = _decoded(_arguments, reader.take(size))
    return Exported(kind, object_id, arguments, *_two_ids(reader, has_span))


def _decoded(decode: Callable[[bytes], T], text: bytes) -> T:
    try:
        return decode(text)
    except msgspec.DecodeError:
        whole = mended(text)
        if whole is None:
            raise
        return decode(whole)


def _two_ids(reader: _Reader, has_span: int) -> tuple[str | None, str | None]:
    return (reader.uuid(), reader.uuid()) if has_span else (None, None)


def _version_3(reader: _Reader, kind: str) -> Exported:
    return _with_fields(reader, kind, lambda _: reader.uuid())


def _version_4(reader: _Reader, kind: str) -> Exported:
    return _with_fields(reader, kind, lambda name: reader.take(8 if name == "span_id" else 16).hex())


def _with_fields(reader: _Reader, kind: str, read_id: Callable[[str], str]) -> Exported:
    ids: dict[str, str | None] = {}
    for _ in range(reader.byte()):
        name = _FIELDS.get(reader.byte())
        if name is None:
            raise ValueError("it has a field that is not known")
        ids[name] = read_id(name)
    rest = _decoded(_rest, reader.rest() or b"{}")

    def found(name: str) -> str | None:
        return cast("str | None", getattr(rest, name)) or ids.get(name)

    arguments = rest.compute_object_metadata_args or {}
    return Exported(kind, found("object_id"), arguments, found("span_id"), found("root_span_id"), rest.propagated_event)


_VERSIONS: dict[int, Callable[[_Reader, str], Exported]] = {
    1: _version_1,
    2: _version_2,
    3: _version_3,
    4: _version_4,
}
