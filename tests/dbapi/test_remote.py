"""A server as a connection: keys, the same answers as from the folder, and what networks do."""

from __future__ import annotations

import json
import math
import os
import re
import resource
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, cast
from uuid import UUID

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from server_support.endless import LONG
from server_support.one_answer import answering
from server_support.party import Party

import btql
from btql.remote.address import address_of
from btql.remote.http_connection import HttpConnection
from btql.remote.wire_values import from_wire, to_wire
from btql_server.access.model import Level
from btql_server.running import running, running_doors
from btql_server.settings import Limits, Settings

# What the server of `doors` allows a query: long enough for the others to be answered on a busy machine.
_SECONDS = 3.0


@pytest.fixture(scope="module")
def doors(tmp_path_factory):
    """A server that checks keys, lets a query run for a while, and has rows for answers that take longer."""
    folder = tmp_path_factory.mktemp("keys") / "db"
    with btql.connect(folder) as connection:
        connection.ingest("project_logs:many", [{"id": f"r{n}", "n": n, "text": "x" * 900} for n in range(2_000)])
    settings = Settings(folder, ("127.0.0.1", 0), flight=("127.0.0.1", 0), limits=Limits(query_seconds_max=_SECONDS))
    with running_doors(settings) as addresses:
        yield Party(addresses["http"], folder), addresses


@pytest.fixture(scope="module")
def party(doors):
    return doors[0]


@pytest.fixture(params=["http", "flight"])
def door(request, doors):
    """The address of each door of that server."""
    return doors[1][request.param]


@pytest.fixture(scope="module")
def remote(url):
    with btql.connect(url) as connection:
        yield connection


@pytest.fixture(params=["http", "flight"])
def any_remote(request, addresses):
    with btql.connect(addresses[request.param]) as connection:
        yield connection


@pytest.fixture(scope="module")
def embedded(folder):
    with btql.connect(folder) as connection:
        yield connection


def test_the_key_is_in_the_url_in_an_argument_or_in_the_environment(party, door, monkeypatch):
    key = party.key().text
    scheme, _, address = door.partition("://")
    ways = [
        lambda: btql.connect(f"{scheme}://{key}@{address}"),
        lambda: btql.connect(f"{scheme}://anybody:{key}@{address}"),
        lambda: btql.connect(door, api_key=key),
        lambda: btql.connect(door),
    ]
    monkeypatch.setenv("BTQL_API_KEY", key)
    for way in ways:
        with way() as connection:
            assert connection.execute("SELECT 1 AS one").fetchall() == [(1,)]
    monkeypatch.setenv("BTQL_API_KEY", "")
    for wrong in (None, "sk-wrong"):
        with btql.connect(door, api_key=wrong) as connection, pytest.raises(btql.OperationalError) as caught:
            connection.execute("SELECT 1 AS one")
        assert caught.value.sqlstate == "28000"
    assert key not in repr(address_of(f"http://{key}@{address}", None))


def test_what_a_key_may_not_do_is_refused(party, door):
    with btql.connect(door, api_key=party.key().text) as connection:
        connection.execute("INSERT INTO project_logs('secret') (id) VALUES ('a')")
    with btql.connect(door, api_key=party.key(level=Level.READ).text) as connection:
        with pytest.raises(btql.ProgrammingError) as caught:
            connection.execute("DELETE FROM project_logs('secret')")

        assert caught.value.sqlstate == "42501"
        assert connection.execute("SELECT id FROM project_logs('secret')").fetchall() == [("a",)]


def test_answers_are_those_of_the_folder(embedded, remote):
    for query, values in [
        ("SELECT * FROM project_logs('demo') ORDER BY id", None),
        ("select: id, tags, metadata, created | from: project_logs('demo') | sort: id | limit: 2", None),
        ("SELECT ? AS a, ? AS b, ? AS c, 1.5 AS d, NULL AS e", [1, "x", {"k": [1.5, None]}]),
        ("SELECT id, nothing FROM project_logs('demo') WHERE false", None),
        ("EXPLAIN SELECT 1 AS one", None),
    ]:
        here, there = embedded.query(query, values), remote.query(query, values)
        assert there.schema == here.schema
        assert there.rows() == here.rows()
        assert there.warnings == here.warnings
        assert there.xact_id == here.xact_id
        here, there = embedded.query(query, values), remote.query(query, values)
        assert list(there.json()) == list(here.json())
        here, there = embedded.query(query, values), remote.query(query, values)
        assert there.to_polars().equals(here.to_polars())


