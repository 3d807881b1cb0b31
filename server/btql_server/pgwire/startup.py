"""How a connection begins: encrypted or not, and with which of the first messages.

The first bytes are looked at on the bare socket, without taking more than one message: what comes behind a request for
TLS belongs to TLS, and anything that somebody put in between makes its handshake fail. A first byte of 0x16 is TLS
at once (``sslnegotiation=direct``), which has to name its protocol.

1. ``GSSENCRequest`` is declined, ``SSLRequest`` is answered with ``S`` or ``N``; each once at most.
2. ``CancelRequest`` may come in the clear or inside of TLS, and is all that its connection says.
3. Anything else is the start of a session.
"""

from __future__ import annotations

import asyncio
import socket
import ssl
from typing import TYPE_CHECKING

from btql_server.pgwire.messages import Report
from btql_server.pgwire.requests import (
    STARTUP_BYTES_MAX,
    CancelRequest,
    Negotiation,
    Startup,
    Violation,
    read_first,
)
from btql_server.pgwire.tls import ALPN
from btql_server.pgwire.wire import Gone, Wire

if TYPE_CHECKING:
    from btql_server.pgwire.tls import Tls

_TLS_HANDSHAKE = 0x16
_HANDSHAKE_S = 20.0


async def begin(connection: socket.socket, tls: Tls | None) -> tuple[Wire, Startup | CancelRequest]:
    """Return the connection, encrypted if the client wants that, and what it begins with."""
    loop = asyncio.get_running_loop()
    first = await _peek(connection)
    if first == _TLS_HANDSHAKE:
        if tls is None:
            raise Gone
        wire = await _encrypted(connection, tls)
        if wire.tls is None or wire.tls.selected_alpn_protocol() != ALPN:
            wire.send(
                Report("FATAL", "08P01", "received direct SSL connection request without ALPN protocol").encoded()
            )
            wire.close()
            raise Gone
        return wire, _no_more(read_first(await wire.first(STARTUP_BYTES_MAX)))
    asked: set[str] = set()
    while True:
        said = read_first(await _bare(connection))
        if not isinstance(said, Negotiation):
            _, wire = await loop.connect_accepted_socket(Wire, connection)
            return wire, said
        if said.what in asked:
            raise Violation("unexpected negotiation: it was answered before")
        asked.add(said.what)
        if said.what == "S" and tls is not None:
            await loop.sock_sendall(connection, b"S")
            wire = await _encrypted(connection, tls)
            return wire, _no_more(read_first(await wire.first(STARTUP_BYTES_MAX)))
        await loop.sock_sendall(connection, b"N")


def _no_more(said: Startup | CancelRequest | Negotiation) -> Startup | CancelRequest:
    if isinstance(said, Negotiation):
        raise Violation("the connection is encrypted already")
    return said


async def _encrypted(connection: socket.socket, tls: Tls) -> Wire:
    loop = asyncio.get_running_loop()
    # uvloop returns its own protocol, which has the wire inside.
    wire = Wire()
    try:
        await loop.connect_accepted_socket(
            lambda: wire, connection, ssl=tls.context, ssl_handshake_timeout=_HANDSHAKE_S
        )
    except (ssl.SSLError, OSError):
        raise Gone from None
    return wire


async def _bare(connection: socket.socket) -> bytes:
    """Return the body of the next message, and not a byte more."""
    size = int.from_bytes(await _exactly(connection, 4), "big", signed=True)
    if not 8 <= size <= STARTUP_BYTES_MAX:
        raise Violation("invalid length of startup packet")
    return await _exactly(connection, size - 4)


async def _exactly(connection: socket.socket, size: int) -> bytes:
    loop = asyncio.get_running_loop()
    taken = b""
    while len(taken) < size:
        piece = await loop.sock_recv(connection, size - len(taken))
        if not piece:
            raise Gone
        taken += piece
    return taken


async def _peek(connection: socket.socket) -> int:
    """Return the first byte, which stays where it is."""
    loop = asyncio.get_running_loop()
    while True:
        try:
            piece = connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            readable: asyncio.Future[None] = loop.create_future()
            loop.add_reader(connection.fileno(), _once, readable)
            try:
                await readable
            finally:
                loop.remove_reader(connection.fileno())
        else:
            if not piece:
                raise Gone
            return piece[0]


def _once(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
