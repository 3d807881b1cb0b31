"""What statements of SQL mean: relations, clauses, set operations, writes."""

from __future__ import annotations

import pytest

from btql_grammar import tree
from btql_grammar.parser import parse
from btql_grammar.tree import (
    Call,
    CommonTable,
    Comparison,
    Derived,
    From,
    Identifier,
    Item,
    Join,
    Literal,
    Pivot,
    Query,
    Relation,
    Sample,
    SetOperation,
    SortItem,
    Star,
    Statement,
    Subquery,
    Table,
    TableCall,
    UnpivotItem,
    Values,
    Window,
    With,
)
from btql_grammar.tree_statements import Delete, Explain, Insert, Update

A, B, C, D, ID = (Identifier((name,)) for name in ("a", "b", "c", "d", "id"))
ONE, TWO = Literal(1), Literal(2)
ALL = (Star(),)
T, U, V = Table(("t",)), Table(("u",)), Table(("v",))
LOGS = From("project_logs", ("p",))
ON = Comparison("eq", A, B)


def ask(value: int) -> Query:
    return Query(select=(Item(Literal(value)),))


def from_(source: Relation, **clauses: object) -> Query:
    return Query(select=ALL, source=source, **clauses)  # type: ignore[arg-type]


def union(left: Statement, right: Statement, **clauses: object) -> SetOperation:
    return SetOperation("union", left, right, **clauses)  # type: ignore[arg-type]


RELATIONS: list[tuple[str, Relation]] = [
    ("t", T),
    ("t AS x", Table(("t",), alias="x")),
    ("t x (y, z)", Table(("t",), alias="x", columns=("y", "z"))),
    ("information_schema.tables", Table(("information_schema", "tables"))),
    ('project_logs."my project"', Table(("project_logs", "my project"))),
    ("project_logs('x', \"y\", shape => 'summary') s", From("project_logs", ("x", "y"), "summary")),
    ("foo('x')", From("foo", ("x",))),
    ("t, u", Join("cross", T, U)),
    ("t CROSS JOIN u", Join("cross", T, U)),
    ("t JOIN u ON a = b", Join("inner", T, U, ON)),
    ("t INNER JOIN u USING (a, b)", Join("inner", T, U, using=("a", "b"))),
    ("t LEFT JOIN u ON a = b", Join("left", T, U, ON)),
    ("t RIGHT OUTER JOIN u ON a = b", Join("right", T, U, ON)),
    ("t FULL JOIN u ON a = b", Join("full", T, U, ON)),
    ("t NATURAL LEFT JOIN u", Join("left", T, U, natural=True)),
    ("t JOIN u ON a = b JOIN v USING (a)", Join("inner", Join("inner", T, U, ON), V, using=("a",))),
    ("t JOIN u JOIN v USING (a) ON a = b", Join("inner", T, Join("inner", U, V, using=("a",)), ON)),
    ("t, u JOIN v ON a = b", Join("cross", T, Join("inner", U, V, ON))),
    ("(t CROSS JOIN u) LEFT JOIN v ON a = b", Join("left", Join("cross", T, U), V, ON)),
    ("t JOIN (u CROSS JOIN v) ON a = b", Join("inner", T, Join("cross", U, V), ON)),
    ("(SELECT 1) AS x (y)", Derived(ask(1), alias="x", columns=("y",))),
    ("((SELECT 1) UNION SELECT 2) x", Derived(union(ask(1), ask(2)), alias="x")),
    ("((SELECT 1) x CROSS JOIN t)", Join("cross", Derived(ask(1), alias="x"), T)),
    ("(VALUES (1, 2)) x", Derived(Values(((ONE, TWO),)), alias="x")),
    ("t, LATERAL (SELECT 1) x", Join("cross", T, Derived(ask(1), alias="x", lateral=True))),
    ("t CROSS JOIN LATERAL f(a)", Join("cross", T, TableCall(Call("f", (A,))))),
    (
        "unnest(a) WITH ORDINALITY AS x (y, z)",
        TableCall(Call("unnest", (A,)), alias="x", columns=("y", "z"), ordinality=True),
    ),
    ("generate_series(1, 2)", TableCall(Call("generate_series", (ONE, TWO)))),
    ("jsonb_each('{}')", TableCall(Call("jsonb_each", (Literal("{}"),)))),
    (
        "t TABLESAMPLE (10 ROWS) CROSS JOIN u",
        Join("cross", Derived(from_(T, sample=Sample(None, 10)), alias="t"), U),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), RELATIONS, ids=[text for text, _ in RELATIONS])
def test_relations(text: str, expected: Relation) -> None:
    assert parse(f"SELECT * FROM {text}") == from_(expected)


def sampled(rate: float | None, count: int | None = None, seed: int | None = None) -> Query:
    return from_(T, sample=Sample(rate, count, seed))


