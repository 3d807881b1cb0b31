"""Aggregates over several rows, against Python: order, DISTINCT, FILTER, and values of several kinds."""

from __future__ import annotations

import statistics
from collections.abc import Iterator

import pyarrow as pa
import pytest

import btql

ROWS: list[tuple[str, object, object]] = [
    ("a", 1, 2.0),
    ("a", 2, 4.5),
    ("a", 2, 1.0),
    ("a", None, 3.0),
    ("b", 7, 1.5),
    ("b", "x", 2.5),
    ("b", 0.5, None),
    ("b", [1, 2], 8.0),
    ("b", True, 1.0),
]


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path_factory.mktemp("aggregates") / "db") as connection:
        events = [
            {"id": f"r{number}", "metadata": {"g": group, "x": x, "y": y}} for number, (group, x, y) in enumerate(ROWS)
        ]
        connection.ingest("project_logs:p", events[:5])
        connection.compact()
        connection.ingest("project_logs:p", events[5:])
        yield connection


def column(group: str, place: int = 1) -> list[object]:
    return [row[place] for row in ROWS if row[0] == group]


A: list[int] = [1, 2, 2]
Y: list[float] = [2.0, 4.5, 1.0, 3.0]
CASES: list[tuple[str, object, object]] = [
    ("sum(DISTINCT metadata.x)", 3, 8.5),
    ("avg(DISTINCT metadata.x)", 1.5, 8.5 / 3),
    ("count(DISTINCT metadata.x)", 2, 5),
    ("count_distinct(metadata.x)", 2, 5),
    ("sum(metadata.y) FILTER (WHERE metadata.x = 2)", 5.5, None),
    ("count(*) FILTER (WHERE metadata.x IS NULL)", 1, 0),
    ("array_agg(metadata.x ORDER BY id)", [1, 2, 2, None], [7, "x", 0.5, [1, 2], True]),
    ("array_agg(metadata.x ORDER BY metadata.y DESC)", [2, None, 1, 2], [[1, 2], "x", 7, True, 0.5]),
    ("array_agg(DISTINCT metadata.y ORDER BY metadata.y)", [1, 2, 3, 4.5], [1, 1.5, 2.5, 8, None]),
    ("array_agg(id ORDER BY id) FILTER (WHERE metadata.y > 2)", ["r1", "r3"], ["r5", "r7"]),
    ("jsonb_agg(metadata.y ORDER BY id)", [2, 4.5, 1, 3], [1.5, 2.5, None, 8, 1]),
    ("string_agg(metadata.x, '|' ORDER BY id)", "1|2|2", "7|x|0.5|[1,2]|true"),
    ("string_agg(DISTINCT metadata.g, ',')", "a", "b"),
    ("string_agg(DISTINCT metadata.x, '|' ORDER BY metadata.x DESC)", "2|1", "[1,2]|x|7|0.5|true"),
    ("string_agg(metadata.x, '|' ORDER BY metadata.y)", "2|1|2", "true|7|x|[1,2]|0.5"),
    ("array_agg(DISTINCT metadata.g ORDER BY metadata.g)", ["a"], ["b"]),
    (
        "jsonb_object_agg(id, metadata.x ORDER BY id)",
        {"r0": 1, "r1": 2, "r2": 2, "r3": None},
        {"r4": 7, "r5": "x", "r6": 0.5, "r7": [1, 2], "r8": True},
    ),
    ("jsonb_object_agg(metadata.g, id ORDER BY id DESC)", {"a": "r0"}, {"b": "r4"}),
    ("first(metadata.x ORDER BY id)", 1, 7),
    ("last(metadata.x ORDER BY id)", None, True),
    ("first(metadata.x ORDER BY metadata.y DESC)", 2, [1, 2]),
    ("min(metadata.x)", 1, True),
    ("max(metadata.x)", 2, [1, 2]),
    ("max(metadata.x) FILTER (WHERE metadata.x < 5)", 2, 0.5),
    ("median(metadata.y)", statistics.median(Y), 2.0),
    ("percentile(metadata.y, 0.25)", 1.75, 1.375),
    ("percentile_cont(0.25) WITHIN GROUP (ORDER BY metadata.y)", 1.75, 1.375),
    ("percentile_cont(0.25) WITHIN GROUP (ORDER BY metadata.y DESC)", 3.375, 3.875),
    ("percentile_disc(0.5) WITHIN GROUP (ORDER BY metadata.y)", 2.0, 1.5),
    ("percentile_disc(0.75) WITHIN GROUP (ORDER BY metadata.y)", 3.0, 2.5),
    ("percentile_disc(1) WITHIN GROUP (ORDER BY metadata.y)", 4.5, 8.0),
    ("percentile_disc(0.25) WITHIN GROUP (ORDER BY metadata.y DESC)", 4.5, 8.0),
    ("percentile_disc(0.75) WITHIN GROUP (ORDER BY metadata.y DESC)", 2.0, 1.5),
    ("mode() WITHIN GROUP (ORDER BY metadata.x)", 2, True),
    ("mode() WITHIN GROUP (ORDER BY metadata.x DESC)", 2, [1, 2]),
    ("stddev(metadata.y)", statistics.stdev(Y), statistics.stdev([1.5, 2.5, 8, 1])),
    ("stddev_pop(metadata.y)", statistics.pstdev(Y), statistics.pstdev([1.5, 2.5, 8, 1])),
    ("variance(metadata.y)", statistics.variance(Y), statistics.variance([1.5, 2.5, 8, 1])),
    ("var_pop(DISTINCT metadata.x)", statistics.pvariance([1, 2]), statistics.pvariance([7, 0.5, 1])),
    ("corr(metadata.y, metadata.x)", statistics.correlation([2, 4.5, 1], A), statistics.correlation([1.5, 1], [7, 1])),
    ("covar_samp(metadata.y, metadata.x)", statistics.covariance([2, 4.5, 1], A), 1.5),
    ("regr_slope(metadata.y, metadata.x)", statistics.linear_regression(A, [2, 4.5, 1]).slope, 0.5 / 6),
    ("regr_count(metadata.y, metadata.x)", 3, 2),
    ("bool_and(metadata.y > 0)", True, True),
    ("bool_or(metadata.x = 7)", False, True),
    ("every(metadata.x > 1)", False, False),
    ("bit_or(metadata.x)", 3, 7),
    ("approx_distinct(metadata.x)", 2, 5),
    ("max(created) - min(created)", "00:00:00", "00:00:00"),
]


