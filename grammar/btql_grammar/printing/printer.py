"""Tree to canonical text, in either language.

Reading the text again gives an equal tree; the tests hold the printers to that.
Parentheses are printed where the precedences need them and nowhere else. BTQL
gets lower-case words and one clause a line, SQL upper-case words.

A few trees have no text of their own, because only the public JSON form can
express them. They are printed as the nearest thing that means the same: a lone
field whose name needs quotes (in the text the binder decides whether quotes mean
a field), and in SQL the operator INCLUDES (printed as a call), and dimensions
and measures (printed as a select list with GROUP BY). What a language cannot say
at all is refused with code B0113.
"""

from __future__ import annotations

from btql_grammar import tree
from btql_grammar.printing.btql import BtqlPrinter
from btql_grammar.printing.sql import SqlPrinter


def print_btql(statement: tree.Statement) -> str:
    """Return the query as BTQL text."""
    return BtqlPrinter().statement(statement)


def print_sql(statement: tree.Statement) -> str:
    """Return the statement as SQL text."""
    return SqlPrinter().statement(statement)


def print_expression(expression: tree.Expression, language: tree.Language = "btql") -> str:
    """Return the expression as it stands inside a query of the language."""
    return (SqlPrinter() if language == "sql" else BtqlPrinter()).expression(expression)
