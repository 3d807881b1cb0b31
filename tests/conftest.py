"""What every test has: no network, no state from the user's home, and a place for its files that is quick."""

from __future__ import annotations

import os
import shutil
import socket
import sys
import tempfile
from collections.abc import Generator
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
import trustme
from hypothesis import settings

from btql_storage.part import deltas, writer

# Machines that run tests are busy, so no example has a deadline; a test that hangs is a test that fails.
settings.register_profile("btql", deadline=None)
settings.load_profile("btql")

MEMORY = Path("/dev/shm")
MEMORY_MIN = 2 << 30
"""A run leaves a quarter of a gigabyte; two may be under way, and the system needs some as well."""


class NetworkUsedError(AssertionError):
    """A test tried to reach another machine."""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update", action="store_true", help="rewrite the expected output of golden files")


def pytest_configure(config: pytest.Config) -> None:
    # Workers and the programs that tests start get the same by their environment. Benchmarks measure the disk too.
    if not config.getoption("benchmark_only", default=False):
        _work_in_memory()
    _keep_bytecode()


def pytest_report_header() -> str:
    place = Path(tempfile.gettempdir())
    why = "in memory, where making a file durable costs nothing" if place == MEMORY else "TMPDIR, or the usual place"
    return f"files of tests: {place} ({why})"


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session", autouse=True)
def _few_authorities(tmp_path_factory: pytest.TempPathFactory) -> None:
    # Each client of httpx reads the certificates of all authorities, for 80 ms, and nothing here is signed by one.
    path = tmp_path_factory.getbasetemp() / "authority.pem"
    trustme.CA().cert_pem.write_to_path(str(path))
    os.environ["SSL_CERT_FILE"] = str(path)


@pytest.fixture(scope="session", autouse=True)
def _text_indexes() -> None:
    # Tests have few rows, of which parts would have no text index; in programs that tests start it is so.
    writer.INDEXED_FROM_BYTES = 0


@pytest.fixture(scope="session", autouse=True)
def _deltas() -> None:
    # Tests have short texts, none of which would be a delta; in programs that tests start it is so.
    deltas.DELTA_BYTES_MIN = 16


@pytest.fixture(autouse=True)
def _no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    connect = socket.socket.connect

    def guarded(self: socket.socket, address: Any) -> None:
        if self.family != socket.AF_UNIX and not _is_loopback(address):
            raise NetworkUsedError(f"tests use no network, but this one connects to {address!r}")
        connect(self, address)

    monkeypatch.setattr(socket.socket, "connect", guarded)


@pytest.fixture(autouse=True)
def _own_home(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    home = tmp_path_factory.getbasetemp() / "home"
    home.mkdir(exist_ok=True)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("XDG_STATE_HOME", str(home / "state"))


def _work_in_memory() -> None:
    """Make temporary files in memory, if there is room and nobody has said where they go.

    Most databases here live for one test, which waits for the disk on each write. What survives a kill is in memory as
    well, and which calls make a file durable is counted and not timed, so tests of durability prove no less there.
    """
    if "TMPDIR" in os.environ or not os.access(MEMORY, os.W_OK) or shutil.disk_usage(MEMORY).free < MEMORY_MIN:
        return
    os.environ["TMPDIR"] = str(MEMORY)
    tempfile.tempdir = None  # It may have been looked up already.


def _keep_bytecode() -> None:
    """Keep what Python compiles even where the environment forbids it, but not beside the sources.

    Hundreds of processes are started here, and each would compile everything it imports, for seconds.
    """
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        sys.dont_write_bytecode = False
        sys.pycache_prefix = os.environ.setdefault("PYTHONPYCACHEPREFIX", str(Path(sys.prefix) / "bytecode"))


def _is_loopback(address: Any) -> bool:
    host = str(address[0])
    if host == "localhost":
        return True
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


@pytest.fixture(scope="session")
def postgres_server() -> Generator[str]:
    """Return the address of a PostgreSQL, one for the whole run."""
    from server_support.postgres_server import postgres

    with postgres() as (host, port):
        yield f"postgresql://postgres@{host}:{port}/postgres"


@pytest.fixture
def postgres_url(postgres_server: str) -> str:
    """Return the address of a place of its own in PostgreSQL."""
    return f"{postgres_server}?schema=test_{uuid4().hex[:12]}"


@pytest.fixture(scope="session")
def redis_url() -> Generator[str]:
    """Return the address of a Redis."""
    from server_support.redis_server import redis_server

    with redis_server() as url:
        yield url


@pytest.fixture(scope="session")
def s3_endpoint() -> Generator[str]:
    """Return the address of an S3."""
    from server_support.s3_server import s3_server

    with s3_server() as endpoint:
        yield endpoint


@pytest.fixture
def s3(s3_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> tuple[str, str]:
    """Return a new place in a bucket, and the address of the service; its credentials are in the environment."""
    from server_support.s3_server import BUCKET, CREDENTIALS

    for name, value in CREDENTIALS.items():
        monkeypatch.setenv(name, value)
    return f"s3://{BUCKET}/{uuid4().hex[:8]}", s3_endpoint
