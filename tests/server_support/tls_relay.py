"""What stands before a server where HTTPS is wanted: it takes TLS off and hands the bytes on."""

from __future__ import annotations

import socket
import ssl
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress

from server_support.certificates import Certificates


@contextmanager
def relay(certificates: Certificates, target: tuple[str, int]) -> Generator[int]:
    """Listen on a port of loopback, which is yielded, and relay each connection to the target."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificates.certificate, certificates.key)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        threading.Thread(target=_serve, args=(listener, context, target), daemon=True).start()
        yield listener.getsockname()[1]
        # A thread that waits in accept() is woken by this, and by closing alone it is not.
        listener.shutdown(socket.SHUT_RDWR)


def _serve(listener: socket.socket, context: ssl.SSLContext, target: tuple[str, int]) -> None:
    with suppress(OSError):
        while True:
            plain, _ = listener.accept()
            threading.Thread(target=_connect, args=(plain, context, target), daemon=True).start()


def _connect(plain: socket.socket, context: ssl.SSLContext, target: tuple[str, int]) -> None:
    # A client that does not trust the certificate leaves in the middle of the handshake.
    with (
        suppress(OSError),
        context.wrap_socket(plain, server_side=True) as client,
        socket.create_connection(target) as server,
    ):
        back = threading.Thread(target=_copy, args=(server, client), daemon=True)
        back.start()
        _copy(client, server)
        back.join()


def _copy(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_WR)
