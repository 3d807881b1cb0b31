"""Lower what is about traces: selections, summaries, limits and pages.

Each function gets the lowering of relations for the nodes below its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from btql_planner import sql_text
from btql_planner.engine_plan import ScanSpec
from btql_planner.expression_traversal import conjuncts
from btql_planner.expressions import Reference
from btql_planner.plan import TraceLimit, TracePage, TraceSelection, TraceSummary, in_matching
from btql_planner.select import Columns, Path, Select
from btql_planner.types import Kind

if TYPE_CHECKING:
    from btql_planner.lowering.relation import RelationLowering

_KEY = "_trace_key"
_ROOT_FIRST = '"is_root" DESC NULLS LAST, "created" ASC NULLS LAST, "_pagination_key" ASC'


@dataclass
class _MatchingColumns:
    """The columns of some rows, and whether their traces have a row in other plans."""

    below: Columns
    matching: list[Select]

    def column(self, name: str) -> str:
        """Return a column, or the membership in a plan as a condition."""
        number = _number(name.removesuffix(f"#{Kind.BOOLEAN}"), len(self.matching))
        if number is None:
            return self.below.column(name)
        traces = _traces_of(self.matching[number])
        return f'({_trace(self.below)} IN (SELECT DISTINCT "{_KEY}" FROM ({traces}) AS m))'

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        """Return the kinds of a computed column."""
        return self.below.kinds_of(name) if _number(name, len(self.matching)) is None else (Kind.BOOLEAN,)

    def fetched(self, source: str, path: Path) -> bool:
        """Whether the values of ``path`` were read from documents, below."""
        return self.below.fetched(source, path)

    def scan(self, source: str) -> ScanSpec:
        """Return the scan below."""
        return self.below.scan(source)


def _trace_columns(columns: Columns) -> list[str]:
    """Return the columns that say which trace a row belongs to."""
    return [columns.column(name) for name in columns.scan("").objects.trace_columns]


def _trace(columns: Columns) -> str:
    """Return one value that says which trace a row belongs to."""
    return " || chr(31) || ".join(_trace_columns(columns))


def _traces_of(matching: Select) -> str:
    """Return the statement that gives the traces of some rows."""
    matching.outputs[_KEY] = _trace(matching.source)
    return matching.render()


def _number(name: str, count: int) -> int | None:
    """Return which membership a name stands for, None for any other name."""
    names = [in_matching(number).name for number in range(count)]
    return names.index(name) if name in names else None


@dataclass
class _SummaryColumns:
    """The columns of root spans, beside the measures of their traces."""

    roots: Select
    traces: Select

    def column(self, name: str) -> str:
        """Return a measure, or a column of the root span."""
        if name in self.traces.outputs:
            return f"a.{sql_text.name(name)}"
        return f"r.{self.roots.column(name)}"

    def kinds_of(self, name: str) -> tuple[Kind, ...]:
        """Return the kinds of a measure."""
        return self.traces.kinds_of(name)

    def fetched(self, source: str, path: Path) -> bool:  # noqa: ARG002
        """Return that documents of root spans are read above."""
        return False

    def scan(self, source: str) -> ScanSpec:
        """Return the scan of root spans."""
        return self.roots.scan(source)


def trace_selection(lowering: RelationLowering, plan: TraceSelection) -> Select:
    """Return the rows whose traces satisfy a condition: semi-joins, and marks for what is under OR and NOT."""
    select = lowering.open(plan.input)
    matching = [lowering.open(each) for each in plan.matching]
    for condition in conjuncts(plan.condition):
        number = _number(condition.name, len(matching)) if isinstance(condition, Reference) else None
        if number is None:
            columns = _MatchingColumns(select.source, matching)
            select.where.append(lowering.expressions.condition(condition, columns))
        else:
            select.where.append(f"{_trace(select.source)} IN ({_traces_of(matching[number])})")
    return select


def trace_summary(lowering: RelationLowering, plan: TraceSummary) -> Select:
    """Return the root span of each trace, joined by row number with the measures of the trace's spans."""
    roots = lowering.open(plan.roots)
    spans = lowering.open(plan.spans)
    for name in ("_row", "is_root", "created", "_pagination_key"):
        spans.source.column(name)
    traces = spans
    traces.group = _trace_columns(spans.source)
    traces.outputs["_root_row"] = f"first_value({spans.source.column('_row')} ORDER BY {_ROOT_FIRST})"
    for measure in plan.measures:
        lowering.add(traces, measure)
    row = roots.column("_row")

    def source() -> str:
        return f'({roots.render()}) AS r JOIN ({traces.render()}) AS a ON r.{row} = a."_root_row"'

    return Select(_SummaryColumns(roots, traces), source)


def trace_limit(lowering: RelationLowering, plan: TraceLimit) -> Select:
    """Number the rows, give each trace its first number, and keep the first traces."""
    select, terms = lowering.ordered(lowering.open(plan.input).wrap(), plan.keys)
    select.outputs["_rank"] = f"row_number() OVER (ORDER BY {', '.join(map(str, terms))})"
    firsts = select.wrap()
    trace = ", ".join(_trace_columns(firsts.source))
    firsts.outputs["_first"] = f'min("_rank") OVER (PARTITION BY {trace})'
    return _numbered(firsts.wrap(), '"_first"', plan.count, plan.offset)


def trace_page(lowering: RelationLowering, plan: TracePage) -> Select:
    """Give each trace its key, leave out those of earlier pages, and keep the first of the others."""
    select = lowering.open(plan.input).wrap()
    key, trace = select.source.column("_pagination_key"), ", ".join(_trace_columns(select.source))
    counted = key if plan.upto is None else f"CASE WHEN {key} <= {sql_text.text(plan.upto)} THEN {key} END"
    select.outputs["trace_key#t"] = f"{'max' if plan.descending else 'min'}({counted}) OVER (PARTITION BY {trace})"
    select.kinds["trace_key"] = (Kind.TEXT,)
    rest = select.wrap()
    trace_key = rest.source.column("trace_key#t")
    if plan.after is not None:
        rest.where.append(f"{trace_key} {'<' if plan.descending else '>'} {sql_text.text(plan.after)}")
    elif plan.upto is not None:
        rest.where.append(f"{trace_key} IS NOT NULL")
    if plan.offset and plan.descending and plan.upto is None:
        rest.outputs["newest_key#t"] = f"max({trace_key}) OVER ()"
        rest.kinds["newest_key"] = (Kind.TEXT,)
    return _numbered(rest, f"{trace_key} DESC" if plan.descending else trace_key, plan.count, plan.offset)


def _numbered(rows: Select, order: str, count: int | None, offset: int) -> Select:
    """Return the rows whose trace is among ``count`` ones behind ``offset`` in an order of traces."""
    if count is None and not offset:
        return rows.wrap()
    rows.outputs["_trace"] = f"dense_rank() OVER (ORDER BY {order})"
    kept = rows.wrap()
    if offset:
        kept.where.append(f'"_trace" > {offset}')
    if count is not None:
        kept.where.append(f'"_trace" <= {count + offset}')
    return kept
