"""Cursors: what PEP 249 leaves open, and what goes beyond it."""

from __future__ import annotations

import math
import threading
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from server_support.endless import LONG

import btql
from btql.execution import stoppable


@pytest.mark.parametrize("seconds", [60, np.int64(60), 1e300, math.inf, 10**400], ids=lambda seconds: f"{seconds!r:.9}")
def test_a_time_limit_is_any_number_of_seconds(conn, seconds):
    assert conn.query("SELECT 1 AS one", timeout=seconds).rows() == [{"one": 1}]


def test_both_languages_take_values_by_place_and_by_name(conn):
    cursor = conn.cursor()
    asked = {
        "SELECT id FROM project_logs('demo') WHERE metadata.n = ?": [3],
        "SELECT id FROM project_logs('demo') WHERE metadata.n = $1": (3,),
        "SELECT id FROM project_logs('demo') WHERE metadata.n = :n": {"n": 3},
        "select: id | from: project_logs('demo') | filter: metadata.n = ?": [np.int64(3)],
        "select: id | from: project_logs('demo') | filter: metadata.n = :n": {"n": 3},
    }

    assert [cursor.execute(query, values).fetchall() for query, values in asked.items()] == [[("r3",)]] * len(asked)


def test_values_of_every_type_come_back_as_they_were(conn):
    instant = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
    values = [None, True, 7, 10**30, 1.5, Decimal(3), "it's -- :x ? $1", instant, ["a", "b"], {"k": [1, None]}]
    items = ", ".join(f"? AS c{n}" for n in range(len(values)))

    assert conn.cursor().execute(f"SELECT {items}", values).fetchone() == tuple(values)
    row = conn.cursor().execute("SELECT ? AS day, ? AS length", [date(2026, 1, 2), timedelta(hours=2)]).fetchone()
    assert row == (datetime(2026, 1, 2, tzinfo=UTC), "02:00:00")


def test_times_in_lists_and_dictionaries_are_the_texts_of_documents(conn):
    east = timezone(timedelta(hours=5, minutes=30))
    moments = [datetime(2026, 1, 2, 3, 4, 5, 678901, east), datetime(2026, 1, 2), date(2026, 1, 2)]  # noqa: DTZ001
    texts = ["2026-01-01T21:34:05.678901Z", "2026-01-02T00:00:00.000000Z", "2026-01-02"]
    row = conn.cursor().execute("SELECT ? AS list, ? AS object", [moments, {"at": moments}]).fetchone()

    assert row == (texts, {"at": texts})
    found = conn.cursor().execute("SELECT timestamp '2026-01-01T21:34:05.678901Z' = ANY(?) AS x", [moments])
    assert found.fetchone() == (True,)


@pytest.mark.parametrize("within", [lambda value: value, lambda value: [value], lambda value: {"at": value}])
def test_a_time_that_is_none_in_utc_is_refused(conn, within):
    first = datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))
    with pytest.raises(btql.ProgrammingError, match=r"is a time that no value here is(.|\n)*years go") as refused:
        conn.cursor().execute("SELECT ? AS x", [within(first)])
    assert refused.value.code == "B0115"


@pytest.mark.parametrize("values", ["text", b"bytes", 7, {1}])
def test_values_that_are_neither_a_list_nor_a_dictionary_are_refused(conn, values):
    with pytest.raises(btql.InterfaceError, match=r"write `\[value\]`"):
        conn.cursor().execute("SELECT ? AS one", values)


@pytest.mark.parametrize(
    ("query", "values", "code"),
    [
        ("SELECT ? AS x", {"a": 1}, "B0115"),
        ("SELECT ? AS x", [1, 2], "B0115"),
        ("SELECT ? AS x", [], "B0115"),
        ("SELECT :a AS x", {"b": 1}, "B0115"),
        ("SELECT :a AS x", [1], "B0115"),
        ("SELECT ? AS x, :a AS y", [1, 2], "B0115"),
        ("", None, "B0112"),
    ],
)
def test_values_that_do_not_fit_the_statement_are_refused(conn, query, values, code):
    with pytest.raises(btql.ProgrammingError) as refused:
        conn.cursor().execute(query, values)
    assert refused.value.code == code


