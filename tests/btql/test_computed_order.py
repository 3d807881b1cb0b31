"""Rows of several parts in the order of what is computed of them, which the engine loses track of."""

from __future__ import annotations

import pytest

import btql

LENGTHS = (2.5, -1, 0.5, -3, 4, -0.25)


@pytest.fixture(scope="module")
def conn(tmp_path_factory):
    with btql.connect(tmp_path_factory.mktemp("order") / "db") as conn:
        for start in (0, 3):
            numbered = list(enumerate(LENGTHS))[start : start + 3]
            conn.ingest("project_logs:demo", [{"id": f"r{n}", "metadata": {"f": f}} for n, f in numbered])
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
