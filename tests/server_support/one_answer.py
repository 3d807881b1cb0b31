"""What answers every request with the same bytes, and is no server of ours."""

from __future__ import annotations

import socket
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress


@contextmanager
def answering(answer: bytes) -> Generator[str]:
    """Yield the URL of something that sends this to whoever asks, and closes the connection."""
    listener = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with suppress(OSError):
            while True:
                client, _ = listener.accept()
                with client, suppress(OSError):
                    client.recv(65_536)
                    client.sendall(answer)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        # To close it alone would wake nobody who waits for a client.
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()
        thread.join()
