"""Typed scalar expressions.

All nodes are frozen; equality is what the binder uses to find a grouped
expression again above the grouping. ``span`` takes no part in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING

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
class Apply:
    """A scalar function or operator applied to its arguments."""

    function: Function
    arguments: tuple[Expression, ...]
    type: Type
    span: Span = field(default=NO_SPAN, kw_only=True, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """An aggregate; only an Aggregate node may hold one when the plan is bound."""

    function: Function
    arguments: tuple[Expression, ...]
    type: Type
    span: Span = field(default=NO_SPAN, kw_only=True, compare=False, repr=False)
    distinct: bool = field(default=False, kw_only=True)


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


Expression = Constant | Column | PathValue | Reference | Apply | AggregateCall | Match


def children(expression: Expression) -> tuple[Expression, ...]:
    """Return the direct operands."""
    match expression:
        case Apply() | AggregateCall():
            return expression.arguments
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
    if isinstance(expression, Apply | AggregateCall):
        arguments = tuple(transform(argument, change) for argument in expression.arguments)
        return expression if arguments == expression.arguments else replace(expression, arguments=arguments)
    return expression


def conjuncts(expression: Expression) -> list[Expression]:
    """Return the conditions that an AND of any depth consists of."""
    if isinstance(expression, Apply) and expression.function.name == "and":
        return [part for argument in expression.arguments for part in conjuncts(argument)]
    return [expression]
