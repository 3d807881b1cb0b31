"""Pivot and unpivot, in both languages, against plain Python, over generated spans in three states of storage."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from oracle.expressions import get
from oracle.model import Document
from oracle.rows import difference
from support.generated import STATES, documents, stored

import btql

Rows = list[dict[str, object]]
LOGS = "from: project_logs('demo')"


@pytest.fixture(scope="module", params=STATES)
def conn(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with stored(tmp_path_factory.mktemp("pivot") / "db", request.param) as connection:
        yield connection


def day(span: Document) -> datetime:
    created = span["created"]
    assert isinstance(created, datetime)
    return created.replace(hour=0, minute=0, second=0, microsecond=0)


def kind(span: Document) -> object:
    return get(span, "span_attributes", "type")


def tokens(spans: list[Document]) -> list[float]:
    return [t for span in spans if isinstance(t := get(span, "metrics", "tokens"), int | float)]


def by_day_and_type(*, name: str = "n") -> Rows:
    """One row a day, with the number of spans of each type."""
    counts: dict[datetime, Counter[object]] = defaultdict(Counter)
    for span in documents():
        counts[day(span)][kind(span)] += 1
    types = sorted({kind(span) for span in documents()}, key=lambda each: (each is None, str(each)))
    columns = {each: f"{'null' if each is None else each}_{name}" for each in types}
    return [
        {"d": each, **{column: counts[each].get(value) for value, column in columns.items()}} for each in sorted(counts)
    ]


FROM_SQL = "FROM project_logs('demo')"
PIVOTED = "PIVOT(count(1) AS n FOR span_attributes.type IN (ANY))"
PIVOTS = [
    f"dimensions: day(created) as d, span_attributes.type as type | measures: count(1) as n | pivot: n | {LOGS}",
    f"{LOGS} | pivot: n | measures: count(1) as n | dimensions: day(created) as d, span_attributes.type | sort: d",
    f"select: day(created) as d, span_attributes.type, count(1) as n | dimensions: 1, 2 | pivot: n | {LOGS}",
    f"SELECT day(created) AS d, span_attributes.type, n {FROM_SQL} {PIVOTED} GROUP BY day(created)",
    f"SELECT day(created) AS d, span_attributes.type, n {FROM_SQL} GROUP BY 1, 2 {PIVOTED} ORDER BY d",
    f"SELECT day(created) AS d, type, count(1) AS n {FROM_SQL} GROUP BY 1, 2 PIVOT(n FOR type IN (ANY)) ORDER BY 1",
]


@pytest.mark.parametrize("text", PIVOTS)
def test_rows_become_columns(conn: btql.Connection, text: str) -> None:
    result = conn.query(text)

    assert result.columns == list(by_day_and_type()[0])
    assert difference(result.rows(), by_day_and_type(), in_order=True) is None


def test_star_shows_keys_and_columns(conn: btql.Connection) -> None:
    text = (
        "SELECT * FROM project_logs('demo') PIVOT(count(1) AS n FOR span_attributes.type IN (ANY))"
        " GROUP BY day(created) ORDER BY day(created) DESC LIMIT 3 OFFSET 1"
    )
    rows = [{"day(created)": row["d"], **{k: v for k, v in row.items() if k != "d"}} for row in by_day_and_type()]

    assert difference(conn.query(text).rows(), list(reversed(rows))[1:4], in_order=True) is None


def test_several_measures_and_no_keys(conn: btql.Connection) -> None:
    text = (
        f"dimensions: span_attributes.type | measures: count(1) as n, avg(metrics.tokens) as t | pivot: t as mean, n"
        f" | filter: span_attributes.type in ['llm', 'tool', 'task'] | {LOGS}"
    )
    spans: dict[object, list[Document]] = defaultdict(list)
    for span in documents():
        spans[kind(span)].append(span)
    expected: dict[str, object] = {}
    for each in ("llm", "task", "tool"):
        numbers = tokens(spans[each])
        expected[f"{each}_mean"] = sum(numbers) / len(numbers) if numbers else None
        expected[f"{each}_n"] = len(spans[each])

    assert difference(conn.query(text).rows(), [expected], in_order=True) is None


def test_groups_that_having_drops_are_not_in_the_pivot(conn: btql.Connection) -> None:
    text = (
        f"dimensions: day(created) as d, span_attributes.type as type | measures: count(1) as n | pivot: n"
        f" | final_filter: n > 20 | {LOGS}"
    )
    expected = [
        {name: value if name == "d" or (isinstance(value, int) and value > 20) else None for name, value in row.items()}
        for row in by_day_and_type()
    ]
    kept = [name for name in expected[0] if any(row[name] is not None for row in expected)]
    rows = [{name: row[name] for name in kept} for row in expected]
    rows = [row for row in rows if any(value is not None for name, value in row.items() if name != "d")]

    assert difference(conn.query(text).rows(), rows, in_order=True) is None


def test_a_pivot_of_no_rows(conn: btql.Connection) -> None:
    text = f"dimensions: hour(created) as d, id | measures: count(1) as n | pivot: n | filter: id = 'none' | {LOGS}"
    result = conn.query(text)

    assert result.columns == ["d"]
    assert result.arrow().num_rows == 0


def test_too_many_columns_are_an_error_that_names_the_limit(conn: btql.Connection) -> None:
    text = f"dimensions: id | measures: count(1) as n, max(created) as last | pivot: n, last | {LOGS}"
    with pytest.raises(btql.QueryError, match="at most 1,000 are possible") as caught:
        conn.query(text).rows()

    assert caught.value.code == "B0415"
    assert "--> <query>:1:" in str(caught.value)


# Unpivot.


def entries(span: Document, name: str) -> list[tuple[str, object]]:
    value = span.get(name)
    return sorted((k, v) for k, v in value.items() if v is not None) if isinstance(value, dict) else []


def elements(span: Document, name: str) -> list[object]:
    value = span.get(name)
    return value if isinstance(value, list) else []


@pytest.mark.parametrize("name", ["scores", "metadata", "metrics"])
def test_keys_become_rows(conn: btql.Connection, name: str) -> None:
    expected = [{"id": s["id"], "k": k, "v": v} for s in documents() for k, v in entries(s, name)]

    assert expected
    found = conn.query(f"select: id, k, v | {LOGS} | unpivot: {name} as (k, v)").rows()
    assert difference(found, expected, in_order=True) is None
    sql = conn.query(f"SELECT id, k, v FROM project_logs('demo') UNPIVOT (v FOR k IN ({name}))").rows()
    assert difference(sql, expected, in_order=True) is None


def test_elements_become_rows(conn: btql.Connection) -> None:
    expected = [{"id": s["id"], "tag": tag} for s in documents() for tag in elements(s, "tags")]

    assert expected
    assert conn.query(f"select: id, tag | {LOGS} | unpivot: tags as (tag)").rows() == expected
    assert conn.query(f"select: id, tag | {LOGS} | unpivot: tags as tag").rows() == expected
    text = "SELECT id, tag FROM project_logs('demo') UNPIVOT (tag FOR _ IN (tags))"
    assert conn.query(text).rows() == expected


def test_fields_of_elements_can_be_reached(conn: btql.Connection) -> None:
    expected = [
        {"id": s["id"], "role": get(m, "role")}
        for s in documents()
        for m in elements(s, "input")
        if isinstance(m, dict) and get(m, "role") == "user"
    ]

    assert expected
    text = f"select: id, m.role as role | {LOGS} | unpivot: input as (m) | filter: m.role = 'user' and id is not null"
    assert conn.query(text).rows() == expected


def test_unpivots_multiply_and_can_be_grouped(conn: btql.Connection) -> None:
    groups: Counter[tuple[object, object]] = Counter()
    for span in documents():
        for key, value in entries(span, "scores"):
            for tag in elements(span, "tags"):
                if isinstance(value, int | float) and value >= 0.5:
                    groups[key, tag] += 1
    expected = [{"score": score, "tag": tag, "n": n} for (score, tag), n in groups.items()]

    assert expected
    btql_text = (
        f"dimensions: score, tag | measures: count(1) as n | {LOGS} | filter: value >= 0.5"
        " | unpivot: scores as (score, value), tags as (tag)"
    )
    sql_text = (
        "SELECT score, tag, count(1) AS n FROM project_logs('demo') UNPIVOT (value FOR score IN (scores))"
        " UNPIVOT (tag FOR _ IN (tags)) WHERE value >= 0.5 GROUP BY 1, 2"
    )
    assert difference(conn.query(btql_text).rows(), expected, in_order=False) is None
    assert difference(conn.query(sql_text).rows(), expected, in_order=False) is None


def test_unpivoted_scores_can_be_pivoted(conn: btql.Connection) -> None:
    sums: dict[str, list[float]] = defaultdict(list)
    for span in documents():
        for key, value in entries(span, "scores"):
            assert isinstance(value, int | float)
            sums[key].append(value)
    expected: dict[str, object] = {f"{key}_total": sum(sums[key]) for key in sorted(sums)}

    text = (
        f"dimensions: score | measures: sum(value) as total | pivot: total | {LOGS} | unpivot: scores as (score, value)"
    )
    assert difference(conn.query(text).rows(), [expected], in_order=True) is None


def test_whole_traces_can_be_unpivoted(conn: btql.Connection) -> None:
    text = (
        f"dimensions: score | measures: count(1) as n | {LOGS} traces | filter: any_span(error is not null)"
        " | unpivot: scores as (score, value)"
    )
    failed = {span["root_span_id"] for span in documents() if span.get("error") is not None}
    counts = Counter(key for s in documents() if s["root_span_id"] in failed for key, _ in entries(s, "scores"))

    assert counts
    expected: Rows = [{"score": score, "n": n} for score, n in counts.items()]
    assert difference(conn.query(text).rows(), expected, in_order=False) is None


# Values that generated spans do not have.

ODD: list[dict[str, object]] = [
    {"id": "a", "expected": {"x": 1, "y": None, "it's": 0.5}, "output": [1, "1", None, True, {"k": [2**70]}, []]},
    {"id": "b", "expected": {}, "output": [], "tags": []},
    {"id": "c", "expected": None, "output": {"not": "an array"}, "tags": None},
    {"id": "d", "expected": [1, 2], "output": "text"},
    {"id": "e", "expected": {"x": "high", "deep": {"y": 1}, "long": "l" * 2000}},
]


@pytest.fixture(params=["tail", "parts"])
def odd(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path / "db") as connection:
        connection.ingest("project_logs:demo", ODD)
        if request.param == "parts":
            connection.compact()
        yield connection


def test_what_is_null_empty_or_of_the_other_kind_gives_no_rows(odd: btql.Connection) -> None:
    keys = odd.query(f"select: id, k, v | {LOGS} | unpivot: expected as (k, v) | sort: id, k").rows()
    items = odd.query(f"select: v | {LOGS} | unpivot: output as (v)").rows()

    assert [(row["id"], row["k"], row["v"]) for row in keys] == [
        ("a", "it's", 0.5),
        ("a", "x", 1),
        ("e", "deep", {"y": 1}),
        ("e", "long", "l" * 2000),
        ("e", "x", "high"),
    ]
    assert [row["v"] for row in items] == [1, "1", None, True, {"k": [2**70]}, []]
    assert [type(row["v"]) for row in items][:4] == [int, str, type(None), bool]


def test_columns_of_unpivots_come_before_fields(odd: btql.Connection) -> None:
    text = f"select: id, input | {LOGS} | unpivot: expected as (input, output) | filter: input = 'x' and output = 1"

    assert odd.query(text).rows() == [{"id": "a", "input": "x"}]


def test_kinds_of_values_stay_apart_in_a_pivot(odd: btql.Connection) -> None:
    text = f"dimensions: v | measures: count(1) as n | pivot: n | {LOGS} | unpivot: output as (v)"
    (row,) = odd.query(text).rows()

    assert row == {
        "true_n": 1, "1_n": 1, '"1"_n': 1, "[]_n": 1, '{"k":[1180591620717411303424]}_n': 1, "null_n": 1
    }  # fmt: skip


def test_a_time_is_called_as_it_is_written_elsewhere(odd: btql.Connection) -> None:
    text = f"dimensions: to_datetime('2026-01-02') as t | measures: count(1) as n | pivot: n | {LOGS} | limit: 9"

    assert odd.query(text).rows() == [{"2026-01-02T00:00:00.000Z_n": 5}]


def test_a_computed_number_is_called_as_any_other(odd: btql.Connection) -> None:
    text = f"dimensions: len(id) / 2 * 4 as d | measures: count(1) as n | pivot: n | {LOGS} | filter: id = 'a'"

    assert odd.query(text).rows() == [{"2_n": 1}]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            f"dimensions: metadata.g, metadata.none | measures: count(1) as n | pivot: n | {LOGS}",
            [{"g": None, "null_n": 5}],
        ),
        (
            f"dimensions: metadata.none as g, id | measures: max(id) as m | pivot: m | {LOGS} | filter: id < 'b'",
            [{"g": None, "a_m": "a"}],
        ),
        (
            f"SELECT * {FROM_SQL} PIVOT(count(1) AS n FOR metadata.none IN (ANY)) GROUP BY id ORDER BY id LIMIT 1",
            [{"id": "a", "null_n": 1}],
        ),
    ],
)
def test_a_key_may_be_null_everywhere(odd: btql.Connection, text: str, expected: Rows) -> None:
    assert odd.query(text).rows() == expected


def test_documents_are_read_behind_an_unpivot(conn: btql.Connection) -> None:
    text = f"select: id, tag, role.content as content, output | {LOGS} | unpivot: tags as (tag), input as (role)"
    expected = [
        {
            "id": s["id"],
            "tag": tag,
            "content": get(m, "content") if isinstance(m, dict) else None,
            "output": s["output"],
        }
        for s in documents()
        for tag in elements(s, "tags")
        for m in elements(s, "input")
    ]

    assert expected
    assert difference(conn.query(text).rows(), expected, in_order=True) is None


def test_times_that_differ_by_a_microsecond_are_columns_of_their_own(tmp_path):
    with btql.connect(tmp_path / "db") as conn:
        times = ["2026-01-01T00:00:00.000001Z", "2026-01-01T00:00:00.000002Z"]
        conn.ingest("project_logs:x", [{"id": time, "created": time} for time in times])
        pivoted = "SELECT * FROM (SELECT created, 1 AS n FROM project_logs('x')) PIVOT(sum(n) FOR created IN (ANY))"

        (row,) = conn.query(pivoted).rows()

    assert list(row) == [f"{time}_sum(n)" for time in times]
