"""What Postgres users write, and what it means here: days beside dates, rows that are counted, paths as arrays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import btql


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path_factory.mktemp("spellings") / "db") as connection:
        rows = [
            {
                "id": f"r{n}",
                "metadata": {"days": n, "ok": n > 2, "user": ["ada", "bob", None][n % 3]},
                "metrics": {"tokens": n % 2},
            }
            for n in range(6)
        ]
        connection.ingest("project_logs:p", rows)
        yield connection


def value(conn: btql.Connection, query: str, *given: object) -> object:
    ((found,),) = (row.values() for row in conn.query(query, list(given)).rows())
    return found


@pytest.mark.parametrize(
    "query",
    ["SELECT current_date - ? = current_date - 7 AS v", "SELECT date '2026-11-08' - ? = date '2026-11-01' AS v"],
)
def test_a_value_beside_a_date_is_so_many_days(conn: btql.Connection, query: str) -> None:
    assert value(conn, query, 7) is True


def test_a_date_that_was_moved_by_a_value_is_one(conn: btql.Connection) -> None:
    assert value(conn, "SELECT current_date - ? - ? + ? = current_date - 7 AS v", 7, 1, 1) is True


@pytest.mark.parametrize("days", ["5", "?"])
def test_a_date_is_not_taken_from_days(conn: btql.Connection, days: str) -> None:
    with pytest.raises(btql.QueryError) as raised:
        conn.query(f"SELECT {days} - current_date FROM p", [5] if days == "?" else [])

    assert "this is a number" in str(raised.value)


def test_days_may_come_from_rows(conn: btql.Connection) -> None:
    query = "SELECT (date '2026-11-08' + metadata.days)::text AS v FROM p WHERE id = 'r3'"

    assert value(conn, query) == "2026-11-11T00:00:00.000Z"


def test_rows_that_differ_are_counted(conn: btql.Connection) -> None:
    assert value(conn, "SELECT count(DISTINCT (metadata.user, metrics.tokens)) AS v FROM p") == 6
    assert value(conn, "SELECT count(DISTINCT (metadata.user, 1)) AS v FROM p") == 3


def test_a_path_is_an_array_of_postgres(conn: btql.Connection) -> None:
    assert value(conn, "SELECT jsonb_set({a: {b: 1}}, '{a,b}', 2) AS v") == {"a": {"b": 2}}


@pytest.mark.parametrize(
    ("new", "stored"),
    [("'\"ada\"'", "ada"), ("'7'", 7), ("'true'", True), ("'[1]'", [1]), ("'null'", None), ("'ada'", "ada"), ("7", 7)],
)
def test_a_new_value_in_quotes_is_json(conn: btql.Connection, new: str, stored: object) -> None:
    assert value(conn, f"SELECT jsonb_set({{a: 1}}, '{{a}}', {new}) -> 'a' AS v") == stored


def test_a_value_beside_the_query_is_what_it_is(conn: btql.Connection) -> None:
    assert value(conn, "SELECT jsonb_set({a: 1}, '{a}', ?) AS v", "7") == {"a": "7"}
    assert value(conn, "SELECT jsonb_set({a: 1}, '{a}', $1) AS v", '"ada"') == {"a": '"ada"'}


def test_elements_have_two_names(conn: btql.Connection) -> None:
    found = conn.query("SELECT e.*, e, e.value AS v FROM jsonb_array_elements([1]) AS e WHERE e = 1 AND value = 1")

    assert found.rows() == [{"value": 1, "e": 1, "v": 1}]


@pytest.mark.parametrize(
    ("condition", "warning"),
    [
        ("metadata.ok = 'true'", "`metadata.ok` is true or false in every row that has it, and no text: write true"),
        ("'false' != metadata -> 'ok'", "`metadata -> 'ok'` is true or false in every row that has it"),
        ("metadata -> 'user' = '\"ada\"'", "`metadata -> 'user'` is a value, not its JSON: write `'ada'`"),
        ("duration > 5", "no row has a field `duration`, it is null everywhere, write `metrics.end - metrics.start`"),
        ("metrics.duration > 5", "no row has a field `metrics.duration`, it is null everywhere, write `metrics.end -"),
    ],
)
def test_what_finds_nothing_is_told(conn: btql.Connection, condition: str, warning: str) -> None:
    (told,) = conn.query(f"SELECT id FROM p WHERE {condition}").warnings

    assert told.startswith(warning)


@pytest.mark.parametrize("condition", ["metadata ->> 'ok' = 'true'", "metadata.ok", "metadata -> 'user' = 'ada'"])
def test_what_finds_something_is_not(conn: btql.Connection, condition: str) -> None:
    found = conn.query(f"SELECT id FROM p WHERE {condition}")

    assert found.rows()
    assert not found.warnings


@pytest.mark.parametrize(
    ("query", "error", "way_out"),
    [
        ("TABLE p", "TABLE is not supported", "SELECT * FROM"),
        ("SELECT time '10:00'", "`time` is not a type", "'10:30'::interval"),
        ("SELECT '10:00'::time", "`time` is not a type", "'10:30'::interval"),
        ("SELECT metrics.* FROM p", "`metrics` is a field", "its keys one by one"),
        ("SELECT id FROM p ORDER BY unnest(tags)", "`unnest` makes rows", "unnest(p.tags) AS element"),
        ("SELECT unnest(tags) = 'x' FROM p", "`unnest` makes rows", "unnest(p.tags) AS element"),
        ("SELECT id FROM p ORDER BY generate_series(1, 3)", "makes rows", "generate_series(1, 10) AS element"),
        ("SELECT jsonb_path_query_first(metadata, '$.a') FROM p", "unknown function", "write `metadata.a.b`"),
    ],
)
def test_the_error_has_a_way_out(conn: btql.Connection, query: str, error: str, way_out: str) -> None:
    with pytest.raises(btql.QueryError) as raised:
        conn.query(query)

    assert error in str(raised.value)
    assert way_out in str(raised.value)
