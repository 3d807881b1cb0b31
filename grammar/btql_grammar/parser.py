"""The door of the grammar: text in, syntax tree out.

:func:`parse` reads a query in either language and :func:`parse_expression` reads
what a filter box holds. Whatever the text, nothing but a
:class:`~btql_grammar.diagnostic.BtqlError` comes out, with its source attached.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from btql_grammar import scan, tree
from btql_grammar.depth import check_depth
from btql_grammar.detect import begins_with_explain, detect
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Source, Span
from btql_grammar.statements import refuse_unknown

_T = TypeVar("_T", tree.Statement, tree.Expression)


def parse(text: str, name: str = "<query>") -> tree.Statement:
    """Return the tree of a statement in BTQL or SQL; ``name`` stands in error drawings."""
    return _guarded(text, name, "query", _statement)


def parse_expression(text: str, name: str = "<expression>", language: tree.Language = "btql") -> tree.Expression:
    """Return the tree of an expression alone, as a filter box holds it."""

    def expression(text: str) -> tree.Expression:
        if language == "sql":
            from btql_grammar.sql.reader import read_sql_expression  # BTQL does not need it.

            return read_sql_expression(text)
        made = _btql(text, "expression")
        assert not isinstance(made, tree.Query), "the grammar starts at an expression"
        return made

    return _guarded(text, name, "expression", expression)


def _guarded(text: str, name: str, what: str, read: Callable[[str], _T]) -> _T:
    try:
        scan.check(text)
        if scan.after_space(text) == len(text):
            raise BtqlError.of("B0112", f"the {what} is empty", Span(0, 0), "nothing here")
        made = read(text)
        check_depth(made)
    except BtqlError as error:
        error.source = Source(text, name)
        raise
    return made


def _statement(text: str) -> tree.Statement:
    refuse_unknown(text)
    if detect(text) == "btql":
        return _btql_query(text)
    if begins_with_explain(text):
        from btql_grammar.sql.explain import before_btql
        from btql_grammar.tree_statements import Explain

        if (found := before_btql(text)) is not None:
            (analyze, form), begin = found
            # Spaces instead of what was before: places stay those of the text.
            query = _btql_query(" " * begin + text[begin:])
            return Explain(query, analyze, form, span=Span(scan.after_space(text), query.span.end))
    from btql_grammar.sql.reader import read_sql  # BTQL does not need it.

    return read_sql(text)


def _btql_query(text: str) -> tree.Query:
    made = _btql(text, "query")
    assert isinstance(made, tree.Query), "the grammar starts at a query"
    return made


def _btql(text: str, start: str) -> tree.Query | tree.Expression:
    from btql_grammar import lalr, reader, tables  # SQL does not need them.

    try:
        return lalr.parse(text, start, tables.load(), reader.BUILDERS)  # type: ignore[return-value]
    except lalr.Unexpected as unexpected:
        from btql_grammar import mistakes  # Only a mistake needs the words for it.

        raise mistakes.explain(text, unexpected) from None
