"""Bind queries inside expressions: values, EXISTS, IN, ANY and ALL."""

from __future__ import annotations

from typing import TYPE_CHECKING

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.binding.scope import Around, Captures, Rows
from btql_planner.binding.unnamed import with_any_names
from btql_planner.expressions import Expression, Subquery
from btql_planner.functions import functions
from btql_planner.types import Kind

if TYPE_CHECKING:
    from btql_planner.binding.expression import ExpressionBinder

_ARRAYS = frozenset({Kind.LIST, Kind.JSON})


def bind_subquery(
    binder: ExpressionBinder, node: tree.Subquery | tree.Exists | tree.InQuery | tree.Quantified
) -> Expression:
    """Return the expression for a query; what it takes from the query around it becomes arguments."""
    captures = Captures(binder.names)
    around = Around(binder.names.context, binder.names.around.tables, captures)
    match node:
        case tree.Subquery():
            rows = around.context.bind_rows(node.query, around)
            _check_columns(rows, 1, node.span)
            return _subquery(captures, rows, node.span, value=True)
        case tree.Exists():
            return _subquery(captures, around.context.bind_rows(with_any_names(node.query), around), node.span)
        case tree.InQuery():
            return _test(binder, node.expression, node.query, "in", (captures, around), node.span)
        case tree.Quantified():
            assert isinstance(node.right, tree.Query | tree.SetOperation | tree.Values)
            if node.quantifier == "any":
                return _test(binder, node.left, node.right, node.op, (captures, around), node.span)
            # It holds for all rows unless there is one for which it does not.
            found = _test(binder, node.left, node.right, node.op, (captures, around), node.span, opposite=True)
            return binder.apply_to(functions()["not"], (found,), node.span)


def _test(
    binder: ExpressionBinder,
    left: tree.Expression,
    query: tree.Statement,
    op: str,
    scope: tuple[Captures, Around],
    span: Span,
    *,
    opposite: bool = False,
) -> Subquery:
    """Return whether a comparison holds, or its opposite, for any row of a query."""
    captures, around = scope
    needles = left.items if isinstance(left, tree.Row) else (left,)
    bound = [captures.capture(binder.bind(each)) for each in needles]
    rows = around.context.bind_rows(with_any_names(query), around)
    _check_columns(rows, len(bound), span)
    if op == "in" and (len(bound) > 1 or not bound[0].type & _ARRAYS):
        # An array has a value among its elements; what is none is equal to it, which is found by a hash.
        op = "eq"
    if len(bound) > 1 and op != "eq":
        raise errors.not_supported("an order between rows and a query", span)
    parts = [
        binder.apply_to(functions()[op], (one, column), span)
        for one, (_, column) in zip(bound, rows.columns, strict=True)
    ]
    test = parts[0] if len(parts) == 1 else binder.apply_to(functions()["and"], parts, span)
    if opposite:
        test = binder.apply_to(functions()["not"], (test,), span)
    return _subquery(captures, rows, span, test=test)


def _subquery(
    captures: Captures, rows: Rows, span: Span, *, value: bool = False, test: Expression | None = None
) -> Subquery:
    column = rows.columns[0][1] if value else None
    parameters, arguments = tuple(captures.arguments.values()), tuple(captures.arguments)
    return Subquery(rows.plan, column, parameters, arguments, test, span=span)


def _check_columns(rows: Rows, count: int, span: Span) -> None:
    if len(rows.columns) != count:
        message = f"the query has {errors.columns(len(rows.columns))}, {count} {'is' if count == 1 else 'are'} compared"
        raise BtqlError.of(
            errors.COLUMN_COUNT, message, span, "this query", help="select exactly the values that are meant"
        )
