"""Typed scalar expressions.

All nodes are frozen; equality is what the binder uses to find a grouped
expression again above the grouping. ``span`` takes no part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import islice
from operator import is_
from typing import TYPE_CHECKING, Literal

from btql_grammar.span import Span
from btql_planner.catalog import Availability
from btql_planner.types import BOOLEAN, NULL, Kind, Type

if TYPE_CHECKING:
    from btql_planner.functions.registry import Function

NO_SPAN = Span(0, 0)
"""The span of an expression that the query does not spell out."""

ConstantValue = None | bool | int | float | str | datetime | tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known when the query is planned; a list of texts is a tuple."""

    value: ConstantValue
    kind: Kind | None
    span: Span = field(default=NO_SPAN, kw_only=True, compare=False, repr=False)

    @property
    def type(self) -> Type:
        """The constant's only kind."""
        return NULL if self.kind is None else frozenset({self.kind})


@dataclass(frozen=True, slots=True)
class Column:
    """A system column of a scan, such as ``created``."""

    name: str
    kind: Kind
    source: str = field(default="", kw_only=True)
    """The relation of a join that the column belongs to; empty where a query has one relation."""
    span: Span = field(default=NO_SPAN, kw_only=True, compare=False, repr=False)

    @property
    def type(self) -> Type:
        """The column's only kind."""
        return frozenset({self.kind})


@dataclass(frozen=True, slots=True)
class PathValue:
    """The value at a path of the document; numbers in the path are array indexes."""

    path: tuple[str | int, ...]
    availability: Availability = field(compare=False, repr=False)
    span: Span = field(default=NO_SPAN, kw_only=True, compare=False, repr=False)
    scalar: bool = field(default=False, compare=False, repr=False)
    """Only scalar kinds and the fact of a value matter here, not what arrays, objects and long texts hold."""
    source: str = field(default="", kw_only=True)
    """The relation of a join that the path belongs to; empty where a query has one relation."""

    @property
    def type(self) -> Type:
        """Every kind the value may have."""
        return self.availability.type

    @property
    def needs_document(self) -> bool:
        """Whether the columns cannot say it all."""
        known = self.availability
        return known.cut or (known.marked and not self.scalar)


@dataclass(frozen=True, slots=True)
class Reference:
    """A column of the plan node below, by name."""

    name: str
    type: Type
    span: Span = field(default=NO_SPAN, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value of the query around a subquery; which one, the subquery's ``arguments`` say."""

    name: str
    type: Type
    span: Span = field(default=NO_SPAN, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Apply:
    """A scalar function or operator applied to its arguments."""

    function: Function
    arguments: tuple[Expression, ...]
    type: Type
    span: Span = field(default=NO_SPAN, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class Ordering:
    """One key of the order in which an aggregate sees its rows."""

    expression: Expression
    descending: bool = False
    nulls: Literal["first", "last"] = "last"


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """An aggregate; only an Aggregate node may hold one when the plan is bound."""

    function: Function
    arguments: tuple[Expression, ...]
    type: Type
    span: Span = field(default=NO_SPAN, kw_only=True, compare=False, repr=False)
    distinct: bool = field(default=False, kw_only=True)
    order: tuple[Ordering, ...] = field(default=(), kw_only=True)
    filter: Expression | None = field(default=None, kw_only=True)
    """Which rows take part; None for all."""


@dataclass(frozen=True, slots=True)
class Match:
    """Full-text search for a phrase in one indexed top-level field."""

    column: str
    tokens: tuple[str, ...]
    operand: PathValue | Column
    span: Span = field(default=NO_SPAN, kw_only=True, compare=False, repr=False)

    @property
    def type(self) -> Type:
        """A condition."""
        return BOOLEAN


Expression = Constant | Column | PathValue | Reference | Parameter | Apply | AggregateCall | Match


def engine_name(source: str, name: str) -> str:
    """Return the name of a column of a relation in the engine, where names of all relations are different."""
    return f"{source}|{name}" if source else name


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the direct operands."""
    match expression:
        case Apply():
            return expression.arguments
        case AggregateCall():
            keys = (key.expression for key in expression.order)
            return (*expression.arguments, *keys, *(() if expression.filter is None else (expression.filter,)))
        case Match():
            return (expression.operand,)
        case _:
            return ()


def walk(expression: Expression) -> Iterator[Expression]:
    """Yield the expression and everything below it, parents first."""
    yield expression
    for child in children(expression):
        yield from walk(child)


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
        case Match():
            (operand,) = new
            assert isinstance(operand, PathValue | Column)
            return replace(expression, operand=operand)
        case _:
            return expression


def without_source(expression: Expression, source: str) -> Expression:
    """Return the expression as it is below the Alias that gives ``source`` its name."""

    def change(node: Expression) -> Expression | None:
        return replace(node, source="") if isinstance(node, Column | PathValue) and node.source == source else None

    return transform(expression, change)


def conjuncts(expression: Expression) -> list[Expression]:
    """Return the conditions that an AND of any depth consists of."""
    if isinstance(expression, Apply) and expression.function.name == "and":
        return [part for argument in expression.arguments for part in conjuncts(argument)]
    return [expression]