@pytest.mark.parametrize("operation", [None, b"SELECT 1", 1])
def test_what_is_no_statement_is_refused(conn, operation):
    with pytest.raises(btql.InterfaceError, match="a statement is a text"):
        conn.cursor().execute(operation)
    with pytest.raises(btql.InterfaceError, match="a statement is a text"):
        conn.cursor().executemany(operation, [[1]])


def test_half_of_a_surrogate_pair_is_the_sign_for_what_is_no_character(conn):
    assert conn.cursor().execute("SELECT ? AS x", ["a\ud800"]).fetchone() == ("a\ufffd",)


def test_the_description_has_arrow_types_that_equal_the_type_objects(conn):
    cursor = conn.execute("SELECT id, metadata.n, metadata, tags, created, n = 1 AS same FROM project_logs('demo')")

    assert [column[0] for column in cursor.description] == ["id", "n", "metadata", "tags", "created", "same"]
    assert cursor.description[1][1] == pa.int64()
    sorts = [btql.STRING, btql.NUMBER, btql.JSON, btql.LIST, btql.DATETIME, btql.BOOLEAN]
    assert [[column[1] == sort for sort in sorts] for column in cursor.description] == np.eye(6).tolist()
    assert cursor.fetchone()[2] == {"n": 4}


def test_what_is_left_can_be_fetched_in_another_form(conn):
    cursor = conn.cursor()
    query = "SELECT metadata.n FROM project_logs('demo') ORDER BY 1"

    def after_the_first():
        assert cursor.execute(query).fetchone() == (0,)
        return cursor

    assert after_the_first().fetch_arrow_table()["n"].to_pylist() == [1, 2, 3, 4]
    assert after_the_first().fetch_df()["n"].tolist() == [1, 2, 3, 4]
    assert after_the_first().fetch_polars()["n"].to_list() == [1, 2, 3, 4]
    assert after_the_first().fetch_record_batch().read_all()["n"].to_pylist() == [1, 2, 3, 4]
    assert pa.table(after_the_first())["n"].to_pylist() == [1, 2, 3, 4]
    assert list(after_the_first()) == [(1,), (2,), (3,), (4,)]
    assert after_the_first().rownumber == 1
    assert (cursor.fetchall(), cursor.rowcount) == ([(1,), (2,), (3,), (4,)], 5)


def test_rows_are_made_as_they_are_fetched(conn):
    cursor = conn.execute("SELECT n FROM project_logs('many') ORDER BY n")
    cursor.arraysize = 700
    sizes = []
    while rows := cursor.fetchmany():
        sizes.append(len(rows))
        assert cursor.rownumber == rows[-1][0] + 1

    assert sizes == [700, 700, 700, 700, 200]
    assert cursor.rowcount == 3_000


def test_statements_that_write_count_their_rows(conn):
    cursor = conn.cursor()
    insert = "INSERT INTO project_logs('written') (id, metadata.n) VALUES (?, ?)"
    update = "UPDATE project_logs('written') SET metadata.n = :new WHERE metadata.n > :old"
    counts = [
        cursor.execute(insert, ["a", 1]).rowcount,
        cursor.executemany(insert, [["b", 2], ["c", 3], ["d", None]]).rowcount,
        cursor.execute(update, {"new": 9, "old": 1}).rowcount,
        cursor.executemany("DELETE FROM project_logs('written') WHERE id = ?", [["a"], ["x"], ["d"]]).rowcount,
        cursor.executemany(insert, []).rowcount,
    ]

    assert counts == [1, 3, 2, 2, 0]
    assert cursor.description is None
    with pytest.raises(btql.InterfaceError, match="no rows to fetch"):
        cursor.fetchone()
    query = "SELECT id, metadata.n FROM project_logs('written') ORDER BY 1"
    assert cursor.execute(query).fetchall() == [("b", 9), ("c", 9)]