IN_GROUPS = [case for case in CASES if "created" not in case[0]]


@pytest.mark.parametrize("start", range(0, len(IN_GROUPS), 8))
def test_in_groups(conn: btql.Connection, start: int) -> None:
    part = IN_GROUPS[start : start + 8]
    listed = ", ".join(f"{text} AS v{number}" for number, (text, _, _) in enumerate(part))
    rows = conn.query(f"SELECT metadata.g AS g, {listed} FROM project_logs('p') GROUP BY 1 ORDER BY 1").rows()

    for row, place in zip(rows, (1, 2), strict=True):
        for number, case in enumerate(part):
            found = row[f"v{number}"]
            assert _alike(found, case[place]), f"{case[0]} of {row['g']}: {found!r}, not {case[place]!r}"


def _alike(found: object, expected: object) -> bool:
    if isinstance(found, float) and isinstance(expected, int | float):
        return found == pytest.approx(expected)
    return found == expected and type(found) is type(expected)


def test_over_nothing(conn: btql.Connection) -> None:
    for text, _, _ in CASES:
        (row,) = conn.query(f"SELECT {text} AS v FROM project_logs('p') WHERE id = 'nobody'").rows()
        counts = ("count", "regr_count", "approx_distinct")
        assert row["v"] == (0 if text.startswith(counts) else None), text


def test_an_order_that_makes_no_difference_is_refused(conn: btql.Connection) -> None:
    with pytest.raises(btql.QueryError, match="makes no difference to `sum`"):
        conn.query("SELECT sum(metadata.y ORDER BY id) FROM project_logs('p')")
    with pytest.raises(btql.QueryError, match="can only be ordered by its own argument"):
        conn.query("SELECT array_agg(DISTINCT metadata.y ORDER BY id) FROM project_logs('p')")
    with pytest.raises(btql.QueryError, match="is no aggregate"):
        conn.query("SELECT lower(metadata.g) FILTER (WHERE true) FROM project_logs('p')")


def test_of_what_nobody_has_is_one_row(conn: btql.Connection) -> None:
    for text in ("max(metadata.nope)", "any_value(null)", "first(metadata.nope ORDER BY id)", "string_agg(null, ',')"):
        assert conn.query(f"SELECT {text} AS v FROM project_logs('p')").rows() == [{"v": None}], text


