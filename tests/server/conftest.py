"""A server on a free loopback port, for each module that wants one."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from server_support.party import Party

from btql_server.running import running
from btql_server.settings import Settings


@pytest.fixture(scope="module")
def open_server(tmp_path_factory):
    """The address of a server that checks no keys."""
    folder: Path = tmp_path_factory.mktemp("server")
    with running(Settings(folder / "db", ("127.0.0.1", 0), insecure_no_auth=True)) as url:
        yield url


@pytest.fixture
def client(open_server):
    # There is no TLS here, and reading all certificates would take 50 ms for each test.
    with httpx.Client(base_url=open_server, timeout=60, verify=False) as found:
        yield found


@pytest.fixture(scope="module")
def party(tmp_path_factory):
    """Clients with keys of a server that checks them."""
    folder = tmp_path_factory.mktemp("access") / "db"
    with running(Settings(folder, ("127.0.0.1", 0))) as url:
        found = Party(url, folder)
        yield found
        found.close()
