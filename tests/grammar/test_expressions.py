"""What expressions mean: literals, paths, operators and how strongly they bind."""

from __future__ import annotations

import pytest

from btql_grammar import tree
from btql_grammar.parser import parse_expression
from btql_grammar.tree import (
    Arithmetic,
    Array,
    Boolean,
    Call,
    Cast,
    Comparison,
    Identifier,
    If,
    Includes,
    Interval,
    IsNull,
    Literal,
    Negative,
    Not,
    Object,
    Star,
    Subscript,
)


def field(*path: str | int) -> Identifier:
    return Identifier(path)


A, B, C, D, E = (field(name) for name in "abcde")
ONE, TWO, X = Literal(1), Literal(2), Literal("x")

BOTH: list[tuple[str, tree.Expression]] = [
    # Literals.
    ("null", Literal(None)),
    ("TRUE", Literal(value=True)),
    ("false", Literal(value=False)),
    ("42", Literal(42)),
    ("-42", Literal(-42)),
    ("- - 42", Literal(42)),
    ("123456789012345678901234567890", Literal(123456789012345678901234567890)),
    ("0.5", Literal(0.5)),
    (".5", Literal(0.5)),
    ("1e-3", Literal(0.001)),
    ("2E+3", Literal(2000.0)),
    ("1e5-1", Arithmetic("sub", Literal(1e5), ONE)),
    ("50%", Literal(0.5)),
    ("7%", Literal(0.07)),
    ("a > 50% and b", Boolean("and", (Comparison("gt", A, Literal(0.5)), B))),
    ("50% - 1", Arithmetic("sub", Literal(0.5), ONE)),
    ("5 % 2", Arithmetic("mod", Literal(5), TWO)),
    ("5%2", Arithmetic("mod", Literal(5), TWO)),
    ("5 % a", Arithmetic("mod", Literal(5), A)),
    ("'it''s'", Literal("it's")),
    (r"'it\'s'", Literal("it's")),
    (r"'a\\b'", Literal("a\\b")),
    (r"'50\% off'", Literal("50\\% off")),
    (r"'\n'", Literal("\\n")),
    ("'two\nlines'", Literal("two\nlines")),
    ('"x"', X),
    (r'"say \"hi\" \u00e9 \ud83d\ude00\n"', Literal('say "hi" é 😀\n')),
    ('"a ""b"""', Literal('a "b"')),
    (r'"50\% off"', Literal("50\\% off")),
    ("[]", Array(())),
    ("['x', 1]", Array((X, ONE))),
    ("{}", Object(())),
    ("{a: 1, 'b c': x, \"d\": [1]}", Object((("a", ONE), ("b c", field("x")), ("d", Array((ONE,)))))),
    ("interval 7 day", Interval(7, "day")),
    ("INTERVAL 7 DAYS", Interval(7, "day")),
    ("interval -1 week", Interval(-1, "week")),
    # Paths.
    ("a", A),
    ("a.b", field("a", "b")),
    ('metadata."field name".x', field("metadata", "field name", "x")),
    ('metadata."a.b"', field("metadata", "a.b")),
    ('"my field".x', field("my field", "x")),
    ("tags[0]", field("tags", 0)),
    ("a.b[-1].c[2]['d e'][\"f\"]", field("a", "b", -1, "c", 2, "d e", "f")),
    ("metrics.end", field("metrics", "end")),
    ("metadata.select.from.and", field("metadata", "select", "from", "and")),
    ("filter", field("filter")),
    ("interval", field("interval")),
    ("match = 1", Comparison("eq", field("match"), ONE)),
    ("日本.é", field("日本", "é")),
    # Calls.
    ("now()", Call("now", ())),
    ("COUNT(*)", Call("count", (Star(),))),
    ("count(DISTINCT a)", Call("count", (A,), distinct=True)),
    ("percentile(a.b, 0.95)", Call("percentile", (field("a", "b"), Literal(0.95)))),
    ("contains(a, 'x')", Call("contains", (A, X))),
    ("a::number", Cast(A, "number")),
    ("a::text::BOOLEAN", Cast(Cast(A, "text"), "boolean")),
    # Comparisons.
    ("a = 1", Comparison("eq", A, ONE)),
    ("a != 1", Comparison("ne", A, ONE)),
    ("a <> 1", Comparison("ne", A, ONE)),
    ("a<1", Comparison("lt", A, ONE)),
    ("a <= 1", Comparison("le", A, ONE)),
    ("a > 1", Comparison("gt", A, ONE)),
    ("a>=-1", Comparison("ge", A, Literal(-1))),
    ("a <=> 1", Comparison("nseq", A, ONE)),
    ("a <!=> 1", Comparison("nsne", A, ONE)),
    ("a = null", Comparison("eq", A, Literal(None))),
    ("a IS NULL", IsNull(A)),
    ("a is not null", IsNull(A, negated=True)),
    ("a ISNULL", IsNull(A)),
    ("a isnotnull", IsNull(A, negated=True)),
    ("a is 'x'", Comparison("is", A, X)),
    ("a is not true", Not(Comparison("is", A, Literal(value=True)))),
    ("a in ('x', 1)", Comparison("in", A, Array((X, ONE)))),
    ("a IN ['x']", Comparison("in", A, Array((X,)))),
    ("a in ()", Comparison("in", A, Array(()))),
    ("'x' in a.b", Comparison("in", X, field("a", "b"))),
    ("a not in ('x')", Not(Comparison("in", A, Array((X,))))),
    ("a like 'x'", Comparison("like", A, X)),
    ("a NOT ILIKE 'x'", Not(Comparison("ilike", A, X))),
    ("a match 'x'", Comparison("match", A, X)),
    ("a not match 'x'", Not(Comparison("match", A, X))),
    ("a between 1 and 2", Boolean("and", (Comparison("ge", A, ONE), Comparison("le", A, TWO)))),
    (
        "a between 1 and 2 and b",
        Boolean("and", (Comparison("ge", A, ONE), Comparison("le", A, TWO), B)),
    ),
    (
        "a not between 1 and 2 or b",
        Boolean("or", (Not(Boolean("and", (Comparison("ge", A, ONE), Comparison("le", A, TWO)))), B)),
    ),
    # Precedence.
    ("a or b and c or d", Boolean("or", (A, Boolean("and", (B, C)), D))),
    ("a and (b and (c and d))", Boolean("and", (A, B, C, D))),
    ("not a = 1 and b", Boolean("and", (Not(Comparison("eq", A, ONE)), B))),
    ("not not a", Not(Not(A))),
    ("a + b * c - d", Arithmetic("sub", Arithmetic("add", A, Arithmetic("mul", B, C)), D)),
    ("a - b - c", Arithmetic("sub", Arithmetic("sub", A, B), C)),
    ("a - (b - c)", Arithmetic("sub", A, Arithmetic("sub", B, C))),
    ("a / b / c % d", Arithmetic("mod", Arithmetic("div", Arithmetic("div", A, B), C), D)),
    ("-a * b", Arithmetic("mul", Negative(A), B)),
    ("-(a + b)", Negative(Arithmetic("add", A, B))),
    ("a + 1 > b * 2", Comparison("gt", Arithmetic("add", A, ONE), Arithmetic("mul", B, TWO))),
    ("a > now() - interval 1 day", Comparison("gt", A, Arithmetic("sub", Call("now", ()), Interval(1, "day")))),
    ("(a = 1) = b", Comparison("eq", Comparison("eq", A, ONE), B)),
    # Choices.
    ("a ? b : c", If(((A, B),), C)),
    ("a ? b : c ? d : e", If(((A, B), (C, D)), E)),
    ("a ? b : (c ? d : e)", If(((A, B), (C, D)), E)),
    ("a ? b ? c : d : e", If(((A, If(((B, C),), D)),), E)),
    ("a > 1 or b ? 'x' : null", If(((Boolean("or", (Comparison("gt", A, ONE), B)), X),), Literal(None))),
    ("a ? filter : sort", If(((A, field("filter")),), field("sort"))),
    ("CASE WHEN a THEN b ELSE c END", If(((A, B),), C)),
    ("case when a then b when c then d end", If(((A, B), (C, D)), Literal(None))),
    ("case a when 1 then b else c end", If(((Comparison("eq", A, ONE), B),), C)),
    # Space and comments.
    ("a -- the field\n = /* equals */ 1", Comparison("eq", A, ONE)),
    ("\ufeff a", A),
    ("a--1", A),
]


