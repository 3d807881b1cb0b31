"""A server to write to, and what is stored there as another process would see it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

import btql
from btql_server.running import running
from btql_server.settings import Limits, Settings

SMALL = Limits(document_bytes_max=1 << 20, document_keys_max=5_000, attachment_bytes_max=4 << 20)


@pytest.fixture(scope="module")
def data(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("writing") / "db"


@pytest.fixture(scope="module")
def server(data):
    """The address of a server that checks no keys and has small limits."""
    with running(Settings(data, ("127.0.0.1", 0), insecure_no_auth=True, limits=SMALL)) as url:
        yield url


@pytest.fixture(scope="module")
def http(server):
    with httpx.Client(base_url=server, timeout=60) as client:
        yield client


@pytest.fixture
def project(http, request) -> str:
    """The id of a project of this test's own."""
    return http.post("/v1/project", json={"name": request.node.nodeid}).json()["id"]


@pytest.fixture
def experiment(http, project) -> str:
    return http.post("/v1/experiment", json={"project_id": project, "name": "e"}).json()["id"]


@pytest.fixture
def dataset(http, project) -> str:
    return http.post("/v1/dataset", json={"project_id": project, "name": "d"}).json()["id"]


@pytest.fixture
def stored(data) -> Callable[[str, str], dict[str, dict]]:
    """Return a function that gives the rows of an object by id, as another connection to the database sees them."""

    def rows(kind: str, name: str) -> dict[str, dict]:
        with btql.connect(data, read_only=True) as connection:
            found = list(connection.query(f"select: * | from: {kind}('{name}')"))
        return {str(row["id"]): row for row in found}

    return rows
