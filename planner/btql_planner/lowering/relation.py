"""Lower relations: plan nodes become SELECT statements, as few as keep their order.

A Filter becomes a WHERE as long as nothing was grouped, sorted or cut below it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from btql_planner import sql_text, value
from btql_planner.columns import AliasColumns, FetchColumns, NoColumns, ScanColumns, engine_column
from btql_planner.engine_plan import FetchSpec, OutputColumn, ProbeSpec, ScanSpec, Stage
from btql_planner.expression_traversal import conjuncts
from btql_planner.expressions import AggregateCall, Constant, Expression, PathValue, SortKey, engine_name
from btql_planner.lowering import traces
from btql_planner.lowering.expression import STORED, ExpressionLowering
from btql_planner.lowering.long_values import over_long_values
from btql_planner.plan import (
    Aggregate,
    Alias,
    Fetch,
    Filter,
    Limit,
    Named,
    Nothing,
    Plan,
    Project,
    Sort,
    TraceLimit,
    TracePage,
    TraceSelection,
    TraceSummary,
    Unnest,
)
from btql_planner.plan_scan import Scan
from btql_planner.probes import of_paths
from btql_planner.relations import sources_of
from btql_planner.select import Columns, Path, Select
from btql_planner.types import Kind
from btql_planner.value import Value


@dataclass
class RelationLowering:
    """Lowers the relations of one statement; collects its stages and scans."""

    stages: list[Stage] = field(default_factory=list[Stage])
    scans: list[ScanSpec] = field(default_factory=list[ScanSpec])
    expressions: ExpressionLowering = field(default_factory=ExpressionLowering)
    shared: dict[str, Stage] = field(default_factory=dict[str, Stage])
    """The stages of rows that are read in several places."""
    recursive: dict[str, dict[str, tuple[Kind, ...]]] = field(default_factory=dict[str, dict[str, tuple[Kind, ...]]])
    """The columns of recursive tables, and their kinds."""

    def answer(self, plan: Project) -> tuple[Select, tuple[OutputColumn, ...]]:
        """Return the last statement, and the columns of the answer."""
        select = self.lower(plan.input)
        if select.group is not None or select.outputs:
            select = select.wrap()
        raw: set[tuple[str, Path]] = set()
        below = plan.input
        while isinstance(below, Fetch):
            raw.update((below.source, path) for path in below.outputs)
            below = below.input
        select, items = self.over_long_values(select, plan.items)
        values = [self._output(item.expression, select.source, raw) for item in items]
        assert not select.outputs, "a projection is the last use of its input"
        outputs: list[OutputColumn] = []
        for number, (item, each) in enumerate(zip(plan.items, values, strict=True)):
            names = {kind: f"c{number}#{kind}" for kind in each.parts}
            select.outputs.update({names[kind]: sql for kind, sql in each.parts.items()})
            wide = isinstance(item.expression, PathValue) and item.expression.availability.wide
            field = isinstance(item.expression, PathValue) and len(item.expression.path) == 1
            outputs.append(OutputColumn(item.name, names, wide, whole_field=field))
        return select, tuple(outputs)

    def _output(self, expression: Expression, columns: Columns, raw: set[tuple[str, Path]]) -> Value:
        if isinstance(expression, PathValue) and (expression.source, expression.path) in raw:
            name = engine_name(expression.source, engine_column(expression.path, Kind.RAW))
            return value.of(Kind.RAW, columns.column(name))
        return self.expressions.expression(expression, columns)

    def lower(self, plan: Plan) -> Select:
        """Return the statement for a node; what is above may add to it."""
        match plan:
            case Nothing():
                return Select(NoColumns(), lambda: "")
            case Scan():
                return self._scan(plan)
            case Fetch():
                return self._fetch(plan)
            case Filter():
                return self._filter(plan)
            case TraceSelection():
                return traces.trace_selection(self, plan)
            case TraceSummary():
                return traces.trace_summary(self, plan)
            case Unnest():
                from btql_planner.lowering.unnest import unnest  # Few queries have any.

                return unnest(self, plan)
            case Aggregate():
                return self._aggregate(plan)
            case Sort():
                return self._sort(plan)
            case Limit():
                select = self.open(plan.input, ordered=True)
                select.limit, select.offset = plan.count, plan.offset
                return select
            case TraceLimit():
                return traces.trace_limit(self, plan)
            case TracePage():
                return traces.trace_page(self, plan)
            case Project():
                return self._project(plan)
            case Alias():
                return self._alias(plan)
            case _:
                from btql_planner.lowering.combined import combined  # Most queries have one relation.

                return combined(self, plan)

    def open(self, plan: Plan, *, ordered: bool = False, settle: bool = True) -> Select:
        """Lower ``plan`` to a SELECT whose next clause can still be added."""
        select = self.lower(plan)
        if settle:
            select = self._settle(select, plan)
        closed = select.group is not None or select.limit is not None or select.offset or (select.order and not ordered)
        return select.wrap() if closed or select.outputs else select

    def _filter(self, plan: Filter) -> Select:
        select = self.open(plan.input, settle=False)
        conditions = conjuncts(plan.condition)
        above, changed = over_long_values(self.expressions, select, conditions)
        if above is select:
            select.where.append(self.expressions.condition(plan.condition, select.source))
            return select
        for before, after in zip(conditions, changed, strict=True):
            # Rows are left out before long values of them are computed.
            place = select if before == after else above
            place.where.append(self.expressions.condition(after, place.source))
        return above

    def _settle(self, select: Select, plan: Plan) -> Select:
        """Return a SELECT over the rows and columns of a fetch that are still wanted.

        What sorts or groups needs all rows at once; it must not hold documents that a
        filter has dropped, or columns that only the filter looked at.
        """
        fetched = isinstance(select.source, FetchColumns) and bool(select.source.names)
        if not fetched or not select.is_rowwise:
            return select
        nothing = FetchSpec({}, (), ())
        stage = Stage(f"stage_{next(self.expressions.numbers)}", select, nothing, plan)
        self.stages.append(stage)
        return Select(FetchColumns(select, nothing), lambda: sql_text.name(stage.name), stage.name)

    def _sort(self, plan: Sort) -> Select:
        select, expressions = over_long_values(
            self.expressions, self.open(plan.input), [key.expression for key in plan.keys]
        )
        keys = tuple(replace(key, expression=each) for key, each in zip(plan.keys, expressions, strict=True))
        ordered, terms = self.ordered(select, keys)
        ordered.order = terms
        return ordered

    def ordered(self, select: Select, keys: tuple[SortKey, ...]) -> tuple[Select, list[sql_text.OrderTerm]]:
        """Return a statement over these rows, and the terms of an ORDER BY in it: columns only.

        An order by a comparison, over a union, makes the engine refuse its own plan; one by a column that an outer join
        fills with nulls, it may take for none.
        """
        terms = self.expressions.order(keys, select.source)
        if all(sql_text.is_name(term.sql) for term in terms) and not self.expressions.filled:
            return select, terms
        number = next(self.expressions.numbers)
        for place, term in enumerate(terms):
            select.outputs[f"_key_{number}_{place}"] = self.expressions.key(term.sql)
        above = select.wrap()
        columns = [above.source.column(f"_key_{number}_{place}") for place in range(len(terms))]
        return above, [replace(term, sql=column) for term, column in zip(terms, columns, strict=True)]

    def _project(self, plan: Project) -> Select:
        select = self.lower(plan.input)
        if select.group is not None or select.outputs:
            select = select.wrap()
        select, items = self.over_long_values(select, plan.items)
        for item in items:
            computed = self.expressions.expression(item.expression, select.source)
            name = engine_name(plan.source, item.name)
            self.expressions.note(name, computed)
            select.kinds[name] = tuple(computed.parts)
            self.expressions.hide(name, item.expression)
            is_constant = not sources_of(item.expression)
            parts = {kind: sql_text.varying(sql) if is_constant else sql for kind, sql in computed.parts.items()}
            select.outputs.update({f"{name}#{kind}": sql for kind, sql in parts.items()})
        return select.wrap()

    def _alias(self, plan: Alias) -> Select:
        below = self.open(plan.input, settle=False)
        return Select(AliasColumns(below, plan.source), lambda: f"({below.render()}) AS {sql_text.name(plan.source)}")

    def _scan(self, plan: Scan) -> Select:
        name = f"{plan.alias}_{next(self.expressions.numbers)}"
        spec = ScanSpec(name, plan.objects, plan.ranges, plan.keys, plan.needs, node=plan)
        spec.top, spec.traces, spec.ends, spec.counted = plan.top, plan.traces, plan.ends, plan.counted
        self.scans.append(spec)
        columns = ScanColumns(spec)
        select = Select(columns, lambda: sql_text.name(spec.name), spec.name)
        for probe in plan.probes:
            name = f"probe_{next(self.expressions.numbers)}"
            spec.probes.append(ProbeSpec(name, probe.asked, required=True, share_max=probe.share_max))
        select.where += [self.expressions.condition(condition, columns) for condition in plan.filters]
        return select

    def _fetch(self, plan: Fetch) -> Select:
        below = self.lower(plan.input)
        if below.group is not None:
            below = below.wrap()
        below.column(engine_name(plan.source, "_row"))
        kinds = (*STORED, Kind.JSON, Kind.BIG)
        probe = None if plan.columns else of_paths((*plan.paths, *plan.outputs))
        spec = FetchSpec(dict.fromkeys(plan.paths, kinds), plan.outputs, plan.columns, plan.source, probe)
        stage = Stage(f"stage_{next(self.expressions.numbers)}", below, spec, plan)
        self.stages.append(stage)
        return Select(FetchColumns(below, spec), lambda: sql_text.name(stage.name), stage.name)

    def _aggregate(self, plan: Aggregate) -> Select:
        if plan.sets is not None:
            from btql_planner.lowering.joins import grouping_sets

            return grouping_sets(self, plan)
        if plan.apart:
            from btql_planner.lowering.apart import aggregate_apart  # Few queries have any.

            return aggregate_apart(self, plan)
        select, named = self.over_long_values(self.open(plan.input), (*plan.keys, *plan.measures))
        if any(isinstance(each.expression, AggregateCall) and each.expression.order for each in plan.measures):
            select = select.wrap()
        select.group = []
        for key in named[: len(plan.keys)]:
            self.add_key(select, key)
        for measure in named[len(plan.keys) :]:
            self.add(select, measure)
        return select

    def over_long_values(self, select: Select, items: Sequence[Named]) -> tuple[Select, list[Named]]:
        """Return a statement with columns for the long values of some items, and the items that read them."""
        select, changed = over_long_values(self.expressions, select, [item.expression for item in items])
        return select, [replace(item, expression=each) for item, each in zip(items, changed, strict=True)]

    def add_key(self, select: Select, named: Named) -> None:
        """Add a key, and its columns, to a statement that groups."""
        assert select.group is not None
        parts = self._add(select, named.name, self.expressions.named_apart(self._computed(select, named))).parts.items()
        # A bare number would be the place of a column.
        bare = isinstance(named.expression, Constant)
        select.group += [sql_text.typed(kind, sql) if bare else sql for kind, sql in parts]

    def add(self, select: Select, named: Named) -> Value:
        """Add the columns of a key or an aggregate to a statement that groups."""
        return self._add(select, named.name, self._computed(select, named))

    def _computed(self, select: Select, named: Named) -> Value:
        computed = self.expressions.expression(named.expression, select.source)
        return computed if computed.parts else value.of(Kind.TEXT, sql_text.null(Kind.TEXT))

    def _add(self, select: Select, name: str, computed: Value) -> Value:
        self.expressions.note(name, computed)
        select.kinds[name] = tuple(computed.parts)
        for kind, sql in computed.parts.items():
            select.outputs[f"{name}#{kind}"] = sql
        return computed
