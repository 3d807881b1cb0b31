"""psycopg 3 with one connection: values both ways in both formats, cursors, pipelines, prepared statements."""

from __future__ import annotations

import datetime as dt
import math
import random
from decimal import Decimal
from itertools import islice
from typing import LiteralString, cast

import psycopg
import pytest
from psycopg import pq
from psycopg.rows import dict_row
from psycopg.sql import SQL, Identifier, Literal
from psycopg.types.json import Jsonb
from server_support.endless import ENDLESS
from server_support.pg import ROWS

JSON = 114
"""The type of JSON: documents come as this one."""
BOTH = pytest.mark.parametrize("binary", [False, True], ids=["text", "binary"])
VALUES = {
    "1": 1,
    "9223372036854775807": 2**63 - 1,
    "-5": -5,
    "0.1": 0.1,
    "'NaN'::float": math.nan,
    "'inf'::float": math.inf,
    "'-inf'::float": -math.inf,
    "1e300": 1e300,
    "1e-7": 1e-7,
    "true": True,
    "false": False,
    "NULL::text": None,
    "NULL": None,
    "''": "",
    "'naïve ☂ 天気 🦆'": "naïve ☂ 天気 🦆",
    "'a\\b\tc\nd''e'": "a\\b\tc\nd'e",
    "'2026-11-26T12:34:56.789012Z'::timestamptz": dt.datetime(2026, 11, 26, 12, 34, 56, 789012, dt.UTC),
    "'1969-12-31T23:59:59.999Z'::timestamptz": dt.datetime(1969, 12, 31, 23, 59, 59, 999000, dt.UTC),
    '\'{"a": [1, "x", null, true], "b": {}}\'::jsonb': {"a": [1, "x", None, True], "b": {}},
    "array[1, 2, 3]": [1, 2, 3],
    "interval '1 day'": dt.timedelta(days=1),
}
"""What SQL says, and what Python gets."""


@BOTH
def test_values_come_as_python_has_them(conn, binary):
    names = [f"c{number}" for number in range(len(VALUES))]
    text = ", ".join(f"{sql} AS {name}" for sql, name in zip(VALUES, names, strict=True))
    with conn.cursor(row_factory=dict_row, binary=binary) as cursor:
        row = cursor.execute(f"SELECT {text}").fetchone()

    assert list(row) == names
    for (sql, expected), found in zip(VALUES.items(), row.values(), strict=True):
        same = math.isnan(found) if isinstance(expected, float) and math.isnan(expected) else found == expected
        assert same, (sql, found)
        assert type(found) is type(expected), (sql, found)


@BOTH
def test_rows_of_a_table(conn, binary):
    with conn.cursor(binary=binary) as cursor:
        plain = cursor.execute(f"SELECT {PATHS} FROM demo ORDER BY id LIMIT 2")
        rows = plain.fetchall()
        types = [conn.adapters.types[column.type_code].name for column in cursor.description]
        names = [column.name for column in cursor.description]
        documents = cursor.execute("SELECT tags, input, scores, output FROM demo ORDER BY id LIMIT 2").fetchall()
        kinds = [conn.adapters.types[column.type_code].name for column in cursor.description]

    start, output = dt.datetime(2026, 11, 1, tzinfo=dt.UTC), "50% of {what}? a:b; c"
    assert names == ["id", "created", "is_root", "tokens", "Factuality"]
    assert types == ["text", "timestamptz", "bool", "int8", "float8"]
    assert rows == [("r000", start, True, 0, None), ("r001", start + dt.timedelta(minutes=1), True, 10, 0.1)]
    assert kinds == ["text", "jsonb", "jsonb", "jsonb"]
    assert documents == [
        (["even", 'with "quotes", {braces}'], {"n": 0, "text": ""}, None, output),
        (None, {"n": 1, "text": "naïve ☂ 天気"}, {"Factuality": 0.1}, output),
    ]