def test_pages_go_on_after_a_cursor(embedded, remote):
    query = "select: id | from: project_logs('demo') | limit: 2"
    found = []
    for connection in (embedded, remote):
        page = connection.query(query)
        rows = page.rows()
        while page.cursor is not None:
            page = connection.query(query, cursor=page.cursor)
            rows += page.rows()
        found.append(rows)

    assert found[0] == found[1]
    assert len(found[0]) == 5
    assert len(remote.query("SELECT id FROM project_logs('demo')", limit=3).rows()) == 3


@pytest.mark.parametrize(
    "query",
    [
        "SELECT nothing(1),\n  id FROM project_logs('demo')",
        "select: id | from: project_logs('dem') | filter: x",
        {"select": [{"op": "ident", "name": ["id"]}]},
        "SELECT id, id FROM project_logs('demo')",
        "SELECT ? AS one, ? AS two",
        "CREATE TABLE t (a int)",
    ],
)
def test_mistakes_are_drawn_as_they_are_for_a_folder(embedded, any_remote, query):
    found = []
    for connection in (embedded, any_remote):
        with pytest.raises(btql.QueryError) as caught:
            connection.query(query, ["1"] if "?" in query else None)
        error = caught.value
        found.append((type(error), str(error), error.code, error.sqlstate, error.position, error.diagnostics))

    assert found[0] == found[1]


def test_values_reach_the_server_with_their_types():
    values = [
        *(None, True, 1, 10**40, 1.5, "x", Decimal(7), Decimal("0.5")),
        *(
            datetime(2026, 1, 2, tzinfo=UTC),
            datetime(2026, 1, 2, 3, 4, 5, 6, UTC),
            date(2026, 1, 2),
            timedelta(hours=-1),
        ),
        *([1, ["a"]], {"k": {"n": None}}, UUID(int=5)),
    ]
    named = {f"n{number}": value for number, value in enumerate(values)}

    assert from_wire(*to_wire(values)) == [*values[:-1], str(UUID(int=5))]
    assert list(cast("dict[str, object]", from_wire(*to_wire(named))).values()) == [*values[:-1], str(UUID(int=5))]
    assert math.isnan(cast("list[float]", from_wire(*to_wire([math.nan])))[0])
    assert from_wire(*to_wire([math.inf, -math.inf, Decimal("Infinity")])) == [math.inf, -math.inf, math.inf]
    inside = to_wire([[datetime(2026, 1, 2, tzinfo=UTC), Decimal(1)]])
    assert inside == ([["2026-01-02T00:00:00.000000Z", 1]], [None])


@pytest.mark.parametrize(
    ("values", "sorts"),
    [
        ([1], [None, None]),
        ([1], {"a": None}),
        ({"a": 1}, [None]),
        (["x"], ["timestamp"]),
        ([1], ["date"]),
        (["x"], ["number"]),
        ([1], ["nonsense"]),
        ([10**30], ["interval"]),
        ([1], [7]),
        ([1], 7),
    ],
)
def test_sorts_that_do_not_fit_are_a_wrong_request(remote, values, sorts):
    body = {"query": "SELECT ? AS one", "parameters": values, "parameter_sorts": sorts}
    with pytest.raises(btql.DataError, match="Invalid request"):
        remote._client.call("/btql", body)


def test_a_type_that_cannot_be_a_parameter_is_the_same_error(embedded, any_remote):
    found = []
    for connection in (embedded, any_remote):
        expected = r"a value of type `set` cannot be a parameter(.|\n)*give .* or a list or dictionary of these"
        with pytest.raises(btql.ProgrammingError, match=expected) as caught:
            connection.execute("SELECT ? AS one", [{"x"}])
        found.append((caught.value.code, caught.value.sqlstate))

    assert found == [("B0115", "42P02")] * 2
    assert any_remote.execute("SELECT ? AS one", [np.float32(0.5)]).fetchall() == [(0.5,)]


def test_times_of_pandas_are_times(any_remote):
    moment = pd.Timestamp("2026-01-02 03:04:05.678901", tz="Europe/Berlin")
    values = [moment, pd.NaT, pd.Timedelta("90 min"), pd.NA]
    text = "SELECT ? AS a, ? AS b, ? + interval '0 h' AS c, ? AS d"
    ((at, nothing, long, missing),) = any_remote.execute(text, values).fetchall()
    assert (at, nothing, long, missing) == (moment.to_pydatetime(), None, "01:30:00", None)


def test_a_query_in_the_json_form_is_none_that_writes_for_many_values(embedded, any_remote):
    query = {"select": [{"op": "star"}], "from": {"op": "ident", "name": ["project_logs", "demo"]}}
    for connection in (embedded, any_remote):
        with pytest.raises(btql.NotSupportedError, match="with many sequences of values is not supported"):
            connection.cursor().executemany(query, [[1], [2]])


