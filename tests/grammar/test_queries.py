"""Whole queries: clauses in BTQL, statements in SQL, and that both can say the same."""

from __future__ import annotations

import pytest

from btql_grammar.detect import detect
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parser import parse, parse_expression
from btql_grammar.printing.printer import print_btql, print_sql
from btql_grammar.tree import From, Identifier, Item, Literal, Query, SortItem, Star

ID = Identifier(("id",))

PAIRS = [
    ("select: *", "SELECT *"),
    ("select: * from: project_logs('x')", "select * from project_logs('x')"),
    ("select: * from: project_logs(\"x\", 'y') traces", "SELECT * FROM \"project_logs\"('x', 'y', shape => 'traces')"),
    ("select: * | from: project_logs", "SELECT * FROM project_logs"),
    ("select: id, metadata.model as model", 'SELECT id, metadata.model "model"'),
    ('select: id as "the id"', 'SELECT id AS "the id"'),
    ("select: distinct a, b", "SELECT DISTINCT a, b"),
    ("select: * filter: a = 1 and b like 'x%'", "SELECT * WHERE a = 1 AND b LIKE 'x%'"),
    ("select: a, count(1) as n dimensions: 1", "SELECT a, count(1) AS n GROUP BY 1"),
    ("select: a dimensions: a, b.c final_filter: count(*) > 1", "SELECT a GROUP BY a, b.c HAVING count(*) > 1"),
    ("select: a sort: a desc, b nulls first, c asc", "SELECT a ORDER BY a DESC, b NULLS FIRST, c"),
    ('select: * from: project_logs."my project" as p', 'SELECT * FROM project_logs."my project" AS p'),
    ("select: a limit: 10 offset: 20", "SELECT a LIMIT 10 OFFSET 20"),
    ("select: a > 1 ? \"x\" : 'y'", "SELECT CASE WHEN a > 1 THEN \"x\" ELSE 'y' END"),
    ("select: a filter: b in ['x']", "SELECT a WHERE b IN ('x')"),
    ("select: 1 as a", "SELECT 1 AS a;"),
]


@pytest.mark.parametrize(("btql", "sql"), PAIRS, ids=[sql for _, sql in PAIRS])
def test_both_languages_say_the_same(btql: str, sql: str) -> None:
    assert detect(btql) == "btql"
    assert detect(sql) == "sql"
    assert parse(btql) == parse(sql)
    assert [query.language for query in (parse(btql), parse(sql)) if isinstance(query, Query)] == ["btql", "sql"]


@pytest.mark.parametrize(("btql", "sql"), PAIRS, ids=[sql for _, sql in PAIRS])
def test_each_can_be_printed_in_the_other(btql: str, sql: str) -> None:
    assert parse(print_sql(parse(btql))) == parse(btql)
    assert parse(print_btql(parse(sql))) == parse(sql)


@pytest.mark.parametrize(
    "text",
    [
        "select: * | from: project_logs('x') | filter: id = 1 | limit: 5",
        "select: *\nfrom: project_logs('x')\nspans\nfilter: id = 1\nlimit: 5",
        "limit:5 filter: id = 1 from: project_logs('x') select: *",
        "-- all of it\n| SELECT: *\n| From : project_logs('x') -- the logs\n| filter: id = 1 | limit: 5 ;",
        "from: project_logs('x') AS t select: * filter: (id = 1) limit: 5",
    ],
)
def test_separators_order_and_case_are_free(text: str) -> None:
    assert parse(text) == Query(
        select=(Star(),),
        source=From("project_logs", ("x",)),
        filter=parse_expression("id = 1"),
        limit=5,
    )


def test_dimensions_and_measures() -> None:
    query = parse("dimensions: id as x measures: 1 as n, 2 sort: x desc")

    assert query == Query(
        dimensions=(Item(ID, "x"),),
        measures=(Item(Literal(1), "n"), Item(Literal(2))),
        sort=(SortItem(Identifier(("x",)), "desc"),),
    )
    assert print_sql(query) == "SELECT id AS x, 1 AS n, 2\nGROUP BY 1\nORDER BY x DESC"


def test_canonical_text() -> None:
    text = (
        "limit: 3 sort: n DESC from: project_logs('x') traces filter: NOT a IN ('b') AND (c OR d) "
        "select: metadata.model AS model, COUNT(*) as n dimensions: 1 final_filter: n > 1"
    )

    assert print_btql(parse(text)) == (
        "select: metadata.model as model, count(*) as n\n"
        "from: project_logs('x') traces\n"
        "filter: a not in ('b') and (c or d)\n"
        "dimensions: 1\n"
        "final_filter: n > 1\n"
        "sort: n desc\n"
        "limit: 3"
    )
    assert print_sql(parse(text)) == (
        "SELECT metadata.model AS model, count(*) AS n\n"
        "FROM project_logs('x', shape => 'traces')\n"
        "WHERE a NOT IN ('b') AND (c OR d)\n"
        "GROUP BY 1\n"
        "HAVING n > 1\n"
        "ORDER BY n DESC\n"
        "LIMIT 3"
    )


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("select *", "sql"),
        ("  -- note\n/* more */ SELECT\n1", "sql"),
        ("WITH x AS (SELECT 1) SELECT 1", "sql"),
        ("explain select 1", "sql"),
        ("VALUES (1)", "sql"),
        ("(select 1)", "sql"),
        ("select: *", "btql"),
        ("select : *", "btql"),
        ("| select: *", "btql"),
        ("from: x select: *", "btql"),
        ("selected: 1", "btql"),
        ("", "btql"),
    ],
)
def test_language_of_a_text(text: str, language: str) -> None:
    assert detect(text) == language


def test_the_name_of_the_text_is_drawn() -> None:
    with pytest.raises(BtqlError) as caught:
        parse("selec: *", name="report.btql")

    assert "--> report.btql:1:1" in str(caught.value)
