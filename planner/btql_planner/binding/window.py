"""Bind calls over windows: the function, its window, and what that takes from a named one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_planner import errors
from btql_planner.binding.call import bind_aggregate
from btql_planner.expression_traversal import walk
from btql_planner.expressions import AggregateCall, Bound, Constant, Expression, Frame, Over, Ranking, SortKey
from btql_planner.functions import functions
from btql_planner.types import Kind
from btql_planner.windows import WINDOW_FUNCTIONS

if TYPE_CHECKING:
    from btql_planner.binding.expression import ExpressionBinder


def bind_over(binder: ExpressionBinder, node: tree.Call) -> Expression:
    """Return a call with OVER."""
    assert node.window is not None
    if binder.inside:
        message = f"`{node.name}` over a window cannot stand inside the aggregate `{binder.inside}`"
        raise BtqlError.of(
            errors.MISPLACED, message, node.span,
            "the rows are not complete here", help="select it in a query inside this one, and aggregate its alias",
        )  # fmt: skip
    window = _whole(binder, node.window, [])
    order = tuple(
        SortKey(binder.bind(key.expression), key.direction == "desc", key.nulls or "last") for key in window.order
    )
    over = Over(
        _call(binder, node, ordered=bool(order)),
        tuple(binder.bind(each) for each in window.partition),
        order,
        None if window.frame is None else _frame(binder, window.frame),
        span=node.span,
    )
    refuse_windows(over.call, *over.partition, *(key.expression for key in over.order))
    return over


def _whole(binder: ExpressionBinder, window: tree.Window, seen: list[str]) -> tree.Window:
    """Return the window with what the named one that it begins with says."""
    if window.base is None:
        return window
    windows = binder.names.windows
    if window.base not in windows or window.base in seen:
        close = errors.close_to(window.base, windows)
        raise BtqlError.of(
            errors.UNKNOWN_NAME, f"there is no window called `{window.base}`", window.span, "not found",
            help=f"did you mean `{close}`?" if close else f"define it: `WINDOW {window.base} AS (…)`",
        )  # fmt: skip
    base = _whole(binder, windows[window.base], [*seen, window.base])
    return replace(
        window,
        base=None,
        partition=window.partition or base.partition,
        order=window.order or base.order,
        frame=window.frame or base.frame,
    )


def _call(binder: ExpressionBinder, node: tree.Call, *, ordered: bool) -> Ranking | AggregateCall:
    function = WINDOW_FUNCTIONS.get(node.name)
    aggregate = functions().get(node.name)
    if function is None and aggregate is not None and aggregate.aggregate:
        return _aggregate(binder, node)
    if function is None:
        close = errors.close_to(node.name, WINDOW_FUNCTIONS)
        message = f"`{node.name}` is no window function"
        raise BtqlError.of(
            errors.UNKNOWN_FUNCTION, message, node.name_span if node.name_span.end else node.span, "not over a window",
            help=f"did you mean `{close}`?" if close else "aggregates and ranks take OVER",
        )  # fmt: skip
    if not function.least <= len(node.arguments) <= function.most:
        count = len(node.arguments)
        raise BtqlError.of(
            errors.WRONG_ARGUMENT_COUNT, f"`{node.name}` does not take {count} argument{'' if count == 1 else 's'}",
            node.span, "this call", help=f"write `{function.signature}`",
        )  # fmt: skip
    if node.distinct or node.filter is not None or node.order:
        raise BtqlError.of(
            errors.MISPLACED, f"`{node.name}` takes no DISTINCT, FILTER or ORDER BY of its own", node.span, "this call",
            help="order the window: `OVER (ORDER BY …)`",
        )  # fmt: skip
    arguments = tuple(binder.bind(each) for each in node.arguments)
    _check_counts(node, arguments)
    type_ = function.returns([each.type for each in arguments])
    if node.ignore_nulls and (not function.nearby or len(type_) > 1):
        raise errors.not_supported(f"`{node.name}` with IGNORE NULLS over values of several kinds", node.span)
    assert ordered in (True, False)
    return Ranking(node.name, arguments, type_, span=node.span, ignore_nulls=node.ignore_nulls)


def _check_counts(node: tree.Call, arguments: tuple[Expression, ...]) -> None:
    """Refuse a number of rows or groups that is not written in the query: the engine takes no other."""
    counts = arguments[:1] if node.name == "ntile" else arguments[1:2]
    for each in counts:
        least = 1 if node.name in ("ntile", "nth_value") else 0
        if not isinstance(each, Constant) or each.kind is not Kind.INTEGER or int(str(each.value)) < least:
            raise BtqlError.of(
                errors.WRONG_ARGUMENT, f"`{node.name}` takes a whole number from {least} that is written in the query",
                each.span, "this",
            )  # fmt: skip


def _aggregate(binder: ExpressionBinder, node: tree.Call) -> AggregateCall:
    name = "count_distinct" if node.name == "count" and node.distinct else node.name
    nodes = node.arguments
    if name == "count" and (not nodes or isinstance(nodes[0], tree.Star)):
        nodes = (tree.Literal(1, span=node.span),)
    function = functions()[name]
    if function.order == "within":
        raise errors.not_supported(f"`{name}` over a window", node.span)
    if function.order == "by" and node.order:
        what = f"`{name}` over a window with an order of its own"
        raise errors.not_supported(what, node.span, "order the window: `OVER (ORDER BY …)`")
    return bind_aggregate(binder, function, nodes, node)


def _frame(binder: ExpressionBinder, frame: tree.Frame) -> Frame:
    return Frame(frame.unit, _bound(binder, frame.start), _bound(binder, frame.end))


def _bound(binder: ExpressionBinder, bound: tree.Bound) -> Bound:
    if bound.distance is None:
        return Bound(bound.kind)
    distance = binder.bind(bound.distance)
    if isinstance(distance, Constant) and isinstance(distance.value, int | float | str):
        usable = distance.kind in (Kind.INTEGER, Kind.FLOAT, Kind.INTERVAL) and distance.value != ""
        if usable and (isinstance(distance.value, str) or distance.value >= 0):
            return Bound(bound.kind, distance.value)
    raise BtqlError.of(
        errors.WRONG_ARGUMENT, "the distance of a frame is a number or an interval that is written in the query",
        bound.distance.span, "this",
    )  # fmt: skip


def refuse_windows(*expressions: Expression) -> None:
    """Raise where a window function stands that has no rows to look at yet."""
    for expression in expressions:
        for node in walk(expression):
            if isinstance(node, Over):
                raise BtqlError.of(
                    errors.MISPLACED, f"`{_name(node)}` over a window cannot stand here", node.span,
                    "the rows are not complete here", help="select it in a query inside this one, and use its alias",
                )  # fmt: skip


def _name(over: Over) -> str:
    return over.call.name if isinstance(over.call, Ranking) else over.call.function.name