def test_an_error_in_the_middle_of_an_answer_is_that_error(party, door):
    with btql.connect(door, api_key=party.key().text) as connection:
        # Some MiB come at once; the rest takes longer.
        many = "project_logs('many')"
        cursor = connection.execute(f"SELECT a.text, a.n * b.n AS product FROM {many} a, {many} b, {many} c")
        with pytest.raises(btql.TimeLimit) as caught:
            for _ in cursor.fetch_record_batch():
                pass

        assert caught.value.seconds == _SECONDS
        assert cursor.execute("SELECT 1 AS one").fetchall() == [(1,)]


def test_a_connection_that_breaks_in_the_middle_says_so(url):
    """A server that sends the first half of an answer."""
    with btql.connect(url) as connection:
        schema = connection.query("SELECT 1 AS one").schema
    head = b"HTTP/1.1 200 OK\r\ncontent-type: application/vnd.apache.arrow.stream\r\ntransfer-encoding: chunked\r\n\r\n"
    message = schema.serialize().to_pybytes()
    half = head + f"{len(message):x}\r\n".encode() + message + b"\r\n"
    with answering(half) as broken, btql.connect(broken) as connection:
        cursor = connection.execute("SELECT 1 AS one")
        with pytest.raises(btql.OperationalError, match="broke") as caught:
            cursor.fetchall()

    assert caught.value.sqlstate == "08006"


def test_a_page_that_is_no_answer_of_ours_is_told():
    """As a proxy asks for a password."""
    page = b"HTTP/1.1 200 OK\r\ncontent-type: text/html; charset=utf-8\r\ncontent-length: 5\r\n\r\n<html"
    with answering(page) as url, btql.connect(url) as connection:
        ways = (connection.objects, lambda: connection.query("SELECT 1"), lambda: connection.ingest("dataset:a", [{}]))
        for way in ways:
            with pytest.raises(btql.OperationalError, match=f"{url} is no `btql serve`: it sends text/html"):
                way()


@pytest.mark.parametrize("scheme", ["http", "grpc"])
def test_where_no_server_is_the_error_says_so(scheme):
    with btql.connect(f"{scheme}://127.0.0.1:1") as connection, pytest.raises(btql.OperationalError) as caught:
        connection.execute("SELECT 1 AS one")

    assert str(caught.value).startswith(f"there is no server at {scheme}://127.0.0.1:1: start `btql serve")
    assert caught.value.sqlstate == "08001"


@pytest.mark.parametrize("url", ["http://", "http://:80", "http://host:port", "http://host/?a=b", "grpc://"])
def test_what_is_no_url_of_a_server_is_refused(url):
    with pytest.raises(btql.InterfaceError, match="not the URL of a server"):
        btql.connect(url)


def test_a_server_that_was_closed_meanwhile_is_asked_on_a_new_connection(tmp_path):
    settings = Settings(tmp_path / "db", ("127.0.0.1", 0), insecure_no_auth=True)
    with running(settings) as url:
        connection = btql.connect(url)
        assert connection.execute("SELECT 1 AS one").fetchall() == [(1,)]
    port = int(url.rpartition(":")[2])
    with running(Settings(tmp_path / "db", ("127.0.0.1", port), insecure_no_auth=True)), connection:
        assert connection.execute("SELECT 1 AS one").fetchall() == [(1,)]


def test_a_server_that_was_away_is_asked_as_soon_as_it_is_back(tmp_path):
    """Flight SQL's driver says for up to two minutes after a failure that there is no server."""
    settings = Settings(tmp_path / "db", ("127.0.0.1", 0), flight=("127.0.0.1", 0), insecure_no_auth=True)
    with running_doors(settings) as found:
        connection = btql.connect(found["flight"])
        connection.execute("SELECT 1 AS one").fetchall()
    for _ in range(2):
        with pytest.raises(btql.OperationalError) as caught:
            connection.execute("SELECT 1 AS one")
        assert caught.value.sqlstate in {"08001", "08006"}
    place = ("127.0.0.1", int(found["flight"].rpartition(":")[2]))
    with running_doors(replace(settings, flight=place)), connection:
        assert connection.execute("SELECT 1 AS one").fetchall() == [(1,)]


