"""Printing a tree and reading the text again gives the same tree."""

from __future__ import annotations

from hypothesis import given, settings
from support import trees

from btql_grammar import tree
from btql_grammar.parser import parse, parse_expression
from btql_grammar.printing.printer import print_btql, print_expression, print_sql


@settings(max_examples=100, deadline=None)
@given(trees.expressions("btql"))
def test_btql_expressions_come_back(expression: tree.Expression) -> None:
    text = print_expression(expression, "btql")
    assert repr(parse_expression(text)) == repr(expression), text


@settings(max_examples=100, deadline=None)
@given(trees.expressions("sql"))
def test_sql_expressions_come_back(expression: tree.Expression) -> None:
    text = print_expression(expression, "sql")
    assert repr(parse_expression(text, language="sql")) == repr(expression), text


@settings(max_examples=50, deadline=None)
@given(trees.queries("btql"))
def test_btql_queries_come_back(query: tree.Query) -> None:
    text = print_btql(query)
    assert parse(text) == query, text


@settings(max_examples=50, deadline=None)
@given(trees.queries("sql"))
def test_sql_queries_come_back(query: tree.Query) -> None:
    text = print_sql(query)
    assert parse(text) == query, text


@settings(max_examples=100, deadline=None)
@given(trees.expressions("sql"))
def test_sql_reads_expressions_of_btql(expression: tree.Expression) -> None:
    text = print_expression(expression, "btql")
    assert repr(parse_expression(text, language="sql")) == repr(expression), text