@pytest.mark.parametrize(
    ("sets", "expected"),
    [
        # As PostgreSQL 15 answers: each column of the answer is a key of its own.
        ("ROLLUP (1, 2)", [(None, None, 3), (False, None, 2), (False, False, 2), (True, None, 1), (True, True, 1)]),
        ("ROLLUP (ok, ok)", [(None, None, 3), (False, False, 2), (False, False, 2), (True, True, 1), (True, True, 1)]),
        ("GROUPING SETS ((2), (1, 2))", [(None, False, 2), (None, True, 1), (False, False, 2), (True, True, 1)]),
    ],
)
def test_sets_of_the_same_column_twice(tmp_path, sets, expected):
    query = f"SELECT ok AS a, ok AS b, count(*) AS n FROM (VALUES (true), (false), (false)) AS s (ok) GROUP BY {sets}"
    with btql.connect(tmp_path / "db") as conn:
        assert sorted((tuple(row.values()) for row in conn.query(query).rows()), key=str) == sorted(expected, key=str)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # As PostgreSQL 15 answers, to the last digit.
        ("percentile_cont(0.333) WITHIN GROUP (ORDER BY n)", 3.9970000000000003),
        ("percentile_cont(0.95) WITHIN GROUP (ORDER BY n / 7)", 1.364285714285714),
        ("percentile(n, 0.123456789)", 2.1111111009999997),
        ("median(1e15 + n)", 1_000_000_000_000_005.5),
        ("percentile(CASE WHEN n > 5 THEN 'Infinity'::float ELSE n END, 1)", float("inf")),
        ("percentile(CASE WHEN n > 5 THEN 'Infinity'::float ELSE n END, 0.4)", 4.6),
    ],
)
def test_between_two_numbers(conn: btql.Connection, text: str, expected: float) -> None:
    assert conn.query(f"SELECT {text} AS v FROM generate_series(1, 10) AS s(n)").rows() == [{"v": expected}]


def test_percentiles_and_a_count_of_the_same_whole_numbers(conn: btql.Connection) -> None:
    numbers = "median(n) AS m, percentile(n, 1) AS p, count(n) AS c"
    truths = "median(ok) AS o, count(ok) AS t"
    query = f"SELECT {numbers}, {truths} FROM (SELECT n, n > 5 AS ok FROM generate_series(1, 10) AS s(n)) AS q"

    assert conn.query(query).rows() == [{"m": 5.5, "p": 10.0, "c": 10, "o": 0.5, "t": 10}]


def test_different_values_come_sorted(conn: btql.Connection) -> None:
    texts = "string_agg(DISTINCT t, ',') AS s, array_agg(DISTINCT t) AS a"
    rows = "SELECT 10 - n AS n, n::text AS t FROM generate_series(1, 9) AS s(n)"
    query = f"SELECT {texts}, jsonb_agg(DISTINCT n) AS j FROM ({rows}) AS q"

    row = {"s": "1,2,3,4,5,6,7,8,9", "a": list("123456789"), "j": list(range(1, 10))}
    assert conn.query(query).rows() == [row]


def test_where_every_row_is_a_group(tmp_path) -> None:
    # So many that the engine gives up gathering rows in two steps, as four in five are groups of their own.
    each, times = 55_000, 4
    with btql.connect(tmp_path / "db") as conn:
        for start in range(0, each * times, each):
            conn.ingest("project_logs:p", [{"id": f"r{n}", "metrics": {"n": n}} for n in range(start, start + each)])
        middle = "SELECT id, median(metrics.n) AS v, percentile(metrics.n, 0.9) AS p FROM p GROUP BY id"
        (row,) = conn.query(f"SELECT count(v) AS n, max(v) AS v, max(p) AS p FROM ({middle}) AS g").rows()

        assert row == {"n": each * times, "v": each * times - 1.0, "p": each * times - 1.0}


@pytest.mark.parametrize(
    ("value", "type_"),
    [
        ("metadata.g", pa.string()),
        ("metadata.y", pa.float64()),
        ("created", pa.timestamp("us", "UTC")),
        ("length(metadata.g)", pa.int64()),
        ("metadata.y > 2", pa.bool_()),
    ],
)
def test_the_mode_of_values_of_one_kind_is_one(conn: btql.Connection, value: str, type_: pa.DataType) -> None:
    found = conn.query(f"SELECT mode() WITHIN GROUP (ORDER BY {value}) AS m FROM p").arrow()

    assert found.schema.field("m").type == type_
    assert found.column("m").null_count == 0


def test_the_mode_of_numbers_is_exact(conn: btql.Connection) -> None:
    items = "(VALUES (9007199254740993), (9007199254740993), (0.5)) AS t(v)"

    assert conn.query(f"SELECT mode() WITHIN GROUP (ORDER BY v) AS m FROM {items}").rows() == [{"m": 2**53 + 1}]
