"""Two expressions that differ by their parentheses or casts alone stand beside each other, whatever the engine does."""

import pytest

import btql

ONE, OTHER = "metadata.a - (metadata.b - metadata.c)", "(metadata.a - metadata.b) - metadata.c"
"""10.25 and 11.25 in the two rows, 5.75 and 6.75."""


@pytest.fixture(scope="module", params=["log", "parts"])
def conn(request, tmp_path_factory):
    with btql.connect(tmp_path_factory.mktemp("names") / "db") as found:
        rows = [{"id": f"r{i}", "metadata": {"a": 10.5 + i, "b": 2.5, "c": 2.25, "t": "x"}} for i in range(2)]
        found.ingest("project_logs:z", rows)
        if request.param == "parts":
            found.compact()
        yield found


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (f"SELECT sum({ONE}), sum({OTHER}) FROM z", [(21.5, 12.5)]),
        (f"SELECT is_root, max({ONE}), max({OTHER}) FROM z GROUP BY 1", [(True, 11.25, 6.75)]),
        (f"SELECT {ONE}, {OTHER}, count(*) FROM z GROUP BY 1, 2 ORDER BY 1", [(10.25, 5.75, 1), (11.25, 6.75, 1)]),
        (f"SELECT DISTINCT {ONE} AS x, {OTHER} AS y FROM z ORDER BY x", [(10.25, 5.75), (11.25, 6.75)]),
        (f"SELECT count(DISTINCT {ONE}), count(DISTINCT {OTHER}) FROM z", [(2, 2)]),
        (f"SELECT percentile({ONE}, 0), percentile({OTHER}, 0) FROM z", [(10.25, 5.75)]),
        (f"SELECT sum({ONE}) AS s FROM z HAVING sum({OTHER}) > 12 ORDER BY sum({OTHER})", [(21.5,)]),
        (
            f"SELECT count(*) FILTER (WHERE {ONE} > 10.5), count(*) FILTER (WHERE {OTHER} > 10.5) FROM z",
            [(1, 0)],
        ),
        (
            f"SELECT array_agg(id ORDER BY {ONE}), array_agg(id ORDER BY {OTHER} DESC) FROM z",
            [(["r0", "r1"], ["r1", "r0"])],
        ),
        (f"SELECT DISTINCT sum({ONE}) OVER (), sum({OTHER}) OVER () FROM z", [(21.5, 12.5)]),
        (
            f"SELECT id, lag({ONE}) OVER (ORDER BY id), lag({OTHER}) OVER (ORDER BY id) FROM z ORDER BY id",
            [("r0", None, None), ("r1", 10.25, 5.75)],
        ),
        ("SELECT count_if(NOT (is_root = false)), count_if((NOT is_root) = false) FROM z", [(2, 2)]),
        ("SELECT max(id || (metadata.t || 'z')), max((id || metadata.t) || 'z') FROM z", [("r1xz", "r1xz")]),
        ("SELECT max(metadata.a * (4 / 2)), max((metadata.a * 4) / 2), max((metadata.a) * 4 / 2) FROM z", [(23,) * 3]),
        ("SELECT max(len(id)), max(len(id)::float), max(len(id)::text) FROM z", [(2, 2.0, "2")]),
        ("SELECT len(id), len(id)::text, count(*) FROM z GROUP BY 1, 2", [(2, "2", 2)]),
        (f"SELECT sum({ONE}) - sum({OTHER}), sum({ONE} - ({OTHER})) FROM z", [(9, 9)]),
    ],
)
def test_each_is_itself(conn, query, expected):
    assert [tuple(row.values()) for row in conn.query(query).rows()] == expected
