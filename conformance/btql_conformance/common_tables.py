"""WITH: named queries, those that look at themselves too."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import cast

from btql_conformance.limits import distinct
from btql_conformance.scope import Context, EvaluationError, Scope, Table
from btql_conformance.values import identity
from btql_grammar import tree


def with_tables(clause: tree.With | None, context: Context, outer: Scope | None) -> Context:
    """Return a context that has the tables of a WITH clause, each with the ones before it."""
    if clause is None:
        return context
    for table in clause.tables:
        found = _recursive(table, context, outer) if clause.recursive else None
        answer = found or context.run(table.query, context, outer)
        columns = (*table.columns, *answer.columns[len(table.columns) :])
        named = replace(answer, columns=columns)
        context = replace(context, tables={**context.tables, table.name: named})
    return context


def _recursive(table: tree.CommonTable, context: Context, outer: Scope | None) -> Table | None:
    """Return the rows of a table that is defined by itself, None where it is not."""
    union = table.query
    if not isinstance(union, tree.SetOperation) or union.op != "union" or not _mentions(union.right, table.name):
        return None
    anchor = context.run(union.left, context, outer)
    columns = (*table.columns, *anchor.columns[len(table.columns) :])
    fresh = list(anchor.rows) if union.all else distinct(anchor.rows)
    rows = list(fresh)
    while fresh:
        inner = replace(context, tables={**context.tables, table.name: Table(columns, fresh)})
        fresh = inner.run(union.right, inner, outer).rows
        if not union.all:
            known = {tuple(map(identity, row)) for row in rows}
            fresh = [row for row in distinct(fresh) if tuple(map(identity, row)) not in known]
        rows += fresh
        if len(rows) > 10_000:
            raise EvaluationError("the recursion does not end")
    return Table(columns, rows)


def _mentions(node: object, name: str) -> bool:
    if isinstance(node, tree.Table):
        return node.path == (name,)
    if isinstance(node, tuple):
        return any(_mentions(part, name) for part in cast("tuple[object, ...]", node))
    return (
        is_dataclass(node)
        and not isinstance(node, type)
        and any(_mentions(getattr(node, f.name), name) for f in fields(node))
    )