def test_how_many_rows_were_written_is_known_of_a_cursor_that_is_closed(conn):
    """SQLAlchemy asks then, and so ``to_sql`` of pandas."""
    cursor = conn.cursor()
    cursor.executemany("INSERT INTO project_logs('closing') (id) VALUES (?)", [["a"], ["b"]])
    cursor.close()

    assert cursor.rowcount == 2


def test_many_values_are_written_at_once_or_not_at_all(conn):
    cursor = conn.cursor()
    insert = "INSERT INTO project_logs('at_once') (id) VALUES (?)"
    cursor.executemany(insert, [["a"], ["b"]])
    with pytest.raises(btql.ProgrammingError, match="1 values are needed, 2 are given"):
        cursor.executemany(insert, [["c"], ["d", "e"]])

    ids, transactions = zip(*cursor.execute("SELECT id, _xact_id FROM project_logs('at_once')"), strict=True)
    assert sorted(ids) == ["a", "b"]
    assert len(set(transactions)) == 1


def test_a_statement_without_values_runs_as_often_as_there_are_sequences(conn):
    cursor = conn.cursor()
    cursor.executemany("INSERT INTO project_logs('often') (id) VALUES ('x')", [[], []])
    assert cursor.rowcount == 2


def test_many_values_are_not_for_a_query(conn):
    with pytest.raises(btql.NotSupportedError, match="run it once for each of them, with `execute`"):
        conn.cursor().executemany("SELECT ? AS one", [[1], [2]])


def test_what_was_written_cannot_be_rolled_back(conn):
    conn.commit()
    conn.rollback()
    conn.execute("INSERT INTO project_logs('kept') (id) VALUES ('a')")
    with pytest.raises(btql.NotSupportedError, match="what was written stays"):
        conn.rollback()
    conn.execute("INSERT INTO project_logs('kept') (id) VALUES ('b')")
    conn.commit()
    conn.rollback()
    with pytest.raises(btql.NotSupportedError):
        conn.autocommit = False

    assert conn.autocommit


@pytest.mark.parametrize(
    ("query", "kind", "code", "sqlstate", "position"),
    [
        ("SELECT nothing(1)", btql.ProgrammingError, "B0201", "42883", 8),
        ("select: id | from: project_logs('no')", btql.ProgrammingError, "B0402", "42P01", 20),
        ("SELECT interval '1 foo' AS i", btql.DataError, "B0106", "22007", 8),
        ("CREATE TABLE t (a int)", btql.NotSupportedError, "B0111", "0A000", 1),
    ],
)
def test_errors_are_of_the_classes_of_pep_249(conn, query, kind, code, sqlstate, position):
    with pytest.raises(kind) as caught:
        conn.cursor().execute(query)

    error = caught.value
    assert isinstance(error, btql.QueryError)
    assert (error.code, error.sqlstate, error.position) == (code, sqlstate, position)
    assert isinstance(error, conn.DatabaseError)


def test_what_the_storage_raises_is_of_these_classes_too(tmp_path):
    with btql.connect(tmp_path / "db") as connection:
        connection.ingest("project_logs:demo", [{"id": "a"}])
    with (
        btql.connect(tmp_path / "db", read_only=True) as connection,
        pytest.raises(btql.OperationalError, match="read-only") as caught,
    ):
        connection.execute("DELETE FROM project_logs('demo')")

    assert (caught.value.code, caught.value.sqlstate) == ("S0103", "25006")
    assert isinstance(caught.value.__cause__, btql.StorageError)
    with pytest.raises(btql.Error):
        btql.connect(tmp_path / "nowhere", create=False)


def test_a_storage_that_others_have_closed_is_told_in_classes_of_pep_249(folder):
    with btql.connect(folder) as connection:
        cursor = connection.execute("SELECT id FROM project_logs('many')")
        connection._database.storage.close()
        for call in (
            lambda: cursor.execute("SELECT 1 AS one"),
            lambda: cursor.executemany("DELETE FROM project_logs('demo') WHERE id = ?", [["none"]]),
            lambda: connection.execute("SELECT id FROM project_logs('demo')"),
        ):
            with pytest.raises(btql.DatabaseError, match="closed") as caught:
                call()
            assert isinstance(caught.value.__cause__, btql.StorageError)
        cursor.close()