TABLES = With((CommonTable("x", ask(1)),))
KEY_VALUE = UnpivotItem(A, ("k", "v"))
PIVOT = Pivot((Item(Call("count", ALL), "n"),), B)
STATEMENTS: list[tuple[str, Statement]] = [
    # Clauses.
    ("SELECT * FROM t LIMIT ALL OFFSET 5", from_(T, offset=5)),
    ("SELECT * FROM t LIMIT NULL OFFSET NULL", from_(T)),
    ("SELECT * FROM t OFFSET 5 ROWS FETCH NEXT 10 ROWS ONLY", from_(T, limit=10, offset=5)),
    # Drivers that put values into the text themselves write all of them as texts; behind OFFSET that is a cursor.
    ("SELECT * FROM t LIMIT '2' OFFSET '1'", from_(T, limit=2, cursor="1")),
    ("SELECT * FROM t LIMIT ' 2 '::bigint OFFSET 1", from_(T, limit=2, offset=1)),
    ("SELECT * FROM t FETCH NEXT '3' ROWS ONLY", from_(T, limit=3)),
    ("SELECT * FROM t FETCH FIRST ROW ONLY", from_(T, limit=1)),
    ("SELECT * FROM t LIMIT 1 OFFSET 'abc'", from_(T, limit=1, cursor="abc")),
    (
        "SELECT * FROM t SETTINGS Preview_Length = -1, x = 'y', z = on, w = 0.5",
        from_(T, preview_length=-1, settings=(("x", "y"), ("z", "on"), ("w", 0.5))),
    ),
    ("SELECT * FROM t TABLESAMPLE (25 PERCENT)", sampled(0.25)),
    ("SELECT * FROM t TABLESAMPLE BERNOULLI (0.1) REPEATABLE (42)", sampled(0.001, None, 42)),
    ("SELECT * FROM t TABLESAMPLE SYSTEM (50)", sampled(0.5)),
    ("SELECT * FROM t TABLESAMPLE 10 ROWS", sampled(None, 10)),
    ("SELECT * FROM t WHERE a TABLESAMPLE (10 ROWS)", from_(T, filter=A, sample=Sample(None, 10))),
    ("SELECT * FROM t UNPIVOT (v FOR k IN (a))", from_(T, unpivot=(KEY_VALUE,))),
    (
        "SELECT * FROM t UNPIVOT (v FOR _ IN (a)) UNPIVOT (v FOR k IN (a))",
        from_(T, unpivot=(UnpivotItem(A, ("v",)), KEY_VALUE)),
    ),
    ("SELECT * FROM t PIVOT (count(*) n FOR b IN (ANY)) WHERE a", from_(T, filter=A, pivot=PIVOT)),
    ("SELECT * FROM t GROUP BY a PIVOT (count(*) AS n FOR b IN (ANY))", from_(T, dimensions=(Item(A),), pivot=PIVOT)),
    ("SELECT * FROM t UNPIVOT (v FOR k IN (a)) AS x", from_(Derived(from_(T, unpivot=(KEY_VALUE,)), alias="x"))),
    ("SELECT DISTINCT ON (a, b) * FROM t", from_(T, distinct_on=(A, B))),
    ("SELECT ALL a", Query(select=(Item(A),))),
    (
        "SELECT t.*, * EXCEPT (a) REPLACE (b AS c)",
        Query(select=(Star(table="t"), Star(exclude=("a",), replace=(("c", B),)))),
    ),
    ("SELECT a EXCEPT (SELECT 1)", SetOperation("except", Query(select=(Item(A),)), ask(1))),
    (
        "SELECT * FROM t WINDOW x AS (ORDER BY a), y AS (x)",
        from_(T, windows=(("x", Window(order=(SortItem(A),))), ("y", Window("x")))),
    ),
    # Set operations.
    ("SELECT 1 UNION SELECT 2 UNION ALL SELECT 1", union(union(ask(1), ask(2)), ask(1), all=True)),
    ("SELECT 1 UNION SELECT 2 INTERSECT SELECT 1", union(ask(1), SetOperation("intersect", ask(2), ask(1)))),
    ("(SELECT 1 UNION DISTINCT SELECT 2) EXCEPT SELECT 1", SetOperation("except", union(ask(1), ask(2)), ask(1))),
    ("SELECT 1 UNION SELECT 2 ORDER BY 1 LIMIT 3", union(ask(1), ask(2), sort=(SortItem(ONE),), limit=3)),
    ("SELECT 1 UNION (SELECT 2 LIMIT 3)", union(ask(1), Query(select=(Item(TWO),), limit=3))),
    ("(SELECT 1)", ask(1)),
    ("(SELECT * FROM t ORDER BY a) LIMIT 3", from_(T, sort=(SortItem(A),), limit=3)),
    ("(SELECT * FROM t LIMIT 3) ORDER BY a", from_(Derived(from_(T, limit=3)), sort=(SortItem(A),))),
    ("VALUES (1, 2), (2, 1)", Values(((ONE, TWO), (TWO, ONE)))),
    ("VALUES (1) ORDER BY 1", from_(Derived(Values(((ONE,),))), sort=(SortItem(ONE),))),
    # WITH.
    ("WITH x AS (SELECT 1) SELECT * FROM t", from_(T, with_=TABLES)),
    ("WITH x AS MATERIALIZED (SELECT 1) SELECT 1 UNION SELECT 2", union(ask(1), ask(2), with_=TABLES)),
    (
        "WITH RECURSIVE x (a) AS (SELECT 1 UNION ALL SELECT a FROM x) SELECT * FROM t",
        from_(T, with_=With((CommonTable(
            "x", union(ask(1), Query(select=(Item(A),), source=Table(("x",))), all=True), ("a",)
        ),), recursive=True)),
    ),
    # EXPLAIN, and a semicolon at the end.
    ("EXPLAIN SELECT 1;", Explain(ask(1))),
    ("EXPLAIN (ANALYZE, VERBOSE) SELECT 1", Explain(ask(1), analyze=True)),
    ("EXPLAIN ANALYZE VERBOSE SELECT 1", Explain(ask(1), analyze=True)),
    ("explain (analyze off, costs 0, format json) SELECT 1", Explain(ask(1), format="json")),
    ("EXPLAIN (FORMAT TREE, ANALYZE TRUE) (SELECT 1)", Explain(ask(1), analyze=True, format="tree")),
    ("EXPLAIN (SELECT 1)", Explain(ask(1))),
    ("EXPLAIN (format text)\nselect: id | from: t", Explain(Query(select=(Item(ID),), source=T))),
    ("explain analyze select: id | from: t", Explain(Query(select=(Item(ID),), source=T), analyze=True)),
    # Writes.
    (
        "INSERT INTO project_logs('p') (id, a.b) VALUES (1, 2)",
        Insert(LOGS, (("id",), ("a", "b")), Values(((ONE, TWO),))),
    ),
    ("INSERT INTO t SELECT 1", Insert(T, (), ask(1))),
    ("INSERT INTO t (a) (SELECT 1)", Insert(T, (("a",),), ask(1))),
    ("WITH x AS (SELECT 1) INSERT INTO t SELECT 1", Insert(T, (), Query(select=(Item(ONE),), with_=TABLES))),
    ("INSERT INTO t VALUES (1) ON CONFLICT (id) DO UPDATE", Insert(T, (), Values(((ONE,),)), merge=True)),
    (
        "INSERT INTO t (id, a) VALUES (1, 2) ON CONFLICT (id) DO UPDATE SET a = EXCLUDED.a",
        Insert(T, (("id",), ("a",)), Values(((ONE, TWO),)), merge=True, replaces=True),
    ),
    (
        'UPDATE t SET a.b = 1, (c, "d") = (2, (SELECT 1)) WHERE id',
        Update(T, ((Identifier(("a", "b")), ONE), (C, TWO), (D, Subquery(ask(1)))), ID),
    ),
    ("UPDATE t x SET a = 1", Update(Table(("t",), alias="x"), ((A, ONE),))),
    ("DELETE FROM project_logs('p') WHERE id", Delete(LOGS, ID)),
    ("DELETE FROM t", Delete(T)),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), STATEMENTS, ids=[text for text, _ in STATEMENTS])
