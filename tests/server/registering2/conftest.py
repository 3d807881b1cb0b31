"""A server with a project of its own for each test, and ways to look at what is stored in it."""

from __future__ import annotations

from itertools import count

import pytest

from btql_server.running import running
from btql_server.settings import Settings
from btql_storage.store import Storage

_NUMBERS = count(1)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """The folder of the database."""
    return tmp_path_factory.mktemp("server") / "db"


@pytest.fixture(scope="module")
def open_server(folder):
    with running(Settings(folder, ("127.0.0.1", 0), insecure_no_auth=True)) as url:
        yield url


@pytest.fixture
def compact(folder):
    """Make parts of what waits, as another process does behind a server."""

    def run():
        with Storage.open(folder) as storage:
            storage.compact()

    return run


@pytest.fixture
def project(client):
    answer = client.post("/v1/project", json={"name": f"project {next(_NUMBERS)}"})
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.fixture
def btql(client):
    """Ask a query; return its rows."""

    def ask(query, **options):
        answer = client.post("/btql", json={"query": query, **options})
        assert answer.status_code == 200, answer.text
        return answer.json()["data"]

    return ask
