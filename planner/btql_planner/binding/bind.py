"""Bind a statement: from the tree to a typed plan, names and types checked.

This is the door; :mod:`btql_planner.binding.query` binds a query,
:mod:`btql_planner.binding.relation` what stands behind its FROM, and
:mod:`btql_planner.binding.expression` its expressions, in the names of a
:class:`~btql_planner.binding.scope.Scope`.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from btql_grammar import tree
from btql_grammar.span import Source
from btql_planner import errors
from btql_planner.binding.query import bind_query
from btql_planner.binding.scope import Around, Context, Rows
from btql_planner.binding.set_operation import bind_set_operation, bind_values
from btql_planner.catalog import Catalogs
from btql_planner.clauses.page import no_cursor
from btql_planner.finish import Answer
from btql_planner.options import QueryOptions
from btql_planner.plan import Plan


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A typed plan, and what the reader of the answer should know."""

    plan: Plan
    columns: tuple[str, ...]
    """The output columns in order."""
    warnings: tuple[str, ...] = ()
    answer: Answer = field(default_factory=Answer)
    """What becomes of the engine's rows."""
    repeats: bool = True
    """Whether the same statement, with the same options and where the catalogs say the same, always has this plan."""


def bind(
    statement: tree.Statement, source: Source, catalogs: Catalogs, options: QueryOptions | None = None
) -> BoundQuery:
    """Return the typed plan of a statement that gives rows; ``options`` are settled with its text."""
    context = Context(source, catalogs, _bind_inner, options or QueryOptions())
    if context.options.cursor is not None and not isinstance(statement, tree.Query):
        raise no_cursor(statement.span)
    try:
        rows = _bind_rows(statement, Around(context), "")
    except RecursionError:
        # A query inside another takes several frames of Python's, and common tables are inside each other unseen.
        raise errors.too_deep(context.place or statement.span) from None
    columns = tuple(name for name, _ in rows.columns)
    return BoundQuery(rows.plan, columns, tuple(context.warnings), context.answer, context.repeats)


def _bind_inner(statement: tree.Statement, around: Around) -> Rows:
    return _bind_rows(statement, around, around.context.new_name("q"))


def _bind_rows(statement: tree.Statement, around: Around, source: str) -> Rows:
    match statement:
        case tree.Query():
            return bind_query(statement, around, source)
        case tree.SetOperation():
            return bind_set_operation(statement, around, source)
        case tree.Values():
            return bind_values(statement, around, source)
        case _:
            raise errors.not_supported("a statement that gives no rows", statement.span, "run it by itself")
