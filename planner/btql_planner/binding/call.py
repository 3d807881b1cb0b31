"""Bind calls: the function, its number of arguments, and what stands around them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_grammar.span import Span
from btql_planner import errors
from btql_planner.binding.arguments import check_arguments
from btql_planner.binding.elsewhere import ROW_FUNCTIONS, way_out
from btql_planner.clauses.trace_filter import ANY_SPAN, FILTER_SPANS, outside_filter
from btql_planner.expressions import AggregateCall, Constant, Expression, SortKey, as_scalar
from btql_planner.functions import functions
from btql_planner.functions.function import Function
from btql_planner.types import Kind
from btql_planner.windows import WINDOW_FUNCTIONS

if TYPE_CHECKING:
    from btql_planner.binding.expression import ExpressionBinder


_SYNONYMS = {"includes": "contains", "mod": "remainder", "div": "quotient"}
"""Functions that are called like an operator."""


def bind_call(binder: ExpressionBinder, node: tree.Call) -> Expression:
    """Return a call of a function or an aggregate."""
    session = binder.options.session
    if session is not None and node.name in session.names:
        return _of_session(binder, node)
    name = "count_distinct" if node.name == "count" and node.distinct else _SYNONYMS.get(node.name, node.name)
    function = _function(name, node)
    arguments = node.arguments
    if name == "count" and (not arguments or isinstance(arguments[0], tree.Star)):
        arguments = (tree.Literal(1, span=node.span),)
    if name == "count_distinct" and len(arguments) == 1 and isinstance(row := arguments[0], tree.Row):
        arguments = (tree.Array(row.items, span=row.span),)
    if function.aggregate:
        return _aggregate(binder, function, arguments, node)
    _refuse_modifiers(function, node)
    _check_count(function, len(arguments), node.span)
    if function.expand is not None:
        return function.expand(binder, arguments, node.span)
    if name == "json_extract":
        _warn_of_path(binder, arguments[-1])
    bound = [binder.bind(argument) for argument in arguments]
    names_zone = name == "date_trunc" and len(bound) == 3
    if function.buckets and binder.options.tz_offset and not names_zone:
        return _by_local_clock(binder, function, bound, node.span)
    return binder.apply_to(function, bound, node.span)


def _of_session(binder: ExpressionBinder, node: tree.Call) -> Expression:
    """Return what the client's session says: one value for the whole statement."""
    arguments = [binder.bind(argument) for argument in node.arguments]
    if arguments and binder.options.describing:
        return Constant(None, Kind.TEXT, span=node.span)
    for each in arguments:
        if not isinstance(each, Constant):
            message = f"`{node.name}` takes values that are written in the query"
            raise BtqlError.of(errors.WRONG_ARGUMENT, message, each.span, "this is computed")
    values = [each.value for each in arguments if isinstance(each, Constant)]
    value = None if None in values else binder.names.context.of_session(node.name, values)
    return binder.bind(tree.Literal(value, span=node.span))


def _function(name: str, node: tree.Call) -> Function:
    function = functions().get(name)
    if function is not None and not function.hidden:
        return function
    if name in (ANY_SPAN, FILTER_SPANS):
        raise outside_filter(node)
    if name in ROW_FUNCTIONS:
        given = "1, 10" if name == "generate_series" else "p.tags"
        element = f"{name}({given}) AS element"
        behind = f"write it behind FROM, `FROM project_logs('name') AS p, {element}`, and use `element`"
        message, place = f"`{name}` makes rows, and stands for no single value", node.name_span
        raise BtqlError.of(errors.MISPLACED, message, place if place.end else node.span, "not here", help=behind)
    if name in WINDOW_FUNCTIONS:
        raise BtqlError.of(
            errors.MISPLACED, f"`{name}` looks at rows nearby and needs a window", node.span, "over which rows?",
            help=f"write `{WINDOW_FUNCTIONS[name].signature} OVER (ORDER BY …)`, in SQL",
        )  # fmt: skip
    way = way_out(name)
    known = [each for each, function in functions().items() if not function.hidden]
    close = None if way else errors.close_to(name, [*known, ANY_SPAN, FILTER_SPANS])
    place = node.name_span if node.name_span.end else node.span
    message = f"unknown function `{name}`"
    raise BtqlError.of(
        errors.UNKNOWN_FUNCTION, message, place, "no such function",
        help=way or (f"did you mean `{close}`?" if close else "`docs/functions.md` lists all of them"),
    )  # fmt: skip


def _warn_of_path(binder: ExpressionBinder, key: tree.Expression) -> None:
    """Warn of a path of JSONPath, which is taken as one key."""
    if isinstance(key, tree.Literal) and isinstance(key.value, str) and key.value.startswith(("$.", "$[")):
        binder.names.context.warn(
            f"`json_extract` takes `{key.value}` as one key, not as a path: write the path behind a field, as in "
            "`metadata.user.id`, or its keys one by one, as in `jsonb_extract_path(x, 'user', 'id')`"
        )


