"""TLS and passwords, with libpq as psycopg brings it: each mode, direct TLS, channel binding, both protocols."""

from __future__ import annotations

import psycopg
import pytest

MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]


@pytest.mark.parametrize("mode", MODES)
def test_modes(door, mode):
    with door.connect(host="localhost", hostaddr=door.host, sslmode=mode, sslrootcert=str(door.authority)) as conn:
        # `allow` asks for TLS only where there is no other way.
        assert conn.pgconn.ssl_in_use == (mode not in ("disable", "allow"))
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_direct_tls(door):
    with door.connect(sslmode="require", sslnegotiation="direct") as conn:
        assert conn.pgconn.ssl_in_use
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_channel_binding(door):
    for negotiation in ("postgres", "direct"):
        with door.connect(sslmode="require", channel_binding="require", sslnegotiation=negotiation) as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)
    with door.connect(sslmode="require", channel_binding="disable") as conn:
        assert conn.execute("SELECT 1").fetchone() == (1,)
    with pytest.raises(psycopg.OperationalError, match="channel binding"):
        door.connect(sslmode="disable", channel_binding="require")


def test_a_password_is_sent_by_scram_only(door):
    for mode in ("disable", "require"):
        with door.connect(sslmode=mode, require_auth="scram-sha-256") as conn:
            assert conn.execute("SELECT 1").fetchone() == (1,)


@pytest.mark.parametrize("version", ["3.0", "3.2"])
def test_protocols(door, version):
    with door.connect(min_protocol_version=version, max_protocol_version=version) as conn:
        assert conn.pgconn.full_protocol_version == {"3.0": 30_000, "3.2": 30_002}[version]
        conn.cancel_safe()
        assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_certificate_of_somebody_else(door, tmp_path):
    import trustme

    trustme.CA().cert_pem.write_to_path(str(tmp_path / "other.pem"))
    with pytest.raises(psycopg.OperationalError, match="certificate verify failed"):
        door.connect(sslmode="verify-ca", sslrootcert=str(tmp_path / "other.pem"))


def test_who_is_not_let_in_learns_nothing(door):
    said = set()
    for user, password in (("ann@example.com", "sk-wrong"), ("nobody@example.com", "sk-wrong"), ("", "sk-wrong")):
        with pytest.raises(psycopg.OperationalError) as raised:
            door.connect(user=user or "x", password=password)
        said.add(str(raised.value).split("FATAL:")[1].replace(user or '"x"', "").replace('""', ""))
    assert len(said) == 1
    assert "password authentication failed" in said.pop()
    with pytest.raises(psycopg.OperationalError):
        # Somebody else's key.
        door.connect(user="nobody@example.com")
