"""One server for all clients of the Postgres wire: a process of its own, with keys, TLS and a few rows.

Clients may use TLS or not, as with PostgreSQL. ``demo`` is what most tests read; tests that write have objects of
their own.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from server_support.certificates import issued
from server_support.pg import ROWS, USER, Door, demo_rows, place
from server_support.serving import btql_serve, new_key

import btql

SUPPORT = Path(__file__).resolve().parents[4] / "docs" / "examples" / "support.ndjson"
"""The spans that the guides ask about."""


@pytest.fixture(scope="session")
def door(tmp_path_factory):
    """The server."""
    folder = tmp_path_factory.mktemp("clients")
    certificates = issued(folder)
    with btql.connect(folder / "db") as conn:
        rows = demo_rows()
        conn.ingest("project_logs:demo", rows[: ROWS // 2])
        conn.compact()
        conn.ingest("project_logs:demo", rows[ROWS // 2 :])
        conn.ingest("project_logs:support", SUPPORT.read_bytes().splitlines())
        conn.ingest("dataset:golden", [{"id": "g1", "input": {"q": "?"}, "expected": [1, 2]}])
    key = new_key(folder / "db", "--user", USER, "--level", "admin")
    with btql_serve(folder / "db", "--pg", "127.0.0.1:0", *certificates.options) as serving:
        yield Door(*place(serving.addresses["pg"]), key, certificates.authority, serving.url, serving.pid)


@pytest.fixture
def conn(door):
    """A connection of psycopg in autocommit, without TLS."""
    with door.connect() as found:
        yield found