PATHS = "id, created, is_root, metrics.tokens, scores.Factuality"
GIVEN = [
    ("int8", 5, 5),
    ("int8", -(2**40), -(2**40)),
    ("float8", 0.5, 0.5),
    ("float8", math.inf, math.inf),
    ("bool", True, True),
    ("text", "", ""),
    ("text", "naïve ☂ '\"\\", "naïve ☂ '\"\\"),
    ("text", None, None),
    (
        "timestamptz",
        dt.datetime(2026, 1, 2, 3, 4, 5, 678901, dt.timezone(dt.timedelta(hours=2))),
        dt.datetime(2026, 1, 2, 1, 4, 5, 678901, dt.UTC),
    ),
    ("jsonb", Jsonb({"a": [1, None], "ü": "☂"}), {"a": [1, None], "ü": "☂"}),
    ("float8", Decimal("12.5"), 12.5),
]


@BOTH
def test_parameters_are_values(conn, binary):
    mark = "%b" if binary else "%t"
    names = ", ".join(f"{mark}::{kind} AS c{number}" for number, (kind, _, _) in enumerate(GIVEN))
    row = conn.execute(f"SELECT {names}", [value for _, value, _ in GIVEN], binary=binary).fetchone()

    assert list(row) == [expected for _, _, expected in GIVEN]


@BOTH
def test_a_text_that_is_given_as_json_is_not_read_as_json_once_more(conn, binary):
    """SQLAlchemy casts whatever it sends: ``INSERT ... VALUES (%s::VARCHAR, %s::JSONB)``."""
    mark = "%b" if binary else "%t"
    texts = ["a text", "5", "true", "null", '{"a": 1}', '"quoted"', ""]
    for kind in ("jsonb", "JSON", "jsonb::JSON"):
        assert [conn.execute(f"SELECT {mark}::{kind}", [Jsonb(text)]).fetchone() for text in texts] == [
            (text,) for text in texts
        ]
    conn.cursor().executemany(
        f"INSERT INTO project_logs.json_texts (id, input) VALUES ({mark}::VARCHAR, CAST({mark} AS JSONB))",
        [(str(number), Jsonb(text)) for number, text in enumerate(texts)],
    )

    assert [row for (row,) in conn.execute("SELECT input FROM json_texts ORDER BY id")] == texts
    assert conn.execute("SELECT %s::jsonb, %s::text::jsonb", ['"a"', '"b"']).fetchone() == ("a", "b")


def test_parameters_choose_rows(conn):
    def ids(condition, *values):
        return [row[0] for row in conn.execute(f"SELECT id FROM demo WHERE {condition} ORDER BY id", values)]

    assert ids("id = %s", "r003") == ["r003"]
    assert ids("id = %s", "r003' OR true --") == []
    assert ids("input.n < %s", 2) == ["r000", "r001"]
    assert ids("input.n < %b AND scores.Factuality > %b", 3, 0.15) == ["r002"]
    assert ids("created < %s", dt.datetime(2026, 11, 1, 0, 2, tzinfo=dt.UTC)) == ["r000", "r001"]
    assert ids("id = ANY(%s)", ["r001", "r004"]) == ["r001", "r004"]
    assert ids("input.n = ANY(%s)", [1, 4]) == ["r001", "r004"]
    assert ids("metadata.model = %(model)s AND id < 'r004'".replace("%(model)s", "%s"), "gpt-5") == ["r000", "r003"]
    assert ids("%s IS NULL AND input.n < 1", None) == ["r000"]


def test_btql_with_every_mark(conn):
    text = "from: project_logs('demo') | select: id, (input.n > {} ? 'a;b' : 'c%{}d') as kind | sort: id | limit: 2"
    without = conn.execute(text.format("0", "")).fetchall()
    # With values psycopg reads each `%` as the start of a placeholder.
    given = conn.execute(text.format("%s", "%"), [0]).fetchall()
    numbered = psycopg.RawCursor(conn).execute(text.format("$1", ""), [0]).fetchall()
    shaped = conn.execute('select: {"n": input.n, "id": id} as x | from: project_logs(\'demo\') | sort: id | limit: 1;')

    assert without == given == numbered == [("r000", "c%d"), ("r001", "a;b")]
    assert shaped.fetchall() == [({"n": 0, "id": "r000"},)]


