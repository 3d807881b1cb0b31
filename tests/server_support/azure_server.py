"""Azure's blob storage for tests: azurite, Microsoft's own emulator, from npm, in a process of its own.

It is installed as the SDKs for JavaScript are (:mod:`server_support.sdks`); the files beside this one pin it.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import socket
import subprocess
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from email.utils import formatdate
from pathlib import Path
from urllib.request import Request, urlopen

from server_support.sdks import NODE, node_modules

CONTAINER = "btql-tests"
_ACCOUNT = "devstoreaccount1"
_KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
"""Not secret: every azurite has this account with this key."""
CREDENTIALS = {"AZURE_STORAGE_ACCOUNT_NAME": _ACCOUNT, "AZURE_STORAGE_ACCOUNT_KEY": _KEY}
"""The environment of whoever uses it."""
_VERSION = "2021-08-06"
_OPTIONS = ["--inMemoryPersistence", "--skipApiVersionCheck", "--silent", "--disableTelemetry"]
_WAIT_S = 60.0


@contextmanager
def azure_server() -> Generator[str]:
    """Yield the address of a blob storage that nobody else uses, with one container."""
    program = node_modules("azurite", Path(__file__).with_name("azurite")) / "azurite/dist/src/blob/main.js"
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [str(NODE), str(program), "--blobHost", "127.0.0.1", "--blobPort", str(port), *_OPTIONS]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    endpoint = f"http://127.0.0.1:{port}/{_ACCOUNT}"
    try:
        _wait(port, process)
        _make_container(endpoint)
        yield endpoint
    finally:
        process.terminate()
        process.wait(_WAIT_S)


def _make_container(endpoint: str) -> None:
    date = formatdate(usegmt=True)
    headers = f"x-ms-date:{date}\nx-ms-version:{_VERSION}\n"
    signed = "PUT" + "\n" * 12 + headers + f"/{_ACCOUNT}/{_ACCOUNT}/{CONTAINER}\nrestype:container"
    signature = base64.b64encode(hmac.new(base64.b64decode(_KEY), signed.encode(), hashlib.sha256).digest()).decode()
    request = Request(f"{endpoint}/{CONTAINER}?restype=container", method="PUT")
    request.add_header("x-ms-date", date)
    request.add_header("x-ms-version", _VERSION)
    request.add_header("Authorization", f"SharedKey {_ACCOUNT}:{signature}")
    with urlopen(request):
        pass


def _wait(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _WAIT_S
    while time.monotonic() < deadline:
        assert process.poll() is None, "azurite ended at once"
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
            return
        time.sleep(0.02)
    raise TimeoutError("azurite did not answer")
