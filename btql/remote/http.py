"""Requests to a server over HTTP, with nothing but Python's own library.

A request has a connection of its own until its answer was read; then the connection waits for the next one. So threads
share a client, and a stream that is read slowly holds up nobody. A request is given up by breaking its connection,
which tells the server to stop, and wakes whoever waits for it.
"""

from __future__ import annotations

import http.client
import os
import selectors
import socket
import ssl
import threading
import weakref
from contextlib import suppress
from typing import TYPE_CHECKING, cast

import orjson

from btql.errors import Cancelled
from btql.remote.failures import broken, failure, foreign
from btql.remote.stopping import RemoteStop
from btql_storage import json_text

if TYPE_CHECKING:
    from btql.remote.address import Address

IDLE_MAX = 8
"""How many connections wait for the next request at most."""
CONNECT_S = 30.0


class Reply:
    """An answer that has begun."""

    def __init__(self, client: Client, connection: http.client.HTTPConnection, stop: RemoteStop) -> None:
        self._client = client
        self._connection: http.client.HTTPConnection | None = connection
        self._stop = stop
        with client.trouble(stop):
            self._response = connection.getresponse()
        self.status = self._response.status
        self.headers = self._response.headers

    def read(self, size: int = -1) -> bytes:
        """Return the next bytes, as many as asked for unless the answer ends."""
        with self._client.trouble(self._stop):
            return self._response.read(None if size < 0 else size)

    @property
    def closed(self) -> bool:
        """Whether there is nothing more to read, as readers of files ask."""
        return self._connection is None

    def close(self) -> None:
        """Let go of the connection: for the next request where all was read, else by breaking it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._stop.guard(None)
        if self._response.isclosed() and not self._stop.is_cancelled:
            self._client.give_back(connection)
        else:
            connection.close()


class Client:
    """Sends requests to one server, from any number of threads."""

    def __init__(self, address: Address, ca_file: str | None = None) -> None:
        self._address = address
        self._tls = ssl.create_default_context(cafile=ca_file) if address.scheme == "https" else None
        self._idle: list[http.client.HTTPConnection] = []
        self._lock = threading.Lock()
        self._process = os.getpid()
        # Whoever forgets to close it leaves no open socket behind.
        self.close = weakref.finalize(self, _close, self._idle)
        """Closes the connections that wait."""
        self._headers = {"content-type": "application/json"}
        if address.key is not None:
            self._headers["authorization"] = f"Bearer {address.key}"

    def post(self, path: str, body: bytes, stop: RemoteStop, accept: str = "application/json") -> Reply:
        """Send a request; return its answer once that begins. An answer that is an error is raised by who reads it."""
        connection = self._connection(stop)
        with self.trouble(stop, connection):
            stop.guard(lambda: _hang_up(connection))
            if connection.sock is None:
                connection.connect()
                stop.check()
            # The server ends what takes too long. Where it does not, it is gone.
            cast("socket.socket", connection.sock).settimeout(None if stop.limit is None else stop.limit + CONNECT_S)
            connection.request("POST", f"{self._address.path}{path}", body, {**self._headers, "accept": accept})
            reply = Reply(self, connection, stop)
        media = reply.headers.get_content_type()
        if reply.status == http.client.OK and media != accept:
            # A page that a proxy puts before what it guards, for one.
            reply.close()
            raise foreign(media, str(self._address))
        return reply

    def call(self, path: str, body: object) -> dict[str, object]:
        """Send a request whose answer is a JSON object, and return that."""
        return self.call_bytes(path, json_text.dumps(body).encode())

    def call_bytes(self, path: str, body: bytes) -> dict[str, object]:
        """Send a request, JSON already, whose answer is a JSON object, and return that."""
        reply = self.post(path, body, RemoteStop())
        try:
            told = reply.read()
        finally:
            reply.close()
        if reply.status != http.client.OK:
            raise failure(reply.status, told, "")
        found: object = orjson.loads(told)
        assert isinstance(found, dict)
        return found

    def trouble(self, stop: RemoteStop, connection: http.client.HTTPConnection | None = None) -> Trouble:
        """Return what translates the errors of a network."""
        return Trouble(str(self._address), stop, connection)

    def give_back(self, connection: http.client.HTTPConnection) -> None:
        """Keep a connection for the next request."""
        with self._lock:
            if len(self._idle) < IDLE_MAX and self.close.alive:
                self._idle.append(connection)
                return
        connection.close()

    def _connection(self, stop: RemoteStop) -> http.client.HTTPConnection:
        """Return a connection: one that waits and that the server has not closed, or a new one."""
        stop.check()
        while True:
            with self._lock:
                if self._process != os.getpid():
                    # A forked process has the sockets of its parent: requests and answers of both would mix.
                    _close(self._idle)
                    self._process = os.getpid()
                connection = self._idle.pop() if self._idle else None
            if connection is None:
                break
            if connection.sock is not None and not _has_ended(connection.sock):
                return connection
            connection.close()
        host, port = self._address.host, self._address.port
        if self._tls is not None:
            return http.client.HTTPSConnection(host, port, timeout=CONNECT_S, context=self._tls)
        return http.client.HTTPConnection(host, port, timeout=CONNECT_S)


def _has_ended(waiting: socket.socket) -> bool:
    """Whether a connection that waits was closed: what can be read before a request was sent is its end."""
    # Not select.select(), which takes no file descriptor above 1023.
    with selectors.DefaultSelector() as selector:
        selector.register(waiting, selectors.EVENT_READ)
        return bool(selector.select(0))


def _close(idle: list[http.client.HTTPConnection]) -> None:
    while idle:
        idle.pop().close()


class Trouble:
    """Makes errors of a network one of ours, and closes the connection behind them."""

    def __init__(self, where: str, stop: RemoteStop, connection: http.client.HTTPConnection | None) -> None:
        self._where = where
        self._stop = stop
        self._connection = connection

    def __enter__(self) -> None:
        """Begin something that may fail."""

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        """Raise the error that it means to the caller."""
        if error is None:
            return
        if self._connection is not None:
            self._stop.guard(None)
            self._connection.close()
        if isinstance(error, OSError | http.client.HTTPException | ValueError):
            if self._stop.is_cancelled:
                raise Cancelled from error
            raise broken(error, self._where) from error


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """Break a connection that another thread waits for."""
    if connection.sock is not None:
        with suppress(OSError):
            connection.sock.shutdown(socket.SHUT_RDWR)