def test_the_time_of_a_connection_holds_for_its_queries(where):
    with btql.connect(where, timeout=0.2) as connection:
        with pytest.raises(btql.TimeLimit):
            connection.query(LONG).rows()
        assert connection.query("SELECT 1 AS one", timeout=60).rows() == [{"one": 1}]
        connection.timeout = 60
        with pytest.raises(btql.TimeLimit):
            connection.query(LONG, timeout=0.2).rows()


@pytest.mark.parametrize("seconds", [0, 0.1])
def test_a_statement_ends_at_its_time(conn, seconds):
    cursor = conn.cursor()
    cursor.timeout = 60
    with pytest.raises(btql.TimeLimit) as caught:
        cursor.execute(LONG, timeout=seconds).fetchall()

    assert isinstance(caught.value, btql.OperationalError)
    assert caught.value.sqlstate == "57014"
    assert cursor.execute("SELECT 1 AS one").fetchall() == [(1,)]


def test_an_engine_that_is_busy_says_how_many_queries_keep_it_so(conn, monkeypatch):
    monkeypatch.setattr(stoppable, "left_behind", lambda: 99)
    cursor = conn.cursor()
    with pytest.raises(btql.EngineBusy, match="99 queries that were stopped") as caught:
        cursor.execute("SELECT max(id) FROM project_logs('demo')").fetchall()

    assert (caught.value.running, caught.value.code, caught.value.sqlstate) == (99, "B0503", "53000")
    assert isinstance(caught.value, btql.OperationalError)
    monkeypatch.undo()
    assert cursor.execute("SELECT 1 AS one").fetchall() == [(1,)]


def test_another_thread_may_cancel(conn):
    cursor = conn.cursor()
    cursor.cancel()
    timer = threading.Timer(0.1, cursor.cancel)
    timer.start()
    with pytest.raises(btql.Cancelled):
        cursor.execute(LONG).fetchall()

    timer.join()
    assert cursor.execute("SELECT 1 AS one").fetchall() == [(1,)]


def test_threads_share_a_connection(conn):
    found = []

    def ask(number):
        query = "SELECT id FROM project_logs('demo') WHERE metadata.n = ?"
        found.append((number, conn.execute(query, [number]).fetchall()))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(found) == [(number, [(f"r{number}",)]) for number in range(5)]


def test_what_is_closed_says_so(conn, tmp_path):
    with conn.cursor() as cursor:
        cursor.execute("SELECT n FROM project_logs('many')").fetchone()
    with pytest.raises(btql.InterfaceError, match="the cursor is closed"):
        cursor.fetchone()

    with btql.connect(tmp_path / "db") as connection:
        cursor = connection.execute("SELECT 1 AS one")
    connection.close()
    for use in (cursor.fetchone, connection.cursor, connection.commit, lambda: cursor.execute("SELECT 1")):
        with pytest.raises(btql.InterfaceError, match="the connection is closed"):
            use()


def test_a_function_can_be_called(conn):
    cursor = conn.cursor()

    assert cursor.callproc("upper", ("foo",)) == ("foo",)
    assert cursor.fetchall() == [("FOO",)]
    assert cursor.callproc("pi") == ()
    assert cursor.fetchall() == [(pytest.approx(3.14159, abs=1e-5),)]
    with pytest.raises(btql.ProgrammingError, match="not the name of a function"):
        cursor.callproc("1 + count", ())


def test_days_and_instants_are_made_from_ticks():
    assert btql.DateFromTicks(0) == btql.Date(1970, 1, 1)
    assert btql.TimeFromTicks(61) == btql.Time(0, 1, 1)
    assert btql.TimestampFromTicks(61) == btql.Timestamp(1970, 1, 1, 0, 1, 1, tzinfo=UTC)
    assert btql.Binary(b"x") == b"x"
    assert repr(btql.ROWID) == "btql.ROWID"
