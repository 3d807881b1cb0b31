"""An S3 for tests: moto's server, in a process of its own on a free loopback port, stopped by its process id.

As a program (``python s3_server.py PORT``) it is that process. S3 decides and writes a conditional put at once, moto
looks first and writes later: two requests can both find a name free. Here conditional puts wait for each other.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator, Iterable
from contextlib import contextmanager, nullcontext, suppress
from typing import Any
from urllib.request import Request, urlopen

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "tests", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": "us-east-1"}
"""The environment of whoever uses it."""
BUCKET = "btql-tests"
_WAIT_S = 60.0


@contextmanager
def s3_server() -> Generator[str]:
    """Yield the address of an S3 that nobody else uses, with one bucket."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [sys.executable, __file__, str(port)]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}"
    try:
        _wait(port, process)
        make_bucket(endpoint, BUCKET)
        yield endpoint
    finally:
        process.terminate()
        process.wait(_WAIT_S)


def make_bucket(endpoint: str, name: str) -> None:
    """Make a bucket."""
    with urlopen(Request(f"{endpoint}/{name}", method="PUT")):
        pass


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "moto's server ended at once"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise TimeoutError("moto's server did not answer")


def _serve(port: int) -> None:
    from moto.moto_server.werkzeug_app import DomainDispatcherApplication, MotoRequestHandler, create_backend_app
    from werkzeug.serving import run_simple

    moto = DomainDispatcherApplication(create_backend_app)
    one_at_a_time = threading.Lock()

    def answer(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        conditional = "HTTP_IF_NONE_MATCH" in environ or "HTTP_IF_MATCH" in environ
        with one_at_a_time if conditional else nullcontext():
            return moto(environ, start_response)

    run_simple("127.0.0.1", port, answer, threaded=True, request_handler=MotoRequestHandler)


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
