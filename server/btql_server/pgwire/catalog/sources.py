"""What a SELECT reads from, and which of it a column belongs to."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from sqlglot import exp

from btql_server.pgwire.catalog.relations import Relation

Meant: TypeAlias = Callable[[exp.Table], Relation | None]
"""Which relation a name in FROM means."""


def sources(select: exp.Select) -> list[exp.Table]:
    """Return the relations in FROM, also those that are joined within parentheses."""
    clauses = [select.args.get("from_"), *(select.args.get("joins") or ())]
    below = (each.walk(prune=lambda node: isinstance(node, exp.Query)) for each in clauses if each is not None)
    return [node for nodes in below for node in nodes if isinstance(node, exp.Table)]


def called(table: exp.Table) -> exp.Identifier:
    """Return what a statement calls a relation."""
    found = table.args["alias"].this if table.alias else table.this
    assert isinstance(found, exp.Identifier)
    return found.copy()


def qualify(tree: exp.Query, meant: Meant) -> None:
    """Say of columns that functions are called with whose they are.

    The functions of the catalog read relations, which have columns of the same names: in ``f(oid)`` theirs would be
    taken.
    """
    for select in tree.find_all(exp.Select):
        known = [(table, relation) for table in sources(select) if (relation := meant(table)) is not None]
        for column in _unqualified(select):
            owners = [table for table, relation in known if relation.has(column.name.lower())]
            if len(owners) == 1:
                column.set("table", called(owners[0]))


def _unqualified(select: exp.Select) -> list[exp.Column]:
    """Return the columns within calls of a SELECT that do not say whose they are."""
    here = select.walk(prune=lambda node: isinstance(node, exp.Query) and node is not select)
    columns = (node for node in here if isinstance(node, exp.Column) and not node.table)
    return [each for each in columns if each.find_ancestor(exp.Func, exp.Query) not in (None, select)]
