"""Rows in the order of what is computed of them, or null by a join or grouping sets: the engine loses track of both."""

from __future__ import annotations

import pytest

import btql

LENGTHS = (2.5, -1, 0.5, -3, 4, -0.25)


@pytest.fixture(scope="module")
def conn(tmp_path_factory):
    with btql.connect(tmp_path_factory.mktemp("order") / "db") as conn:
        for start in (0, 3):
            numbered = list(enumerate(LENGTHS))[start : start + 3]
            rows = [{"id": f"r{n}", "metadata": {"f": f, "t": "x" if n == 2 else "y"}} for n, f in numbered]
            conn.ingest("project_logs:demo", rows)
            conn.compact()
        assert "2 of 2 parts" in conn.explain("SELECT metadata FROM demo")
        yield conn


NEAREST_FIRST = [f"r{n}" for n, _ in sorted(enumerate(LENGTHS), key=lambda pair: abs(pair[1]))]


@pytest.mark.parametrize(
    "query",
    [
        "SELECT array_agg(id ORDER BY abs(metadata.f), id) AS ids FROM demo",
        "SELECT array_agg(id ORDER BY abs(metadata.f), id) AS ids FROM demo GROUP BY ROLLUP (metadata.f > 9)",
    ],
)
def test_an_aggregate_sees_its_rows_in_order(conn, query):
    assert conn.query(query).rows()[-1] == {"ids": NEAREST_FIRST}


def test_a_query_inside_is_asked_for_what_is_computed_of_each_row(conn):
    inner = "SELECT b.metadata.f FROM demo AS b WHERE a.id IN (SELECT c.id FROM demo AS c)"
    rows = conn.query(f"SELECT a.id, abs(a.metadata.f) IN ({inner}) AS found FROM demo AS a ORDER BY a.id").rows()

    assert [row["found"] for row in rows] == [abs(each) in LENGTHS for each in LENGTHS]


FILLED = "demo AS a LEFT JOIN (SELECT id, metadata.t AS t FROM demo WHERE metadata.t = 'x') AS b ON a.id = b.id"
FIRST = ["r2", "r0", "r1", "r3", "r4", "r5"]
"""The one row with a partner, then those without."""


@pytest.mark.parametrize("tables", [FILLED, FILLED.replace("LEFT", "FULL")])
def test_a_column_with_one_value_is_sorted_by_where_a_join_fills_it_with_nulls(conn, tables):
    def ids(query: str) -> list[object]:
        return [row["id"] for row in conn.query(query).rows()]

    assert ids(f"SELECT a.id FROM {tables} ORDER BY b.t, a.id") == FIRST
    assert ids(f"SELECT a.id, rank() OVER (ORDER BY b.t, a.id) AS n FROM {tables} ORDER BY n") == FIRST
    assert conn.query(f"SELECT array_agg(a.id ORDER BY b.t, a.id) AS ids FROM {tables}").rows() == [{"ids": FIRST}]
    assert conn.query(f"SELECT count(*) OVER (PARTITION BY b.t) AS n, b.t FROM {tables} ORDER BY a.id").rows() == [
        {"n": 1, "t": "x"} if each == "r2" else {"n": 5, "t": None} for each in sorted(FIRST)
    ]


def test_a_column_of_one_side_is_not_taken_for_another_where_both_have_one_value(conn):
    some = "(SELECT id, metadata.t AS t FROM demo WHERE metadata.t = 'y')"
    tables = f"{some} AS a LEFT JOIN {some} AS b ON a.id = b.id AND b.id = 'r3'"
    query = f"SELECT a.id, count(*) OVER (PARTITION BY a.t, b.t) AS n FROM {tables} ORDER BY a.t, b.t, a.id"

    assert [tuple(row.values()) for row in conn.query(query).rows()] == [
        ("r3", 1), ("r0", 4), ("r1", 4), ("r4", 4), ("r5", 4),
    ]  # fmt: skip


def test_a_key_with_one_value_is_sorted_by_and_told_from_null_in_grouping_sets(conn):
    groups = "demo WHERE metadata.t = 'y' AND metadata.f < 0 GROUP BY CUBE (metadata.t, id)"
    query = f"SELECT metadata.t AS t, id, count(*) OVER (PARTITION BY metadata.t) AS n FROM {groups} ORDER BY id, t"

    assert [tuple(row.values()) for row in conn.query(query).rows()] == [
        (t, each, 4) for each in ("r1", "r3", "r5", None) for t in ("y", None)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "query",
    [
        "SELECT id FROM demo WHERE id = span_id ORDER BY id, span_id",
        "SELECT id FROM demo WHERE NOT (id <> span_id) ORDER BY span_id, metadata.t, id",
        "SELECT id FROM (SELECT id, 'y' AS c, metadata.t AS t FROM demo) AS q WHERE c = t AND t = 'y' ORDER BY c, id",
        (
            "SELECT id FROM (SELECT * FROM (SELECT id, metadata.t AS t, metadata.u AS u, 'y' AS c FROM demo) AS q "
            "WHERE u = c) AS s WHERE c = 'y' AND t = 'y' ORDER BY c, t, id"
        ),
    ],
)
@pytest.mark.parametrize("waiting", [False, True])
def test_what_is_equal_in_all_rows_is_sorted_by(tmp_path, query, waiting):
    with btql.connect(tmp_path / "db") as conn:
        for number in range(4):
            conn.ingest("project_logs:demo", [{"id": f"r{number}", "metadata": {"t": "y", "u": "y"}}])
            if number < 3 or not waiting:
                conn.compact()

        assert [row["id"] for row in conn.query(query).rows()] == ["r0", "r1", "r2", "r3"]
