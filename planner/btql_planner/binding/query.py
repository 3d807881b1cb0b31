"""Bind one query: its FROM, its clauses, its select list.

1. The relation behind FROM becomes rows, filtered as the shape of its source
   says (:mod:`btql_planner.clauses.rows`), unpivoted and sampled.
2. A query with dimensions, measures or an aggregate in its select list, its
   final filter or its order is an aggregate query: its keys and aggregates go into one Aggregate node, and
   everything above refers to that node's columns.
3. Groups, window functions and DISTINCT are layers, each above the rows of the one
   before; a query without groups and DISTINCT has window functions at most.
4. Rows of a source come newest first where nothing else is asked for, and equal
   sort keys are told apart by ``_pagination_key``, so every answer has one order.
   All rows of a large source, asked for in SQL, come as they lie.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError
from btql_planner import errors
from btql_planner.binding.bound_relation import BoundRelation
from btql_planner.binding.expression import ExpressionBinder
from btql_planner.binding.grouping import Grouping, has_aggregate, refuse_aggregates, refuse_aggregates_as_keys
from btql_planner.binding.layers import Windows, first_of_each
from btql_planner.binding.outputs import Output, bind_outputs, by_position, column_called, column_that_is, name_aliases
from btql_planner.binding.relation import bind_relation, with_tables
from btql_planner.binding.scope import Around, Rows, Scope
from btql_planner.binding.set_operation import refuse_constant
from btql_planner.binding.window import refuse_windows
from btql_planner.clauses.page import Page, no_cursor
from btql_planner.clauses.pivot import without_pivot
from btql_planner.clauses.source import SourceClauses
from btql_planner.clauses.stages import in_stages, refuse_inside, without_inference
from btql_planner.expressions import Column, Expression, Reference, SortKey
from btql_planner.finish import Infer, Pivot
from btql_planner.options import refuse_parameters
from btql_planner.plan import Filter, Limit, Named, Nothing, Plan, Project, Sort
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


@dataclass
class _Layers:
    """Rows upon which layers are put, and the columns and the order of the query in terms of the uppermost."""

    rows: Plan
    columns: list[Expression]
    sort: list[SortKey]
    ties: Sequence[SortKey] = ()
    """What tells equal keys of the order apart."""

    def add(self, layer: Grouping | Windows) -> None:
        """Put a layer above the rows."""
        # The layer learns from the expressions what it has to compute, so it comes after them.
        self.sort = [replace(key, expression=layer.above(key.expression)) for key in self.sort]
        self.columns = [layer.above(each) for each in self.columns]
        self.rows = layer.over(self.rows)

    def show_keys(self, grouping: Grouping, columns: Sequence[int | None], sorted_by: Sequence[int | None]) -> None:
        """Let columns that are keys show them as GROUPING SETS have them, and sort by what they show.

        A key is null in the rows of sets without it, also where it is a constant.
        """
        for place, number in enumerate(columns):
            if number is not None:
                self.columns[number - 1] = grouping.at(place)
        for place, number in enumerate(sorted_by):
            if number is not None:
                self.sort[place] = replace(self.sort[place], expression=self.columns[number - 1])


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
        outputs = bind_outputs(query, self.scope)
        assert outputs, "the parser refuses a query that asks for nothing"
        name_aliases(outputs, self.scope)
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

    def _answer(self, outputs: Sequence[Output]) -> None:
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

    def _select(self, rows: Plan, outputs: Sequence[Output]) -> Project:
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

    def _distinct_on(self, outputs: Sequence[Output]) -> list[Expression]:
        keys: list[Expression] = []
        for node in self.query.distinct_on:
            key = by_position(node, outputs) or self._above(node, aggregates=False)
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

    def _sort_keys(self, outputs: Sequence[Output]) -> list[SortKey]:
        keys: list[SortKey] = []
        for item in self.query.sort:
            expression = by_position(item.expression, outputs)
            if expression is None:
                refuse_constant(item.expression)
                expression = self._above(item.expression, aggregates=self.grouped)
            keys.append(SortKey(expression, item.direction == "desc", item.nulls or "last"))
        return keys

    def _in_layers(self, rows: Plan, outputs: Sequence[Output]) -> Project:
        """Return an aggregate query, or one with DISTINCT: groups, windows over them, and what of that is distinct."""
        query = self.query
        layers = _Layers(rows, [output.expression for output in outputs], self._sort_keys(outputs))
        if self.grouped:
            self._group(layers, outputs)
        elif query.final_filter is not None:
            layers.rows = Filter(layers.rows, self._above(query.final_filter, aggregates=False))
        layers.add(Windows(self.source))
        if query.distinct_on:
            raise errors.not_supported("DISTINCT ON of an aggregate query", query.span, "group in a query inside")
        if query.distinct:
            distinct = Grouping(layers.columns, self.source, self.scope.context.text, distinct=True)
            layers.add(distinct)
            layers.ties = distinct.ties()
        if layers.sort:
            self.order = tuple(layers.sort)
            layers.rows = Sort(layers.rows, (*layers.sort, *layers.ties))
        items = tuple(Named(output.name, each) for output, each in zip(outputs, layers.columns, strict=True))
        return Project(self._limit(layers.rows), items, self.source)

    def _group(self, layers: _Layers, outputs: Sequence[Output]) -> None:
        """Put the groups above the rows, and of them those that HAVING keeps."""
        query = self.query
        keys = self._group_keys(outputs)
        dimensions = zip(query.dimensions, keys, strict=True)
        called = [column_called(each.expression, key, outputs) for each, key in dimensions]
        # A key that is spelled out and a column of the answer is that column, as if its position were given.
        columns = [number or column_that_is(key, outputs) for number, key in zip(called, keys, strict=True)]
        order = zip(query.sort, layers.sort, strict=True)
        sorted_by = [column_called(each.expression, key.expression, outputs) for each, key in order]
        grouping = Grouping(keys, self.source, self.scope.context.text, query.grouping_sets, positions=columns)
        having = None
        if query.final_filter is not None:
            having = grouping.above(self._above(query.final_filter, aggregates=True))
            refuse_windows(having)
        layers.add(grouping)
        layers.ties = grouping.ties()
        if query.grouping_sets is not None:
            layers.show_keys(grouping, columns, sorted_by)
        if having is not None:
            layers.rows = Filter(layers.rows, having)

    def _group_keys(self, outputs: Sequence[Output]) -> list[Expression]:
        keys: list[Expression] = []
        for item in self.query.dimensions:
            key = by_position(item.expression, outputs)
            if key is None:
                key = ExpressionBinder(self.scope, aggregates=True).bind(item.expression)
            refuse_aggregates_as_keys(key, self.scope.context.text)
            refuse_windows(key)
            keys.append(key)
        return keys
