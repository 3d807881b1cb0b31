"""A network between a client and a service that can be cut, delayed, or go silent.

Connections go through a thread for each direction. What is done to the network holds for all connections, those that
are open and those to come.
"""

from __future__ import annotations

import socket
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from enum import Enum, auto
from threading import Lock, Thread
from urllib.parse import urlsplit

_CHUNK = 1 << 16


class Network(Enum):
    """What becomes of bytes."""

    FINE = auto()
    CUT = auto()
    """Connections are closed, also new ones."""
    SILENT = auto()
    """Nothing arrives, and nobody says so: a cable that was pulled, or a machine that stands still."""
    ANSWERS_LOST = auto()
    """What the client says arrives; the next answer does not, and its connection ends. Then all is fine again."""


class Proxy:
    """Stands before a service; its own address is :attr:`port` on loopback."""

    def __init__(self, host: str, port: int) -> None:
        self._target = host, port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self.delay_s = 0.0
        self.connections = 0
        """How many there were."""
        self.held = 0
        """How many pieces of them a silent network has swallowed."""
        self._guard = Lock()
        self._open: set[socket.socket] = set()
        self._network = Network.FINE
        Thread(target=self._accept, daemon=True).start()

    def set(self, network: Network) -> None:
        """Change the network, also for connections that are open."""
        self._network = network
        if network is Network.CUT:
            self._close_all()

    def close(self) -> None:
        """End everything."""
        # A thread that waits for connections is woken by the shutdown alone.
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._close_all()

    def _close_all(self) -> None:
        with self._guard:
            sockets, self._open = self._open, set()
        for each in sockets:
            _end(each)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            if self._network is Network.CUT:
                _end(client)
                continue
            try:
                server = socket.create_connection(self._target)
            except OSError:
                _end(client)
                continue
            with self._guard:
                self._open |= {client, server}
            for source, sink, answers in ((client, server, False), (server, client, True)):
                Thread(target=self._pump, args=(source, sink, answers), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with suppress(OSError):
            while chunk := source.recv(_CHUNK):
                time.sleep(self.delay_s)
                self.held += self._network is Network.SILENT
                while self._network is Network.SILENT:
                    # The bytes are lost where the network comes back: the connection is closed then.
                    time.sleep(0.005)
                    if self._network is not Network.SILENT:
                        raise ConnectionResetError
                if answers and self._network is Network.ANSWERS_LOST:
                    self._network = Network.FINE
                    break
                sink.sendall(chunk)
        with self._guard:
            self._open -= {source, sink}
        _end(source)
        _end(sink)


@contextmanager
def proxied(url: str) -> Generator[tuple[str, Proxy]]:
    """Yield an address that leads to a service through a network, and that network."""
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    proxy = Proxy(parts.hostname, parts.port)
    login, at, _ = parts.netloc.rpartition("@")
    try:
        yield parts._replace(netloc=f"{login}{at}127.0.0.1:{proxy.port}").geturl(), proxy
    finally:
        proxy.close()


def _end(connection: socket.socket) -> None:
    # Whoever waits in recv() is woken by the shutdown, not by the close.
    with suppress(OSError):
        connection.shutdown(socket.SHUT_RDWR)
    connection.close()
