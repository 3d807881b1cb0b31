"""One server for all clients of the Postgres wire: a process of its own, with keys, TLS and a few rows.

Clients may use TLS or not, as with PostgreSQL. ``demo`` is what most tests read; tests that write have objects of
their own.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from server_support.pg import ROWS, USER, Door, demo_rows
from server_support.serving import btql_serve, new_key

import btql

SUPPORT = Path(__file__).resolve().parents[4] / "docs" / "examples" / "support.ndjson"
"""The spans that the guides ask about."""


@pytest.fixture(scope="session")
def door(tmp_path_factory):
    """The server."""
    folder = tmp_path_factory.mktemp("clients")
    authority = trustme.CA()
    certificate = authority.issue_cert("localhost", "127.0.0.1")
    authority.cert_pem.write_to_path(str(folder / "ca.pem"))
    certificate.private_key_pem.write_to_path(str(folder / "key.pem"))
    for blob in certificate.cert_chain_pems:
        blob.write_to_path(str(folder / "cert.pem"), append=True)
    with btql.connect(folder / "db") as conn:
        rows = demo_rows()
        conn.ingest("project_logs:demo", rows[: ROWS // 2])
        conn.compact()
        conn.ingest("project_logs:demo", rows[ROWS // 2 :])
        conn.ingest("project_logs:support", SUPPORT.read_bytes().splitlines())
        conn.ingest("dataset:golden", [{"id": "g1", "input": {"q": "?"}, "expected": [1, 2]}])
    key = new_key(folder / "db", "--user", USER, "--level", "admin")
    options = _options(folder)
    with btql_serve(folder / "db", *options) as serving:
        place = urlsplit(serving.addresses["pg"])
        assert place.hostname is not None
        assert place.port is not None
        yield Door(place.hostname, place.port, key, folder / "ca.pem", serving.url, serving.pid)


def _options(folder: Path) -> Sequence[str]:
    return (
        "--pg",
        "127.0.0.1:0",
        "--tls-cert",
        str(folder / "cert.pem"),
        "--tls-key",
        str(folder / "key.pem"),
    )


@pytest.fixture
def conn(door):
    """A connection of psycopg in autocommit, without TLS."""
    with door.connect() as found:
        yield found
