"""Minus zero, which calculations give, is zero wherever values are compared, sorted, grouped or counted."""

import pytest

import btql

ZERO = "(metadata.f * 0.0)"
"""Zero in two rows, minus zero in the two others."""


@pytest.fixture(scope="module")
def conn(tmp_path_factory):
    with btql.connect(tmp_path_factory.mktemp("minus_zero") / "db") as found:
        values = [0.0, 1.5, -2.5, -1.0]
        found.ingest("project_logs:z", [{"id": f"r{i}", "metadata": {"f": f}} for i, f in enumerate(values)])
        found.compact()
        yield found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"SELECT count(DISTINCT {ZERO}) FROM z", [(1,)]),
        (f"SELECT approx_distinct({ZERO}) FROM z", [(1,)]),
        (f"SELECT count(DISTINCT CASE WHEN metadata.f < 2 THEN {ZERO} ELSE 'x' END) FROM z", [(1,)]),
        (f"SELECT count(*) FROM z GROUP BY {ZERO}", [(4,)]),
        (f"SELECT count(*) FROM (SELECT DISTINCT {ZERO} AS x, is_root FROM z)", [(1,)]),
        (f"SELECT count(*) FROM z WHERE {ZERO} = 0.0", [(4,)]),
        (f"SELECT count(*) FROM z WHERE {ZERO} < 0.0", [(0,)]),
        ("SELECT count(*) FROM z AS a JOIN z AS b ON a.metadata.f * 0.0 = b.metadata.f * 0.0", [(16,)]),
        (f"SELECT id FROM z ORDER BY {ZERO}, id", [("r0",), ("r1",), ("r2",), ("r3",)]),
        (f"SELECT id FROM z ORDER BY {ZERO} DESC, id LIMIT 2", [("r0",), ("r1",)]),
        (
            f"SELECT id FROM z ORDER BY CASE WHEN metadata.f < 2 THEN {ZERO} ELSE 'x' END, id LIMIT 2",
            [("r0",), ("r1",)],
        ),
        (f"SELECT DISTINCT rank() OVER (ORDER BY {ZERO}) FROM z", [(1,)]),
        (f"SELECT DISTINCT count(*) OVER (PARTITION BY {ZERO}) FROM z", [(4,)]),
        (f"SELECT {ZERO} AS x FROM z EXCEPT ALL SELECT 1.5", [(0.0,)] * 4),
        (f"SELECT {ZERO} AS x FROM z INTERSECT ALL SELECT abs({ZERO}) FROM z", [(0.0,)] * 4),
        (f"SELECT string_agg(id, ',' ORDER BY {ZERO}, id) FROM z", [("r0,r1,r2,r3",)]),
    ],
)
def test_minus_zero_is_zero(conn, query, expected):
    assert [tuple(row.values()) for row in conn.query(query).rows()] == expected


def test_minus_zero_is_shown_as_it_is(conn):
    found = [str(row["x"]) for row in conn.query(f"SELECT {ZERO} AS x FROM z ORDER BY id").rows()]
    assert found == ["0.0", "0.0", "-0.0", "-0.0"]
