"""Filters taken apart: which conditions have to hold on one span, and what is about the trace."""

from __future__ import annotations

from dataclasses import replace

import pytest

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.parser import parse
from btql_grammar.printing.printer import print_btql
from btql_planner.clauses.trace_filter import Connected, Formula, PlainCondition, SpanTest, take_apart


def condition(text: str) -> tree.Expression:
    query = parse(f"select: id | from: project_logs('p') | filter: {text}")
    assert isinstance(query, tree.Query)
    assert query.filter is not None
    return query.filter


def words(node: tree.Expression) -> str:
    query = parse("select: id | from: project_logs('p') | filter: id = 'a'")
    return print_btql(replace(query, filter=node)).split("filter: ")[1]


def said(formula: Formula | None) -> str:
    match formula:
        case None:
            return ""
        case SpanTest(condition=inner):
            return f"some({words(inner)})"
        case PlainCondition(condition=inner):
            return f"this({words(inner)})"
        case Connected(op="not", parts=(part,)):
            return f"not {said(part)}"
        case Connected(op=op, parts=parts):
            return "(" + f" {op} ".join(map(said, parts)) + ")"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a = 1 and b = 2", "some(a = 1 and b = 2)"),
        ("a = 1 or not b = 2", "some(a = 1 or not b = 2)"),
        ("any_span(a = 1) and any_span(b = 2)", "(some(a = 1) and some(b = 2))"),
        ("a = 1 and any_span(b = 2) and c = 3", "(some(a = 1 and c = 3) and some(b = 2))"),
        ("a = 1 or any_span(b = 2)", "(some(a = 1) or some(b = 2))"),
        ("not any_span(a = 1)", "not some(a = 1)"),
        ("not (a = 1 and any_span(b = 2))", "not (some(a = 1) and some(b = 2))"),
        ("any_span(a = 1 and any_span(b = 2))", "some(a = 1 and b = 2)"),
        ("not any_span(a = 1 and (b = 2 or any_span(c = 3)))", "not some(a = 1 and (b = 2 or c = 3))"),
        ("ANY_SPAN(any_span(a = 1))", "some(a = 1)"),
    ],
)
def test_traces(text: str, expected: str) -> None:
    assert said(take_apart(condition(text), "traces").formula) == expected


def test_on_spans_a_plain_condition_is_about_the_span_itself() -> None:
    found = take_apart(condition("a = 1 and any_span(b = 2) and filter_spans(c = 3)"), "spans")

    assert said(found.formula) == "(this(a = 1 and c = 3) and some(b = 2))"
    assert found.kept == ()


def test_filter_spans_narrows_and_does_not_choose() -> None:
    found = take_apart(condition("filter_spans(a = 1) and b = 2 and filter_spans(c = 3)"), "traces")

    assert said(found.formula) == "some(b = 2)"
    assert [words(each) for each in found.kept] == ["a = 1", "c = 3"]
    assert take_apart(condition("filter_spans(a = 1)"), "summary").formula is None


@pytest.mark.parametrize(
    ("text", "code", "part"),
    [
        ("any_span(any_span(a = 1) and any_span(b = 2))", "B0413", "two `any_span` inside one"),
        ("any_span(any_span(any_span(a = 1)))", "B0413", "three levels"),
        ("any_span(not any_span(a = 1))", "B0413", "under NOT"),
        ("a = 1 or filter_spans(b = 2)", "B0413", "outermost AND|stands alone"),
        ("filter_spans(any_span(b = 2))", "B0413", "inside `filter_spans`"),
        ("any_span(a = 1) = true", "B0305", "AND, OR and NOT"),
        ("any_span()", "B0304", "one condition"),
    ],
)
def test_what_has_no_meaning_is_refused(text: str, code: str, part: str) -> None:
    with pytest.raises(BtqlError, match=part) as caught:
        take_apart(condition(text), "traces")

    assert caught.value.code == code
