"""Random trees of statements that only SQL text can express, for the tests that print and read them again.

As in ``trees.py``, only trees that a text can give are drawn: paths are folded, grouping
sets number their keys in the order of their first use, a cursor excludes an offset.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import strategies as st
from support import trees

from btql_grammar import build, tree
from btql_grammar.sources import KINDS
from btql_grammar.sql.expressions import JSON_OPERATORS
from btql_grammar.sql.named import TABLE_FUNCTIONS
from btql_grammar.sql.windows import BOUNDS
from btql_grammar.tree_statements import Delete, Explain, ExplainFormat, Insert, Update

_HERE = tree.Star().span
_names = trees.words | st.sampled_from(
    ["all", "over", "by", "lateral", "rows", "partition", "_", "x y", "a.b", 'q"', ""]
)
_optional_names = st.none() | _names
_calls = st.sampled_from(
    [
        "f",
        "trim",
        "substring",
        "overlay",
        "position",
        "exists",
        "row",
        "cast",
        "array",
        "and",
        "mode",
        "percentile_cont",
    ]
)
_types = st.sampled_from(["text", "integer", "numeric(10,2)", "double precision", "timestamptz", "text[]", "json"])
_quantified = st.sampled_from(["eq", "ne", "lt", "ge", "like", "ilike", "match", "nseq"])
_counts = st.none() | st.integers(0, 2**40)


class Grower:
    """Grows one random tree; ``budget`` bounds how many nodes may have children."""

    def __init__(self, draw: trees.Draw, budget: int) -> None:
        self.draw = draw
        self.budget = budget

    def some(self, make: Callable[[], Any], least: int = 0, most: int = 2) -> tuple[Any, ...]:
        return tuple(make() for _ in range(self.draw(st.integers(least, most))))

    def maybe(self, make: Callable[[], Any]) -> Any:
        return make() if self.draw(st.integers(0, 2)) == 0 else None

    def name(self) -> str:
        return self.draw(_names)

    def names(self, least: int = 0) -> tuple[str, ...]:
        return tuple(self.draw(st.lists(_names, min_size=least, max_size=2, unique=True)))

    # Expressions.

    def expression(self) -> tree.Expression:
        self.budget -= 1
        if self.budget <= 0:
            return self.draw(trees.expressions("sql", 1))
        makers = (
            self.call, self.keyword_call, self.cast, self.json, self.subscript, self.row, self.subquery, self.exists,
            self.in_query, self.quantified, self.comparison, self.in_list, self.compound,
        )  # fmt: skip
        return self.draw(st.sampled_from(makers))()

    def call(self) -> tree.Call:
        arguments = self.some(self.expression)
        if self.draw(st.integers(0, 3)) == 0:
            arguments = (tree.Star(table=self.draw(_optional_names)),)
        starred = bool(arguments) and isinstance(arguments[0], tree.Star)
        return tree.Call(
            self.draw(_calls),
            arguments,
            distinct=bool(arguments) and not starred and self.draw(st.booleans()),
            filter=self.maybe(self.expression),
            order=self.some(self.sort_item, most=1),
            window=self.maybe(self.window),
            ignore_nulls=self.draw(st.booleans()),
        )

    def keyword_call(self) -> tree.Call:
        part = tree.Literal(self.draw(st.sampled_from(["hour", "DOW", "a b"])))
        makers = (
            lambda: tree.Call("extract", (part, self.expression())),
            lambda: tree.Call("trim", self.some(self.expression, least=1)),
            lambda: tree.Call("array", (self.subquery(),)),
        )
        return self.draw(st.sampled_from(makers))()

    def cast(self) -> tree.Cast:
        return tree.Cast(self.expression(), self.draw(_types))

    def json(self) -> tree.JsonOperator:
        return tree.JsonOperator(self.draw(st.sampled_from(JSON_OPERATORS)), self.expression(), self.expression())

    def subscript(self) -> tree.Expression:
        literals = st.integers(-9, 9) | _names
        index = tree.Literal(self.draw(literals)) if self.draw(st.booleans()) else tree.Call("f", (self.expression(),))
        return build.subscript(self.expression(), index, _HERE)

    def row(self) -> tree.Row:
        return tree.Row(self.some(self.expression))

    def subquery(self) -> tree.Subquery:
        return tree.Subquery(self.query())

    def exists(self) -> tree.Exists:
        return tree.Exists(self.query())

    def in_query(self) -> tree.Expression:
        made = tree.InQuery(self.expression(), self.query())
        return tree.Not(made) if self.draw(st.booleans()) else made

    def quantified(self) -> tree.Quantified:
        quantifier = self.draw(st.sampled_from(["any", "all"]))
        right: tree.Statement | tree.Expression = self.query() if self.draw(st.booleans()) else self.expression()
        if isinstance(right, tree.Subquery):
            right = right.query
        return tree.Quantified(self.draw(_quantified), self.expression(), quantifier, right)

    def comparison(self) -> tree.Comparison:
        return tree.Comparison(self.draw(st.sampled_from(["eq", "lt", "like"])), self.expression(), self.expression())

    def in_list(self) -> tree.Comparison:
        right = self.expression()
        lists = tree.Array | tree.Row | tree.Cast | tree.Identifier | tree.Call | tree.Exists
        return tree.Comparison("in", self.expression(), right if isinstance(right, lists) else tree.Array((right,)))

    def compound(self) -> tree.Expression:
        makers = (
            lambda: tree.Not(self.expression()),
            lambda: tree.IsNull(self.expression()),
            lambda: tree.Arithmetic("sub", self.expression(), self.expression()),
            lambda: build.connect("and", (self.expression(), self.expression()), _HERE),
            lambda: build.if_(((self.expression(), self.expression()),), self.expression(), _HERE),
            lambda: build.negative(self.expression(), _HERE),
        )
        return self.draw(st.sampled_from(makers))()

    def sort_item(self) -> tree.SortItem:
        nulls = self.draw(st.sampled_from([None, "first", "last"]))
        return tree.SortItem(self.expression(), self.draw(st.sampled_from(["asc", "desc"])), nulls=nulls)

    def window(self) -> tree.Window:
        base = self.draw(_optional_names)
        partition, order = self.some(self.expression, most=1), self.some(self.sort_item, most=1)
        return tree.Window(base, partition, order, self.maybe(self.frame))

    def frame(self) -> tree.Frame:
        start = self.draw(st.integers(0, 3))
        end = self.draw(st.integers(max(start, 1), 4))
        return tree.Frame(self.draw(st.sampled_from(["rows", "range", "groups"])), self.bound(start), self.bound(end))

    def bound(self, number: int) -> tree.Bound:
        kind = BOUNDS[number]
        return tree.Bound(kind, self.expression() if kind in ("preceding", "following") else None)

    # Relations.

    def relation(self) -> tree.Relation:
        self.budget -= 1
        makers = (self.source, self.table, self.table_call, self.derived, self.join)
        return self.draw(st.sampled_from(makers if self.budget > 0 else makers[:2]))()

    def source(self, kinds: Sequence[str] = (*sorted(KINDS), "it's", "join", "foo")) -> tree.From:
        kind = self.draw(st.sampled_from(kinds))
        shape = self.draw(st.sampled_from(["spans", "traces", "summary"]))
        return tree.From(kind, self.some(lambda: self.draw(trees.texts)), shape, alias=self.draw(_optional_names))

    def table(self) -> tree.Table:
        path = (self.name(), *self.names())
        alias = self.draw(_optional_names)
        return tree.Table(path, alias=alias, columns=() if alias is None else self.names())

    def table_call(self) -> tree.TableCall:
        name = self.draw(st.sampled_from([*sorted(TABLE_FUNCTIONS), "f", "project_logs", "my f"]))
        alias = self.draw(_optional_names)
        return tree.TableCall(
            tree.Call(name, self.some(self.expression)),
            alias=alias,
            columns=() if alias is None else self.names(),
            ordinality=self.draw(st.booleans()),
        )

    def derived(self) -> tree.Derived:
        alias = self.draw(_optional_names)
        columns = () if alias is None else self.names()
        return tree.Derived(self.query(), alias=alias, columns=columns, lateral=self.draw(st.booleans()))

    def join(self) -> tree.Join:
        kind = self.draw(st.sampled_from(["inner", "left", "right", "full", "cross"]))
        left, right = self.relation(), self.relation()
        if kind == "cross":
            return tree.Join(kind, left, right)
        match self.draw(st.integers(0, 2)):
            case 0:
                return tree.Join(kind, left, right, self.expression())
            case 1:
                return tree.Join(kind, left, right, None, self.names(least=1))
            case _:
                return tree.Join(kind, left, right, natural=True)

    # Statements.

    def query(self) -> tree.Query | tree.SetOperation | tree.Values:
        self.budget -= 1
        makers = (self.select, self.set_operation, self.values)
        if self.budget <= 0:
            return tree.Query(select=(tree.Star(),), language="sql")
        return self.draw(st.sampled_from(makers))()

    def select_item(self) -> tree.Item | tree.Star:
        if self.draw(st.booleans()):
            return tree.Item(self.expression(), self.draw(_optional_names))
        replaced = self.some(lambda: (self.name(), self.expression()), most=1)
        return tree.Star(table=self.draw(_optional_names), exclude=self.names(), replace=replaced)

    def select(self) -> tree.Query:
        dimensions, grouping_sets = self.groups()
        cursor = self.maybe(lambda: self.draw(trees.texts))
        distinct_on = self.some(self.expression, most=1)
        return tree.Query(
            select=self.some(self.select_item, least=1),
            dimensions=dimensions,
            grouping_sets=grouping_sets,
            source=self.maybe(self.relation),
            filter=self.maybe(self.expression),
            final_filter=self.maybe(self.expression),
            sort=self.some(self.sort_item, most=1),
            limit=self.draw(_counts),
            offset=self.draw(_counts) if cursor is None else None,
            cursor=cursor,
            distinct=not distinct_on and self.draw(st.booleans()),
            distinct_on=distinct_on,
            language="sql",
            with_=self.maybe(self.with_),
            windows=tuple((name, self.window()) for name in self.names()),
            pivot=self.maybe(self.pivot),
            unpivot=self.some(self.unpivot, most=1),
            sample=self.maybe(self.sample),
            preview_length=self.draw(st.none() | st.integers(-1, 2**40)),
            settings=tuple((key, self.draw(trees.numbers | trees.texts | st.booleans())) for key in self.keys()),
        )

    def keys(self) -> list[str]:
        return self.draw(st.lists(st.sampled_from(["a", "b_c", "x y"]), max_size=2, unique=True))

    def groups(self) -> tuple[tuple[tree.Item, ...], tuple[tuple[int, ...], ...] | None]:
        # A row would be taken for a list of keys.
        keys = [key for key in self.some(self.expression, most=3) if not isinstance(key, tree.Row)]
        if self.draw(st.booleans()):
            return tuple(map(tree.Item, keys)), None
        different = list({repr(key): key for key in keys}.values())
        chosen: list[int] = []
        sets: list[tuple[int, ...]] = [()]
        for number in range(len(different)):
            chosen.append(number)
            sets.append((*tuple(self.draw(st.permutations(chosen[:-1]))), number))
        return tuple(map(tree.Item, different)), tuple(sets)

    def pivot(self) -> tree.Pivot:
        measures = self.some(lambda: tree.Item(self.expression(), self.draw(_optional_names)), least=1)
        return tree.Pivot(measures, self.expression())

    def unpivot(self) -> tree.UnpivotItem:
        names = (self.name(),) if self.draw(st.booleans()) else (self.name(), self.name())
        return tree.UnpivotItem(self.expression(), names)

    def sample(self) -> tree.Sample:
        rate = self.draw(st.none() | st.floats(0, 1))
        count = self.draw(st.integers(1, 2**40)) if rate is None else None
        return tree.Sample(rate, count, self.draw(st.none() | st.integers(-9, 2**40)))

    def with_(self) -> tree.With:
        tables = tuple(tree.CommonTable(name, self.query(), self.names()) for name in self.names(least=1))
        return tree.With(tables, self.draw(st.booleans()))

    def set_operation(self) -> tree.SetOperation:
        return tree.SetOperation(
            self.draw(st.sampled_from(["union", "intersect", "except"])),
            self.query(),
            self.query(),
            self.draw(st.booleans()),
            self.some(self.sort_item, most=1),
            self.draw(_counts),
            self.draw(_counts),
            self.maybe(self.with_),
        )

    def values(self, width: int | None = None) -> tree.Values:
        columns: int = width or self.draw(st.integers(1, 2))
        return tree.Values(self.some(lambda: tuple(self.expression() for _ in range(columns)), least=1))

    def target(self) -> tree.From | tree.Table:
        if self.draw(st.booleans()):
            return self.source(sorted(KINDS))
        first = self.draw(_names | st.just("view"))
        return tree.Table((first, *self.names()), alias=self.draw(_optional_names))

    def path(self) -> tuple[str | int, ...]:
        return (self.name(), *self.draw(st.lists(_names | st.integers(-9, 9), max_size=2)))

    def columns(self, least: int) -> list[tuple[str | int, ...]]:
        """Return columns to write to: none is another, or inside another."""
        found: list[tuple[str | int, ...]] = []
        for path in self.some(self.path, least):
            if not any(each[: len(path)] == path[: len(each)] for each in found):
                found.append(path)
        return found

    def insert(self) -> Insert:
        columns = tuple(self.columns(0))
        source = self.draw(st.sampled_from([lambda: self.values(len(columns)), self.query]))()
        if isinstance(source, tree.Values) and columns and len(source.rows[0]) != len(columns):
            columns = ()
        return Insert(self.target(), columns, source, merge=self.draw(st.booleans()))

    def update(self) -> Update:
        pairs = tuple((tree.Identifier(path), self.expression()) for path in self.columns(1))
        return Update(self.target(), pairs, self.maybe(self.expression))

    def delete(self) -> Delete:
        return Delete(self.target(), self.maybe(self.expression))

    def statement(self) -> tree.Statement:
        made = self.draw(st.sampled_from([self.query] * 6 + [self.insert, self.update, self.delete]))()
        if self.draw(st.integers(0, 9)):
            return made
        forms: list[ExplainFormat] = ["text", "json", "tree"]
        return Explain(made, self.draw(st.booleans()), self.draw(st.sampled_from(forms)))


@st.composite
def statements(draw: trees.Draw, budget: int = 20) -> tree.Statement:
    """Return the tree of a statement in SQL."""
    return Grower(draw, budget).statement()


@st.composite
def expressions(draw: trees.Draw, budget: int = 12) -> tree.Expression:
    """Return the tree of an expression in SQL, subqueries included."""
    return Grower(draw, budget).expression()
