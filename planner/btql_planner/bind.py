"""Bind a query: from the tree to a typed plan, names and types checked.

1. The source becomes a Scan; for the shape ``traces`` the filter chooses
   traces, for ``spans`` it chooses rows.
2. A query with dimensions, measures or an aggregate in its select list is an
   aggregate query: its keys and aggregates go into one Aggregate node, and
   everything above refers to that node's columns.
3. Rows come newest first where nothing else is asked for, and equal sort keys
   are told apart by ``_pagination_key``, so every answer has one order.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import cast

from btql_grammar import tree
from btql_grammar.diagnostic import BtqlError, Label
from btql_grammar.span import Source, Span
from btql_planner import errors
from btql_planner.bind_expression import ExpressionBinder
from btql_planner.catalog import FieldCatalog
from btql_planner.expressions import (
    AggregateCall,
    Column,
    Constant,
    Expression,
    PathValue,
    Reference,
    transform,
    walk,
)
from btql_planner.functions import functions
from btql_planner.names import Names, implicit_alias
from btql_planner.plan import (
    Aggregate,
    Filter,
    Limit,
    Named,
    Nothing,
    Plan,
    Project,
    Scan,
    Sort,
    SortKey,
    TraceLimit,
    TraceSelection,
)
from btql_planner.types import Kind

NEWEST_FIRST = SortKey(Column("_pagination_key", Kind.TEXT), descending=True)


@dataclass(frozen=True, slots=True)
class BoundQuery:
    """A typed plan, and what the reader of the answer should know."""

    plan: Plan
    columns: tuple[str, ...]
    """The output columns in order."""
    warnings: tuple[str, ...] = ()


def bind(query: tree.Query, source: Source, catalog: FieldCatalog) -> BoundQuery:
    """Return the typed plan of ``query`` over the fields in ``catalog``."""
    return _QueryBinder(query, source, catalog).bind()


@dataclass(frozen=True, slots=True)
class _Output:
    """One column of the select list, bound."""

    name: str
    expression: Expression
    item: tree.Item


@dataclass
class _QueryBinder:
    query: tree.Query
    source: Source
    catalog: FieldCatalog
    names: Names = field(init=False)

    def __post_init__(self) -> None:
        source = self.query.source
        self.names = Names(self.catalog, source.alias if source else None)
        self.grouped = bool(self.query.dimensions or self.query.measures or self.query.distinct) or any(
            isinstance(item, tree.Item) and _has_aggregate(item.expression) for item in self.query.select
        )

    def bind(self) -> BoundQuery:
        outputs = self._outputs()
        assert outputs, "the parser refuses a query that asks for nothing"
        self._name_aliases(outputs)
        rows = self._rows()
        plan = self._aggregate(rows, outputs) if self.grouped else self._select(rows, outputs)
        return BoundQuery(plan, tuple(output.name for output in outputs), tuple(dict.fromkeys(self.names.warnings)))

    def _items(self) -> list[tree.Item]:
        """Return select, dimensions and measures as one list, positions and repetitions left out."""
        items: list[tree.Item] = []
        for item in self.query.select:
            if isinstance(item, tree.Star):
                items += [tree.Item(tree.Identifier((name,), span=item.span), name) for name in self.names.star()]
            else:
                items.append(item)
        if not self.query.select:
            items += self.query.dimensions
        return [*items, *self.query.measures]

    def _outputs(self) -> list[_Output]:
        binder = ExpressionBinder(self.names, aggregates=True)
        items = self._items()
        short = [self._short_name(item) for item in items]
        outputs: list[_Output] = []
        for item, name in zip(items, short, strict=True):
            # Two paths that end alike keep their full names.
            full = item.alias or (name if short.count(name) == 1 else self._text(item.expression.span))
            outputs.append(_Output(full, binder.bind(item.expression), item))
        self._refuse_duplicates(outputs)
        return outputs

    def _short_name(self, item: tree.Item) -> str:
        if item.alias is not None:
            return item.alias
        if isinstance(item.expression, tree.Identifier):
            return implicit_alias(item.expression.path) or self._text(item.expression.span)
        if isinstance(item.expression, tree.Literal) and item.expression.double_quoted:
            return str(item.expression.value)
        return self._text(item.expression.span)

    def _text(self, span: Span) -> str:
        return " ".join(self.source.text[span.start : span.end].split())

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
        self.names.aliases = {output.name: output.expression for output in outputs if output.item.alias}
        implicit: dict[str, Expression | None] = {}
        for output in outputs:
            expression = output.item.expression
            if output.item.alias or not isinstance(expression, tree.Identifier):
                continue
            name = implicit_alias(expression.path)
            if name is not None:
                implicit[name] = None if name in implicit else output.expression
        self.names.implicit = implicit

    def _rows(self) -> Plan:
        """Return the rows the query is about: those of the source that pass the filter."""
        if self.query.source is None:
            return self._no_source()
        scan: Plan = Scan("rows")
        if self.query.filter is None:
            return scan
        condition = ExpressionBinder(self.names).bind(self.query.filter)
        _refuse_aggregates(condition)
        if self.query.source.shape == "traces":
            return TraceSelection(scan, Filter(Scan("matching"), condition))
        return Filter(scan, condition)

    def _no_source(self) -> Plan:
        if self.query.language == "btql" or self.query.filter is not None:
            raise BtqlError.of(
                errors.NO_SOURCE, "the query does not say where the rows come from", self.query.span, "no source",
                help="add `from: project_logs('name')`, in SQL `FROM project_logs('name')`",
            )  # fmt: skip
        return Nothing()

    def _select(self, rows: Plan, outputs: Sequence[_Output]) -> Plan:
        query = self.query
        if query.final_filter is not None:
            rows = Filter(rows, self._above(query.final_filter, aggregates=False))
        items = tuple(Named(output.name, output.expression) for output in outputs)
        if isinstance(rows, Nothing):
            return Project(self._limit(rows, ()), items)
        keys = [*self._sort_keys(outputs), NEWEST_FIRST]
        last = next((n for n, key in enumerate(keys) if key.expression == NEWEST_FIRST.expression), len(keys))
        keys = keys[: last + 1]
        return Project(self._limit(Sort(rows, tuple(keys)), tuple(keys)), items)

    def _limit(self, rows: Plan, keys: tuple[SortKey, ...]) -> Plan:
        query = self.query
        if query.limit is None and not query.offset:
            return rows
        if query.source is not None and query.source.shape == "traces" and not self.grouped:
            if query.offset:
                raise errors.not_supported("OFFSET with the shape `traces`", query.span)
            assert query.limit is not None
            assert isinstance(rows, Sort)
            return Sort(TraceLimit(rows.input, query.limit, keys), keys)
        return Limit(rows, query.limit, query.offset or 0)

    def _above(self, node: tree.Expression, *, aggregates: bool) -> Expression:
        """Bind an expression of a clause behind the select list, where the aliases of the output come first."""
        return ExpressionBinder(replace(self.names, aliases_first=True), aggregates=aggregates).bind(node)

    def _sort_keys(self, outputs: Sequence[_Output]) -> list[SortKey]:
        keys: list[SortKey] = []
        for item in self.query.sort:
            expression = self._by_position(item.expression, outputs)
            if expression is None:
                expression = self._above(item.expression, aggregates=self.grouped)
            keys.append(SortKey(expression, item.direction == "desc", item.nulls or "last"))
        return keys

    def _by_position(self, node: tree.Expression, outputs: Sequence[_Output]) -> Expression | None:
        if not isinstance(node, tree.Literal) or isinstance(node.value, bool) or not isinstance(node.value, int):
            return None
        if not 1 <= node.value <= len(outputs):
            message = f"there is no column number {node.value}"
            raise BtqlError.of(
                errors.BAD_POSITION, message, node.span, "this position",
                help=f"positions go from 1 to {len(outputs)}",
            )  # fmt: skip
        return outputs[node.value - 1].expression

    def _aggregate(self, rows: Plan, outputs: Sequence[_Output]) -> Plan:
        grouping = _Grouping(self._group_keys(outputs))
        having = None
        if self.query.final_filter is not None:
            having = grouping.above(self._above(self.query.final_filter, aggregates=True))
        sort = [replace(key, expression=grouping.above(key.expression)) for key in self._sort_keys(outputs)]
        items = tuple(Named(output.name, grouping.above(output.expression)) for output in outputs)
        plan: Plan = Aggregate(rows, grouping.keys, tuple(grouping.measures))
        if having is not None:
            plan = Filter(plan, having)
        if sort:
            ties = [SortKey(grouping.reference(key)) for key in grouping.keys]
            plan = Sort(plan, (*sort, *ties))
        return Project(self._limit(plan, tuple(sort)), items)

    def _group_keys(self, outputs: Sequence[_Output]) -> list[Expression]:
        if self.query.distinct and not self.query.dimensions:
            for output in outputs:
                _refuse_aggregates(output.expression)
            return [output.expression for output in outputs]
        keys: list[Expression] = []
        for item in self.query.dimensions:
            key = self._by_position(item.expression, outputs)
            if key is None:
                key = ExpressionBinder(self.names).bind(item.expression)
            _refuse_aggregates(key)
            keys.append(key)
        return keys


class _Grouping:
    """The keys of an aggregate query, and the aggregates found above them so far."""

    def __init__(self, keys: Sequence[Expression]) -> None:
        distinct = list(dict.fromkeys(keys))
        self.keys = tuple(Named(f"key_{number}", key) for number, key in enumerate(distinct))
        self.measures: list[Named] = []

    @staticmethod
    def reference(named: Named) -> Reference:
        return Reference(named.name, named.expression.type, span=named.expression.span)

    def above(self, expression: Expression) -> Expression:
        """Return the expression in terms of the Aggregate node's columns."""
        changed = transform(expression, self._replacement)
        for node in walk(changed):
            if isinstance(node, PathValue | Column):
                name = node.name if isinstance(node, Column) else ".".join(map(str, node.path))
                raise BtqlError.of(
                    errors.NOT_GROUPED, f"`{name}` is neither grouped nor aggregated", node.span,
                    "which of the group's values?",
                    help=f"add it to `dimensions:` (GROUP BY), or take one with `any_value({name})`",
                )  # fmt: skip
        return changed

    def _replacement(self, node: Expression) -> Expression | None:
        for key in self.keys:
            if node == key.expression and not isinstance(node, Constant):
                return self.reference(key)
        if not isinstance(node, AggregateCall):
            return None
        for measure in self.measures:
            if measure.expression == node:
                return self.reference(measure)
        self.measures.append(Named(f"measure_{len(self.measures)}", node))
        return self.reference(self.measures[-1])


def _has_aggregate(node: tree.Expression) -> bool:
    found = False
    for call in _calls(node):
        function = functions().get(call.name)
        found = found or (function is not None and function.aggregate)
    return found


def _calls(node: object) -> list[tree.Call]:
    """Return every call in a tree, found through the fields of its nodes."""
    if isinstance(node, tuple):
        return [call for part in cast("tuple[object, ...]", node) for call in _calls(part)]
    if not is_dataclass(node) or isinstance(node, Span | type):
        return []
    below = [call for each in fields(node) for call in _calls(getattr(node, each.name))]
    return [node, *below] if isinstance(node, tree.Call) else below


def _refuse_aggregates(expression: Expression) -> None:
    for node in walk(expression):
        if isinstance(node, AggregateCall):
            raise BtqlError.of(
                errors.MISPLACED, f"the aggregate `{node.function.name}` cannot stand here", node.span,
                "no groups exist here yet", help="filter groups with `final_filter:`, in SQL with `HAVING`",
            )  # fmt: skip