def test_cursors_of_the_client_and_of_the_server(conn):
    with conn.cursor() as cursor:
        cursor.execute("SELECT id FROM demo ORDER BY id")
        assert cursor.rowcount == ROWS
        assert cursor.fetchone() == ("r000",)
        assert [row for (row,) in cursor.fetchmany(2)] == ["r001", "r002"]
        cursor.scroll(100, "absolute")
        assert cursor.fetchone() == ("r100",)
    with conn.transaction(), conn.cursor('it\'s "named"') as named:
        named.itersize = 64
        named.execute("SELECT id FROM demo WHERE input.n >= %s ORDER BY id", [10])
        assert named.description[0].name == "id"
        assert named.fetchone() == ("r010",)
        assert [row for (row,) in named.fetchmany(2)] == ["r011", "r012"]
        assert sum(1 for _ in named) == ROWS - 13
        assert named.fetchone() is None
    with conn.transaction(), conn.cursor("endless", binary=True) as named:
        named.execute(ENDLESS)
        assert len(named.fetchmany(1_000)) == 1_000


def test_a_cursor_that_is_held(conn):
    with conn.cursor("held", withhold=True) as held:
        try:
            held.execute("SELECT id FROM demo ORDER BY id LIMIT 3")
        except psycopg.errors.FeatureNotSupported as error:
            # What is refused names what is missing.
            assert "HOLD" in str(error)  # noqa: PT017
        else:
            assert len(held.fetchall()) == 3


@BOTH
def test_streams(conn, binary):
    with conn.cursor(binary=binary) as cursor:
        first = list(islice(cursor.stream("SELECT id FROM demo ORDER BY id", size=1), 2))
        assert first == [("r000",), ("r001",)]
    if psycopg.Capabilities().has_stream_chunked():
        with conn.cursor(binary=binary) as cursor:
            assert sum(1 for _ in cursor.stream("SELECT id FROM demo", size=100)) == ROWS
    assert conn.execute("SELECT 1").fetchone() == (1,)


def test_many_executions(conn):
    table = "project_logs.psycopg_many"
    with conn.cursor() as cursor:
        cursor.executemany(
            f"INSERT INTO {table} (id, input, tags) VALUES (%s, %s, %s)",
            [(f"m{number}", Jsonb({"n": number}), ["x", f"'{number}'"]) for number in range(5)],
        )
        assert cursor.rowcount == 5
        cursor.execute(f"SELECT id, input, tags FROM {table} ORDER BY id LIMIT 1")
        assert cursor.fetchall() == [("m0", {"n": 0}, ["x", "'0'"])]
        cursor.execute(f"UPDATE {table} SET output = %s WHERE id = %s", ["changed", "m1"])
        assert (cursor.rowcount, cursor.statusmessage) == (1, "UPDATE 1")
        cursor.execute(f"DELETE FROM {table} WHERE id IN (%s, %s)", ["m2", "m3"])
        assert (cursor.rowcount, cursor.statusmessage) == (2, "DELETE 2")
        cursor.executemany(f"SELECT count(*) FROM {table} WHERE id > %s", [("m",), ("m1",)], returning=True)
        assert [each.fetchone() for each in cursor.results()] == [(3,), (1,)]


def test_prepared_statements(conn):
    text = "SELECT id, input.n FROM demo WHERE input.n = %s"
    for binary in (False, True):
        found = [conn.execute(text, [n], prepare=True, binary=binary).fetchone() for n in (1, 2, 1)]
        assert found == [("r001", 1), ("r002", 2), ("r001", 1)]
    for n in range(8):
        # The sixth time psycopg prepares it by itself.
        assert conn.execute("SELECT id FROM demo WHERE input.n = %s AND %s", [n, True]).fetchone() == (f"r{n:03}",)
    conn.prepared_max = 1
    for n in range(3):
        # Statements that fall out are deallocated.
        assert conn.execute(f"SELECT {n} + %s", [1], prepare=True).fetchone() == (n + 1,)
    assert conn.execute("DISCARD ALL").statusmessage == "DISCARD ALL"


