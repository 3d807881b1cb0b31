"""What Postgres users write, and what it means here: days beside dates, rows that are counted, paths as arrays."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import btql


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path_factory.mktemp("spellings") / "db") as connection:
        rows = [
            {"id": f"r{n}", "metadata": {"days": n, "user": ["ada", "bob", None][n % 3]}, "metrics": {"tokens": n % 2}}
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


def test_days_may_come_from_rows(conn: btql.Connection) -> None:
    query = "SELECT (date '2026-11-08' + metadata.days)::text AS v FROM p WHERE id = 'r3'"

    assert value(conn, query) == "2026-11-11T00:00:00.000Z"


def test_rows_that_differ_are_counted(conn: btql.Connection) -> None:
    assert value(conn, "SELECT count(DISTINCT (metadata.user, metrics.tokens)) AS v FROM p") == 6
    assert value(conn, "SELECT count(DISTINCT (metadata.user, 1)) AS v FROM p") == 3


def test_a_path_is_an_array_of_postgres(conn: btql.Connection) -> None:
    assert value(conn, "SELECT jsonb_set({a: {b: 1}}, '{a,b}', 2) AS v") == {"a": {"b": 2}}
