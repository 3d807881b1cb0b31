"""Keys over the Postgres wire: who is let in, and what they may do then; the same as over HTTP."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import psycopg
import pytest
from server_support.certificates import issued
from server_support.party import Party
from server_support.pg import place

from btql_server.access.model import Level
from btql_server.access.verifier import answer, make_verifier, proves
from btql_server.pgwire.scram import PLAIN, Exchange
from btql_server.pgwire.throttle import Throttle
from btql_server.running import running_doors
from btql_server.settings import Limits, Settings


class Pg:
    """Connections with keys."""

    def __init__(self, addresses, folder) -> None:
        self.party = Party(addresses["http"], folder)
        self.folder = folder
        self.ann = self.party.key("ann@example.com", Level.ADMIN).text
        self.bob = self.party.key("bob@example.com", Level.READ).text
        self._host, self._port = place(addresses["pg"])

    def connect(self, password: str, user: str = "anybody", **more) -> psycopg.Connection:
        given: dict[str, Any] = {"sslmode": "disable", "dbname": "btql", "autocommit": True, **more}
        return psycopg.connect(host=self._host, port=self._port, user=user, password=password, **given)

    def refusal(self, password: str, user: str = "anybody", **more) -> str:
        with pytest.raises(psycopg.OperationalError) as caught:
            self.connect(password, user, **more)
        return str(caught.value).partition("FATAL:")[2].replace(user, "USER")


@pytest.fixture(scope="module")
def pg(tmp_path_factory):
    folder = tmp_path_factory.mktemp("keys")
    certificates = issued(folder)
    settings = Settings(
        folder / "db",
        ("127.0.0.1", 0),
        pg=("127.0.0.1", 0),
        tls_cert=certificates.certificate,
        tls_key=certificates.key,
        limits=Limits(refused_wait_s=0.01),
    )
    with running_doors(settings) as addresses:
        found = Pg(addresses, folder / "db")
        with found.connect(found.ann) as conn:
            conn.execute("INSERT INTO project_logs('demo') (id, input) VALUES ('a', 'b')")
        yield found
        found.party.close()


def test_a_key_opens_with_its_owner_its_prefix_or_any_other_name(pg):
    for user in ("ann@example.com", "ANN@example.com", pg.ann[:15], "postgres"):
        with pg.connect(pg.ann, user) as conn:
            assert conn.execute("SELECT id FROM demo").fetchall() == [("a",)]


def test_an_unknown_user_and_a_wrong_key_look_alike(pg):
    wrong = pg.bob[:-4] + "AAAA"
    told = {
        pg.refusal(wrong, "bob@example.com"),
        pg.refusal(wrong, "nobody@example.com"),
        pg.refusal(wrong, "postgres"),
        pg.refusal(wrong, "sk-000000000000"),
        # The key is right, but it is somebody else's.
        pg.refusal(pg.bob, "ann@example.com"),
        pg.refusal(pg.bob, pg.ann[:15]),
    }
    assert len(told) == 1
    assert "password authentication failed" in told.pop()


def test_the_wire_allows_what_the_key_allows(pg):
    project = pg.party.client(pg.ann).post("/v1/project", json={"name": "other"}).json()["id"]
    only = pg.party.key("carol@example.com", Level.WRITE, project=project).text
    insert = "INSERT INTO project_logs('{}') (id) VALUES ('x')"
    for key, statement, sqlstate in [
        (pg.bob, "SELECT count(*) FROM demo", None),
        (pg.bob, insert.format("demo"), "42501"),
        (pg.bob, "UPDATE project_logs('demo') SET metadata.a = 1 WHERE id = 'a'", "42501"),
        (pg.bob, "DELETE FROM project_logs('demo') WHERE id = 'a'", "42501"),
        (pg.bob, "COPY project_logs('demo') (id) FROM STDIN", "42501"),
        (only, "SELECT count(*) FROM project_logs('demo')", "42P01"),
        (only, "COPY demo TO STDOUT", "42P01"),
        (only, insert.format("demo"), "42501"),
        (only, insert.format(project), None),
        (only, f"SELECT count(*) FROM project_logs('{project}')", None),
        (only, "SELECT count(*) FROM project_logs('00000000-0000-0000-0000-000000000001')", "42501"),
    ]:
        with pg.connect(key) as conn:
            assert _outcome(conn, statement) == sqlstate, statement
    with pg.connect(only) as conn:
        seen = conn.execute("SELECT nspname, relname FROM pg_class c JOIN pg_namespace n ON n.oid = relnamespace "
                            "WHERE nspname = 'project_logs' AND relkind = 'r'").fetchall()  # fmt: skip
    assert seen == [("project_logs", "other")]


def _outcome(conn: psycopg.Connection, statement: str) -> str | None:
    """Return the SQLSTATE of the error, None where there is none."""
    try:
        conn.execute(statement.encode())
    except psycopg.Error as error:
        return error.sqlstate
    return None


def test_what_a_statement_changed_is_in_the_audit_log(pg):
    with pg.connect(pg.ann) as conn:
        conn.execute("INSERT INTO project_logs('audited') (id) VALUES ('x')")
        org_id = pg.party.client(pg.ann).get("/v1/organization").json()["objects"][0]["id"]
        query = f"SELECT route, client FROM audit_log('{org_id}') WHERE action = 'statement' AND name = 'audited'"
        assert conn.execute(query).fetchall() == [("postgres", "127.0.0.1")]


def test_a_revoked_key_ends_its_sessions(pg):
    issued = pg.party.key("dan@example.com", Level.READ)
    with pg.connect(issued.text) as conn:
        assert conn.execute("SELECT 1").fetchall() == [(1,)]
        admin = pg.party.client(pg.ann)
        assert admin.delete(f"/v1/api_key/{issued.key.id}").status_code == 200
        with pytest.raises(psycopg.Error) as caught:
            conn.execute("SELECT 1")
        assert caught.value.sqlstate == "28000"
        with pytest.raises(psycopg.OperationalError):
            conn.execute("SELECT 1")
    assert "password authentication failed" in pg.refusal(issued.text)


def test_tls_binds_the_proof_to_the_channel(pg):
    with pg.connect(pg.ann, sslmode="require", channel_binding="require") as conn:
        assert conn.execute("SHOW ssl").fetchall() == [("on",)]
    with pg.connect(pg.ann, sslmode="require", channel_binding="disable") as conn:
        assert conn.execute("SELECT 1").fetchall() == [(1,)]
    with pg.connect(pg.ann, sslmode="require", sslnegotiation="direct", channel_binding="require") as conn:
        conn.cancel_safe()


def test_a_key_of_an_earlier_version_is_sent_once(pg):
    old = pg.party.key("eve@example.com", Level.READ).text
    with closing(sqlite3.connect(pg.folder / "registry.sqlite")) as file, file as registry:
        registry.execute("UPDATE keys SET scram_salt = NULL WHERE prefix = ?", (old[:15],))
    assert "of an earlier version" in pg.refusal(old, "eve@example.com")
    assert "password authentication failed" in pg.refusal(old, old[:15])
    with pg.connect(old, old[:15], sslmode="require") as conn:
        assert conn.execute("SELECT 1").fetchall() == [(1,)]
    wrong = old[:-4] + "AAAA"
    assert "password authentication failed" in pg.refusal(wrong, old[:15], sslmode="require")


def test_a_proof_is_of_one_key_and_one_conversation():
    salt = b"0123456789abcdef"
    keys = {name: make_verifier(name, salt) for name in ("one", "two")}
    assert not proves(keys["one"], b"a conversation", b"short")
    assert len(answer(keys["one"], b"x")) == 32
    exchange = Exchange(PLAIN, None, salt)
    exchange.begin(b"n,,n=,r=abc")
    nonce = exchange._nonce
    assert exchange.finish(b"c=biws,r=" + nonce + b",p=AAAA", keys.items()) is None


def test_who_fails_again_waits_longer():
    now = [0.0]
    throttle = Throttle(0.5, lambda: now[0])
    waits = [throttle.failed("10.0.0.1") for _ in range(7)]
    assert waits == [0.5, 1, 2, 4, 8, 8, 8]
    assert throttle.failed("10.0.0.2") == 0.5
    throttle.succeeded("10.0.0.1")
    assert throttle.failed("10.0.0.1") == 0.5
    now[0] = 100.0
    assert throttle.failed("10.0.0.2") == 0.5