@pytest.mark.parametrize("language", ["btql", "sql"])
@pytest.mark.parametrize(("text", "expected"), BOTH, ids=[text for text, _ in BOTH])
def test_both_languages(text: str, expected: tree.Expression, language: tree.Language) -> None:
    # repr tells 1 from 1.0 and from true, which are equal in Python.
    assert repr(parse_expression(text, language=language)) == repr(expected)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tags includes 'x'", Includes(field("tags"), X)),
        ("tags CONTAINS 'x'", Includes(field("tags"), X)),
        ("tags not includes 'x'", Not(Includes(field("tags"), X))),
        ("a in b.c[0]", Comparison("in", A, field("b", "c", 0))),
        ("count(distinct)", Call("count", (field("distinct"),))),
        # Casts.
        ("cast(a as number)", Cast(A, "number")),
        ("TRY_CAST(a AS Text)", Cast(A, "text")),
        ("a::numeric( 10, 2 )", Cast(A, "numeric(10,2)")),
        ("a::double precision", Cast(A, "double precision")),
        ("a::text[ ][]", Cast(A, "text[][]")),
        ("a::json[0].b", Subscript(Subscript(Cast(A, "json"), Literal(0)), Literal("b"))),
        ("-a::number", Negative(Cast(A, "number"))),
        ("a.b::number > 1", Comparison("gt", Cast(field("a", "b"), "number"), ONE)),
        # Pieces of values that are no paths.
        ("f(a)[0]", Subscript(Call("f", (A,)), Literal(0))),
        ("f(a).b['c'][-1]", Subscript(Subscript(Subscript(Call("f", (A,)), Literal("b")), Literal("c")), Literal(-1))),
        ("(a + b).c", Subscript(Arithmetic("add", A, B), Literal("c"))),
        ("(a).b", field("a", "b")),
        ("(tags)[0]", field("tags", 0)),
        ("tags[a - 1]", Subscript(field("tags"), Arithmetic("sub", A, ONE))),
        ("a.b[c].d", Subscript(Subscript(field("a", "b"), C), Literal("d"))),
        ("['x', 'y'][1]", Subscript(Array((X, Literal("y"))), ONE)),
        ("{a: 1}.a", Subscript(Object((("a", ONE),)), Literal("a"))),
        ("'x'[0]", Subscript(X, Literal(0))),
        # Operators spelled like functions; in quotes the name is a function's.
        ("add(a, b)", Arithmetic("add", A, B)),
        ("MOD(a, 2)", Arithmetic("mod", A, TWO)),
        ("neg(a)", Negative(A)),
        ("eq(a, neg(1))", Comparison("eq", A, Literal(-1))),
        ("add(a)", Call("add", (A,))),
        ('"div"(a, b)', Call("div", (A, B))),
        ('"like"()', Call("like", ())),
        ('"count"(distinct a)', Call("count", (A,), distinct=True)),
        ("distinct and not distinct", Boolean("and", (field("distinct"), Not(field("distinct"))))),
    ],
)
def test_btql_alone(text: str, expected: tree.Expression) -> None:
    assert parse_expression(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a || b || 'x'", Call("textcat", (A, B, X))),
        ("CAST(a AS double)", Cast(A, "double")),
        ("try_cast(a as timestamp)", Cast(A, "timestamp")),
        ("INTERVAL '1 day'", Interval(1, "day")),
        ("INTERVAL '7' DAYS", Interval(7, "day")),
        ("a IS DISTINCT FROM b", Comparison("nsne", A, B)),
        ("a IS NOT DISTINCT FROM b", Comparison("nseq", A, B)),
        ("a NOTNULL", IsNull(A, negated=True)),
        ("MATCH(a, b) AGAINST ('x')", Boolean("or", (Comparison("match", A, X), Comparison("match", B, X)))),
        ("left(a, 1)", Call("left", (A, ONE))),
        ("metadata.join", field("metadata", "join")),
    ],
)
def test_sql_alone(text: str, expected: tree.Expression) -> None:
    assert parse_expression(text, language="sql") == expected


@pytest.mark.parametrize("language", ["btql", "sql"])
def test_double_quotes_are_marked_only_where_they_stand_alone(language: tree.Language) -> None:
    alone = parse_expression('"x"', language=language)
    single = parse_expression("'x'", language=language)

    assert isinstance(alone, Literal)
    assert alone.double_quoted
    assert isinstance(single, Literal)
    assert not single.double_quoted
