"""The JSON form: what each part means, that nothing is overlooked, and that trees come back."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from support import trees

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.json_form.aliases import with_aliases
from btql_grammar.json_form.expressions import read_expression
from btql_grammar.json_form.form import from_json, to_json
from btql_grammar.json_form.values import Node
from btql_grammar.json_form.writer import write_expression
from btql_grammar.parser import parse, parse_expression
from btql_grammar.scan import PIECES_MAX

Json = dict[str, Any]

STAR: Json = {"op": "star"}
A: Json = {"op": "ident", "name": ["a"]}
B: Json = {"op": "ident", "name": ["b"]}
ONE: Json = {"op": "literal", "value": 1}


def function(name: str, *arguments: Json, **more: object) -> Json:
    return {"op": "function", "name": {"op": "ident", "name": [name]}, "args": list(arguments), **more}


def code_of(document: object) -> str:
    with pytest.raises(BtqlError) as caught:
        from_json(document)
    return caught.value.code


BOTH_WAYS: list[tuple[Json, str]] = [
    ({"op": "literal", "value": None}, "null"),
    ({"op": "literal", "value": True}, "true"),
    ({"op": "literal", "value": 10**40}, str(10**40)),
    ({"op": "literal", "value": 0.5}, "0.5"),
    ({"op": "literal", "value": -1}, "-1"),
    ({"op": "literal", "value": "it's"}, "'it''s'"),
    ({"op": "literal", "value": ["a", 1, {"k": None}]}, "['a', 1, {k: null}]"),
    ({"op": "literal", "value": []}, "[]"),
    ({"op": "interval", "value": 7, "unit": "day"}, "interval 7 day"),
    ({"op": "ident", "name": ["metadata", "models", -1, "a b"]}, 'metadata.models[-1]."a b"'),
    (function("count", STAR), "count(*)"),
    (function("count", A, duplicate_treatment="Distinct"), "count(distinct a)"),
    (function("div", A, B), '"div"(a, b)'),
    *(
        ({"op": op, "left": A, "right": B}, f"a {sign} b")
        for op, sign in {
            "eq": "=", "ne": "!=", "lt": "<", "le": "<=", "gt": ">", "ge": ">=", "nseq": "<=>", "nsne": "<!=>",
            "is": "is", "like": "like", "ilike": "ilike", "match": "match", "in": "in",
            "add": "+", "sub": "-", "mul": "*", "div": "/", "mod": "%",
        }.items()
    ),
    ({"op": "in", "left": A, "right": {"op": "literal", "value": ["x", "y"]}}, "a in ('x', 'y')"),
    ({"op": "not", "expr": {"op": "like", "left": A, "right": B}}, "a not like b"),
    ({"op": "includes", "haystack": A, "needle": ONE}, "a includes 1"),
    ({"op": "and", "children": [A, B, ONE]}, "a and b and 1"),
    ({"op": "or", "children": [A, B]}, "a or b"),
    ({"op": "if", "conds": [{"cond": A, "then": ONE}, {"cond": B, "then": A}], "else": B}, "a ? 1 : b ? a : b"),
    ({"op": "neg", "expr": A}, "-a"),
    ({"op": "isnull", "expr": A}, "a is null"),
    ({"op": "isnotnull", "expr": A}, "a is not null"),
    ({"op": "singlespanfilter", "expr": A}, "any_span(a)"),
    ({"op": "matchingspansfilter", "expr": A}, "filter_spans(a)"),
    # What has no operator is text.
    ({"btql": "a::number"}, "a::number"),
    ({"btql": "f(a)[0]"}, "f(a)[0]"),
    ({"btql": "[a, b]"}, "[a, b]"),
    ({"btql": "{k: a}"}, "{k: a}"),
    ({"btql": "{k: 1, k: 2}"}, "{k: 1, k: 2}"),
    ({"btql": '"My score"'}, '"My score"'),
]  # fmt: skip


@pytest.mark.parametrize(("document", "text"), BOTH_WAYS, ids=[text for _, text in BOTH_WAYS])
def test_expressions(document: Json, text: str) -> None:
    # repr tells 1 from 1.0 and from true, which are equal in Python.
    assert repr(read_expression(Node(document))) == repr(parse_expression(text))
    assert repr(write_expression(parse_expression(text))) == repr(document)


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"op": "and", "left": A, "right": {"op": "and", "left": B, "right": ONE}}, "a and b and 1"),
        ({"op": "and", "left": None, "right": None, "children": [A, B]}, "a and b"),
        ({"op": "and", "children": [A]}, "a"),
        ({"op": "is", "left": A, "right": {"op": "literal", "value": None}}, "a is null"),
        ({"op": "neg", "expr": ONE}, "-1"),
        ({"op": "if", "conds": [{"cond": A, "then": B}], "else": {"btql": "b ? 1 : 2"}}, "a ? b : b ? 1 : 2"),
        ({"btql": "a = 1", "op": None}, "a = 1"),
        ({"btql": "a = 1", "op": "btql"}, "a = 1"),
        (function("COUNT", A, duplicate_treatment="All", shape=None, alias=None), "count(a)"),
        ({**A, "alias": None, "loc": {"start": {"line": 1, "col": 2}, "end": {"line": 1, "col": 3}}}, "a"),
        ({**A, "loc": None}, "a"),
    ],
)
def test_other_spellings(document: Json, text: str) -> None:
    assert repr(read_expression(Node(document))) == repr(parse_expression(text))


def test_every_clause() -> None:
    text = """
        select: id as i, * exclude (a) replace (b + 1 as b) | from: project_logs('x', "y") summary as t
        | filter: a | span_filter: a | trace_filter: a | final_filter: a | sort: a desc nulls first, b
        | dimensions: a as x, 1 | measures: count(1) as n | final_dimensions: x as x | final_measures: sum(n) as s
        | pivot: n as m | unpivot: scores as (k, v), tags as (tag) | infer: *, metadata.a
        | limit: 10 | offset: 5 | cursor: 'abc' | sample: 25% seed 42 | comparison_key: [input.a, b]
        | weighted_scores: a as w | custom_columns: b as c | preview_length: -1 | inference_budget: 7
    """
    query = parse(text)
    assert isinstance(query, tree.Query)
    document = to_json(query)

    assert from_json(json.loads(json.dumps(document))) == query
    assert document == {
        "select": [
            {"expr": {"op": "ident", "name": ["id"]}, "alias": "i"},
            {"op": "star", "exclude": ["a"], "replace": {"b": {"op": "add", "left": B, "right": ONE}}},
        ],
        "from": {
            "op": "function",
            "name": {"op": "ident", "name": ["project_logs"]},
            "args": [{"op": "literal", "value": "x"}, {"op": "literal", "value": "y"}],
            "alias": "t",
            "shape": "summary",
        },
        "filter": A,
        "span_filter": A,
        "trace_filter": A,
        "final_filter": A,
        "sort": [{"expr": A, "dir": "desc", "nulls": "first"}, {"expr": B, "dir": "asc"}],
        "dimensions": [{"expr": A, "alias": "x"}, {"expr": ONE, "alias": "1"}],
        "measures": [{"expr": function("count", ONE), "alias": "n"}],
        "final_dimensions": [{"expr": {"op": "ident", "name": ["x"]}, "alias": "x"}],
        "final_measures": [{"expr": function("sum", {"op": "ident", "name": ["n"]}), "alias": "s"}],
        "pivot": [{"expr": {"op": "ident", "name": ["n"]}, "alias": "m"}],
        "unpivot": [
            {"expr": {"op": "ident", "name": ["scores"]}, "alias": ["k", "v"]},
            {"expr": {"op": "ident", "name": ["tags"]}, "alias": "tag"},
        ],
        "infer": [STAR, {"op": "ident", "name": ["metadata", "a"]}],
        "limit": 10,
        "offset": 5,
        "cursor": "abc",
        "sample": {"method": {"type": "rate", "value": 0.25}, "seed": 42},
        "comparison_key": {"btql": "[input.a, b]"},
        "weighted_scores": [{"expr": A, "alias": "w"}],
        "custom_columns": [{"expr": B, "alias": "c"}],
        "preview_length": -1,
        "inference_budget": 7,
    }


@pytest.mark.parametrize(
    ("document", "text"),
    [
        ({"select": [STAR], "filter": [A, {"btql": "b or 1"}]}, "select: * filter: a and (b or 1)"),
        ({"select": [STAR], "filter": [A]}, "select: * filter: a"),
        ({"select": [STAR], "filter": []}, "select: *"),
        ({"select": [STAR], "filter": None, "limit": None, "pivot": [], "sort": None}, "select: *"),
        ({"select": [STAR], "limit": 10.0, "distinct": True}, "select: distinct * limit: 10"),
        ({"select": [STAR], "sample": {"method": {"type": "count", "value": 3}, "seed": None}}, "select: * sample: 3"),
        ({"select": [STAR], "from": {"op": "ident", "name": ["project_logs"]}}, "select: * from: project_logs"),
        (
            {"select": [STAR], "from": function("Dataset", {"op": "literal", "value": "d"}, shape="traces")},
            "select: * from: dataset('d') traces",
        ),
        (
            {
                "select": [STAR],
                "from": function("dataset", {"expr": {"op": "literal", "value": "traces"}, "alias": "shape"}),
            },
            "select: * from: dataset() traces",
        ),
    ],
)
def test_other_spellings_of_clauses(document: Json, text: str) -> None:
    assert from_json(document) == parse(text)


@pytest.mark.parametrize(
    ("text", "aliases"),
    [
        ("select: id, metadata.model, count( 1 ), tags[0]", ["id", "model", "count(1)", "tags[0]"]),
        ("select: metadata.name, user.name", ["metadata.name", "user.name"]),
        ("select: metadata.name, id as name", ["metadata.name", "name"]),
        ("unpivot: scores as (score, value) | select: metadata.value, *", ["metadata.value"]),
        ("unpivot: scores as (score, value) | select: metadata.value", ["value"]),
    ],
)
def test_entries_get_the_alias_they_imply(text: str, aliases: list[str]) -> None:
    query = parse(text)
    assert isinstance(query, tree.Query)
    document: Any = to_json(query)

    assert [entry["alias"] for entry in document["select"] if "alias" in entry] == aliases
    assert from_json(document) == with_aliases(query)


@settings(max_examples=100, deadline=None)
@given(trees.queries("btql"))
def test_trees_come_back(query: tree.Query) -> None:
    stars = [entry for entry in query.select if isinstance(entry, tree.Star)]
    if any(len(dict(star.replace)) < len(star.replace) for star in stars):
        with pytest.raises(BtqlError, match="twice"):
            to_json(query)
        return
    document = to_json(query)
    assert from_json(json.loads(json.dumps(document))) == with_aliases(query)


@settings(max_examples=100, deadline=None)
@given(trees.expressions("btql"))
def test_expressions_come_back(expression: tree.Expression) -> None:
    document = json.loads(json.dumps(write_expression(expression)))

    assert repr(read_expression(Node(document))) == repr(expression)


@pytest.mark.parametrize(
    ("document", "code"),
    [
        (None, "B0114"),
        ([], "B0114"),
        ("select: *", "B0114"),
        ({1: 2}, "B0114"),
        ({}, "B0112"),
        ({"select": []}, "B0112"),
        ({"select": [STAR], "limit": True}, "B0114"),
        ({"select": [STAR], "limit": -1}, "B0114"),
        ({"select": [STAR], "limit": 2**63}, "B0114"),
        ({"select": [STAR], "preview_length": -2}, "B0114"),
        ({"select": [STAR], "cursor": "\ud800"}, "B0114"),
        ({"select": [STAR], "filter": {"op": "literal", "value": math.inf}}, "B0114"),
        ({"select": [STAR], "filter": {"op": "literal", "value": 10**400}}, "B0114"),
        ({"select": [STAR], "filter": {"op": "literal", "value": b"x"}}, "B0114"),
        ({"select": [STAR], "filter": {"btql": "a =="}}, "B0101"),
        ({"select": [STAR], "filter": {"btql": ""}}, "B0112"),
        ({"select": [STAR], "filter": {**A, "alias": "x"}}, "B0114"),
        ({"select": [STAR], "filter": STAR}, "B0114"),
        ({"select": [STAR], "from": function("a", shape="traces", duplicate_treatment="All")}, "B0114"),
        ({"select": [STAR], "filter": {"op": "literal", "value": list(range(PIECES_MAX))}}, "B0107"),
        ({"select": [STAR], "filter": [{"btql": "a + 1"}] * (PIECES_MAX // 3)}, "B0107"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_what_is_refused(document: object, code: str) -> None:
    assert code_of(document) == code


def test_depth_is_limited() -> None:
    deep: Json = A
    for _ in range(100_000):
        deep = {"op": "not", "expr": deep}

    assert code_of({"select": [STAR], "filter": deep}) == "B0107"


def test_a_mistake_in_a_piece_of_text_is_drawn_with_its_path() -> None:
    with pytest.raises(BtqlError) as caught:
        from_json({"select": [STAR], "filter": {"op": "and", "children": [A, {"btql": "b == 1"}]}})

    assert "--> filter.children[1].btql:1:3" in str(caught.value)
