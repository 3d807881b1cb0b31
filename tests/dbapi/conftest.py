"""One database for the tests of the DB-API, opened as a folder and through a server."""

from __future__ import annotations

import pytest

import btql
from btql_server.serve import running
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
def url(folder):
    """The address of a server of this database, which checks no keys."""
    with running(Settings(folder, ("127.0.0.1", 0), insecure_no_auth=True)) as address:
        yield address


@pytest.fixture(scope="module", params=["folder", "http"])
def conn(request, folder, url):
    """A connection of each form."""
    with btql.connect(folder if request.param == "folder" else url) as connection:
        yield connection
