"""Aggregates over an unpivot that are computed column by column give what they give over the unpivoted rows."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest

import btql
from btql.database import Database
from btql.explain import explain
from btql_storage.store import Storage

RULE = "aggregate_before_unpivot"
KEYS = {
    "whole": [1, 2, -3, 2**61],
    "real": [0.25, -1.5, 1024.125],
    "both": [1, 0.5, 2, 2.5],
    "mixed": [1, 0.5, True, False, "good", "bad", None],
    "text": ["a", "b", ""],
    "nothing": [None],
    "it's a.key": [3, 4],
    "replaced": [7],
}
MEASURES = [
    "count(1) as n", "count(value) as n", "avg(value) as n", "sum(value) as n", "min(value) as n", "max(value) as n",
    "any_value(score) as n", "percentile(value, 0.5) as n", "stddev(value) as n", "count_if(value > 0) as n",
    "sum(metrics.tokens) as n", "max(created) as n", "count(metadata.model) as n", "bool_or(value > 1) as n",
    "corr(value, metrics.tokens) as n", "min(value) as low, avg(value) as mean, max(metrics.tokens) as most",
    "count(1) - count(metadata.model) as n", "sum(value + metrics.tokens) as n",
    # The rule leaves these alone.
    "count(distinct value) as n", "percentile(value, 0.5) + count(distinct value) as n",
]  # fmt: skip
DIMENSIONS = ["score", "metadata.model as model, score", "score, day(created) as d"]
FILTERS = [
    "", "value > 0.5", "score != 'real'", "value is not null and metadata.model = 'm1'", "score = 'nothing'", "false",
    "value = 'good' or metrics.tokens > 50",
]  # fmt: skip


def a_span(rnd: random.Random, number: int) -> dict[str, object]:
    scores = {key: rnd.choice(values) for key, values in KEYS.items() if key != "replaced" and rnd.random() < 0.3}
    return {
        "id": f"s{number}",
        "created": f"2026-01-0{rnd.randint(1, 3)}T00:00:00Z",
        "scores": scores,
        "metrics": {"tokens": rnd.randint(0, 100)},
        "metadata": {"model": rnd.choice(["m1", "m2", None])},
    }


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """Spans in two parts, of which rows were replaced, and in the log; of one object whose keys are known."""
    rnd = random.Random(7)
    path = tmp_path_factory.mktemp("apart") / "db"
    with btql.connect(path) as conn:
        replaced = [{**a_span(rnd, number), "scores": {"replaced": 7}} for number in range(40)]
        conn.ingest("project_logs:p", [*replaced, *(a_span(rnd, number) for number in range(40, 300))])
        conn.compact()
        conn.ingest("project_logs:p", [a_span(rnd, number) for number in range(400)])
        conn.compact()
        conn.ingest("project_logs:p", [a_span(rnd, number) for number in range(390, 420)])
        conn.ingest("project_logs:none", [{"id": "n", "scores": {}}])
    with Storage.open(path) as storage:
        yield Database(storage)


def rows(database: Database, text: str, disabled: list[str]) -> list[str]:
    found = database.query(text, disabled).rows()
    plain = [{key: float(f"{v:.9g}") if isinstance(v, float) else v for key, v in row.items()} for row in found]
    return sorted(map(repr, plain))


@pytest.mark.parametrize("dimensions", DIMENSIONS)
@pytest.mark.parametrize("measures", MEASURES)
def test_groups_of_columns_are_those_of_rows(database: Database, dimensions: str, measures: str) -> None:
    first = (MEASURES.index(measures) + DIMENSIONS.index(dimensions)) % 3
    for condition in FILTERS[first::3]:
        text = f"dimensions: {dimensions} | measures: {measures} | from: project_logs('p')"
        text += " | unpivot: scores as (score, value)" + (f" | filter: {condition}" if condition else "")
        expected = rows(database, text, [RULE])
        assert rows(database, text, []) == expected, text
        assert expected or condition in ("false", "score = 'nothing'")


def test_order_and_conditions_above_the_groups(database: Database) -> None:
    text = (
        "dimensions: score | measures: sum(value) as total, count(1) as n | from: project_logs('p')"
        " | unpivot: scores as (score, value) | final_filter: count(1) > 5 | sort: n desc, score | limit: 3"
    )
    assert "apart" in explain(database, text)
    assert database.query(text).rows() == database.query(text, [RULE]).rows()
    assert len(database.query(text).rows()) == 3


def test_many_aggregates_are_not_planned_key_by_key(database: Database) -> None:
    def text(count: int) -> str:
        measures = ", ".join(f"sum(value + {number}) as m{number}" for number in range(count))
        return f"dimensions: score | measures: {measures} | from: project_logs('p') | unpivot: scores as (score, value)"

    assert "apart" in explain(database, text(3))
    assert "apart" not in explain(database, text(8))
    assert rows(database, text(3), []) == rows(database, text(3), [RULE])


def test_scores_of_traces(database: Database) -> None:
    text = (
        "dimensions: score | measures: avg(value) as mean, count(1) as n | from: project_logs('p') summary"
        " | unpivot: scores as (score, value) | sort: score"
    )
    assert rows(database, text, []) == rows(database, text, [RULE]) != []


def test_keys_of_no_current_row_are_no_groups(database: Database) -> None:
    text = "dimensions: score | measures: count(1) as n | from: project_logs('p') | unpivot: scores as (score, value)"
    found = {row["score"] for row in database.query(text).rows()}
    assert "replaced" not in found
    assert "nothing" not in found
    assert "it's a.key" in found


def test_objects_without_keys(database: Database) -> None:
    text = (
        "dimensions: score | measures: count(1) as n | from: project_logs('none') | unpivot: scores as (score, value)"
    )
    assert database.query(text).rows() == []
