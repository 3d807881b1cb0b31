"""psycopg's COPY: rows out, rows in, in each format; and what a wrong one does."""

from __future__ import annotations

import csv
import datetime as dt
import io

import psycopg
import pytest
from psycopg.types.json import Jsonb
from server_support.pg import ROWS, USER

START = dt.datetime(2026, 11, 1, tzinfo=dt.UTC)
QUERY = (
    "SELECT id, created, is_root, tags, input, metrics.tokens AS n, scores.Factuality AS score FROM demo ORDER BY id"
)
TYPES = ["text", "timestamptz", "bool", "text[]", "jsonb", "int8", "float8"]


@pytest.mark.parametrize("form", ["text", "binary"])
def test_rows_out(conn, form):
    with conn.cursor() as cursor, cursor.copy(f"COPY ({QUERY}) TO STDOUT (FORMAT {form})") as copy:
        copy.set_types(TYPES)
        rows = list(copy.rows())

    assert len(rows) == ROWS
    assert rows == conn.execute(QUERY).fetchall()


def test_csv_out(conn):
    with conn.cursor() as cursor, cursor.copy(f"COPY ({QUERY} LIMIT 2) TO STDOUT (FORMAT csv, HEADER)") as copy:
        text = b"".join(copy).decode()

    header, first, second = csv.reader(io.StringIO(text))
    assert header == ["id", "created", "is_root", "tags", "input", "n", "score"]
    assert first[:4] == ["r000", "2026-11-01 00:00:00+00", "t", r'{even,"with \"quotes\", {braces}"}']
    assert second[3:] == ["", '{"n":1,"text":"naïve ☂ 天気"}', "10", "0.1"]


def test_a_table_out_and_btql_out(conn):
    with conn.cursor() as cursor:
        with cursor.copy("COPY dataset.golden (id, expected) TO STDOUT") as copy:
            assert list(copy.rows()) == [("g1", "[1,2]")]
        with cursor.copy("COPY (from: dataset('golden') | select: id) TO STDOUT") as copy:
            assert list(copy.rows()) == [("g1",)]


@pytest.mark.parametrize("form", ["text", "binary"])
def test_rows_in(conn, form):
    table = f"project_logs.psycopg_copy_{form}"
    rows = [
        ("a", START, ["x", 'with "quotes", {braces}', ""], Jsonb({"n": 1, "☂": None}), Jsonb("text")),
        ("b", START + dt.timedelta(microseconds=1), None, Jsonb([1, "two\t\\N\n"]), None),
        ("c\\N\t☂", START, [], Jsonb("a plain\ntext"), Jsonb(0.5)),
    ]
    with conn.cursor() as cursor:
        with cursor.copy(f"COPY {table} (id, created, tags, input, expected) FROM STDIN (FORMAT {form})") as copy:
            copy.set_types(["text", "timestamptz", "text[]", "jsonb", "jsonb"])
            for row in rows:
                copy.write_row(row)
        assert cursor.rowcount == 3
    found = conn.execute(f"SELECT id, created, tags, input, expected FROM {table} ORDER BY id").fetchall()
    wanted = [tuple(value.obj if isinstance(value, Jsonb) else value for value in row) for row in rows]
    assert found[:2] == wanted[:2]
    # An empty array of tags is none.
    assert found[2][:2] == wanted[2][:2]
    assert found[2][2] in ([], None)
    assert found[2][3:] == wanted[2][3:]


@pytest.mark.parametrize("form", ["text", "binary"])
def test_half_of_an_emoji_in_json_is_the_character_for_none(conn, form):
    table = f"project_logs.psycopg_copy_halves_{form}"
    with conn.cursor() as cursor:
        with cursor.copy(f"COPY {table} (id, input) FROM STDIN (FORMAT {form})") as copy:
            copy.set_types(["text", "jsonb"])
            copy.write_row(("a", Jsonb({"\ud83d": "cut \ude00", "k": "\U0001f600"})))
        cursor.execute(f"INSERT INTO {table} (id, input) VALUES ('b', %s)", [Jsonb(["\ud83d"])])
        cursor.execute(rf"""INSERT INTO {table} (id, input) VALUES ('c', '["\ud83d"]'::jsonb)""")
    found = conn.execute(f"SELECT id, input FROM {table} ORDER BY id").fetchall()
    whole = {"\ufffd": "cut \ufffd", "k": "\U0001f600"}
    assert found == [("a", whole), ("b", ["\ufffd"]), ("c", ["\ufffd"])]