def test_pipelines(conn):
    with conn.pipeline():
        results = [conn.execute("SELECT input.n FROM demo WHERE id = %s", [f"r{n:03}"]) for n in range(20)]
    assert [result.fetchone() for result in results] == [(n,) for n in range(20)]


def test_after_an_error_a_pipeline_goes_on_at_its_sync(conn):
    lost = [conn.cursor(), conn.cursor()]
    errors: list[psycopg.Error] = []
    with conn.pipeline() as pipeline:
        before = conn.execute("SELECT 1")
        pipeline.sync()
        # psycopg raises what has come at whatever it is asked next: at the second statement or at a sync,
        # where it also tells that this statement was skipped.
        asked = [
            lambda: lost[0].execute("SELECT nothing(1)"),
            lambda: lost[1].execute("SELECT 2"),
            pipeline.sync,
            pipeline.sync,
            pipeline.sync,
        ]
        for ask in asked:
            try:
                ask()
            except psycopg.Error as error:
                errors.append(error)
        after = conn.execute("SELECT 3")
    assert isinstance(errors[0], psycopg.errors.UndefinedFunction)
    assert all(isinstance(error, psycopg.errors.PipelineAborted) for error in errors[1:])
    assert (before.fetchone(), after.fetchone()) == ((1,), (3,))
    for each in lost:
        with pytest.raises(psycopg.Error):
            each.fetchone()
    assert conn.execute("SELECT 4").fetchone() == (4,)


def test_errors_say_what_and_where(conn):
    with pytest.raises(psycopg.errors.UndefinedFunction) as raised:
        conn.execute("SELECT '☂', lenght(id) FROM demo")
    diagnosis = raised.value.diag
    assert diagnosis.sqlstate == raised.value.sqlstate == "42883"
    assert diagnosis.statement_position == "13"
    assert diagnosis.severity_nonlocalized == "ERROR"
    assert "`lenght`" in str(diagnosis.message_primary)
    assert "`length`" in str(diagnosis.message_hint)
    for text, kind in {
        "SELEC 1": psycopg.errors.SyntaxError,
        "SELECT 1 FROM nowhere_at_all": psycopg.errors.UndefinedTable,
        "SELECT id FROM demo GROUP BY input.n": psycopg.errors.GroupingError,
        "CREATE TABLE x (y int)": psycopg.errors.FeatureNotSupported,
        "SELECT $1": psycopg.Error,
        "VACUUM": psycopg.Error,
    }.items():
        with pytest.raises(kind):
            conn.execute(text)
    assert conn.execute("").statusmessage in (None, "")
    assert conn.execute(" -- nothing\n ;").description is None
    assert conn.execute("SELECT 1").fetchone() == (1,)


def test_a_transaction_sees_one_snapshot_and_stops_at_an_error(door, conn):
    table = "project_logs.psycopg_snapshot"
    count = f"SELECT count(*) FROM {table}"
    conn.execute(f"INSERT INTO {table} (id) VALUES ('a')")
    with door.connect(autocommit=False) as other:
        assert other.execute(count).fetchone() == (1,)
        assert other.info.transaction_status == pq.TransactionStatus.INTRANS
        conn.execute(f"INSERT INTO {table} (id) VALUES ('b')")
        assert other.execute(count).fetchone() == (1,)
        other.commit()
        assert other.execute(count).fetchone() == (2,)
        with pytest.raises(psycopg.errors.UndefinedFunction):
            other.execute("SELECT nothing(1)")
        assert other.info.transaction_status == pq.TransactionStatus.INERROR
        with pytest.raises(psycopg.errors.InFailedSqlTransaction) as raised:
            other.execute("SELECT 1")
        assert raised.value.sqlstate == "25P02"
        other.rollback()
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_several_results_of_one_text(conn):
    cursor = conn.execute("SELECT 1; SELECT 'x', 2; SELECT id FROM demo WHERE false")
    found = [cursor.fetchall()]
    while cursor.nextset():
        found.append(cursor.fetchall())

    assert found == [[(1,)], [("x", 2)], []]


