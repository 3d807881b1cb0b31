"""Bind one query: its FROM, its clauses, its select list.

1. The relation behind FROM becomes rows, filtered as the shape of its source
   says (:mod:`btql_planner.clauses.rows`), unpivoted and sampled.
2. A query with dimensions, measures or an aggregate in its select list, its
   final filter or its order is an aggregate query: its keys and aggregates go into one Aggregate node, and
   everything above refers to that node's columns.
3. Rows of a source come newest first where nothing else is asked for, and equal
   sort keys are told apart by ``_pagination_key``, so every answer has one order.
   All rows of a large source, asked for in SQL, come as they lie.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError, Label
from btql_planner import errors
from btql_planner.bind_expression import ExpressionBinder
from btql_planner.bind_relation import bind_relation, with_tables
from btql_planner.bind_set import refuse_constant
from btql_planner.bind_window import refuse_windows
from btql_planner.bound_relation import BoundRelation
from btql_planner.clauses.page import Page, no_cursor
from btql_planner.clauses.pivot import without_pivot
from btql_planner.clauses.source import SourceClauses
from btql_planner.clauses.stages import in_stages, refuse_inside, without_inference
from btql_planner.expressions import Column, Constant, Expression, Reference
from btql_planner.finish import Infer, Pivot
from btql_planner.grouping import Grouping, has_aggregate, refuse_aggregates
from btql_planner.layers import Windows, first_of_each
from btql_planner.names import implicit_alias
from btql_planner.options import refuse_parameters
from btql_planner.plan import (
    Filter,
    Limit,
    Named,
    Nothing,
    Plan,
    Project,
    Sort,
    SortKey,
)
from btql_planner.scope import Around, Rows, Scope
from btql_planner.star import bind_star
from btql_planner.types import Kind


def bind_query(query: tree.Query, around: Around, source: str = "") -> Rows:
    """Return the typed plan of a query; one inside another gets the name ``source``."""
    if source:
        refuse_inside(query)
    refuse_parameters(query, around.context.options)
    query, infer = without_inference(in_stages(query), around.context.options.inference_budget)
    query, pivot = without_pivot(query)
    finish = infer or pivot
    return _QueryBinder(query, with_tables(around, query.with_), source, finish).bind()


@dataclass(frozen=True, slots=True)
class _Output:
    """One column of the select list, bound."""

    name: str
    expression: Expression
    item: tree.Item


@dataclass
class _QueryBinder:
    """Binds one query, clause by clause."""

    query: tree.Query
    around: Around
    source: str
    finish: Pivot | Infer | None = None
    relation: BoundRelation = field(init=False)
    scope: Scope = field(init=False)
    order: tuple[SortKey, ...] = field(default=(), init=False)
    """The order that the query asks for, in terms of the rows below its columns."""
    hidden: tuple[Named, ...] = field(default=(), init=False)
    """Columns of the answer that are not handed out."""

    def __post_init__(self) -> None:
        query = self.query
        self.relation = (
            BoundRelation(Nothing(), ()) if query.source is None else bind_relation(query.source, self.around)
        )
        windows = dict(query.windows)
        self.scope = Scope(self.around, self.relation.names, merged=self.relation.merged, windows=windows)
        self.clauses = SourceClauses(query, self.relation, self.scope)
        self.shape: tree.Shape | None = self.clauses.shape
        spelled = [item.expression for item in (*query.select, *query.sort) if not isinstance(item, tree.Star)]
        self.grouped = bool(query.dimensions or query.measures or query.grouping_sets is not None) or any(
            map(has_aggregate, (*spelled, query.final_filter))
        )

    def bind(self) -> Rows:
        query = self.query
        if query.source is None and query.language == "btql":
            raise BtqlError.of(
                errors.NO_SOURCE, "the query does not say where the rows come from", query.span, "no source",
                help="add `from: project_logs('name')`, in SQL `FROM project_logs('name')`",
            )  # fmt: skip
        outputs = self._outputs()
        assert outputs, "the parser refuses a query that asks for nothing"
        self._name_aliases(outputs)
        # Once the names of columns are known: a filter may use them.
        rows = self.clauses.rows()
        in_layers = self.grouped or query.distinct
        project = self._in_layers(rows, outputs) if in_layers else self._select(rows, outputs)
        project = self.clauses.filled(project)
        columns = tuple((item.name, project.reference(item)) for item in project.items)
        if not self.source:
            self._answer(outputs)
            project = replace(project, items=(*project.items, *self.hidden))
            return Rows(project, columns)
        return self._ordered(project, columns)

    def _ordered(self, project: Project, columns: tuple[tuple[str, Reference], ...]) -> Rows:
        """Return a query inside another one; what it is sorted by is among its columns, under no name."""
        keys: list[SortKey] = []
        known = {item.expression: item for item in reversed(project.items)}
        added: list[Named] = []
        for key in self.order if self.around.captures is None else ():
            item = known.get(key.expression)
            if item is None:
                item = known[key.expression] = Named(f"#sorted by {len(keys)}", key.expression)
                added.append(item)
            keys.append(replace(key, expression=project.reference(item)))
        return Rows(replace(project, items=(*project.items, *added)), columns, tuple(keys))

    def _answer(self, outputs: Sequence[_Output]) -> None:
        """Note what becomes of the rows of the outermost query."""
        nodes = [output.item.expression for output in outputs]
        paths = tuple(node.path for node in nodes if isinstance(node, tree.Identifier))
        context = self.scope.context
        context.answer = replace(
            context.answer,
            finish=self.finish,
            preview_length=self.clauses.preview_length(context.options),
            paths=paths if isinstance(self.finish, Infer) else (),
        )

    def _outputs(self) -> list[_Output]:
        """Return select, dimensions and measures as one list of columns."""
        query = self.query
        binder = ExpressionBinder(self.scope, aggregates=True)
        items: list[tuple[tree.Item, Expression | None]] = []
        starred: set[str] = set()
        for item in query.select:
            if isinstance(item, tree.Star):
                items += self._star(item, binder, starred)
            else:
                items.append((item, None))
        items += [(item, None) for item in (*(() if query.select else query.dimensions), *query.measures)]
        short = [self._short_name(item) for item, _ in items]
        often = Counter(short)
        explicit = {item.alias for item, bound in items if bound is None}
        outputs: list[_Output] = []
        for (item, bound), name in zip(items, short, strict=True):
            # Two paths that end alike keep their full names; one that ends like an alias is refused.
            is_short = often[name] == 1 or name in explicit
            full = item.alias or (name if is_short else self.scope.context.text(item.expression.span))
            outputs.append(_Output(full, bound or binder.bind(item.expression), item))
        self._refuse_duplicates(outputs)
        return outputs

    def _star(
        self, star: tree.Star, binder: ExpressionBinder, taken: set[str]
    ) -> Sequence[tuple[tree.Item, Expression]]:
        if not self.relation.names:
            raise BtqlError.of(errors.NO_SOURCE, "`*` needs rows from somewhere", star.span, "no source")
        return bind_star(star, binder, taken)

    def _short_name(self, item: tree.Item) -> str:
        if item.alias is not None:
            return item.alias
        if isinstance(item.expression, tree.Identifier):
            return implicit_alias(item.expression.path) or self.scope.context.text(item.expression.span)
        if isinstance(item.expression, tree.Literal) and item.expression.double_quoted:
            return str(item.expression.value)
        return self.scope.context.text(item.expression.span)

    def _refuse_duplicates(self, outputs: Sequence[_Output]) -> None:
        seen: dict[str, _Output] = {}
        for output in outputs:
            if output.name in seen:
                message = f"two columns are called `{output.name}`"
                first = seen[output.name].item.expression.span
                raise BtqlError.of(
                    errors.DUPLICATE_ALIAS, message, output.item.expression.span, "the second",
                    help="give one of them another name with `as`", secondary=(Label(first, "the first"),),
                )  # fmt: skip
            seen[output.name] = output

    def _name_aliases(self, outputs: Sequence[_Output]) -> None:
        self.scope.aliases = {output.name: output.expression for output in outputs if output.item.alias}
        implicit: dict[str, Expression | None] = {}
        for output in outputs:
            expression = output.item.expression
            if output.item.alias or not isinstance(expression, tree.Identifier):
                continue
            name = implicit_alias(expression.path)
            if name is not None:
                implicit[name] = None if name in implicit else output.expression
        self.scope.implicit = implicit

    def _select(self, rows: Plan, outputs: Sequence[_Output]) -> Project:
        query = self.query
        if query.final_filter is not None:
            condition = self._above(query.final_filter, aggregates=False)
            refuse_windows(condition)
            rows = Filter(rows, condition)
        windows = Windows(self.source)
        items = tuple(Named(output.name, windows.above(output.expression)) for output in outputs)
        keys = [replace(key, expression=windows.above(key.expression)) for key in self._sort_keys(outputs)]
        keys = keys or list(self.relation.order)
        self.order = tuple(keys)
        keys += self._newest_first()
        last = next((n for n, key in enumerate(keys) if key in self._newest_first()), len(keys))
        keys = [*keys[: last + 1], *self.clauses.ties()]
        rows = windows.over(rows)
        if query.distinct_on:
            rows = first_of_each(rows, self._distinct_on(outputs), keys, self.source)
        return Project(self._page(rows, tuple(keys)), items, self.source)

    def _distinct_on(self, outputs: Sequence[_Output]) -> list[Expression]:
        keys: list[Expression] = []
        for node in self.query.distinct_on:
            key = self._by_position(node, outputs) or self._above(node, aggregates=False)
            refuse_aggregates(key)
            refuse_windows(key)
            keys.append(key)
        return keys

    def _newest_first(self) -> list[SortKey]:
        """Return the order that rows of a source have where nothing else is asked for."""
        if self.shape is None:
            return []
        return [SortKey(Column("_pagination_key", Kind.TEXT, source=self.clauses.source), descending=True)]

    def _page(self, rows: Plan, keys: tuple[SortKey, ...]) -> Plan:
        """Return the rows in order, cut to the page that is asked for."""
        query, context = self.query, self.scope.context
        if self.source and query.limit is None and not query.offset:
            # Nobody sees the order of rows inside another query.
            return rows
        if self.clauses.come_as_they_lie(context.options) and self.finish is None:
            return rows
        if self.shape is None:
            rows = Sort(rows, keys) if keys else rows
            return self._limit(rows)
        page = Page(self.shape, self.clauses.source, keys, query.limit, query.offset or 0, self.clauses.steady)
        token = None if self.source else context.options.cursor
        rows, next_page = page.cut(rows, token, errors.place_of(context.source.text, token or "", query.span))
        if not self.source and self.finish is None:
            self.hidden = page.hidden(next_page)
            context.answer = replace(context.answer, next_page=next_page)
        return rows

    def _limit(self, rows: Plan) -> Plan:
        self._refuse_cursor()
        query = self.query
        return rows if query.limit is None and not query.offset else Limit(rows, query.limit, query.offset or 0)

    def _refuse_cursor(self) -> None:
        context = self.scope.context
        token = context.options.cursor
        if not self.source and token is not None:
            raise no_cursor(errors.place_of(context.source.text, token, self.query.span))

    def _above(self, node: tree.Expression, *, aggregates: bool) -> Expression:
        """Bind an expression of a clause behind the select list, where the aliases of the output come first."""
        return ExpressionBinder(replace(self.scope, aliases_first=True), aggregates=aggregates).bind(node)

    def _sort_keys(self, outputs: Sequence[_Output]) -> list[SortKey]:
        keys: list[SortKey] = []
        for item in self.query.sort:
            expression = self._by_position(item.expression, outputs)
            if expression is None:
                refuse_constant(item.expression)
                expression = self._above(item.expression, aggregates=self.grouped)
            keys.append(SortKey(expression, item.direction == "desc", item.nulls or "last"))
        return keys

    def _by_position(self, node: tree.Expression, outputs: Sequence[_Output]) -> Expression | None:
        number = _position(node)
        if number is None:
            return None
        if not 1 <= number <= len(outputs):
            message = f"there is no column number {number}"
            raise BtqlError.of(
                errors.BAD_POSITION, message, node.span, "this position",
                help=f"positions go from 1 to {len(outputs)}",
            )  # fmt: skip
        return outputs[number - 1].expression

    def _in_layers(self, rows: Plan, outputs: Sequence[_Output]) -> Project:
        """Return an aggregate query, or one with DISTINCT."""
        query = self.query
        columns = [output.expression for output in outputs]
        sort = self._sort_keys(outputs)
        ties: Sequence[SortKey] = ()
        if self.grouped:
            keys = self._group_keys(outputs)
            written = [
                _position(each.expression) or _alias(each.expression, key, outputs)
                for each, key in zip(query.dimensions, keys, strict=True)
            ]
            # A key that is spelled out and a column of the answer is that column, as if its position were given.
            positions = [number or _place(key, columns) for number, key in zip(written, keys, strict=True)]
            grouping = Grouping(keys, self.source, self.scope.context.text, query.grouping_sets, positions=positions)
            having = None
            if query.final_filter is not None:
                having = grouping.above(self._above(query.final_filter, aggregates=True))
                refuse_windows(having)
            sorted_by = [
                _position(each.expression) or _alias(each.expression, key.expression, outputs)
                for each, key in zip(query.sort, sort, strict=True)
            ]
            sort = _changed(sort, grouping.above)
            columns = [grouping.above(each) for each in columns]
            if query.grouping_sets is not None:
                # A key is null in the rows of sets without it, also where it is a constant.
                for place, number in enumerate(positions):
                    if number is not None:
                        columns[number - 1] = grouping.at(place)
                for place, number in enumerate(sorted_by):
                    if number is not None:
                        sort[place] = replace(sort[place], expression=columns[number - 1])
            rows, ties = grouping.over(rows), grouping.ties()
            rows = rows if having is None else Filter(rows, having)
        elif query.final_filter is not None:
            rows = Filter(rows, self._above(query.final_filter, aggregates=False))
        windows = Windows(self.source)
        columns, sort = [windows.above(each) for each in columns], _changed(sort, windows.above)
        rows = windows.over(rows)
        if query.distinct_on:
            raise errors.not_supported("DISTINCT ON of an aggregate query", query.span, "group in a query inside")
        if query.distinct:
            distinct = Grouping(columns, self.source, self.scope.context.text, distinct=True)
            columns, sort = [distinct.above(each) for each in columns], _changed(sort, distinct.above)
            rows, ties = distinct.over(rows), distinct.ties()
        if sort:
            self.order = tuple(sort)
            rows = Sort(rows, (*sort, *ties))
        items = tuple(Named(output.name, each) for output, each in zip(outputs, columns, strict=True))
        return Project(self._limit(rows), items, self.source)

    def _group_keys(self, outputs: Sequence[_Output]) -> list[Expression]:
        keys: list[Expression] = []
        for item in self.query.dimensions:
            key = self._by_position(item.expression, outputs)
            if key is None:
                key = ExpressionBinder(self.scope).bind(item.expression)
            refuse_aggregates(key)
            refuse_windows(key)
            keys.append(key)
        return keys


def _position(node: tree.Expression) -> int | None:
    """Return the number of a column, where an expression is nothing but that."""
    if not isinstance(node, tree.Literal) or isinstance(node.value, bool) or not isinstance(node.value, int):
        return None
    return node.value


def _alias(node: tree.Expression, bound: Expression, outputs: Sequence[_Output]) -> int | None:
    """Return the number of the column that an expression calls by its name."""
    if not isinstance(node, tree.Identifier) or len(node.path) != 1:
        return None
    called = (n for n, each in enumerate(outputs, 1) if each.name == node.path[0] and each.expression == bound)
    return next(called, None)


def _place(key: Expression, columns: Sequence[Expression]) -> int | None:
    """Return the number of the first column that is a key; none is a constant."""
    if isinstance(key, Constant):
        return None
    return next((number for number, column in enumerate(columns, 1) if column == key), None)


def _changed(keys: Sequence[SortKey], change: Callable[[Expression], Expression]) -> list[SortKey]:
    return [replace(key, expression=change(key.expression)) for key in keys]
