"""One database for the tests of the DB-API, opened as a folder and through a server."""

from __future__ import annotations

import pytest

import btql
from btql_server.running import running_doors
from btql_server.settings import Settings


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    """A database with a few rows in one object and some thousands in another."""
    path = tmp_path_factory.mktemp("dbapi") / "db"
    with btql.connect(path) as connection:
        connection.ingest("project_logs:demo", [{"id": f"r{n}", "metadata": {"n": n}, "tags": ["t"]} for n in range(5)])
        connection.ingest("project_logs:many", [{"id": f"r{n}", "n": n} for n in range(3_000)])
        connection.compact()
    return path


@pytest.fixture(scope="session")
def addresses(folder):
    """The addresses of a server of this database, which checks no keys."""
    doors = Settings(folder, ("127.0.0.1", 0), flight=("127.0.0.1", 0), insecure_no_auth=True)
    with running_doors(doors) as found:
        yield found


@pytest.fixture(scope="session")
def url(addresses):
    """Where the server speaks HTTP."""
    return addresses["http"]


@pytest.fixture(scope="module", params=["folder", "http", "flight"])
def where(request, folder, addresses):
    """What to connect to, in each form."""
    return folder if request.param == "folder" else addresses[request.param]


@pytest.fixture(scope="module")
def conn(where):
    """A connection of each form."""
    with btql.connect(where) as connection:
        yield connection