def test_what_the_server_says_of_itself(door, conn):
    info = conn.info

    assert info.server_version >= 150_000
    assert info.encoding == "utf-8"
    assert info.parameter_status("integer_datetimes") == "on"
    assert info.parameter_status("standard_conforming_strings") == "on"
    assert info.parameter_status("TimeZone") == "UTC"
    assert info.dbname == "btql"
    with door.connect(options="-c statement_timeout=5000", application_name="me") as other:
        assert other.execute("SHOW statement_timeout").fetchone() == ("5s",)
        assert other.execute("SHOW application_name").fetchone() == ("me",)


@BOTH
def test_plans_come_as_postgresql_sends_them(conn, binary):
    with conn.cursor(binary=binary) as cursor:
        lines = cursor.execute("EXPLAIN ANALYZE SELECT id FROM demo LIMIT 3").fetchall()
        assert [column.name for column in cursor.description] == ["QUERY PLAN"]
        assert ("-- analysis",) in lines
        for query in ("SELECT id FROM demo LIMIT 3", "select: id | from: demo | limit: 3"):
            ((plan,),) = cursor.execute(f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {query}").fetchall()
            assert [(column.name, column.type_code) for column in cursor.description] == [("QUERY PLAN", JSON)]
            assert (plan["rows"], plan["plan"]["node"]) == (3, "Project")
        with pytest.raises(psycopg.errors.Error, match="FORMAT YAML is not supported") as caught:
            cursor.execute("EXPLAIN (FORMAT YAML) SELECT 1")
        assert caught.value.diag.statement_position == "17"
    conn.rollback()


@pytest.mark.parametrize("more", ["", ", current_user"], ids=["rows", "catalog"])
def test_what_a_client_puts_into_quotes_stays_there(conn, more):
    chance = random.Random(5)
    pieces = ["\\", "'", '"', "$$", "$a$", "--", "/*", "*/", ";", "\n", "E'", "a", "u0041", "%"]
    made = dict.fromkeys("".join(chance.choices(pieces, k=chance.randint(1, 8))) for _ in range(200))
    values = list(made)
    plain = [SQL(cast("LiteralString", "'" + value.replace("'", "''") + "'")) for value in values]
    with_escapes = [Literal(value) for value in values]
    for texts in (plain, with_escapes):
        columns = [SQL("{} AS {}").format(text, Identifier(value)) for text, value in zip(texts, values, strict=True)]
        cursor = conn.execute(SQL("SELECT ") + SQL(", ").join(columns) + SQL(more))
        assert list(cursor.fetchone())[: len(values)] == values
        assert [column.name for column in cursor.description][: len(values)] == values


def test_a_table_with_the_name_of_the_database(conn):
    """As dbt and others write it; what the database is called is what the client has asked for."""
    (name,) = conn.execute("SELECT current_database()").fetchone()
    whole = f'"{name}"."project_logs"."demo"'

    assert conn.execute(f"SELECT count(*) AS n FROM {whole}").fetchone() == (ROWS,)
    joined = f"SELECT count(*) AS n FROM {whole} a JOIN {whole} b ON a.id = b.id WHERE a.id = 'r001'"
    assert conn.execute(joined).fetchone() == (1,)
    with pytest.raises(psycopg.errors.UndefinedTable, match=r"other\.project_logs\.demo"):
        conn.execute("SELECT id FROM other.project_logs.demo")
    with pytest.raises(psycopg.errors.UndefinedTable):
        conn.execute(f"SELECT id FROM {name}.nothing.demo")
