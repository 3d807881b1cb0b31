# ruff: noqa: RUF009 - span_field() gives the declaration of a field, not its value.
"""Typed scalar expressions.

All nodes are frozen; equality is what the binder uses to find a grouped
expression again above the grouping. ``span`` takes no part in it.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Literal

from btql_grammar.span import Span, span_field
from btql_planner.catalog import Availability
from btql_planner.types import BOOLEAN, NULL, Kind, Type

if TYPE_CHECKING:
    from btql_planner.functions.function import Function
    from btql_planner.plan import Plan

NO_SPAN = Span(0, 0)
"""The span of an expression that the query does not spell out."""

MIRRORED = {"eq": "eq", "lt": "gt", "le": "ge", "gt": "lt", "ge": "le"}
"""The comparison that says the same with its two sides exchanged."""

ConstantValue = None | bool | int | float | str | datetime | tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Constant:
    """A value known when the query is planned; a list of texts is a tuple."""

    value: ConstantValue
    kind: Kind | None
    span: Span = span_field()

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
    span: Span = span_field()

    @property
    def type(self) -> Type:
        """The column's only kind."""
        return frozenset({self.kind})


@dataclass(frozen=True, slots=True)
class PathValue:
    """The value at a path of the document; numbers in the path are array indexes."""

    path: tuple[str | int, ...]
    availability: Availability = field(compare=False, repr=False)
    span: Span = span_field()
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
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Parameter:
    """A value of the query around a subquery; which one, the subquery's ``arguments`` say."""

    name: str
    type: Type
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Apply:
    """A scalar function or operator applied to its arguments."""

    function: Function
    arguments: tuple[Expression, ...]
    type: Type
    span: Span = span_field()

    @property
    def in_python(self) -> bool:
        """Whether it is computed in Python, row by row."""
        return self.function.in_python([argument.type for argument in self.arguments])


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order of rows; nulls come last unless asked otherwise."""

    expression: Expression
    descending: bool = False
    nulls: Literal["first", "last"] = "last"


@dataclass(frozen=True, slots=True)
class AggregateCall:
    """An aggregate; only an Aggregate node may hold one when the plan is bound."""

    function: Function
    arguments: tuple[Expression, ...]
    type: Type
    span: Span = span_field()
    distinct: bool = field(default=False, kw_only=True)
    order: tuple[SortKey, ...] = field(default=(), kw_only=True)
    filter: Expression | None = field(default=None, kw_only=True)
    """Which rows take part; None for all."""


@dataclass(frozen=True, slots=True)
class Ranking:
    """A function that only makes sense over a window, such as ``row_number``."""

    name: str
    arguments: tuple[Expression, ...]
    type: Type
    span: Span = span_field()
    ignore_nulls: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a window frame."""

    kind: Literal["unbounded preceding", "preceding", "current row", "following", "unbounded following"]
    distance: int | float | str | None = None
    """A number of rows or groups, or a distance between sort keys; a text is an interval."""


@dataclass(frozen=True, slots=True)
class Frame:
    """The rows around each row that a function over a window looks at."""

    unit: Literal["rows", "range", "groups"]
    start: Bound
    end: Bound


@dataclass(frozen=True, slots=True)
class Over:
    """A function or an aggregate over the rows of a window; only a Window node may hold one when the plan is bound."""

    call: Ranking | AggregateCall
    partition: tuple[Expression, ...] = ()
    order: tuple[SortKey, ...] = ()
    frame: Frame | None = None
    span: Span = span_field()

    @property
    def type(self) -> Type:
        """The type of the call."""
        return self.call.type


@dataclass(frozen=True, slots=True)
class Subquery:
    """A query inside an expression: its one value, or whether it has a row that passes a test.

    It looks at the query around it through parameters only: number n stands for
    argument number n. A rule turns it into a join.
    """

    plan: Plan
    column: Reference | None
    """The value, where it stands for one."""
    parameters: tuple[Parameter, ...]
    arguments: tuple[Expression, ...]
    test: Expression | None = None
    """What a row has to pass, true, false or null: ``x = column`` for IN. None is passed by every row."""
    span: Span = span_field()

    @property
    def type(self) -> Type:
        """The type of the value; a test gives a condition."""
        return BOOLEAN if self.column is None else self.column.type


@dataclass(frozen=True, slots=True)
class Match:
    """Full-text search for a phrase in one indexed top-level field."""

    column: str
    tokens: tuple[str, ...]
    operand: PathValue | Column
    span: Span = span_field()

    @property
    def type(self) -> Type:
        """A condition."""
        return BOOLEAN


Expression = (
    Constant | Column | PathValue | Reference | Parameter | Apply | AggregateCall | Ranking | Over | Subquery | Match
)


_SEPARATOR = "#|"
"""Never in the engine's name of a plain column: there, ``#`` is escaped but before the letter of a kind."""


def engine_name(source: str, name: str) -> str:
    """Return the name of a column of a relation in the engine, where names of all relations are different."""
    return f"{source}{_SEPARATOR}{name}" if source else name


def split_engine_name(name: str) -> tuple[str, str]:
    """Return the relation and the name in it; the relation is empty for a plain name."""
    source, separator, rest = name.partition(_SEPARATOR)
    return (source, rest) if separator else ("", name)


def as_scalar(expression: Expression) -> Expression:
    """Return a path as one of which only the scalar kinds matter, anything else as it is."""
    return replace(expression, scalar=True) if isinstance(expression, PathValue) else expression
