# ruff: noqa: RUF009 - span_field() gives the declaration of a field, not its value.
"""The syntax tree that BTQL text and SQL text are both read into.

Every node is a frozen dataclass with the span it was read from. Spans take no
part in comparison, so two trees are equal when they say the same thing:
``print`` and ``parse`` are tested against each other that way.

Here are the nodes of queries: what stands behind FROM, clauses, and statements.
Those of expressions are in :mod:`.tree_expressions`, and are called ``tree.Call``
like the others; those of statements that are no query in :mod:`.tree_statements`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias
from typing import Literal as Choice

from btql_grammar.span import Span, span_field
from btql_grammar.tree_expressions import *  # noqa: F403  nobody has to know in which of the two a node is
from btql_grammar.tree_expressions import Call, Direction, Expression, Identifier, Parameter, Scalar, Star

if TYPE_CHECKING:
    from btql_grammar.tree_statements import NoQuery

JoinKind = Choice["inner", "left", "right", "full", "cross"]
Shape = Choice["spans", "traces", "summary"]
Language = Choice["btql", "sql"]
PageField = Choice["limit", "offset", "cursor"]


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of select, dimensions or measures, with its alias if it has one."""

    expression: Expression
    alias: str | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class SortItem:
    """One sort key."""

    expression: Expression
    direction: Direction = "asc"
    span: Span = span_field()
    nulls: Choice["first", "last"] | None = field(default=None, kw_only=True)


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a window frame."""

    kind: Choice["unbounded preceding", "preceding", "current row", "following", "unbounded following"]
    distance: Expression | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Frame:
    """``ROWS BETWEEN start AND end``."""

    unit: Choice["rows", "range", "groups"]
    start: Bound
    end: Bound
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Window:
    """What stands in ``OVER (…)``; ``base`` names a window of the WINDOW clause that this one begins with."""

    base: str | None = None
    partition: tuple[Expression, ...] = ()
    order: tuple[SortItem, ...] = ()
    frame: Frame | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class From:
    """``project_logs('a', 'b') traces``: the kind, the names or ids, the shape."""

    kind: str
    arguments: tuple[str, ...]
    shape: Shape = "spans"
    span: Span = span_field()
    alias: str | None = field(default=None, compare=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Table:
    """A bare name behind FROM: a common table, an object, ``project_logs."my project"``, a catalog's table."""

    path: tuple[str, ...]
    span: Span = span_field()
    alias: str | None = field(default=None, kw_only=True)
    columns: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Derived:
    """``(SELECT …) AS alias (columns)`` and ``LATERAL (SELECT …)``; VALUES behind FROM is one, too."""

    query: Statement
    span: Span = span_field()
    alias: str | None = field(default=None, kw_only=True)
    columns: tuple[str, ...] = field(default=(), kw_only=True)
    lateral: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class TableCall:
    """A function that gives rows: ``unnest(tags)``, ``jsonb_each(scores)``, ``generate_series(1, 10)``."""

    call: Call
    span: Span = span_field()
    alias: str | None = field(default=None, kw_only=True)
    columns: tuple[str, ...] = field(default=(), kw_only=True)
    ordinality: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Join:
    """Two relations; a comma in FROM is a cross join."""

    kind: JoinKind
    left: Relation
    right: Relation
    on: Expression | None = None
    using: tuple[str, ...] = ()
    natural: bool = False
    span: Span = span_field()


Relation = From | Table | Derived | TableCall | Join


@dataclass(frozen=True, slots=True)
class UnpivotItem:
    """``scores as (score, value)``: one row per key. With one name: one row per element."""

    expression: Expression
    names: tuple[str] | tuple[str, str]
    """(element) or (key, value)."""
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Pivot:
    """Rows to columns: a column for each value of ``column`` and each measure.

    BTQL names measures of the query and spreads the last dimension (``column`` is
    None); SQL brings its own measures and says ``FOR column IN (ANY)``.
    """

    measures: tuple[Item, ...]
    column: Expression | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class Sample:
    """``sample: 25% seed 42``: a rate from 0 to 1, or a number of rows."""

    rate: float | None
    count: int | None = None
    seed: int | None = None
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class CommonTable:
    """``name (columns) AS (SELECT …)`` of a WITH clause."""

    name: str
    query: Statement
    columns: tuple[str, ...] = ()
    span: Span = span_field()


