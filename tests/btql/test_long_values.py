"""Functions of values of any kind inside each other: the engine plans them in a time that grows with their number."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from support.fields import WrittenCatalogs, WrittenFields

import btql
from btql.execution.weight import weight
from btql_grammar.parser import parse
from btql_grammar.span import Source
from btql_planner.binding.bind import bind
from btql_planner.lowering import long_values
from btql_planner.lowering.lower import lower
from btql_planner.options import QueryOptions
from btql_planner.rules import apply_rules

VALUES = (1, 2.5, "a", "7", True, [1], {"a": 1}, None, 2**70)
ROWS = [
    {"id": f"r{n}", "metadata": {"v": value, **{f"y{i}": VALUES[(n + i) % len(VALUES)] for i in range(6)}}}
    for n, value in enumerate(VALUES)
]
"""Each path has values of every kind."""
NESTED: dict[str, str] = {
    "greatest": "greatest({}, metadata.y{})",
    "least": "least(metadata.y{1}, {0})",
    "coalesce": "coalesce({}, metadata.y{})",
    "nullif": "nullif({}, metadata.y{})",
    "case": "CASE WHEN {0} IS NULL THEN metadata.y{1} ELSE {0} END",
    "casts": "({}::text)::jsonb",
    "comparison": "({} = metadata.y{})",
    "sum": "({} + metadata.y{})",
    "concatenation": "({} || metadata.y{})",
}
SHARE_MAX = 3
"""Of the length of a statement: as many times may it be with twice the depth."""


@pytest.fixture(scope="module")
def conn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[btql.Connection]:
    with btql.connect(tmp_path_factory.mktemp("long") / "db") as connection:
        connection.ingest("project_logs:p", ROWS)
        connection.compact()
        yield connection


def nested(form: str, depth: int) -> str:
    found = "metadata.v"
    for number in range(depth):
        found = form.format(found, number % 6)
    return found


def statements(query: str) -> str:
    bound = bind(parse(query), Source(query), WrittenCatalogs(WrittenFields({})), QueryOptions())
    plan = lower(apply_rules(bound.plan))
    return "\n".join(each.render() for each in (*(stage.select for stage in plan.stages), plan.select))


QUERIES: dict[str, Callable[[str], str]] = {
    "a column": lambda value: f"SELECT {value} AS v FROM project_logs('p')",
    "a condition": lambda value: f"SELECT id FROM project_logs('p') WHERE id > 'a' AND {value} IS NOT NULL",
    "a key": lambda value: f"SELECT {value} AS v, count(*) AS n FROM project_logs('p') GROUP BY {value}",
    "an order": lambda value: f"SELECT id FROM project_logs('p') ORDER BY {value}, id",
    "an aggregate": lambda value: f"SELECT count(DISTINCT {value}) AS v FROM project_logs('p')",
    "an ordered aggregate": lambda value: f"SELECT array_agg(id ORDER BY {value}, id) AS v FROM project_logs('p')",
    "a window": lambda value: f"SELECT rank() OVER (ORDER BY {value}) AS v FROM project_logs('p')",
    "a set": lambda value: f"SELECT {value} AS v FROM project_logs('p') UNION SELECT id FROM project_logs('p')",
    "sets of keys": lambda value: f"SELECT count(*) AS v FROM project_logs('p') GROUP BY ROLLUP ({value})",
}


@pytest.mark.parametrize("place", QUERIES)
@pytest.mark.parametrize("form", NESTED)
def test_a_statement_grows_with_the_depth(form: str, place: str) -> None:
    once, twice = (len(statements(QUERIES[place](nested(NESTED[form], depth)))) for depth in (4, 8))

    assert twice < SHARE_MAX * once


@pytest.mark.parametrize("place", QUERIES)
def test_what_is_deep_is_answered(conn: btql.Connection, place: str) -> None:
    rows = conn.query(QUERIES[place](nested(NESTED["greatest"], 6))).rows()

    assert rows


@pytest.mark.parametrize("form", NESTED)
def test_columns_of_their_own_change_no_answer(
    conn: btql.Connection, form: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    value = nested(NESTED[form], 2)
    query = f"SELECT id, {value} AS v FROM project_logs('p') ORDER BY id"
    monkeypatch.setattr(long_values, "LONG", 1 << 30)
    written_out = conn.query(f"{query} LIMIT 100").rows()
    monkeypatch.setattr(long_values, "LONG", 0)

    assert conn.query(f"{query} LIMIT 101").rows() == written_out


def test_many_items_are_compared_in_pairs(conn: btql.Connection) -> None:
    items = ", ".join(f"metadata.y{n}" for n in range(6))
    rows = conn.query(f"SELECT greatest({items}) AS most, least({items}) AS least FROM p ORDER BY id").rows()

    assert rows[0] == {"most": [1], "least": True}


def test_what_would_be_planned_for_minutes_is_refused(conn: btql.Connection) -> None:
    value = nested("greatest({}, b.metadata.y{})", 3).replace("metadata.v", "a.metadata.v")

    with pytest.raises(btql.EngineError, match="more characters than the limit, 16,000,000") as caught:
        conn.query(f"SELECT a.id FROM p AS a JOIN p AS b ON {value} = 3").rows()

    assert caught.value.code == "B0107"
    assert "= help: compute what stands inside several functions in a query of its own" in str(caught.value)
    inner = f"(SELECT {nested(NESTED['greatest'], 3)} AS x FROM p) AS a"
    assert conn.query(f"SELECT a.x FROM {inner} JOIN p AS b ON greatest(a.x, b.metadata.y5) = 3").rows() == []


def test_a_long_query_of_little_depth_is_not_refused(conn: btql.Connection) -> None:
    condition = " OR ".join(f"metadata.v = 'v{number}'" for number in range(100))

    assert conn.query(f"SELECT id FROM p WHERE {condition}").rows() == []


def test_weight_counts_what_the_engine_repeats() -> None:
    assert weight("f(a)") == len("f(a)")
    assert weight("coalesce(a, 'coalesce(') + b") == len("coalesce(a, 'coalesce(') + b") + len("a, 'coalesce(')")


@pytest.mark.parametrize("more", ["", " LIMIT 3", " LIMIT 3 OFFSET 2"])
def test_rows_keep_their_order(conn: btql.Connection, more: str) -> None:
    value = nested(NESTED["greatest"], 2)
    query = f"SELECT id, {value} AS v FROM p ORDER BY metadata.y0 DESC, id{more}"
    ids = [row["id"] for row in conn.query(f"SELECT id FROM p ORDER BY metadata.y0 DESC, id{more}").rows()]

    assert [row["id"] for row in conn.query(query).rows()] == ids