def _check_count(function: Function, count: int, span: Span) -> None:
    if not function.accepts(count):
        message = f"`{function.name}` does not take {count} argument{'' if count == 1 else 's'}"
        raise BtqlError.of(
            errors.WRONG_ARGUMENT_COUNT, message, span, "this call", help=f"write `{function.signature}`"
        )


def _refuse_modifiers(function: Function, node: tree.Call) -> None:
    said = [
        word
        for word, there in (("DISTINCT", node.distinct), ("FILTER", node.filter), ("ORDER BY", node.order))
        if there
    ]
    if said:
        raise BtqlError.of(
            errors.MISPLACED, f"`{function.name}` is no aggregate, it takes no {said[0]}", node.span, "this call"
        )


def _by_local_clock(
    binder: ExpressionBinder, function: Function, arguments: Sequence[Expression], span: Span
) -> Expression:
    """Return a bucket of time of the clock that ``tz_offset`` tells: there, cut, and back."""
    shift = Constant(f"{binder.options.tz_offset} minute", Kind.INTERVAL, span=span)
    *others, moment = arguments
    check_arguments(function, arguments)
    local = binder.apply_to(functions()["sub"], (moment, shift), moment.span)
    return binder.apply_to(functions()["add"], (binder.apply_to(function, (*others, local), span), shift), span)


def _aggregate(
    binder: ExpressionBinder, function: Function, nodes: Sequence[tree.Expression], call: tree.Call
) -> Expression:
    if binder.inside:
        written, around = binder.names.context.text(call.span), binder.inside
        message = f"the aggregate `{function.name}` cannot stand inside the aggregate `{around}`"
        raise BtqlError.of(
            errors.MISPLACED, message, call.span, "one value for each group, not for each row",
            help=f"group twice: `{around}(n)` over `FROM (SELECT {written} AS n FROM … GROUP BY …)`, in BTQL with "
            f"`final_measures: {around}(n)`",
        )  # fmt: skip
    if not binder.aggregates:
        raise BtqlError.of(
            errors.MISPLACED, f"the aggregate `{function.name}` cannot stand here", call.span,
            "no groups exist here yet", help="filter groups with `final_filter:`, in SQL with `HAVING`",
        )  # fmt: skip
    return bind_aggregate(binder.within(function.name), function, nodes, call)


def bind_aggregate(
    inner: ExpressionBinder, function: Function, nodes: Sequence[tree.Expression], call: tree.Call
) -> AggregateCall:
    """Return an aggregate over rows that ``inner`` knows the names of."""
    order = call.order
    within = function.order == "within" and len(order) == 1 and len(nodes) < len(function.parameters)
    if within:
        nodes, order = _within_group(function, nodes, order[0])
    _check_count(function, len(nodes), call.span)
    if order and function.order != "by" and not within:
        message = f"the order of the rows makes no difference to `{function.name}`"
        raise BtqlError.of(errors.MISPLACED, message, order[0].span, "this order", help=f"write `{function.signature}`")
    if call.distinct and not function.distinct:
        raise errors.not_supported(f"`{function.name}` with DISTINCT", call.span)
    arguments = tuple(inner.bind(node) for node in nodes)
    check_arguments(function, arguments)
    if function.scalars_only:
        arguments = tuple(as_scalar(argument) for argument in arguments)
    keys = tuple(SortKey(inner.bind(key.expression), key.direction == "desc", key.nulls or "last") for key in order)
    _check_distinct_order(call, arguments, keys)
    return AggregateCall(
        function, arguments, function.returns([argument.type for argument in arguments]), span=call.span,
        distinct=call.distinct, order=keys, filter=None if call.filter is None else inner.bind(call.filter),
    )  # fmt: skip


def _within_group(
    function: Function, nodes: Sequence[tree.Expression], key: tree.SortItem
) -> tuple[tuple[tree.Expression, ...], tuple[tree.SortItem, ...]]:
    """Return the arguments with the sorted value as the last, and the order where it is not that of the numbers.

    Between two values ``percentile_cont`` finds the same from either end, by the share from there.
    """
    share = nodes[0] if nodes else None
    if key.direction == "asc" or function.name != "percentile_cont":
        return (*nodes, key.expression), () if key.direction == "asc" else (key,)
    if isinstance(share, tree.Literal) and isinstance(share.value, int | float):
        nodes = (replace(share, value=1 - share.value),)
    return (*nodes, key.expression), ()


def _check_distinct_order(call: tree.Call, arguments: Sequence[Expression], keys: Sequence[SortKey]) -> None:
    if call.distinct and any(key.expression not in arguments for key in keys):
        raise BtqlError.of(
            errors.MISPLACED, f"`{call.name}(DISTINCT …)` can only be ordered by its own argument", call.order[0].span,
            "another value", help="a value that occurs in several rows has no one place by this order",
        )  # fmt: skip
