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
JsonOp = Choice["->", "->>", "#>", "#>>", "@>", "<@", "?", "?|", "?&"]
JoinKind = Choice["inner", "left", "right", "full", "cross"]
Unit = Choice["year", "month", "week", "day", "hour", "minute", "second", "millisecond", "microsecond"]
Shape = Choice["spans", "traces", "summary"]
Direction = Choice["asc", "desc"]
Language = Choice["btql", "sql"]
PageField = Choice["limit", "offset", "cursor"]


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
class Parameter:
    """``$1``, ``:name``, or ``?``, whose place among the others of its kind is its number.

    A value takes its place before the statement is planned: :mod:`btql_grammar.parameters`.
    """

    key: int | str | None
    """None for ``?``."""
    span: Span = _span()


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
    """``*`` or ``t.*`` in a select list, ``*`` in ``count(*)``."""

    span: Span = _span()
    table: str | None = field(default=None, kw_only=True)
    replace: tuple[tuple[str, Expression], ...] = field(default=(), kw_only=True)
    """``* REPLACE (expression AS name)``."""
    exclude: tuple[str, ...] = field(default=(), kw_only=True)
    """``* EXCLUDE (name)``."""


@dataclass(frozen=True, slots=True)
class Call:
    """A function call. The grammar knows no function names; the binder looks them up.

    SQL's keyword forms are calls too: ``EXTRACT(hour FROM x)`` is ``extract('hour', x)``,
    ``x ~ y`` is ``regexp_like(x, y)``, ``x AT TIME ZONE z`` is ``timezone(z, x)``.
    """

    name: str
    """As written, apart from case: always lower case."""
    arguments: tuple[Expression, ...]
    span: Span = _span()
    distinct: bool = field(default=False, kw_only=True)
    name_span: Span = _span()
    filter: Expression | None = field(default=None, kw_only=True)
    """``FILTER (WHERE …)`` behind an aggregate."""
    order: tuple[SortItem, ...] = field(default=(), kw_only=True)
    """``string_agg(x, ',' ORDER BY y)`` and ``WITHIN GROUP (ORDER BY y)``."""
    window: Window | None = field(default=None, kw_only=True)
    """``OVER (…)``; ``OVER w`` is a window with nothing but a name."""
    ignore_nulls: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Bound:
    """One end of a window frame."""

    kind: Choice["unbounded preceding", "preceding", "current row", "following", "unbounded following"]
    distance: Expression | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Frame:
    """``ROWS BETWEEN start AND end``."""

    unit: Choice["rows", "range", "groups"]
    start: Bound
    end: Bound
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Window:
    """What stands in ``OVER (…)``; ``base`` names a window of the WINDOW clause that this one begins with."""

    base: str | None = None
    partition: tuple[Expression, ...] = ()
    order: tuple[SortItem, ...] = ()
    frame: Frame | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Cast:
    """``x::type`` and ``CAST(x AS type)``; ``type_name`` is lower case: ``integer``, ``numeric(10,2)``, ``text[]``."""

    expression: Expression
    type_name: str
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class JsonOperator:
    """Postgres' operators over JSON: ``metadata -> 'user' ->> 'name'``."""

    op: JsonOp
    left: Expression
    right: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Subscript:
    """``(expression)[index]`` and ``f(x).key`` over something that is not a path; indexes count from 0."""

    expression: Expression
    index: Expression
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Row:
    """``(a, b)``: several values compared as one."""

    items: tuple[Expression, ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Subquery:
    """``(SELECT …)`` as a value: one column, at most one row."""

    query: Statement
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Exists:
    """``EXISTS (SELECT …)``."""

    query: Statement
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class InQuery:
    """``x IN (SELECT …)``; NOT IN is wrapped in :class:`Not`."""

    expression: Expression
    query: Statement
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Quantified:
    """``x op ANY (…)`` and ``x op ALL (…)`` over a query or over an array."""

    op: ComparisonOp
    left: Expression
    quantifier: Choice["any", "all"]
    right: Statement | Expression
    span: Span = _span()


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
class Table:
    """A bare name behind FROM: a common table, an object, ``project_logs."my project"``, a catalog's table."""

    path: tuple[str, ...]
    span: Span = _span()
    alias: str | None = field(default=None, kw_only=True)
    columns: tuple[str, ...] = field(default=(), kw_only=True)


@dataclass(frozen=True, slots=True)
class Derived:
    """``(SELECT …) AS alias (columns)`` and ``LATERAL (SELECT …)``; VALUES behind FROM is one, too."""

    query: Statement
    span: Span = _span()
    alias: str | None = field(default=None, kw_only=True)
    columns: tuple[str, ...] = field(default=(), kw_only=True)
    lateral: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class TableCall:
    """A function that gives rows: ``unnest(tags)``, ``jsonb_each(scores)``, ``generate_series(1, 10)``."""

    call: Call
    span: Span = _span()
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
    span: Span = _span()


Relation = From | Table | Derived | TableCall | Join


@dataclass(frozen=True, slots=True)
class UnpivotItem:
    """``scores as (score, value)``: one row per key. With one name: one row per element."""

    expression: Expression
    names: tuple[str] | tuple[str, str]
    """(element) or (key, value)."""
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Pivot:
    """Rows to columns: a column for each value of ``column`` and each measure.

    BTQL names measures of the query and spreads the last dimension (``column`` is
    None); SQL brings its own measures and says ``FOR column IN (ANY)``.
    """

    measures: tuple[Item, ...]
    column: Expression | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Sample:
    """``sample: 25% seed 42``: a rate from 0 to 1, or a number of rows."""

    rate: float | None
    count: int | None = None
    seed: int | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class CommonTable:
    """``name (columns) AS (SELECT …)`` of a WITH clause."""

    name: str
    query: Statement
    columns: tuple[str, ...] = ()
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class With:
    """``WITH [RECURSIVE] …``."""

    tables: tuple[CommonTable, ...]
    recursive: bool = False
    span: Span = _span()


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
    span: Span = _span()
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
    span: Span = _span()
    counts: tuple[tuple[PageField, Parameter], ...] = field(default=(), kw_only=True)
    """As in a :class:`Query`."""


@dataclass(frozen=True, slots=True)
class Values:
    """``VALUES (1, 'a'), (2, 'b')``; the columns are called column1, column2, …"""

    rows: tuple[tuple[Expression, ...], ...]
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Insert:
    """``INSERT INTO object (columns) VALUES …`` or ``SELECT …``; ``merge`` for ON CONFLICT (id) DO UPDATE."""

    target: From | Table
    columns: tuple[tuple[str | int, ...], ...]
    """Paths: ``metadata.model`` may be a column."""
    source: Statement
    span: Span = _span()
    merge: bool = field(default=False, kw_only=True)


@dataclass(frozen=True, slots=True)
class Update:
    """``UPDATE object SET path = expression WHERE filter``: a merge into each row."""

    target: From | Table
    assignments: tuple[tuple[Identifier, Expression], ...]
    filter: Expression | None = None
    span: Span = _span()


@dataclass(frozen=True, slots=True)
class Delete:
    """``DELETE FROM object WHERE filter``."""

    target: From | Table
    filter: Expression | None = None
    span: Span = _span()


ExplainFormat = Choice["text", "json", "tree"]


@dataclass(frozen=True, slots=True)
class Explain:
    """``EXPLAIN [ANALYZE] query``, or with options in parentheses."""

    query: Statement
    analyze: bool = False
    format: ExplainFormat = "text"
    span: Span = _span()


Statement = Query | SetOperation | Values | Insert | Update | Delete | Explain
"""What a text may be. Only the first three give rows to a query around them."""
