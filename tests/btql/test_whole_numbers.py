"""Arithmetic on numbers that are known to be whole and small is whole, so that clients see int64 and not float64."""

from __future__ import annotations

from collections.abc import Iterator

import pyarrow as pa
import pytest

import btql


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path_factory.mktemp("whole") / "db") as connection:
        metadata = {"count": "7", "version": 1.5, "mixed": True}
        row = {"id": "abc", "created": "2026-11-25T10:30:00Z", "metrics": {"tokens": 41}, "tags": ["x", "y"]}
        connection.ingest("project_logs:p", [{**row, "metadata": metadata}, {"id": "d", "metadata": {"mixed": 2}}])
        yield connection


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("4::int + 1", 5),
        ("'4'::bigint * 2", 8),
        ("-(4::int)", -4),
        ("true::int + 1", 2),
        ("metrics.tokens::int + 1", 42),
        ("(metrics ->> 'tokens')::int + 1", 42),
        ("length(id) * 2", 6),
        ("len(tags) + 1", 3),
        ("position('b' in id) - 1", 1),
        ("extract(year from created) + 1", 2027),
        ("row_number() over (order by id) - 1", 0),
        ("(select count(*) from p) * 100", 200),
        ("(select count(distinct id) from p) - 1", 1),
    ],
)
def test_it_is_whole(conn: btql.Connection, text: str, expected: int) -> None:
    table = conn.query(f"SELECT {text} AS v FROM p ORDER BY id LIMIT 1").arrow()

    assert table.schema.field("v").type == pa.int64()
    assert table.column("v").to_pylist() == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("'9223372036854775807'::bigint + 1", 2.0**63),
        ("(metadata ->> 'count')::int + 1", 8.0),
        ("(metadata ->> 'version')::float + 1", 2.5),
    ],
)
def test_what_may_be_of_any_size_has_room(conn: btql.Connection, text: str, expected: float) -> None:
    table = conn.query(f"SELECT {text} AS v FROM p ORDER BY id LIMIT 1").arrow()

    assert table.schema.field("v").type == pa.float64()
    assert table.column("v").to_pylist() == [expected]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("(metadata ->> 'count')::int", [7, None]),
        ("(metadata ->> 'version')::int", [1, None]),
        ("(metadata ->> 'version')::numeric", [1.5, None]),
        ("(metadata ->> 'mixed')::int", [None, 2]),
        ("metadata.mixed::int", [1, 2]),
        ("(tags::text)::int", [None, None]),
    ],
)
def test_the_number_in_a_text(conn: btql.Connection, text: str, expected: list[object]) -> None:
    assert [row["v"] for row in conn.query(f"SELECT {text} AS v FROM p ORDER BY id").rows()] == expected
