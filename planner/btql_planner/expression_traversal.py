"""Walking through typed expressions and changing them: what ``plan_traversal`` does for plans."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from operator import is_

from btql_planner.expressions import (
    AggregateCall,
    Apply,
    Column,
    Constant,
    Expression,
    Match,
    Over,
    Parameter,
    PathValue,
    Ranking,
    Reference,
    Subquery,
    engine_name,
)

_LEAVES = frozenset({Constant, Column, PathValue, Reference, Parameter})


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the direct operands."""
    if type(expression) in _LEAVES:
        return ()
    match expression:
        case Apply():
            return expression.arguments
        case AggregateCall():
            keys = (key.expression for key in expression.order)
            return (*expression.arguments, *keys, *(() if expression.filter is None else (expression.filter,)))
        case Over():
            keys = (key.expression for key in expression.order)
            return (*children(expression.call), *expression.partition, *keys)
        case Ranking() | Subquery():
            return expression.arguments
        case Match():
            return (expression.operand,)
        case _:
            return ()


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield the expression and everything below it, parents first."""
    waiting = [expression]
    while waiting:
        node = waiting.pop()
        yield node
        waiting.extend(reversed(children(node)))


def transform(expression: Expression, change: Callable[[Expression], Expression | None]) -> Expression:
    """Return the expression with ``change`` tried on every node, parents first.

    Where ``change`` returns a node, that node replaces the old one and is not
    looked into again.
    """
    changed = change(expression)
    if changed is not None:
        return changed
    old = children(expression)
    new = tuple(transform(child, change) for child in old)
    return expression if all(map(is_, old, new)) else with_children(expression, new)


def with_children(expression: Expression, new: tuple[Expression, ...]) -> Expression:
    """Return the expression with other operands."""
    match expression:
        case Apply():
            return replace(expression, arguments=new)
        case AggregateCall():
            rest = iter(new)
            arguments = tuple(islice(rest, len(expression.arguments)))
            order = tuple(replace(key, expression=next(rest)) for key in expression.order)
            return replace(expression, arguments=arguments, order=order, filter=next(rest, None))
        case Ranking() | Subquery():
            return replace(expression, arguments=new)
        case Over():
            rest = iter(new)
            call = with_children(expression.call, tuple(islice(rest, len(children(expression.call)))))
            assert isinstance(call, Ranking | AggregateCall)
            partition = tuple(islice(rest, len(expression.partition)))
            order = tuple(replace(key, expression=next(rest)) for key in expression.order)
            return replace(expression, call=call, partition=partition, order=order)
        case Match():
            (operand,) = new
            assert isinstance(operand, PathValue | Column)
            return replace(expression, operand=operand)
        case _:
            return expression


def without_source(expression: Expression, source: str) -> Expression:
    """Return the expression as it is below the Alias that gives ``source`` its name."""

    def change(node: Expression) -> Expression | None:
        if isinstance(node, Reference):
            # A measure of a summary; nothing else is computed below an Alias.
            return replace(node, name=node.name.removeprefix(engine_name(source, "")))
        return replace(node, source="") if isinstance(node, Column | PathValue) and node.source == source else None

    return transform(expression, change)


def conjuncts(expression: Expression) -> list[Expression]:
    """Return the conditions that an AND of any depth consists of, where all that counts is whether they hold."""
    if isinstance(expression, Apply) and expression.function.name == "and":
        return [part for argument in expression.arguments for part in conjuncts(argument)]
    if isinstance(expression, Apply) and expression.function.name == "if_present":
        return conjuncts(expression.arguments[1])
    return [expression]
