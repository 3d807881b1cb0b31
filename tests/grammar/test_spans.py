"""Every node knows its place: what stands there, read alone, is the same node."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from support import trees

from btql_grammar import quotes, tree
from btql_grammar.depth import Node, children
from btql_grammar.parser import parse, parse_expression
from btql_grammar.printing.printer import print_btql, print_expression, print_sql
from btql_grammar.span import Span


def below(node: Node) -> list[Node]:
    return [node, *(inner for child in children(node) for inner in below(child))]


def check(text: str, root: Node, language: tree.Language) -> None:
    for node in below(root):
        assert 0 <= node.span.start < node.span.end <= len(text)
        piece = text[node.span.start : node.span.end]
        if isinstance(node, tree.Star | tree.Query | tree.From | tree.Table | tree.Pivot | tree.Sample):
            continue
        if isinstance(node, tree.Array) and piece.startswith("("):
            piece = f"[{piece[1:-1]}]"
        if isinstance(node, tree.Item | tree.SortItem | tree.UnpivotItem):
            assert piece.startswith(text[node.expression.span.start : node.expression.span.end])
        else:
            # A piece behind a dot is a name: any word, with or without quotes.
            read = tree.Literal(piece) if node == tree.Literal(piece) else parse_expression(piece, language=language)
            # In `a not like b` the comparison takes the place of its negation; a field to infer may have quotes.
            meant = [read, read.expression if isinstance(read, tree.Not) else None]
            meant += [tree.Identifier((str(read.value),)) if isinstance(read, tree.Literal) else None]
            assert node in meant, piece
        if isinstance(node, tree.Call):
            written = text[node.name_span.start : node.name_span.end]
            assert (quotes.unquoted(written, 0) if written.startswith('"') else written).lower() == node.name


@settings(max_examples=100, deadline=None)
@given(trees.expressions("btql"))
def test_btql_expressions(expression: tree.Expression) -> None:
    text = print_expression(expression)
    check(text, parse_expression(text), "btql")


@settings(max_examples=60, deadline=None)
@given(trees.expressions("sql"))
def test_sql_expressions(expression: tree.Expression) -> None:
    text = print_expression(expression, "sql")
    check(text, parse_expression(text, language="sql"), "sql")


@settings(max_examples=60, deadline=None)
@given(trees.queries("btql"))
def test_btql_queries(query: tree.Query) -> None:
    text = print_btql(query)
    read = parse(text)
    check(text, read, "btql")
    assert read.span == Span(0, len(text))


@settings(max_examples=40, deadline=None)
@given(trees.queries("sql"))
def test_sql_queries(query: tree.Query) -> None:
    text = print_sql(query)
    read = parse(text)
    check(text, read, "sql")
    assert read.span == Span(0, len(text))


@pytest.mark.parametrize(
    ("text", "piece"),
    [
        ("select: * from: project_logs('x') traces limit: 1", "project_logs('x') traces"),
        ("SELECT * FROM project_logs('x', shape => 'traces') LIMIT 1", "project_logs('x', shape => 'traces')"),
    ],
)
def test_sources(text: str, piece: str) -> None:
    query = parse(text)
    assert isinstance(query, tree.Query)
    source = query.source
    assert source is not None
    assert text[source.span.start : source.span.end] == piece


@pytest.mark.parametrize(
    ("text", "piece", "language"),
    [
        ("  (a + 1) * 2 ", "(a + 1) * 2", "btql"),
        ("  (a + 1) * 2 ", "(a + 1) * 2", "sql"),
        ("x + (a) ", "x + (a)", "btql"),
        ("x + (a) ", "x + (a)", "sql"),
        ("a between 1 and 2 -- note", "a between 1 and 2", "btql"),
        ("a between 1 and 2 -- note", "a between 1 and 2", "sql"),
        ("CAST ( a AS text ) ", "CAST ( a AS text )", "sql"),
    ],
)
def test_parentheses_count(text: str, piece: str, language: tree.Language) -> None:
    span = parse_expression(text, language=language).span
    assert text[span.start : span.end] == piece
