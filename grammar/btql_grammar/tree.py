# ruff: noqa: RUF009 - _span() gives the declaration of a field, not its value.
"""The syntax tree that BTQL text and SQL text are both read into.

Every node is a frozen dataclass with the span it was read from. Spans take no
part in comparison, so two trees are equal when they say the same thing:
``print`` and ``parse`` are tested against each other that way.

The operators carry the names of the public JSON form (``eq``, ``ne``,
``ilike``, ``match``, ...), so that the tree converts to it without a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Literal as Choice

from btql_grammar.span import Span

Scalar = None | bool | int | float | str
ComparisonOp = Choice["eq", "ne", "lt", "le", "gt", "ge", "is", "like", "ilike", "match", "in", "nseq", "nsne"]
ArithmeticOp = Choice["add", "sub", "mul", "div", "mod"]
Unit = Choice["year", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond"]
Shape = Choice["spans", "traces", "summary"]
Direction = Choice["asc", "desc"]
Language = Choice["btql", "sql"]


def _span() -> Span:
    return field(kw_only=True, compare=False, repr=False, default=Span(0, 0))


@dataclass(frozen=True, slots=True)
class Literal:
    """null, a boolean, a whole or a decimal number, or a text."""

    value: Scalar
    span: Span = _span()
    double_quoted: bool = field(default=False, compare=False, repr=False, kw_only=True)
    """A text in double quotes may turn out to name a field; the binder decides."""


@dataclass(frozen=True, slots=True)
class Array:
    """``['a', 'b']``, and the parenthesised list behind IN."""

    items: tuple[Expression, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Object:
    """``{key: value}``."""

    items: tuple[tuple[str, Expression], ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Interval:
    """``interval 7 day``."""

    value: int
    unit: Unit
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Identifier:
    """A path: ``metadata."field name".models[0]`` is ('metadata', 'field name', 'models', 0)."""

    path: tuple[str | int, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Star:
    """``*`` in a select list or in ``count(*)``."""

    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Call:
    """A function call. The grammar knows no function names; the binder looks them up."""

    name: str
    """As written, apart from case: always lower case."""
    arguments: tuple[Expression, ...]
    span: Span = _span()
    distinct: bool = field(default=False, kw_only=True)
    name_span: Span = _span()


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left op right``; negated forms are wrapped in :class:`Not`."""

    op: ComparisonOp
    left: Expression
    right: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Includes:
    """``haystack INCLUDES needle``, and its synonym CONTAINS."""

    haystack: Expression
    needle: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Boolean:
    """AND or OR over two or more conditions; nested equal operators are one node."""

    op: Choice["and", "or"]
    children: tuple[Expression, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT expression``."""

    expression: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class IsNull:
    """``expression IS NULL``; ``IS NOT NULL`` has ``negated`` set."""

    expression: Expression
    span: Span = _span()
    negated: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Negative:
    """Unary minus over something that is not a number literal."""

    expression: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right`` over numbers, or over a time and an interval."""

    op: ArithmeticOp
    left: Expression
    right: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class If:
    """``a ? b : c ? d : e`` and CASE WHEN: the first condition that holds decides."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression
    span: Span = _span()


Expression = (
    Literal
    | Array
    | Object
    | Interval
    | Identifier
    | Star
    | Call
    | Comparison
    | Includes
    | Boolean
    | Not
    | IsNull
    | Negative
    | Arithmetic
    | If
)


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of select, dimensions or measures, with its alias if it has one."""

    expression: Expression
    alias: str | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class SortItem:
    """One sort key."""

    expression: Expression
    direction: Direction = "asc"
    span: Span = _span()
    nulls: Choice["first", "last"] | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class From:
    """``project_logs('a', 'b') traces``: the kind, the names or ids, the shape."""

    kind: str
    arguments: tuple[str, ...]
    shape: Shape = "spans"
    span: Span = _span()
    alias: str | None = field(default=None, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Query:
    """A whole query. Absent clauses are None or empty.

    SQL's GROUP BY fills ``dimensions`` and leaves the select list in ``select``:
    a query is an aggregate query when it has dimensions, measures, or an
    aggregate call in its select list. Positions (``GROUP BY 1``, ``ORDER BY 2``)
    stay whole-number literals for the binder.
    """

    select: tuple[Item | Star, ...] = ()
    dimensions: tuple[Item, ...] = ()
    measures: tuple[Item, ...] = ()
    source: From | None = None
    filter: Expression | None = None
    final_filter: Expression | None = None
    sort: tuple[SortItem, ...] = ()
    limit: int | None = None
    offset: int | None = None
    distinct: bool = False
    span: Span = _span()
    language: Language = field(default="btql", compare=False, kw_only=True)
