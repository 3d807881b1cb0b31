"""The messages that clients send in Postgres' protocol, version 3: bytes to what they say. Nothing here reads a socket.

A message is a letter, a length that counts itself, and a body; the first one of a connection has no letter. How long a
message of a kind may be is known before its body is read (:func:`longest`), and a body is read to its end, or it
is refused: nothing that a client sends can do more than raise a :class:`Violation`.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass, field

from btql.errors import Error
from btql_server.pgwire.bad_value import utf8

NEWEST_MINOR = 2
_NEGOTIATIONS = {80877103: "S", 80877104: "G"}
"""What stands where others have the version of the protocol, and the letter of what it asks for."""
_CANCEL = 80877102
STARTUP_BYTES_MAX = 10_000
_SMALL = 10_000
_TEXT_BYTES_MAX = 8 << 20
"""Of a statement: longer ones are refused by the grammar, with an error of their own."""
_BIND_BYTES_MAX = 64 << 20
_COPY_BYTES_MAX = 64 << 20
_LONGEST = {
    ord("Q"): _TEXT_BYTES_MAX,
    ord("P"): _TEXT_BYTES_MAX,
    ord("B"): _BIND_BYTES_MAX,
    ord("d"): _COPY_BYTES_MAX,
    ord("F"): _SMALL,
    **dict.fromkeys(b"CDEHSXcfp", _SMALL),
}
_INT16 = struct.Struct("!h")
_INT32 = struct.Struct("!i")


class Violation(Error):  # noqa: N818  read in `except` clauses
    """A message that is none, or comes out of turn; the connection ends."""

    sqlstate = "08P01"


class NoRoom(Violation):
    """A message that there is no memory for now; the connection ends, as nobody can tell where the next one begins."""

    sqlstate = "53200"


def longest(kind: int) -> int:
    """Return how many bytes the body of a message may have; an unknown kind is a violation."""
    found = _LONGEST.get(kind)
    if found is None:
        raise Violation(f"invalid frontend message type {kind}")
    return found


@dataclass(frozen=True, slots=True)
class Startup:
    """How a session begins."""

    minor: int
    parameters: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True, slots=True)
class CancelRequest:
    """Asks to stop what another session does."""

    process: int
    secret: bytes


@dataclass(frozen=True, slots=True)
class Negotiation:
    """Asks for an encrypted connection: ``S`` by TLS, ``G`` by GSSAPI."""

    what: str


@dataclass(frozen=True, slots=True)
class Parse:
    """Prepare a statement."""

    name: str
    text: str
    types: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Bind:
    """Make a portal of a prepared statement and values for its parameters."""

    portal: str
    statement: str
    formats: tuple[int, ...]
    values: tuple[bytes | None, ...]
    result_formats: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """Describe or close a statement (``S``) or a portal (``P``)."""

    kind: str
    name: str


class _Fields:
    """Reads the fields of one body."""

    def __init__(self, body: bytes) -> None:
        self._body = body
        self._at = 0

    def take(self, size: int) -> bytes:
        if size < 0 or self._at + size > len(self._body):
            raise Violation("insufficient data left in message")
        start, self._at = self._at, self._at + size
        return self._body[start : self._at]

    def rest(self) -> bytes:
        return self.take(len(self._body) - self._at)

    def int16(self) -> int:
        return int(_INT16.unpack(self.take(2))[0])

    def count(self) -> int:
        """Return a count, which is not negative and of things that each take two bytes or more."""
        found = self.int16() & 0xFFFF
        if found * 2 > len(self._body) - self._at:
            raise Violation("insufficient data left in message")
        return found

    def int32(self) -> int:
        return int(_INT32.unpack(self.take(4))[0])

    def text(self) -> str:
        end = self._body.find(b"\0", self._at)
        if end < 0:
            raise Violation("invalid string in message")
        start, self._at = self._at, end + 1
        return utf8(self._body[start:end])

    def end(self) -> None:
        if self._at != len(self._body):
            raise Violation("invalid message format")


def read_first(body: bytes) -> Startup | CancelRequest | Negotiation:
    """Return what the first message of a connection says; ``body`` is what stands behind its length."""
    fields = _Fields(body)
    code = fields.int32()
    if code in _NEGOTIATIONS:
        fields.end()
        return Negotiation(_NEGOTIATIONS[code])
    if code == _CANCEL:
        return CancelRequest(fields.int32(), fields.rest())
    major, minor = code >> 16, code & 0xFFFF
    if major != 3:
        raise Unsupported(f"unsupported frontend protocol {major}.{minor}: server supports 3.0 to 3.{NEWEST_MINOR}")
    return Startup(minor, _parameters(fields))


class Unsupported(Violation):
    """A protocol that is not spoken here."""

    sqlstate = "0A000"


def _parameters(fields: _Fields) -> Mapping[str, str]:
    found: dict[str, str] = {}
    while name := fields.text():
        found[name] = fields.text()
    fields.end()
    return found


def read_text(body: bytes) -> str:
    """Return the text of a Query, or the reason of a CopyFail."""
    fields = _Fields(body)
    found = fields.text()
    fields.end()
    return found


def read_parse(body: bytes) -> Parse:
    """Read a Parse."""
    fields = _Fields(body)
    name, text = fields.text(), fields.text()
    types = tuple(fields.int32() & 0xFFFFFFFF for _ in range(fields.count()))
    fields.end()
    return Parse(name, text, types)


def read_bind(body: bytes) -> Bind:
    """Read a Bind."""
    fields = _Fields(body)
    portal, statement = fields.text(), fields.text()
    formats = tuple(fields.int16() for _ in range(fields.count()))
    values = tuple(_value(fields) for _ in range(fields.count()))
    result_formats = tuple(fields.int16() for _ in range(fields.count()))
    fields.end()
    for each in (*formats, *result_formats):
        if each not in (0, 1):
            raise Violation(f"unsupported format code: {each}")
    if len(formats) > 1 and len(formats) != len(values):
        raise Violation(f"bind message has {len(formats)} parameter formats but {len(values)} parameters")
    return Bind(portal, statement, formats, values, result_formats)


def _value(fields: _Fields) -> bytes | None:
    size = fields.int32()
    if size == -1:
        return None
    return fields.take(size)


def read_named(body: bytes) -> Named:
    """Read a Describe or a Close."""
    fields = _Fields(body)
    kind = fields.take(1)
    name = fields.text()
    fields.end()
    if kind not in (b"S", b"P"):
        raise Violation(f"invalid message subtype {kind[0]}")
    return Named(kind.decode(), name)


def read_execute(body: bytes) -> tuple[str, int]:
    """Read an Execute: a portal, and how many rows at most; 0 is all of them."""
    fields = _Fields(body)
    name, rows = fields.text(), fields.int32()
    fields.end()
    return name, max(0, rows)


def read_sasl_initial(body: bytes) -> tuple[str, bytes]:
    """Read a SASLInitialResponse: a mechanism, and what it begins with."""
    fields = _Fields(body)
    mechanism = fields.text()
    data = _value(fields)
    fields.end()
    return mechanism, data or b""


def read_empty(body: bytes) -> None:
    """Read a message that says nothing beside its kind."""
    _Fields(body).end()
