"""Where a server listens: the sockets of its doors, and their addresses as clients write them."""

from __future__ import annotations

import os
import socket
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from typing import TypeAlias

from btql.errors import Error
from btql_server.settings import Settings

Addresses: TypeAlias = Mapping[str, str]
"""Where the doors are, by their names: ``http``, and ``pg`` and ``flight`` where they were asked for."""
_BACKLOG = 1_024
_SCHEMES = {"http": "http", "pg": "postgresql"}


class ServeError(Error):
    """A server that cannot be started as asked."""


def reason_of(error: OSError) -> str:
    """Return what the system says; Python adds the address to it, which the message has already."""
    # Errors of looking up a name have numbers of their own, below zero.
    text = error.strerror if error.errno is None or error.errno <= 0 else os.strerror(error.errno)
    return (text or str(error)).lower()


def listen(address: tuple[str, int]) -> socket.socket:
    """Return a socket that listens on host and port."""
    host, port = address
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family, backlog=_BACKLOG)
    except OSError as error:
        raise ServeError(f"cannot listen on {host}:{port}: {reason_of(error)}") from None
    # Connections inherit it: an answer's body does not wait for the client to have acknowledged the head, for 40 ms.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


@contextmanager
def listening(settings: Settings) -> Generator[dict[str, socket.socket]]:
    """Listen at each address that workers accept from together, by the name of the door."""
    listeners: dict[str, socket.socket] = {}
    try:
        for door, address in (("http", settings.http), ("pg", settings.pg)):
            if address is not None:
                listeners[door] = listen(address)
        yield listeners
    finally:
        for listener in listeners.values():
            listener.close()


def url_of(listener: socket.socket, door: str) -> str:
    """Return the address of a listening socket."""
    host, port = listener.getsockname()[:2]
    return _url(_SCHEMES[door], host, port)


def check_flight(settings: Settings) -> None:
    """Refuse an address of Flight SQL that is taken: who binds it later cannot say so well what is wrong with it."""
    if settings.flight is not None:
        listen(settings.flight).close()


def flight_url(settings: Settings) -> str | None:
    """Return the address of Flight SQL, as its clients write it."""
    if settings.flight is None:
        return None
    return _url("grpc" if settings.tls_cert is None else "grpc+tls", *settings.flight)


def _url(scheme: str, host: str, port: int) -> str:
    return f"{scheme}://[{host}]:{port}" if ":" in host else f"{scheme}://{host}:{port}"
