"""Whole numbers beyond 2^53 and 2^63: exact in answers, in groups and in comparisons, before and after compaction."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pytest

import btql

BIG = 12345678901234567890123
VALUES: list[object] = [
    1,
    2**53,
    2**53 + 1,
    2**63 - 1,
    2**63,
    2**63 + 1,
    2**64,
    BIG,
    BIG + 1,
    -BIG,
    0.5,
    "x",
    str(BIG),
    None,
]


@pytest.fixture(scope="module", params=["log", "parts", "both"])
def conn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path_factory.mktemp("exact") / "db") as connection:
        events = [
            {"id": f"r{number:02}", "metadata": {"x": value, "in": [value]}} for number, value in enumerate(VALUES)
        ]
        half = len(events) // 2 if request.param == "both" else len(events)
        connection.ingest("project_logs:p", events[:half])
        if request.param != "log":
            connection.compact()
        if events[half:]:
            connection.ingest("project_logs:p", events[half:])
        yield connection


def column(conn: btql.Connection, query: str) -> list[object]:
    return [next(iter(row.values())) for row in conn.query(query).rows()]


def test_they_come_back(conn: btql.Connection) -> None:
    assert column(conn, "select: metadata.x | from: project_logs('p') | sort: id") == VALUES
    assert column(conn, "select: metadata | from: project_logs('p') | sort: id")[7] == {"x": BIG, "in": [BIG]}
    assert column(conn, "select: metadata.in[0] as x | from: project_logs('p') | sort: id") == VALUES
    assert column(conn, "select: coalesce(metadata.x, 0) as x | from: project_logs('p') | sort: id") == [
        0 if value is None else value for value in VALUES
    ]


def test_they_come_back_in_arrow(conn: btql.Connection) -> None:
    table = conn.query("select: metadata.x | from: project_logs('p') | sort: id").arrow()

    storage = table["x"].combine_chunks()
    texts = storage.storage.to_pylist() if isinstance(storage, pa.ExtensionArray) else storage.to_pylist()
    assert [None if text is None else json.loads(text) for text in texts] == VALUES


def test_they_are_groups_of_their_own(conn: btql.Connection) -> None:
    rows = conn.query("dimensions: metadata.x as x | measures: count(1) as n | from: project_logs('p')").rows()

    assert {repr(row["x"]): row["n"] for row in rows} == {repr(value): 1 for value in VALUES}
    assert column(conn, "measures: count_distinct(metadata.x) as n | from: project_logs('p')") == [len(VALUES) - 1]


@pytest.mark.parametrize("value", [value for value in VALUES if isinstance(value, int)])
def test_equal_means_every_digit(conn: btql.Connection, value: int) -> None:
    here = "select: metadata.x | from: project_logs('p') | sort: id | filter: metadata.x"
    numbers = [each for each in VALUES if isinstance(each, int)]

    found = column(conn, f"{here} = {value}")
    assert [each for each in found if isinstance(each, int)] == [value]
    others = [each for each in numbers if each != value]
    assert [each for each in column(conn, f"{here} != {value}") if isinstance(each, int)] == others
    assert [each for each in column(conn, f"{here} in [{value}, 7]") if isinstance(each, int)] == [value]


def test_a_number_that_nobody_has_is_not_found(conn: btql.Connection) -> None:
    assert column(conn, f"select: id | from: project_logs('p') | filter: metadata.x = {BIG + 2}") == ["r12"]
    assert column(conn, f"select: id | from: project_logs('p') | filter: metadata.x = {2**64 + 1}") == []


def test_arithmetic_and_order_use_the_nearest_float(conn: btql.Connection) -> None:
    assert column(conn, "select: metadata.x + 1 as y | from: project_logs('p') | filter: id = 'r07'") == [float(BIG)]
    assert column(conn, "measures: max(metadata.x + 0) as m | from: project_logs('p')") == [float(BIG)]
    larger = column(
        conn, "select: metadata.x as x | from: project_logs('p') | filter: metadata.x > 10000000000000000000"
    )
    assert sorted(each for each in larger if isinstance(each, int)) == [2**64, BIG, BIG + 1]


def test_the_smallest_and_the_largest_keep_their_digits(conn: btql.Connection) -> None:
    rows = conn.query(
        "measures: min(metadata.x) as low, max(metadata.x) as high | from: project_logs('p') | filter: metadata.x < 0"
    ).rows()
    assert rows == [{"low": -BIG, "high": -BIG}]
    middle = "from: project_logs('p') | filter: id in ['r02', 'r03', 'r10']"
    assert conn.query(f"measures: max(metadata.x) as high | {middle}").rows() == [{"high": 2**63 - 1}]


def test_in_the_query(conn: btql.Connection) -> None:
    assert conn.query(f"SELECT {BIG} AS a, -{BIG} AS b, {BIG} = {BIG} AS c, {BIG} = {BIG + 1} AS d").rows() == [
        {"a": BIG, "b": -BIG, "c": True, "d": False}
    ]
    assert conn.query(f"SELECT [{BIG}] AS a, {BIG}::text AS b, {BIG} > 5 AS c").rows() == [
        {"a": [BIG], "b": str(BIG), "c": True}
    ]


def test_a_path(tmp_path: Path) -> None:
    """A value that no part holds still has its digits once a merge has gone over it."""
    with btql.connect(tmp_path / "db") as connection:
        connection.ingest("project_logs:p", [{"id": "a", "metadata": {"x": BIG}}])
        connection.compact()
        connection.ingest("project_logs:p", [{"id": "a", "_is_merge": True, "metadata": {"y": BIG + 1}}])
        connection.compact()
        assert connection.query("select: metadata | from: project_logs('p')").rows() == [
            {"metadata": {"x": BIG, "y": BIG + 1}}
        ]


def test_metrics_that_add_up_to_more_than_a_float_holds(tmp_path: Path) -> None:
    spans = [
        {"id": f"s{number}", "span_id": f"s{number}", "root_span_id": "s0", "metrics": {"huge": 1.7e308, "n": number}}
        for number in range(2)
    ]
    with btql.connect(tmp_path / "db") as connection:
        connection.ingest("project_logs:p", spans)

        assert column(connection, "SELECT object_sum(metrics) FROM project_logs('p')") == [{"huge": None, "n": 1}]
        assert column(connection, "SELECT object_avg(metrics) FROM project_logs('p')") == [{"huge": None, "n": 0.5}]
        counts = dict.fromkeys(("errors", "llm_calls", "llm_errors", "tool_calls", "tool_errors"), 0)
        assert column(connection, "select: metrics | from: project_logs('p') summary") == [{**counts, "n": 1}]
