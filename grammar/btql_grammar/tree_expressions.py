# ruff: noqa: RUF009 - span_field() gives the declaration of a field, not its value.
"""The nodes of expressions. Readers of the tree find them in :mod:`btql_grammar.tree`, which has those of queries.

The operators carry the names of the public JSON form (``eq``, ``ne``,
``ilike``, ``match``, ...), so that the tree converts to it without a table.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as Choice

from btql_grammar.span import Span, span_field

if TYPE_CHECKING:
    from btql_grammar import tree

Scalar: TypeAlias = bool | int | float | str | None
ComparisonOp = Choice["eq", "ne", "lt", "le", "gt", "ge", "is", "like", "ilike", "match", "in", "nseq", "nsne"]
ArithmeticOp = Choice["add", "sub", "mul", "div", "mod"]
JsonOp = Choice["->", "->>", "#>", "#>>", "@>", "<@", "?", "?|", "?&"]
Unit = Choice["year", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond"]
Direction: TypeAlias = Choice["asc", "desc"]


@dataclass(frozen=True, slots=True)
class Literal:
    """null, a boolean, a whole or a decimal number, or a text."""

    value: Scalar
    span: Span = span_field()
    double_quoted: bool = field(default=False, compare=False, repr=False, kw_only=True)
    """A text in double quotes may turn out to name a field; the binder decides."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """``$1``, ``:name``, or ``?``, whose place among the others of its kind is its number.

    A value takes its place before the statement is planned: :mod:`btql_grammar.parameters`.
    """

    key: int | str | None
    """None for ``?``."""
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Array:
    """``['a', 'b']``, and the parenthesised list behind IN."""

    items: tuple[Expression, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Object:
    """``{key: value}``."""

    items: tuple[tuple[str, Expression], ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Interval:
    """``interval 7 day``."""

    value: int
    unit: Unit
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Identifier:
    """A path: ``metadata."field name".models[0]`` is ('metadata', 'field name', 'models', 0)."""

    path: tuple[str | int, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Star:
    """``*`` or ``t.*`` in a select list, ``*`` in ``count(*)``."""

    span: Span = span_field()
    table: str | None = field(default=None, kw_only=True)
    replace: tuple[tuple[str, Expression], ...] = field(default=(), kw_only=True)
    """``* REPLACE (expression AS name)``."""
    exclude: tuple[str, ...] = field(default=(), kw_only=True)
    """``* EXCLUDE (name)``."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function call. The grammar knows no function names; the binder looks them up.

    SQL's keyword forms are calls too: ``EXTRACT(hour FROM x)`` is ``extract('hour', x)``,
    ``x ~ y`` is ``regexp_like(x, y)``, ``x AT TIME ZONE z`` is ``timezone(z, x)`` or ``from_timezone(z, x)``.
    """

    name: str
    """As written, apart from case: always lower case."""
    arguments: tuple[Expression, ...]
    span: Span = span_field()
    distinct: bool = field(default=False, kw_only=True)
    name_span: Span = span_field()
    filter: Expression | None = field(default=None, kw_only=True)
    """``FILTER (WHERE …)`` behind an aggregate."""
    order: tuple[tree.SortItem, ...] = field(default=(), kw_only=True)
    """``string_agg(x, ',' ORDER BY y)`` and ``WITHIN GROUP (ORDER BY y)``."""
    window: tree.Window | None = field(default=None, kw_only=True)
    """``OVER (…)``; ``OVER w`` is a window with nothing but a name."""
    ignore_nulls: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Cast:
    """``x::type`` and ``CAST(x AS type)``; ``type_name`` is lower case: ``integer``, ``numeric(10,2)``, ``text[]``."""

    expression: Expression
    type_name: str
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class JsonOperator:
    """Postgres' operators over JSON: ``metadata -> 'user' ->> 'name'``."""

    op: JsonOp
    left: Expression
    right: Expression
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Subscript:
    """``(expression)[index]`` and ``f(x).key`` over something that is not a path; indexes count from 0."""

    expression: Expression
    index: Expression
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Row:
    """``(a, b)``: several values compared as one."""

    items: tuple[Expression, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Subquery:
    """``(SELECT …)`` as a value: one column, at most one row."""

    query: tree.Statement
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Exists:
    """``EXISTS (SELECT …)``."""

    query: tree.Statement
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class InQuery:
    """``x IN (SELECT …)``; NOT IN is wrapped in :class:`Not`."""

    expression: Expression
    query: tree.Statement
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Quantified:
    """``x op ANY (…)`` and ``x op ALL (…)`` over a query or over an array."""

    op: ComparisonOp
    left: Expression
    quantifier: Choice["any", "all"]
    right: tree.Statement | Expression
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Comparison:
    """``left op right``; negated forms are wrapped in :class:`Not`."""

    op: ComparisonOp
    left: Expression
    right: Expression
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Includes:
    """``haystack INCLUDES needle``, and its synonym CONTAINS."""

    haystack: Expression
    needle: Expression
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Boolean:
    """AND or OR over two or more conditions; nested equal operators are one node."""

    op: Choice["and", "or"]
    children: tuple[Expression, ...]
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Not:
    """``NOT expression``."""

    expression: Expression
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class IsNull:
    """``expression IS NULL``; ``IS NOT NULL`` has ``negated`` set."""

    expression: Expression
    span: Span = span_field()
    negated: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Negative:
    """Unary minus over something that is not a number literal."""

    expression: Expression
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """``left op right`` over numbers, or over a time and an interval."""

    op: ArithmeticOp
    left: Expression
    right: Expression
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class If:
    """``a ? b : c ? d : e`` and CASE WHEN: the first condition that holds decides."""

    branches: tuple[tuple[Expression, Expression], ...]
    otherwise: Expression
    span: Span = span_field()


Expression: TypeAlias = (
    Literal
    | Parameter
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
    | Cast
    | JsonOperator
    | Subscript
    | Row
    | Subquery
    | Exists
    | InQuery
    | Quantified
)
