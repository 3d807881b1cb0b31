"""What expressions of SQL mean that BTQL has no words for."""

from __future__ import annotations

import pytest

from btql_grammar import tree
from btql_grammar.parser import parse_expression
from btql_grammar.tree import (
    Arithmetic,
    Array,
    Boolean,
    Bound,
    Call,
    Cast,
    Comparison,
    Exists,
    Expression,
    Frame,
    Identifier,
    If,
    InQuery,
    Interval,
    IsNull,
    Item,
    JsonOperator,
    Literal,
    Not,
    Quantified,
    Query,
    Row,
    SetOperation,
    SortItem,
    Star,
    Subquery,
    Subscript,
    Values,
    Window,
)

A, B, C, D, T = (Identifier((name,)) for name in "abcdt")
ONE, TWO, X = Literal(1), Literal(2), Literal("x")
ASK = Query(select=(Item(ONE),))
DAY = Interval(1, "day")


def either(*children: Expression) -> Boolean:
    return Boolean("or", children)


def between(value: Expression, low: Expression, high: Expression) -> Boolean:
    return Boolean("and", (Comparison("ge", value, low), Comparison("le", value, high)))


READ: list[tuple[str, Expression]] = [
    # What programs write behind the arguments.
    ("f(a, VARIADIC ARRAY['x', 1])", Call("f", (A, X, ONE))),
    ("f(a, VARIADIC ARRAY[]::text[])", Call("f", (A,))),
    ("f(a, variadic)", Call("f", (A, Identifier(("variadic",))))),
    # Subqueries.
    ("(SELECT 1)", Subquery(ASK)),
    ("((SELECT 1))", Subquery(ASK)),
    ("(SELECT 1) + 1", Arithmetic("add", Subquery(ASK), ONE)),
    ("((SELECT 1) UNION (SELECT 1))", Subquery(SetOperation("union", ASK, ASK))),
    ("EXISTS (SELECT 1)", Exists(ASK)),
    ("EXISTS ((SELECT 1) UNION SELECT 1)", Exists(SetOperation("union", ASK, ASK))),
    ("NOT EXISTS (VALUES (1))", Not(Exists(Values(((ONE,),))))),
    ("a IN (SELECT 1)", InQuery(A, ASK)),
    ("a IN ((SELECT 1))", InQuery(A, ASK)),
    ("a IN ((SELECT 1), 2)", Comparison("in", A, Array((Subquery(ASK), TWO)))),
    ("a NOT IN (SELECT 1)", Not(InQuery(A, ASK))),
    ("(a, b) IN (SELECT 1)", InQuery(Row((A, B)), ASK)),
    ("a = ANY (SELECT 1)", Quantified("eq", A, "any", ASK)),
    ("a <> ALL (b)", Quantified("ne", A, "all", B)),
    ("a > SOME (ARRAY[1, 2])", Quantified("gt", A, "any", Array((ONE, TWO)))),
    ("a LIKE ANY ('x', b)", Quantified("like", A, "any", Array((X, B)))),
    ("a NOT ILIKE ALL (b)", Not(Quantified("ilike", A, "all", B))),
    ("ARRAY(SELECT 1)", Call("array", (Subquery(ASK),))),
    # Rows.
    ("(a, b) = (c, d)", Comparison("eq", Row((A, B)), Row((C, D)))),
    ("ROW(a)", Row((A,))),
    ("(a, b) IN ((1, 2))", Comparison("in", Row((A, B)), Array((Row((ONE, TWO)),)))),
    # Operators of JSON; `?` is one where no colon makes a choice of it.
    ("a -> 'x' ->> 'x'", JsonOperator("->>", JsonOperator("->", A, X), X)),
    ("a -> 'x' = 'x'", Comparison("eq", JsonOperator("->", A, X), X)),
    ("a -> 1 + 2", JsonOperator("->", A, Arithmetic("add", ONE, TWO))),
    ("a #> b", JsonOperator("#>", A, B)),
    ("a #>> b", JsonOperator("#>>", A, B)),
    ("a @> b", JsonOperator("@>", A, B)),
    ("a<@b", JsonOperator("<@", A, B)),
    ("a ? 'x'", JsonOperator("?", A, X)),
    ("a ?| b", JsonOperator("?|", A, B)),
    ("a ?& b", JsonOperator("?&", A, B)),
    ("a ? 'x' ? 1 : 2", If(((JsonOperator("?", A, X), ONE),), TWO)),
    ("a ? 'x' AND b ? 1 : 2", If(((Boolean("and", (JsonOperator("?", A, X), B)), ONE),), TWO)),
    ("f(a ? 'x', b ? 1 : 2)", Call("f", (JsonOperator("?", A, X), If(((B, ONE),), TWO)))),
    ("{a: b ? 'x', b: 1}", tree.Object((("a", JsonOperator("?", B, X)), ("b", ONE)))),
    # Arrays and subscripts count from 0.
    ("ARRAY[a, b][0]", Subscript(Array((A, B)), Literal(0))),
    ("ARRAY[[1], [2]]", Array((Array((ONE,)), Array((TWO,))))),
    ("a[b]", Subscript(A, B)),
    ("a[b].c", Subscript(Subscript(A, B), Literal("c"))),
    ("(a).b", Identifier(("a", "b"))),
    ("f(a).b[1]", Subscript(Subscript(Call("f", (A,)), Literal("b")), ONE)),
    # Casts.
    ("a::text[]", Cast(A, "text[]")),
    ("a::numeric( 10 , 2 )", Cast(A, "numeric(10,2)")),
    ("CAST(a AS double precision)", Cast(A, "double precision")),
    ("a::timestamp with time zone", Cast(A, "timestamptz")),
    ("a::timestamp(3) without time zone", Cast(A, "timestamp(3)")),
    ("a::character varying(10)", Cast(A, "character varying(10)")),
    ("a::integer array", Cast(A, "integer[]")),
    ("DATE '2026-01-01'", Cast(Literal("2026-01-01"), "date")),
    ("-1::integer", tree.Negative(Cast(ONE, "integer"))),
    # Forms with words inside.
    ("EXTRACT(HOUR FROM a)", Call("extract", (Literal("hour"), A))),
    ("EXTRACT('dow' FROM a)", Call("extract", (Literal("dow"), A))),
    ("a AT TIME ZONE 'x'", Call("timezone", (X, A))),
    ("a AT TIME ZONE 'x' AT TIME ZONE b::text", Call("from_timezone", (Cast(B, "text"), Call("timezone", (X, A))))),
    ("a::text AT TIME ZONE 'x' = b", Comparison("eq", Call("timezone", (X, Cast(A, "text"))), B)),
    ("SUBSTRING(a FROM 1 FOR 2)", Call("substring", (A, ONE, TWO))),
    ("SUBSTRING(a FOR 2)", Call("substring", (A, ONE, TWO))),
    ("TRIM(a)", Call("trim", (A,))),
    ("TRIM(BOTH FROM a)", Call("trim", (A,))),
    ("TRIM(LEADING 'x' FROM a)", Call("ltrim", (A, X))),
    ("TRIM(TRAILING 'x' FROM a)", Call("rtrim", (A, X))),
    ("TRIM('x' FROM a)", Call("trim", (A, X))),
    ("POSITION('x' IN a)", Call("strpos", (A, X))),
    ("OVERLAY(a PLACING 'x' FROM 1 FOR 2)", Call("overlay", (A, X, ONE, TWO))),
    ("2 ^ 1", Call("power", (TWO, ONE))),
    ("+a", A),
    ('"count"(a)', Call("count", (A,))),
    ("pg_catalog.lower(a)", Call("lower", (A,))),
    # Tests and patterns.
    ("a IS UNKNOWN", IsNull(A)),
    ("a IS NOT FALSE", Not(Comparison("is", A, Literal(value=False)))),
    ("a BETWEEN SYMMETRIC 2 AND 1", either(between(A, TWO, ONE), between(A, ONE, TWO))),
    ("a LIKE '50!%' ESCAPE '!'", Comparison("like", A, Literal("50\\%"))),
    ("a LIKE 'a!!_\\\\' ESCAPE '!'", Comparison("like", A, Literal("a!_\\\\"))),
    ("a LIKE '\\_' ESCAPE ''", Comparison("like", A, Literal("\\\\_"))),
    ("a ~ 'x'", Call("regexp_like", (A, X))),
    ("a ~* 'x'", Call("regexp_like", (A, X, Literal("i")))),
    ("a !~ 'x'", Not(Call("regexp_like", (A, X)))),
    ("a SIMILAR TO '(a|b)_.%'", Call("regexp_like", (A, Literal("^(?s:(a|b).\\..*)$")))),
    ("a NOT SIMILAR TO '[%]\\%'", Not(Call("regexp_like", (A, Literal("^(?s:[%]%)$"))))),
    ("E'a\\tb\\x41\\'\\u00e9'", Literal("a\tbA'é")),
    # Intervals.
    ("INTERVAL '1 day 2 hours'", Arithmetic("add", DAY, Interval(2, "hour"))),
    ("INTERVAL'1' DAY", DAY),
    ("interval '1 day' * 2", Arithmetic("mul", DAY, TWO)),
    # Calls and what follows them.
    ("count(t.*)", Call("count", (Star(table="t"),))),
    ("count(ALL a)", Call("count", (A,))),
    ("count(all)", Call("count", (Identifier(("all",)),))),
    ("f(a ORDER BY b DESC)", Call("f", (A,), order=(SortItem(B, "desc"),))),
    ("f(a) WITHIN GROUP (ORDER BY b)", Call("f", (A,), order=(SortItem(B),))),
    ("f(DISTINCT a) FILTER (WHERE b)", Call("f", (A,), distinct=True, filter=B)),
    ("f(a) IGNORE NULLS OVER t", Call("f", (A,), ignore_nulls=True, window=Window("t"))),
    ("f(a IGNORE NULLS) OVER ()", Call("f", (A,), ignore_nulls=True, window=Window())),
    (
        "f() OVER (t PARTITION BY a ORDER BY b NULLS FIRST ROWS 2 PRECEDING)",
        Call(
            "f",
            (),
            window=Window(
                "t", (A,), (SortItem(B, nulls="first"),), Frame("rows", Bound("preceding", TWO), Bound("current row"))
            ),
        ),
    ),
    (
        "f() OVER (RANGE BETWEEN INTERVAL '1 day' PRECEDING AND UNBOUNDED FOLLOWING EXCLUDE NO OTHERS)",
        Call(
            "f",
            (),
            window=Window(frame=Frame("range", Bound("preceding", DAY), Bound("unbounded following"))),
        ),
    ),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), READ, ids=[text for text, _ in READ])
def test_expressions(text: str, expected: Expression) -> None:
    assert parse_expression(text, language="sql") == expected
