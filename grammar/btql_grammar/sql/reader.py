"""SQL text to the syntax tree.

1. :mod:`btql_grammar.sql.tokens` cuts the text.
2. A chain of parsers by recursive descent reads it, each in a module of its own and each
   built on the one before: cursor, operands, calls, comparisons, expressions, windows,
   named, relations, grouping, select, tails, queries, statements.

There is no tree between the text and ours, so that nothing is rewritten on the way,
every node knows its place, and what is not understood is an error where it stands.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.sql.statements import StatementParser, build_expression
from btql_grammar.sql.tokens import cut

_T = TypeVar("_T")


def read_sql(text: str) -> tree.Statement:
    """Return the tree of one SQL statement."""
    return _read(text, StatementParser.read_statement)


def read_sql_expression(text: str) -> tree.Expression:
    """Return the tree of one expression as it may stand in a WHERE clause."""
    return _read(text, build_expression)


def _read(text: str, read: Callable[[StatementParser], _T]) -> _T:
    parser = StatementParser(text, cut(text))
    try:
        return read(parser)
    except RecursionError:
        # Before the depth of the tree is counted: a call or a subquery takes several frames of Python's.
        raise BtqlError.of(
            "B0107", "the query is nested too deep", parser.here(), "too deep here",
            help="split the query, or name parts of it with WITH",
        ) from None  # fmt: skip