def test_a_server_that_goes_away_under_a_statement_leaves_no_complaint_behind(tmp_path):
    """What the driver complains of when it ends, a process of its own shows."""
    script = """if True:
        import sys, btql
        cursor = btql.connect(sys.argv[1]).execute("SELECT ? AS one", [1])
        print("ready", flush=True)
        sys.stdin.read()
        try:
            cursor.fetchall()
        except btql.OperationalError:
            pass
    """
    settings = Settings(tmp_path / "db", ("127.0.0.1", 0), flight=("127.0.0.1", 0), insecure_no_auth=True)
    with ExitStack() as server:
        found = server.enter_context(running_doors(settings))
        command = [sys.executable, "-c", script, found["flight"]]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True) as program:
            assert program.stdout is not None
            assert program.stdout.readline() == "ready\n"
            server.close()
            assert program.communicate(timeout=60) == ("", "")


@pytest.mark.parametrize(
    ("door", "scheme", "said"),
    [
        ("http", "https", "speaks no TLS: write http://"),
        ("http", "grpc", r"is no Flight SQL without TLS: write grpc\+tls://"),
        ("flight", "grpc+tls", "speaks no TLS: write grpc://"),
        ("flight", "http", "speaks no HTTP: give the port of `btql serve --http`"),
    ],
)
def test_a_server_of_another_protocol_is_told(addresses, door, scheme, said):
    url = f"{scheme}://{addresses[door].partition('://')[2]}"
    with (
        btql.connect(url) as connection,
        pytest.raises(btql.OperationalError, match=f"what answers at {re.escape(url)} {said}") as caught,
    ):
        connection.execute("SELECT 1 AS one")
    assert caught.value.sqlstate == "08001"


@pytest.mark.parametrize("url", ["https://localhost:1", "grpc+tls://localhost:1"])
def test_certificates_that_are_not_there_are_told(url, tmp_path):
    with pytest.raises(btql.InterfaceError, match=r"certificates can be read from ca_file, .*none\.pem: no such file"):
        btql.connect(url, ca_file=tmp_path / "none.pem")


def test_a_cancelled_query_ends_on_the_server_too(remote):
    cursor = remote.cursor()
    timer = threading.Timer(0.2, cursor.cancel)
    timer.start()
    with pytest.raises(btql.Cancelled):
        cursor.execute(LONG)
    timer.join()
    deadline = time.monotonic() + 30
    # The server is in this process, so what it still computes is seen in the time that the process takes.
    while time.monotonic() < deadline:
        began = time.process_time()
        time.sleep(0.2)
        if time.process_time() - began < 0.1:
            break
    else:
        pytest.fail("the query goes on")


def test_connections_are_used_again_and_none_is_left(remote):
    for _ in range(3):
        remote.execute("SELECT n FROM project_logs('many')").fetchall()
        remote.execute("SELECT n FROM project_logs('demo')").fetchone()
    waiting = remote._client._idle

    assert len(waiting) == 1
    cursor = remote.execute("SELECT a.n AS one, b.n AS two FROM project_logs('many') a, project_logs('many') b")
    cursor.fetchone()
    cursor.close()
    assert len(waiting) <= 1


def test_a_closed_connection_asks_nothing(addresses):
    for scheme in ("http", "flight"):
        with btql.connect(addresses[scheme]) as connection:
            connection.execute("SELECT 1 AS one").fetchall()
        for use in (lambda: connection.query("SELECT 1"), connection.objects):
            with pytest.raises(btql.InterfaceError, match="the connection is closed") as refused:
                use()
            assert refused.value.sqlstate == "08003"


def test_sockets_of_another_process_are_not_used(url, monkeypatch):
    with btql.connect(url) as connection:
        assert isinstance(connection, HttpConnection)
        connection.execute("SELECT 1 AS one").fetchall()
        (before,) = connection._client._idle
        monkeypatch.setattr(os, "getpid", lambda: -1)
        connection.execute("SELECT 1 AS one").fetchall()

        assert before.sock is None
        assert before not in connection._client._idle


def test_a_forked_process_never_uses_the_connections_of_its_parent(addresses):
    """In a process of its own, as the tests have threads."""
    script = """if True:
        import multiprocessing, sys, btql
        def ask(connection, answers):
            try:
                answers.put(connection.execute("SELECT 'child' AS who").fetchall())
            except btql.Error as error:
                answers.put(f"{error.sqlstate} {error}")
        with btql.connect(sys.argv[1]) as connection:
            connection.execute("SELECT 1 AS one").fetchall()
            context = multiprocessing.get_context("fork")
            answers = context.SimpleQueue()
            child = context.Process(target=ask, args=(connection, answers))
            child.start()
            print(answers.get())
            child.join()
            print(connection.execute("SELECT 'parent' AS who").fetchall())
    """
    for scheme, expected in (("http", "[('child',)]"), ("flight", "08003 Flight SQL was in use before")):
        run = subprocess.run(
            [sys.executable, "-c", script, addresses[scheme]], capture_output=True, text=True, timeout=60, check=False
        )
        assert run.stdout.startswith(expected), run.stderr
        assert run.stdout.endswith("[('parent',)]\n")


