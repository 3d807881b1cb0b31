"""The order of rows that nobody has asked for an order of."""

from __future__ import annotations

import pytest

import btql
from btql import plans
from btql_planner.clauses import source
from btql_planner.options import QueryOptions

ROWS = 300


@pytest.fixture(scope="module")
def conn(tmp_path_factory):
    with btql.connect(tmp_path_factory.mktemp("order") / "db") as conn:
        for start in range(0, ROWS, 100):
            # Rows of a part lie by trace: the newest first is not how they lie.
            rows = [{"id": f"r{n:03}", "root_span_id": f"t{n % 7}"} for n in range(start, start + 100)]
            conn.ingest("project_logs:demo", rows)
            conn.compact()
        conn.ingest("project_logs:demo", [{"id": "late"}])
        yield conn


NEWEST_FIRST = ["late", *(f"r{n:03}" for n in reversed(range(ROWS)))]


def ids(conn, query):
    return [row["id"] for row in conn.query(query).rows()]


def sorts(conn, query):
    return "Sort" in conn.explain(query)


@pytest.mark.parametrize("query", ["SELECT id FROM demo", "select: id | from: project_logs('demo')"])
def test_rows_of_a_small_source_come_newest_first(conn, query):
    assert ids(conn, query) == NEWEST_FIRST


def test_all_rows_of_a_large_source_come_as_they_lie_in_sql(conn, monkeypatch):
    monkeypatch.setattr(source, "SORTED_ROWS_MAX", 100)
    monkeypatch.setattr(plans, "KEPT_MAX", 0)
    assert sorted(ids(conn, "SELECT id FROM demo")) == sorted(NEWEST_FIRST)
    assert not sorts(conn, "SELECT id, metadata FROM demo WHERE id > 'r1'")


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("select: id | from: project_logs('demo')", NEWEST_FIRST),
        ("SELECT id FROM demo LIMIT 1000", NEWEST_FIRST),
        ("SELECT id FROM demo OFFSET 2", NEWEST_FIRST[2:]),
        ("SELECT id FROM demo ORDER BY id", sorted(NEWEST_FIRST)),
        ("SELECT DISTINCT ON (id) id FROM demo ORDER BY id DESC", sorted(NEWEST_FIRST, reverse=True)),
    ],
)
def test_whoever_asks_for_an_order_or_a_page_has_it(conn, monkeypatch, query, expected):
    monkeypatch.setattr(source, "SORTED_ROWS_MAX", 100)
    monkeypatch.setattr(plans, "KEPT_MAX", 0)
    assert ids(conn, query) == expected


def test_a_default_limit_is_a_page(conn, monkeypatch):
    monkeypatch.setattr(source, "SORTED_ROWS_MAX", 100)
    monkeypatch.setattr(plans, "KEPT_MAX", 0)
    found = conn._database.query("SELECT id FROM demo", options=QueryOptions(default_limit=50))
    assert [row["id"] for row in found.rows()] == NEWEST_FIRST[:50]
