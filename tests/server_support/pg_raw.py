"""A client of the Postgres wire that says what it is told to, byte by byte."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Self

_WAIT_S = 60.0
READY = "Z"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of the server."""

    kind: str
    body: bytes

    @property
    def fields(self) -> dict[str, str]:
        """The fields of an error or a notice."""
        parts = self.body.rstrip(b"\0").split(b"\0")
        return {part[:1].decode(): part[1:].decode() for part in parts if part}

    @property
    def values(self) -> list[str | None]:
        """The values of a row, in text."""
        (count,) = struct.unpack_from("!h", self.body)
        at, found = 2, []
        for _ in range(count):
            (size,) = struct.unpack_from("!i", self.body, at)
            found.append(None if size < 0 else self.body[at + 4 : at + 4 + size].decode())
            at += 4 + max(size, 0)
        return found


def framed(kind: str, body: bytes = b"") -> bytes:
    """Return a message."""
    return kind.encode() + struct.pack("!i", len(body) + 4) + body


def text(*parts: str) -> bytes:
    """Return texts as messages have them."""
    return b"".join(part.encode() + b"\0" for part in parts)


def query(sql: str) -> bytes:
    return framed("Q", text(sql))


def parse(sql: str, name: str = "", types: Iterable[int] = ()) -> bytes:
    types = tuple(types)
    return framed("P", text(name, sql) + struct.pack(f"!h{len(types)}i", len(types), *types))


def bind(portal: str = "", name: str = "", values: Iterable[bytes | None] = (), formats: bytes = b"\0\0") -> bytes:
    values = tuple(values)
    body = text(portal, name) + b"\0\0" + struct.pack("!h", len(values))
    for value in values:
        body += struct.pack("!i", -1) if value is None else struct.pack("!i", len(value)) + value
    return framed("B", body + formats)


def describe(kind: str, name: str = "") -> bytes:
    return framed("D", kind.encode() + text(name))


def close(kind: str, name: str = "") -> bytes:
    return framed("C", kind.encode() + text(name))


def execute(portal: str = "", rows: int = 0) -> bytes:
    return framed("E", text(portal) + struct.pack("!i", rows))


SYNC = framed("S")
FLUSH = framed("H")


def startup(code: int = 3 << 16, **parameters: str) -> bytes:
    """Return the first message of a connection."""
    body = struct.pack("!i", code)
    if code >> 16 == 3:
        body += b"".join(text(name, value) for name, value in {"user": "me", **parameters}.items()) + b"\0"
    return struct.pack("!i", len(body) + 4) + body


class Raw:
    """One connection."""

    def __init__(self, host: str, port: int) -> None:
        self.socket = socket.create_connection((host, port), timeout=_WAIT_S)
        self._buffer = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *messages: bytes) -> None:
        self.socket.sendall(b"".join(messages))

    def take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            piece = self.socket.recv(1 << 16)
            if not piece:
                raise EOFError(self._buffer)
            self._buffer += piece
        found, self._buffer = self._buffer[:size], self._buffer[size:]
        return found

    def message(self) -> Message:
        """Return the next message."""
        head = self.take(5)
        return Message(chr(head[0]), self.take(int.from_bytes(head[1:], "big") - 4))

    def until(self, kind: str = READY) -> list[Message]:
        """Return messages up to one of a kind."""
        found = [self.message()]
        while found[-1].kind != kind:
            found.append(self.message())
        return found

    def ask(self, *messages: bytes) -> list[Message]:
        """Send messages, and return what comes up to the next ReadyForQuery."""
        self.send(*messages)
        return self.until()

    def rest(self) -> list[Message]:
        """Return what comes until the server ends the connection."""
        found = []
        try:
            while True:
                found.append(self.message())
        except (EOFError, ConnectionResetError):
            return found


class RawSession:
    """A session that reads bytes and looks at none of them: what it takes is the server's time."""

    def __init__(self, address: tuple[str, int], **parameters: str) -> None:
        self._socket = socket.create_connection(address)
        self._socket.sendall(startup(3 << 16, **parameters))
        self._buffer = bytearray(1 << 20)
        self._drain()

    def query(self, sql: str) -> int:
        """Ask, and read the answer; return its size."""
        self.send(sql)
        return self._drain()

    def send(self, sql: str) -> None:
        """Ask, and read nothing."""
        self._socket.sendall(query(sql))

    def read(self) -> int:
        """Read some bytes."""
        return self._socket.recv_into(self._buffer)

    def close(self) -> None:
        """Leave, whatever the server is at."""
        self._socket.close()

    def _drain(self) -> int:
        total = 0
        last = b""
        while last[-6:-1] != b"Z\0\0\0\x05":
            size = self.read()
            assert size, "the server has closed the connection"
            total += size
            last = (last + bytes(self._buffer[max(size - 6, 0) : size]))[-6:]
        return total


def kinds(found: Iterable[Message]) -> str:
    """Return the kinds of messages, parameters of the session left out."""
    return "".join(each.kind for each in found if each.kind != "S")


def error(found: Iterable[Message]) -> dict[str, str]:
    """Return the fields of the only error there is."""
    (one,) = [each.fields for each in found if each.kind == "E"]
    return one


def rows(found: Iterable[Message]) -> list[list[str | None]]:
    return [each.values for each in found if each.kind == "D"]


def tags(found: Iterable[Message]) -> list[str]:
    return [each.body[:-1].decode() for each in found if each.kind == "C"]


def notices(found: Iterable[Message]) -> list[str]:
    return [each.fields["M"] for each in found if each.kind == "N"]