def test_what_only_a_folder_can_do_is_refused(any_remote):
    with pytest.raises(btql.NotSupportedError, match="a server compacts by itself"):
        any_remote.compact()
    with pytest.raises(btql.NotSupportedError, match="`btql status`"):
        any_remote.status()
    with pytest.raises(btql.NotSupportedError, match=r"purge where the folder is: `btql purge`, or POST"):
        any_remote.purge("project_logs:demo")

    assert "one" in any_remote.explain("SELECT 1 AS one")
    assert json.loads(any_remote.explain("SELECT 1 AS one", analyze=True, format="json"))["rows"] == 1
    assert "-- plan" in any_remote.explain("SELECT 1 AS one", format="tree")


def test_options_of_folders_that_a_server_would_not_heed_are_refused(addresses):
    for address in addresses["http"], addresses["flight"]:
        with pytest.raises(btql.NotSupportedError, match="give the server a key that only reads"):
            btql.connect(address, read_only=True)
        with pytest.raises(btql.NotSupportedError, match="prices is for folders and buckets"):
            btql.connect(address, prices={"models": {}})


def test_what_has_no_place_in_flight_sql_is_refused(addresses):
    with btql.connect(addresses["flight"]) as connection:
        wishes: tuple[dict[str, Any], ...] = ({"lint": "strict"}, {"limit": 1}, {"cursor": "x"})
        for wish in wishes:
            with pytest.raises(btql.NotSupportedError, match="use http://"):
                connection.query("SELECT 1 AS one", **wish)
        for use in (lambda: connection.paths("project_logs:demo"), lambda: connection.ingest("project_logs:demo", [])):
            with pytest.raises(btql.NotSupportedError, match="use http://"):
                use()


def test_objects_are_those_of_the_folder(embedded, any_remote):
    # The audit log of an organization is for those who administer it.
    objects = [name for name in embedded.objects() if not name.startswith("audit_log:")]
    assert sorted(any_remote.objects()) == sorted(objects)
    here, there = ({(each.schema, each.name): each for each in one.tables()} for one in (embedded, any_remote))
    table = there["project_logs", "demo"]
    assert {column.name for column in here["project_logs", "demo"].columns} <= {each.name for each in table.columns}


def test_events_are_written_and_paths_are_told(embedded, remote):
    events = [{"id": "a", "metadata": {"deep": {"n": 10**30}}}, b'{"input": "text"}']
    receipt = remote.ingest("project_logs:ingested", events)

    assert (receipt.rows, receipt.ids[0], len(receipt.ids)) == (2, "a", 2)
    rows = embedded.query("SELECT id, metadata, _xact_id FROM project_logs('ingested') ORDER BY input").rows()
    assert {row["_xact_id"] for row in rows} == {str(receipt.xact_id)}
    assert {"deep": {"n": 10**30}} in [row["metadata"] for row in rows]
    assert remote.paths("project_logs:ingested") == embedded.paths("project_logs:ingested")
    with pytest.raises(btql.DataError, match="created"):
        remote.ingest("project_logs:ingested", [{"id": "b"}, {"created": "yesterday"}])
    for call in (lambda: remote.ingest("nonsense", [{}]), lambda: remote.paths("nonsense")):
        with pytest.raises(btql.Error, match="is no object"):
            call()


def test_rows_stream_in_bounded_memory(remote):
    reader = remote.execute(
        "SELECT a.id AS left, b.id AS right FROM project_logs('many') a, project_logs('many') b"
    ).fetch_record_batch()
    batch = reader.read_next_batch()
    before = pa.total_allocated_bytes()
    for _ in range(50):
        batch = reader.read_next_batch()

    assert pa.total_allocated_bytes() - before < 64 << 20
    assert batch.num_rows
    reader.close()


def test_a_process_with_many_open_files_asks_as_any_other(url):
    # select() takes no file descriptor above 1023.
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < 2_048:
        pytest.skip("this machine allows a process too few open files")
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 2_048), hard))
    with ExitStack() as opened:
        opened.callback(resource.setrlimit, resource.RLIMIT_NOFILE, (soft, hard))
        while opened.enter_context(Path(os.devnull).open()).fileno() < 1_024:
            pass
        with btql.connect(url) as connection:
            for _ in range(2):
                assert connection.execute("SELECT 1 AS one").fetchall() == [(1,)]