@dataclass(frozen=True, slots=True)
class With:
    """``WITH [RECURSIVE] …``."""

    tables: tuple[CommonTable, ...]
    recursive: bool = False
    span: Span = span_field()


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
    source: Relation | None = None
    filter: Expression | None = None
    final_filter: Expression | None = None
    sort: tuple[SortItem, ...] = ()
    limit: int | None = None
    offset: int | None = None
    distinct: bool = False
    span: Span = span_field()
    language: Language = field(default="btql", compare=False, kw_only=True)
    # Clauses of both languages (SQL spells some of them in FROM or in SETTINGS).
    span_filter: Expression | None = field(default=None, kw_only=True)
    trace_filter: Expression | None = field(default=None, kw_only=True)
    final_dimensions: tuple[Item, ...] = field(default=(), kw_only=True)
    final_measures: tuple[Item, ...] = field(default=(), kw_only=True)
    pivot: Pivot | None = field(default=None, kw_only=True)
    unpivot: tuple[UnpivotItem, ...] = field(default=(), kw_only=True)
    sample: Sample | None = field(default=None, kw_only=True)
    cursor: str | None = field(default=None, kw_only=True)
    """The token of the page before: ``cursor: '…'``, in SQL ``OFFSET '…'``."""
    infer: tuple[Identifier | Star, ...] = field(default=(), kw_only=True)
    inference_budget: int | None = field(default=None, kw_only=True)
    preview_length: int | None = field(default=None, kw_only=True)
    comparison_key: Expression | None = field(default=None, kw_only=True)
    weighted_scores: tuple[Item, ...] = field(default=(), kw_only=True)
    custom_columns: tuple[Item, ...] = field(default=(), kw_only=True)
    # Clauses of SQL alone.
    with_: With | None = field(default=None, kw_only=True)
    windows: tuple[tuple[str, Window], ...] = field(default=(), kw_only=True)
    distinct_on: tuple[Expression, ...] = field(default=(), kw_only=True)
    grouping_sets: tuple[tuple[int, ...], ...] | None = field(default=None, kw_only=True)
    """GROUPING SETS, ROLLUP and CUBE, spelled out as positions (from 0) in ``dimensions``."""
    settings: tuple[tuple[str, Scalar], ...] = field(default=(), kw_only=True)
    """SETTINGS other than those with a field of their own."""
    counts: tuple[tuple[PageField, Parameter], ...] = field(default=(), kw_only=True)
    """The parameters that stand for ``limit``, ``offset`` or ``cursor``, each of which is None meanwhile."""


@dataclass(frozen=True, slots=True)
class SetOperation:
    """UNION, INTERSECT and EXCEPT, with what applies to both sides together."""

    op: Choice["union", "intersect", "except"]
    left: Statement
    right: Statement
    all: bool = False
    sort: tuple[SortItem, ...] = ()
    limit: int | None = None
    offset: int | None = None
    with_: With | None = None
    span: Span = span_field()
    counts: tuple[tuple[PageField, Parameter], ...] = field(default=(), kw_only=True)
    """As in a :class:`Query`."""


@dataclass(frozen=True, slots=True)
class Values:
    """``VALUES (1, 'a'), (2, 'b')``; the columns are called column1, column2, …"""

    rows: tuple[tuple[Expression, ...], ...]
    span: Span = span_field()


AnyQuery = Query | SetOperation | Values
"""What gives rows to a query around it."""

# The others are imported by those who meet them: most processes ask one query.
Statement: TypeAlias = "AnyQuery | NoQuery"
"""What a text may be."""
