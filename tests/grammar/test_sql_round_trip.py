"""Printing any tree as SQL and reading the text again gives the same tree."""

from __future__ import annotations

from hypothesis import given, settings
from support import sql_trees

from btql_grammar import tree
from btql_grammar.parser import parse, parse_expression
from btql_grammar.printing.printer import print_expression, print_sql


@settings(max_examples=60, deadline=None)
@given(sql_trees.expressions())
def test_expressions_come_back(expression: tree.Expression) -> None:
    text = print_expression(expression, "sql")
    assert repr(parse_expression(text, language="sql")) == repr(expression), text


@settings(max_examples=60, deadline=None)
@given(sql_trees.statements())
def test_statements_come_back(statement: tree.Statement) -> None:
    text = print_sql(statement)
    assert repr(parse(text)) == repr(statement), text