def test_statements(text: str, expected: Statement) -> None:
    assert parse(text) == expected


GROUPS: list[tuple[str, tuple[tuple[str, ...], ...] | None]] = [
    ("a, (b, c)", None),
    ("()", ((),)),
    ("ROLLUP (a, b)", (("a", "b"), ("a",), ())),
    ("CUBE (a, b)", (("a", "b"), ("a",), ("b",), ())),
    ("ROLLUP ((a, b), c)", (("a", "b", "c"), ("a", "b"), ())),
    ("a, ROLLUP (b)", (("a", "b"), ("a",))),
    ("GROUPING SETS ((a, b), a, ())", (("a", "b"), ("a",), ())),
    ("GROUPING SETS (ROLLUP (a), CUBE (b))", (("a",), (), ("b",), ())),
    ("GROUPING SETS ((a), (b)), GROUPING SETS ((c), (d))", (("a", "c"), ("a", "d"), ("b", "c"), ("b", "d"))),
    ("a, ROLLUP (a)", (("a",), ("a",))),
]


@pytest.mark.parametrize(("text", "sets"), GROUPS, ids=[text for text, _ in GROUPS])
def test_grouping_sets(text: str, sets: tuple[tuple[str, ...], ...] | None) -> None:
    query = parse(f"SELECT 1 GROUP BY {text}")
    assert isinstance(query, Query)
    keys = [item.expression for item in query.dimensions]
    if sets is None:
        assert keys == [A, B, C]
        assert query.grouping_sets is None
        return
    assert query.grouping_sets is not None
    assert [[keys[number] for number in numbers] for numbers in query.grouping_sets] == [
        [Identifier((name,)) for name in names] for names in sets
    ]
    assert len(set(map(repr, keys))) == len(keys)


def test_1_and_true_are_two_keys() -> None:
    query = parse("SELECT 1 GROUP BY GROUPING SETS ((1, true, 1.0))")
    assert isinstance(query, Query)
    assert query.grouping_sets == ((0, 1, 2),)


def test_queries_inside_know_their_language() -> None:
    query = parse("SELECT * FROM (SELECT 1)")
    assert isinstance(query, Query)
    assert isinstance(query.source, tree.Derived)
    assert isinstance(query.source.query, Query)
    assert query.source.query.language == "sql"
