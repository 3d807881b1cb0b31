"""The formatter: the text of a query with its layout put in order, in either language.

Nothing is said in other words: the pieces of the text stay, with their comments, and
only the space between them and the case of keywords change. One clause a line; what
does not fit in 100 columns is broken at its commas and at AND and OR.

1. The text is parsed, so that a mistake is told as usual.
2. It is cut into pieces, each with the part that it plays (:mod:`.btql`, :mod:`.sql`).
3. The pieces become a document with places where lines may break (:mod:`.build`),
   and that becomes lines (:mod:`.layout`).
4. The result is parsed again. Which words of SQL are keywords depends on where they
   stand, and the formatter only guesses; where a guess changed the meaning, words are
   left in the case they had.

The columns of an answer that have no alias are called like their text, so formatting
``count( 1 )`` to ``count(1)`` renames such a column.
"""

from __future__ import annotations

from btql_grammar import tree
from btql_grammar.detect import detect
from btql_grammar.fmt import btql, sql
from btql_grammar.fmt.build import build_document
from btql_grammar.fmt.layout import lay_out
from btql_grammar.parser import parse
from btql_grammar.sql.explain import before_btql
from btql_grammar.tree_statements import Explain

WIDTH = 100


def format_text(text: str, name: str = "<query>") -> str:
    """Return the text of a query, formatted; it ends with a line break. ``name`` stands in error drawings."""
    statement = parse(text, name)
    if isinstance(statement, Explain) and (found := before_btql(text)) is not None:
        _, begin = found
        return f"{text[:begin].strip()}\n{format_text(text[begin:], name)}"
    attempts = [btql.pieces(text)] if detect(text) == "btql" else [sql.pieces(text), sql.pieces(text, recase=False)]
    for pieces in attempts:
        made = lay_out(build_document(pieces), WIDTH)
        if _same(made, statement):
            return made
    return f"{text.strip()}\n"


def _same(text: str, statement: tree.Statement) -> bool:
    return parse(text) == statement
