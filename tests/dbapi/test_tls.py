"""Servers that are reached through TLS: `https://` and `grpc+tls://`, and certificates that nobody trusts."""

from __future__ import annotations

import pytest
from server_support.certificates import issued
from server_support.pg import place
from server_support.serving import btql_serve, new_key
from server_support.tls_relay import relay

import btql


@pytest.fixture(scope="module")
def secured(tmp_path_factory):
    """Addresses by door, a key, and the certificates of the server and of somebody else."""
    folder = tmp_path_factory.mktemp("tls")
    certificates = issued(folder)
    other = folder / "other"
    other.mkdir()
    with btql.connect(folder / "db") as conn:
        conn.ingest("project_logs:demo", [{"id": f"r{n}", "input": "x" * 2_000} for n in range(2_000)])
    key = new_key(folder / "db", "--user", "ann@example.com", "--level", "admin")
    with (
        btql_serve(folder / "db", "--flight", "127.0.0.1:0", *certificates.options) as server,
        relay(certificates, place(server.url)) as port,
    ):
        addresses = {"https": f"https://localhost:{port}", "grpc+tls": server.addresses["flight"]}
        yield addresses, key, certificates.authority, issued(other).authority


@pytest.mark.parametrize("scheme", ["https", "grpc+tls"])
def test_a_trusted_server_is_read_and_written(secured, scheme):
    addresses, key, authority, _ = secured
    assert addresses[scheme].startswith(f"{scheme}://")
    with btql.connect(addresses[scheme], api_key=key, ca_file=authority) as conn, conn.cursor() as cursor:
        rows = cursor.execute("SELECT id, input FROM project_logs('demo') WHERE length(input) = 2000").fetchall()
        assert {row[0] for row in rows} == {f"r{n}" for n in range(2_000)}
        cursor.execute("INSERT INTO project_logs('demo') (id, input) VALUES (?, 'new')", [f"by {scheme}"])
        found = cursor.execute("SELECT input FROM project_logs('demo') WHERE id = ?", [f"by {scheme}"]).fetchall()
        assert found == [("new",)]


@pytest.mark.parametrize("scheme", ["https", "grpc+tls"])
@pytest.mark.parametrize("known", ["somebody else", "the authorities of the system"])
def test_a_server_that_is_not_trusted_learns_nothing(secured, scheme, known):
    addresses, key, _, other = secured
    with (
        pytest.raises(btql.OperationalError, match=r"(?i)certificate|tls|handshake") as caught,
        btql.connect(
            addresses[scheme], api_key=key, ca_file=other if known == "somebody else" else None, timeout=20
        ) as conn,
    ):
        conn.execute("SELECT 1")
    assert key not in str(caught.value)
