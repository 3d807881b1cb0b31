"""The messages that the server sends in Postgres' protocol, as bytes; :mod:`.requests` has those of clients."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from btql_server.pgwire.types import PgType

_INT16 = struct.Struct("!h")
_INT32 = struct.Struct("!i")


def message(kind: bytes, body: bytes = b"") -> bytes:
    """Return a message."""
    return kind + _INT32.pack(len(body) + 4) + body


PARSE_COMPLETE = message(b"1")
BIND_COMPLETE = message(b"2")
CLOSE_COMPLETE = message(b"3")
NO_DATA = message(b"n")
PORTAL_SUSPENDED = message(b"s")
EMPTY_QUERY = message(b"I")
COPY_DONE = message(b"c")
AUTHENTICATED = message(b"R", _INT32.pack(0))
ASK_PASSWORD = message(b"R", _INT32.pack(3))


def ask_sasl(mechanisms: Sequence[str]) -> bytes:
    """Offer ways to authenticate."""
    return message(b"R", _INT32.pack(10) + b"".join(each.encode() + b"\0" for each in mechanisms) + b"\0")


def sasl_continue(data: bytes) -> bytes:
    """Return the middle of an exchange."""
    return message(b"R", _INT32.pack(11) + data)


def sasl_final(data: bytes) -> bytes:
    """Return the end of an exchange that went well."""
    return message(b"R", _INT32.pack(12) + data)


def negotiate(minor: int, unknown: Sequence[str]) -> bytes:
    """Say which version is spoken, and which options are not known."""
    options = b"".join(each.encode() + b"\0" for each in unknown)
    return message(b"v", _INT32.pack(minor) + _INT32.pack(len(unknown)) + options)


def parameter_status(name: str, value: str) -> bytes:
    """Tell the value of a setting."""
    return message(b"S", name.encode() + b"\0" + value.encode() + b"\0")


def backend_key(process: int, secret: bytes) -> bytes:
    """Tell what a CancelRequest has to say."""
    return message(b"K", _INT32.pack(process) + secret)


def ready(status: bytes) -> bytes:
    """Say that the next statement may come: ``I`` outside of a transaction, ``T`` in one, ``E`` in one that failed."""
    return message(b"Z", status)


def complete(tag: str) -> bytes:
    """Say that a statement is done."""
    return message(b"C", tag.encode() + b"\0")


def row_description(names: Sequence[str], types: Sequence[PgType], formats: Sequence[int]) -> bytes:
    """Describe the columns of rows."""
    pieces = [_INT16.pack(len(names))]
    for name, type_, form in zip(names, types, formats, strict=True):
        pieces.append(name.replace("\0", "").encode(errors="replace") + b"\0")
        pieces.append(struct.pack("!ihIhih", 0, 0, type_.oid, type_.size, -1, form))
    return message(b"T", b"".join(pieces))


def parameter_description(types: Sequence[int]) -> bytes:
    """Describe the parameters of a statement."""
    return message(b"t", struct.pack("!H", len(types)) + b"".join(struct.pack("!I", each) for each in types))


def copy_response(kind: bytes, form: int, columns: int) -> bytes:
    """Begin a COPY: ``G`` takes data in, ``H`` sends some."""
    return message(kind, struct.pack("!bh", form, columns) + _INT16.pack(form) * columns)


def copy_data(data: bytes | memoryview) -> bytes:
    """Return a piece of a COPY."""
    return message(b"d", bytes(data))


@dataclass(frozen=True, slots=True)
class Report:
    """What is said about an error, or beside an answer."""

    severity: str
    sqlstate: str
    message: str
    detail: str | None = None
    hint: str | None = None
    position: int | None = None
    """In the text that the client sent: characters, from 1."""
    where: str | None = None
    code: str | None = None
    """That of the error's page, such as ``B0202``."""

    def encoded(self) -> bytes:
        """Return the message."""
        kind = b"E" if self.severity in ("ERROR", "FATAL", "PANIC") else b"N"
        fields = {
            "S": self.severity,
            "V": self.severity,
            "C": self.sqlstate,
            "M": self.message,
            "D": self.detail,
            "H": self.hint,
            "P": None if self.position is None else str(self.position),
            "W": self.where,
            "R": self.code,
        }
        body = b"".join(
            name.encode() + value.replace("\0", "").encode(errors="replace") + b"\0"
            for name, value in fields.items()
            if value
        )
        return message(kind, body + b"\0")