def test_fields_of_json_are_taken_in_binary_as_the_server_describes_them(conn):
    """As a client does that asks for the types of ``SELECT columns FROM table`` first."""
    table = "project_logs.psycopg_copy_described"
    names = ["id", "metadata", "scores", "input", "output", "expected"]
    conn.execute(f"INSERT INTO {table} (id, input, output, expected) VALUES ('a', 'text', 1, true)")

    def types():
        return [each.type_code for each in conn.execute(f"SELECT {', '.join(names)} FROM {table}").description]

    def copy_in(types, *values):
        with (
            conn.cursor() as cursor,
            cursor.copy(f"COPY {table} ({', '.join(names)}) FROM STDIN (FORMAT binary)") as copy,
        ):
            copy.set_types(types)
            copy.write_row(values)

    assert types() == [25, 3802, 3802, 25, 20, 16]
    copy_in(types(), "b", Jsonb({"a": 1}), Jsonb({"s": 0.5}), '{"a":1}', 1 << 60, False)
    copy_in(["text", *["jsonb"] * 5], "c", Jsonb({}), None, Jsonb({"a": 1}), Jsonb(7), Jsonb(True))

    found = conn.execute(f"SELECT {', '.join(names)} FROM {table} WHERE id <> 'a' ORDER BY id").fetchall()
    assert found[0] == ("b", {"a": 1}, {"s": 0.5}, '{"a":1}', 1 << 60, False)
    assert found[1][3:] == ({"a": 1}, 7, True)


def test_csv_in(conn):
    table = "project_logs.psycopg_copy_csv"
    text = 'id,error,metadata\na,"""one, two""","{""model"": ""m""}"\nb,,\n'
    with (
        conn.cursor() as cursor,
        cursor.copy(f"COPY {table} (id, error, metadata) FROM STDIN (FORMAT csv, HEADER true)") as copy,
    ):
        for start in range(0, len(text), 5):
            copy.write(text[start : start + 5])

    found = conn.execute(f"SELECT id, error, metadata FROM {table} ORDER BY id").fetchall()
    assert found == [("a", "one, two", {"model": "m"}), ("b", None, None)]


def test_columns_are_named_to_the_letter_either_way(conn):
    table = r'project_logs.psycopg_copy_names (id, metadata."C:\new ""one""")'
    with conn.cursor() as cursor:
        with cursor.copy(f"COPY {table} FROM STDIN") as copy:
            copy.write_row(("a", "x"))
        with cursor.copy(f"COPY {table} TO STDOUT") as copy:
            assert list(copy.rows()) == [("a", '"x"')]
    (found,) = conn.execute("SELECT metadata FROM project_logs.psycopg_copy_names").fetchone()
    assert found == {r'C:\new "one"': "x"}


def test_what_is_wrong_is_refused_with_its_line_and_writes_nothing(conn):
    table = "project_logs.psycopg_copy_wrong"
    with (
        pytest.raises(psycopg.DataError, match="created") as raised,
        conn.cursor() as cursor,
        cursor.copy(f"COPY {table} (id, created) FROM STDIN") as copy,
    ):
        copy.write("a\t2026-01-01T00:00:00Z\nb\tyesterday evening\n")
    assert "line 2" in f"{raised.value} {raised.value.diag.context}"
    with pytest.raises(psycopg.Error, match="enough"), conn.cursor() as cursor, cursor.copy(QUERY_IN) as copy:
        raise psycopg.Error("I have had enough")
    with pytest.raises(psycopg.Error), conn.cursor() as cursor, cursor.copy("COPY nowhere TO STDOUT") as copy:
        list(copy)

    assert conn.execute("SELECT 1").fetchone() == (1,)
    with conn.cursor() as cursor, cursor.copy(f"COPY {table} (id, created) FROM STDIN") as copy:
        copy.write("ok\t2026-01-01T00:00:00Z\n")
    assert conn.execute(f"SELECT id FROM {table}").fetchall() == [("ok",)]


QUERY_IN = "COPY project_logs.psycopg_copy_wrong (id) FROM STDIN"


def test_whose_a_comment_is_the_key_tells(conn):
    table = "project_logs.psycopg_copy_comments"
    said = {
        "comment": {"text": "looks right"},
        "origin": {"id": "a"},
        "user": {"id": "me", "email": "other@example.com"},
    }
    with conn.cursor() as cursor, cursor.copy(f'COPY {table} (id, comment, origin, "user") FROM STDIN') as copy:
        copy.write_row(("a", None, None, None))
        copy.write_row(("c", *map(Jsonb, said.values())))
    ((comments,),) = conn.execute(f"SELECT comments FROM {table} WHERE id = 'a'").fetchall()
    (comment,) = comments
    assert comment["comment"] == {"text": "looks right"}
    assert comment["user"]["email"] == USER
    assert comment["user"]["id"] != "me"
