"""A server without keys that speaks the Postgres wire, for what bytes on its socket do."""

from __future__ import annotations

import pytest
from server_support.pg import place as place_of
from server_support.pg_raw import Raw, startup

import btql
from btql_server.running import running_doors
from btql_server.settings import Settings


@pytest.fixture(scope="package")
def place(tmp_path_factory):
    """Host and port of the server."""
    folder = tmp_path_factory.mktemp("pgwire") / "db"
    with btql.connect(folder) as conn:
        conn.ingest("project_logs:demo", [{"id": f"r{n}", "input": f"in {n}", "metrics": {"n": n}} for n in range(10)])
        conn.ingest("project_logs:long", [{"id": f"r{n}", "input": "x" * 2_000} for n in range(2_000)])
    settings = Settings(folder, ("127.0.0.1", 0), pg=("127.0.0.1", 0), insecure_no_auth=True)
    with running_doors(settings) as addresses:
        yield place_of(addresses["pg"])


@pytest.fixture
def bare(place):
    """A connection on which nothing was said yet."""
    with Raw(*place) as found:
        yield found


@pytest.fixture
def raw(bare):
    """A session."""
    bare.ask(startup())
    return bare


@pytest.fixture
def other(place):
    """Another session."""
    with Raw(*place) as found:
        found.ask(startup())
        yield found
