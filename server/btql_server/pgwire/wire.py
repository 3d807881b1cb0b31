"""One connection: whole messages in, bytes out, no faster than the client reads.

What comes is kept until a whole message is there, and no more is read meanwhile than a message may be long. What goes
is collected and sent together; large pieces wait until the client has taken those before.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, cast

from btql_server.http.errors import HttpError
from btql_server.pgwire.requests import NoRoom, Violation, longest
from btql_server.reading.taking import taking

if TYPE_CHECKING:
    import ssl

    from btql.execution.reader import Reader

_READ_AHEAD = 256 << 10
_COLLECTED = 64 << 10
_SLICE = 256 << 10
_IN_FLIGHT = 1 << 20
_HEAD = 5
_PROBE_S = 0.5
STALL_S = 60.0
"""How long a client may send nothing in the middle of a message."""


class Gone(Exception):  # noqa: N818  no error of anybody here
    """The client went away."""


class Wire(asyncio.Protocol):
    """A connection, from the moment on when it is clear whether it is encrypted."""

    def __init__(self, lost: Callable[[], None] = lambda: None) -> None:
        self.lost = lost
        """Called when the connection is lost, whoever ended it."""
        self.hold: Callable[[int], None] = lambda _: None
        """Told by how many bytes what there is of a message grows, or shrinks; HttpError where there is no room."""
        self._counted = 0
        self.is_lost = False
        self.received_bytes = 0
        self.sent_bytes = 0
        self._transport: asyncio.Transport | None = None
        self._buffer = bytearray()
        self._at = 0
        self._wanted = _READ_AHEAD
        self._reading = True
        self._waiter: asyncio.Future[None] | None = None
        self._ended = False
        self._streams = False
        """Whether a piece has begun to go out and not ended: nothing may come between."""
        self.probe = b""
        """A message that tells nothing new."""
        self._collected: list[bytes | memoryview] = []
        self._collected_bytes = 0
        self._may_write = asyncio.Event()
        self._may_write.set()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        self._transport = cast("asyncio.Transport", transport)
        self._transport.set_write_buffer_limits(high=_IN_FLIGHT)

    def data_received(self, data: bytes) -> None:
        """Keep what came."""
        self._buffer += data
        self.received_bytes += len(data)
        if self._reading and len(self._buffer) - self._at >= self._wanted and self._transport is not None:
            self._reading = False
            self._transport.pause_reading()
        self._wake()

    def eof_received(self) -> bool:
        """Take the end of what the client sends for the end of the connection."""
        self._ended = True
        self._wake()
        # What it has asked before is still answered, where a connection can be closed by halves.
        if self.tls is None:
            self._probe()
        return self.tls is None

    def _probe(self) -> None:
        """Find out whether the client still reads: only what is sent to one that is gone is answered by its system."""
        if self._transport is not None and not self._transport.is_closing():
            if not self._streams:
                self._transport.write(self.probe)
            asyncio.get_running_loop().call_later(_PROBE_S, self._probe)

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002
        """Tell everybody who waits."""
        self.is_lost = True
        self._may_write.set()
        self._wake()
        self.lost()

    def pause_writing(self) -> None:
        """Wait until the client has read."""
        self._may_write.clear()

    def resume_writing(self) -> None:
        """Go on."""
        self._may_write.set()

    @property
    def tls(self) -> ssl.SSLObject | None:
        """What the connection is encrypted with."""
        found = None if self._transport is None else self._transport.get_extra_info("ssl_object")
        return cast("ssl.SSLObject | None", found)

    @property
    def has_more(self) -> bool:
        """Whether a message has begun to arrive."""
        return len(self._buffer) > self._at

    async def message(self, bytes_max: int | None = None) -> tuple[int, bytes]:
        """Return the kind and the body of the next message; the one before needs no memory any more."""
        self.release()
        while len(self._buffer) - self._at < _HEAD:
            await self._more(_HEAD)
        kind = self._buffer[self._at]
        size = int.from_bytes(self._buffer[self._at + 1 : self._at + _HEAD], "big", signed=True)
        most = longest(kind) if bytes_max is None else min(longest(kind), bytes_max)
        if size < 4:
            raise Violation("invalid message length")
        if size - 4 > most:
            raise Violation(f"message of type {chr(kind)} is longer than {most:,} bytes")
        return kind, await self._take(_HEAD, size - 4)

    async def first(self, most: int) -> bytes:
        """Return the body of a message that has no kind: the first one behind the handshake of TLS."""
        while len(self._buffer) - self._at < 4:
            await self._more(4)
        size = int.from_bytes(self._buffer[self._at : self._at + 4], "big", signed=True)
        if not 8 <= size <= most:
            raise Violation("invalid length of startup packet")
        return await self._take(4, size - 4)

    async def _take(self, head: int, size: int) -> bytes:
        while len(self._buffer) - self._at < head + size:
            await self._more(head + size)
            self._count(head + size)
        start = self._at + head
        body = bytes(memoryview(self._buffer)[start : start + size])
        self._at = start + size
        if self._at == len(self._buffer):
            self._buffer.clear()
            self._at = 0
        elif self._at > _READ_AHEAD:
            del self._buffer[: self._at]
            self._at = 0
        return body

    def _count(self, most: int) -> None:
        """Count what came of a message, as it comes: who only says that it is large takes no room from others."""
        came = min(len(self._buffer) - self._at, most)
        try:
            self.hold(came - self._counted)
        except HttpError as error:
            raise NoRoom(str(error)) from None
        self._counted = came

    def release(self) -> None:
        """Count the last message no more."""
        self.hold(-self._counted)
        self._counted = 0

    async def _more(self, wanted: int) -> None:
        """Wait until something more has come."""
        if self.is_lost or self._ended:
            raise Gone
        self._wanted = max(wanted, _READ_AHEAD)
        if not self._reading and self._transport is not None:
            self._reading = True
            self._transport.resume_reading()
        self._waiter = asyncio.get_running_loop().create_future()
        stalls = self.has_more
        try:
            if stalls:
                await asyncio.wait_for(self._waiter, STALL_S)
            else:
                await self._waiter
        except TimeoutError:
            raise Violation(f"nothing came for {STALL_S:g} s in the middle of a message") from None
        finally:
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def send(self, *pieces: bytes) -> None:
        """Collect what is to be sent."""
        self._collected.extend(pieces)
        self._collected_bytes += sum(map(len, pieces))
        if self._collected_bytes > _COLLECTED:
            self.flush()

    def flush(self) -> None:
        """Send what was collected."""
        if self._collected and self._transport is not None:
            data = self._collected[0] if len(self._collected) == 1 else b"".join(self._collected)
            self._collected.clear()
            self._collected_bytes = 0
            if not self.is_lost:
                self._write(data)

    async def stream(self, piece: bytes | memoryview, reader: Reader) -> None:
        """Send a large piece of whole messages, as fast as the client reads; raise where its answer is ended."""
        if len(piece) <= _COLLECTED and self._may_write.is_set():
            self.send(cast("bytes", piece))
            return
        self.flush()
        view, sent = memoryview(piece), 0
        self._streams = True
        try:
            async with taking(reader):
                while sent < len(view):
                    await self.drain()
                    # In slices: what does not fit into the socket is moved about in memory with each that is sent.
                    self._write(view[sent : sent + _SLICE])
                    sent = min(sent + _SLICE, len(view))
                    reader.takes()
        except TimeoutError:
            rest = view[sent : _end_of_message(view, sent)]
            if len(rest) > _IN_FLIGHT:
                self.abort()
                raise Gone from None
            self._write(rest)
        finally:
            self._streams = False
        reader.check()

    def _write(self, data: bytes | memoryview) -> None:
        assert self._transport is not None
        self.sent_bytes += len(data)
        self._transport.write(data)

    async def drain(self) -> None:
        """Wait until the client has taken enough of what was sent."""
        if self.is_lost or (self._transport is not None and self._transport.is_closing()):
            raise Gone
        if not self._may_write.is_set():
            await self._may_write.wait()
        if self.is_lost:
            raise Gone

    def close(self) -> None:
        """Send what was collected, and end."""
        with suppress(Exception):
            self.flush()
        if self._transport is not None:
            self._transport.close()

    def abort(self) -> None:
        """End at once."""
        if self._transport is not None:
            self._transport.abort()


def _end_of_message(messages: memoryview, least: int) -> int:
    """Return where a message ends, the first that does not end before a place."""
    end = 0
    while end < least:
        end += 1 + int.from_bytes(messages[end + 1 : end + _HEAD], "big")
    return end


def keep_alive(connection: socket.socket) -> None:
    """Find out about clients that vanished without a word, and send without delay."""
    with suppress(OSError):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, 60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, 15)
        # TCP_USER_TIMEOUT would take a client that lives, and reads nothing for a while, for one that vanished.
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, 4)
