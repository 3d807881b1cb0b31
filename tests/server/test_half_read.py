"""Clients that begin to read a large answer and stop, over each protocol, and what others notice of it."""

from __future__ import annotations

import json
import socket
import time
from contextlib import ExitStack, contextmanager

import httpx
import psycopg
import pyarrow as pa
import pytest
from pyarrow import flight
from server_support.pg import place as place_of
from server_support.pg_raw import SYNC, Raw, bind, error, execute, parse, query, rows, startup
from server_support.wire import request

import btql
from btql.execution import admission, reader, run
from btql_server.running import running_doors
from btql_server.settings import Limits, Settings

ROWS = 12_000
SQL = "SELECT id, input FROM project_logs('long')"
BTQL = "select: id, input | from: project_logs('long')"


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    """A server with memory for one export."""
    folder = tmp_path_factory.mktemp("half_read") / "db"
    with btql.connect(folder) as conn:
        conn.ingest("project_logs:long", [{"id": f"r{n}", "input": "x" * 2_000} for n in range(ROWS)])
        conn.compact()
    limits = Limits(query_memory_bytes_max=32 << 20, memory_bytes_max=32 << 20)
    here = ("127.0.0.1", 0)
    settings = Settings(folder, here, pg=here, flight=here, insecure_no_auth=True, limits=limits)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(run, "admission", admission.Admission())
        patch.setattr(reader, "STALLED_S", 0.5)
        patch.setattr(admission, "PATIENCE_S", 0.1)
        with running_doors(settings) as addresses:
            yield addresses


@contextmanager
def _small(address):
    """A connection that takes little before it stops."""
    with socket.socket() as found:
        found.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 << 10)
        found.settimeout(60)
        found.connect(place_of(address))
        yield found


def _asked(connection, fmt):
    body = json.dumps({"query": BTQL, "fmt": fmt, "disable_limit": True}).encode()
    connection.sendall(request("POST", "/btql", body))
    assert connection.recv(12) == b"HTTP/1.1 200"


def _all(connection):
    found = b""
    while piece := connection.recv(1 << 20):
        found += piece
    return found


def _export(doors):
    """Have another export run to its end."""
    answer = httpx.post(
        doors["http"] + "/btql", json={"query": BTQL, "fmt": "jsonl", "disable_limit": True}, timeout=60
    )
    assert answer.status_code == 200, answer.text
    assert len(answer.text.splitlines()) == ROWS


def test_lines_end_with_the_error(doors):
    with _small(doors["http"]) as stalled:
        _asked(stalled, "jsonl")
        _export(doors)
        last = _all(stalled).rpartition(b"\r\n")[0].rpartition(b"\r\n")[2].splitlines()
    told = json.loads(last[-1])["error"]["errors"][0]
    assert (told["code"], told["limit"], told["value"]) == ("B0508", "memory_bytes_max", 32 << 20)
    assert all(json.loads(line)["id"] for line in last[1:-1])


@pytest.mark.parametrize("fmt", ["arrow", "json"])
def test_other_formats_break_off(doors, fmt):
    with _small(doors["http"]) as stalled:
        _asked(stalled, fmt)
        _export(doors)
        assert not _all(stalled).endswith(b"0\r\n\r\n")


def test_interactive_queries_do_not_wait_for_answers_that_are_not_read(doors):
    few = "select: id, input | from: project_logs('long') | filter: id != 'x' | sort: input, id | limit: 5000"
    with ExitStack() as stack:
        for _ in range(3):
            connection = stack.enter_context(_small(doors["http"]))
            body = json.dumps({"query": few, "fmt": "jsonl", "use_cursor": False}).encode()
            connection.sendall(request("POST", "/btql", body))
            time.sleep(0.2)
        began = time.monotonic()
        answer = httpx.post(doors["http"] + "/btql", json={"query": "SELECT count(*) AS n FROM long WHERE id < 'r2'"})
        assert answer.status_code == 200
        assert time.monotonic() - began < 15


