"""The door of the evaluator: a query and documents in, the right answer out."""

from __future__ import annotations

from collections.abc import Mapping

from btql_conformance.documents import Document
from btql_conformance.queries import run
from btql_conformance.scope import Context, Options, Table
from btql_grammar import tree
from btql_grammar.parser import parse

NO_OPTIONS = Options()


def answer(query: str | tree.Statement, objects: Mapping[str, list[Document]], options: Options = NO_OPTIONS) -> Table:
    """Return the answer to a query over the documents of each object, newest first."""
    text = query if isinstance(query, str) else ""
    statement = parse(text) if isinstance(query, str) else query
    return run(statement, Context(objects, run, options, text))
