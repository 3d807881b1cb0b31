"""Every node of an SQL statement knows its place: what stands there, read alone, is the same node."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from support import sql_trees

from btql_grammar import tree
from btql_grammar.depth import Node, children
from btql_grammar.parser import parse, parse_expression
from btql_grammar.printing.printer import print_sql
from btql_grammar.sources import KINDS
from btql_grammar.tree_statements import Delete, Insert, Update


def below(node: Node) -> list[Node]:
    return [node, *(inner for child in children(node) for inner in below(child))]


def check(text: str, node: Node) -> None:
    assert 0 <= node.span.start < node.span.end <= len(text)
    piece = text[node.span.start : node.span.end]
    match node:
        case tree.Query() | tree.SetOperation() | tree.Values() | Insert() | Update() | Delete():
            assert parse(piece) == node, piece
        case tree.TableCall() if node.call.name in KINDS:
            pass  # Without the LATERAL before it, it names an object.
        case tree.From() | tree.Table() | tree.Derived() | tree.TableCall():
            plain = replace(node) if isinstance(node, tree.From) else replace(node, alias=None, columns=())
            query = parse(f"SELECT * FROM {piece}")
            assert isinstance(query, tree.Query)
            source = query.source
            plain = replace(plain, ordinality=False) if isinstance(plain, tree.TableCall) else plain
            assert source == plain, piece
        case tree.Item() | tree.SortItem():
            assert text[node.expression.span.start : node.expression.span.end] in piece
        case tree.Subquery():
            # With parentheses or without: those of ARRAY (SELECT …) belong to the call.
            assert parse(piece) == node.query, piece
        case tree.Array() if piece.startswith("("):
            # A list behind IN, or an array that stands in parentheses: `([0])` may be either.
            as_list = parse_expression(f"[{piece[1:-1]}]", language="sql")
            assert as_list == node or parse_expression(piece, language="sql") == node, piece
        case tree.Literal() | tree.Identifier() | tree.Call() | tree.Cast() | tree.Comparison() | tree.JsonOperator():
            check_expression(piece, node)
        case tree.Boolean() | tree.Arithmetic() | tree.If() | tree.Row() | tree.Subscript() | tree.Exists():
            check_expression(piece, node)
        case tree.InQuery() | tree.Quantified() | tree.Not() | tree.IsNull() | tree.Negative():
            check_expression(piece, node)
        case _:
            pass


def check_expression(piece: str, node: tree.Expression) -> None:
    if isinstance(node, tree.Literal) and piece == node.value:
        return  # A name behind a dot is a key, whatever the word.
    read = parse_expression(piece, language="sql")
    # In `a not in (select 1)` the test takes the place of its negation.
    meant = [read, read.expression if isinstance(read, tree.Not) else None]
    # A field that is written to may stand in quotes.
    meant += [tree.Identifier((str(read.value),))] if isinstance(read, tree.Literal) else []
    assert node in meant, piece


@settings(max_examples=40, deadline=None)
@given(sql_trees.statements())
def test_spans_of_statements(statement: tree.Statement) -> None:
    text = print_sql(statement)
    for node in below(parse(text)):
        check(text, node)


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a IN (), a IN (1, 2), a IN ([0]), a IN (([0])), a IN ([]), a NOT IN ((1, 2), (3, 4))",
        "SELECT count(*) FROM project_logs('x') GROUP BY GROUPING SETS ((), (a), ([0]), ([]))",
    ],
)
def test_spans_of_what_stands_in_parentheses(text: str) -> None:
    for node in below(parse(text)):
        check(text, node)
