"""Bind calls over windows: the function, its window, and what that takes from a named one."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, cast

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.binding.arguments import as_interval
from btql_planner.binding.call import bind_aggregate
from btql_planner.expression_traversal import walk
from btql_planner.expressions import AggregateCall, Bound, Constant, Expression, Frame, Over, Ranking, SortKey
from btql_planner.functions import functions
from btql_planner.types import INTEGER, INTERVAL, NUMBER, NUMERIC, TIME, Kind, Type
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
        None if window.frame is None else _frame(binder, window.frame, order),
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


def _frame(binder: ExpressionBinder, frame: tree.Frame, order: tuple[SortKey, ...]) -> Frame:
    distances = [each.distance for each in (frame.start, frame.end) if each.distance is not None]
    if frame.unit == "groups" and not order:
        raise _no_frame("GROUPS needs rows in an order", frame.span, "write `ORDER BY …` before it")
    if frame.unit == "range" and distances and len(order) != 1:
        raise _no_frame(
            "RANGE with a distance needs rows in the order of one value", frame.span,
            "order by that value alone, or count rows by ROWS",
        )  # fmt: skip
    key = order[0].expression.type if frame.unit == "range" and distances else INTEGER
    return Frame(frame.unit, _bound(binder, frame.start, key), _bound(binder, frame.end, key))


def _bound(binder: ExpressionBinder, bound: tree.Bound, key: Type) -> Bound:
    """Return a bound at a distance that goes with the kinds of a key: of times an interval, of numbers a number."""
    if bound.distance is None:
        return Bound(bound.kind)
    distance = binder.bind(bound.distance)
    if key == TIME:
        distance = as_interval(distance)
    if not isinstance(distance, Constant) or not distance.type <= (INTERVAL if key == TIME else NUMBER):
        written = "an interval" if key == TIME else "a number"
        raise _no_frame(f"the distance of this frame is {written} that is written in the query", bound.distance.span)
    value = cast("int | float | str", distance.value)
    if not key <= NUMERIC and key != TIME:
        raise _no_frame("RANGE with a distance needs an order of numbers, or of times", bound.distance.span)
    if isinstance(value, float) and key == INTEGER:
        way_out = "RANGE over `x::float8` takes a fraction"
        raise _no_frame("this frame counts in whole numbers", bound.distance.span, way_out)
    if not isinstance(value, str) and value < 0:
        raise _no_frame("the distance of a frame is not negative", bound.distance.span)
    # Nulls are at no distance from one another, and the engine has no order by what is null in all rows.
    return Bound(bound.kind, value) if key else Bound("current row")


def _no_frame(message: str, span: Span, way_out: str | None = None) -> BtqlError:
    return BtqlError.of(errors.WRONG_ARGUMENT, message, span, "this", help=way_out)


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
