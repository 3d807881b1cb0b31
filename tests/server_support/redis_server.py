"""A real Redis for tests: on a loopback port, without files unless it is told to save, stopped by its process id."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

_WAIT_S = 30.0


@contextmanager
def redis_server(port: int = 0, folder: Path | None = None, *settings: str) -> Generator[str]:
    """Yield the URL of a Redis that nobody else uses.

    One with a folder begins with what another one has saved there, and may be given a port that was used before.
    """
    with socket.create_server(("127.0.0.1", port)) as free:
        port = free.getsockname()[1]
    command = [
        "redis-server",
        "--port",
        str(port),
        "--bind",
        "127.0.0.1",
        "--save",
        "",
        "--appendonly",
        "no",
        *settings,
    ]
    if folder is not None:
        command += ["--dir", str(folder)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        _wait(port, process)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        process.terminate()
        process.wait(_WAIT_S)


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "redis-server ended at once"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1) as connection:
            connection.sendall(b"PING\r\n")
            if connection.recv(16).startswith((b"+PONG", b"-NOAUTH")):
                return
        time.sleep(0.02)
    raise TimeoutError("redis-server did not answer")