def test_a_slow_reader_takes_its_time_while_nobody_waits(doors):
    with _small(doors["http"]) as slow:
        _asked(slow, "jsonl")
        time.sleep(1.5)
        found = b""
        while not found.endswith(b"0\r\n\r\n"):
            found += slow.recv(1 << 20)
    assert found.count(b'"id"') == ROWS


def test_a_session_that_does_not_read_gets_the_error_between_two_rows(doors):
    with _small(doors["pg"]) as connection:
        stalled = Raw.__new__(Raw)
        stalled.socket, stalled._buffer = connection, b""
        stalled.ask(startup())
        stalled.send(query(SQL))
        time.sleep(0.2)
        _export(doors)
        found = stalled.until()
        told = error(found)
        assert (told["S"], told["C"]) == ("ERROR", "57014")
        assert "nothing of the answer was taken" in told["M"]
        assert 0 < len(rows(found)) < ROWS
        assert rows(stalled.ask(query("SELECT 1"))) == [["1"]]


def test_a_copy_that_is_not_read_gets_the_error(doors):
    with _small(doors["pg"]) as connection:
        stalled = Raw.__new__(Raw)
        stalled.socket, stalled._buffer = connection, b""
        stalled.ask(startup())
        stalled.send(query(f"COPY ({SQL}) TO STDOUT"))
        time.sleep(0.2)
        _export(doors)
        assert error(stalled.until())["C"] == "57014"
        assert rows(stalled.ask(query("SELECT 1"))) == [["1"]]


def test_a_portal_that_is_left_alone_gets_the_error(doors):
    with Raw(*place_of(doors["pg"])) as stalled:
        stalled.ask(startup())
        stalled.ask(query("BEGIN"))
        assert len(rows(stalled.ask(parse(SQL), bind("p"), execute("p", 10), SYNC))) == 10
        time.sleep(0.6)
        assert len(rows(stalled.ask(execute("p", 10), SYNC))) == 10
        _export(doors)
        assert error(stalled.ask(execute("p", 10), SYNC))["C"] == "57014"
        stalled.ask(query("ROLLBACK"))
        assert rows(stalled.ask(query("SELECT 1"))) == [["1"]]


def test_a_cursor_that_is_left_alone_gets_the_error(doors):
    host, port = place_of(doors["pg"])
    with psycopg.connect(host=host, port=port, user="me", dbname="btql") as connection:
        cursor = connection.cursor(name="c")
        cursor.execute(SQL)
        assert len(cursor.fetchmany(10)) == 10
        _export(doors)
        with pytest.raises(psycopg.errors.QueryCanceled, match="nothing of the answer was taken"):
            cursor.fetchmany(10)
        connection.rollback()
        cursor.close()


def test_a_flight_that_is_not_read_gets_the_error(doors):
    with flight.connect(doors["flight"]) as client:
        # Of few batches all are computed by the time that the first one is read.
        many = "SELECT n, repeat('x', 100) AS x FROM generate_series(1, 1000000) s (n)"
        read = client.do_get(flight.Ticket(many.encode()))
        read.read_chunk()
        _export(doors)
        with pytest.raises(pa.ArrowException, match="nothing of the answer was taken"):
            read.read_all()


def test_a_server_that_stops_does_not_wait_for_clients_that_read_nothing(doors, tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        conn.ingest("project_logs:long", [{"id": f"r{n}", "input": "x" * 2_000} for n in range(ROWS)])
    here = ("127.0.0.1", 0)
    settings = Settings(tmp_path / "db", here, pg=here, insecure_no_auth=True, stop_grace_s=0.5)
    with ExitStack() as clients:
        with running_doors(settings) as addresses:
            http, pg = (clients.enter_context(_small(addresses[door])) for door in ("http", "pg"))
            _asked(http, "jsonl")
            session = Raw.__new__(Raw)
            session.socket, session._buffer = pg, b""
            session.ask(startup())
            session.send(query(SQL))
            time.sleep(0.5)
            began = time.monotonic()
        assert time.monotonic() - began < 4
