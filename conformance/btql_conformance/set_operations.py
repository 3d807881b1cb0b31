"""UNION, INTERSECT and EXCEPT."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from btql_conformance.common_tables import with_tables
from btql_conformance.limits import distinct, finished, keyed
from btql_conformance.scope import Context, EvaluationError, Fields, Scope, Table
from btql_conformance.values import Value, identity
from btql_grammar import tree


def set_operation(node: tree.SetOperation, context: Context, outer: Scope | None) -> Table:
    """Return the rows of both sides, put together."""
    context = with_tables(node.with_, context, outer)
    left, right = context.run(node.left, context, outer), context.run(node.right, context, outer)
    if len(left.columns) != len(right.columns):
        raise EvaluationError("the two sides have different numbers of columns")
    rows = _combined(node, left.rows, right.rows)
    names = Fields(None, left.columns)
    scopes = [Scope(context, ((names, dict(zip(left.columns, row, strict=True))),), outer) for row in rows]
    sorting = keyed(scopes, [_position(item, left.columns) for item in node.sort])
    return finished(
        left.columns, [(keys, rows[at]) for at, keys in enumerate(sorting)], node.sort, node.limit, node.offset
    )


def _position(item: tree.SortItem, columns: Sequence[str]) -> tree.SortItem:
    if isinstance(item.expression, tree.Literal) and isinstance(item.expression.value, int):
        return replace(item, expression=tree.Identifier((columns[item.expression.value - 1],)))
    return item


def _combined(
    node: tree.SetOperation, left: list[tuple[Value, ...]], right: list[tuple[Value, ...]]
) -> list[tuple[Value, ...]]:
    if node.op == "union":
        return [*left, *right] if node.all else distinct([*left, *right])
    spare = [tuple(map(identity, row)) for row in right]
    rows: list[tuple[Value, ...]] = []
    for row in left if node.all else distinct(left):
        key = tuple(map(identity, row))
        found = key in spare
        if found and node.all:
            spare.remove(key)
        if found == (node.op == "intersect"):
            rows.append(row)
    return rows
