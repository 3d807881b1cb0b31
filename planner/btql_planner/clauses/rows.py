"""The rows that a query is about: those of one source in one shape, after its filters.

1. ``span_filter`` drops spans before anything else looks at them.
2. The filter chooses: for ``spans`` rows, for ``traces`` and ``summary`` traces,
   as :mod:`btql_planner.clauses.trace_filter` has taken it apart.
3. FILTER_SPANS and ``trace_filter`` narrow the spans of the chosen traces.
4. For ``summary`` the spans of each trace become one row.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from btql_grammar import tree
from btql_planner import errors, types
from btql_planner.binding.expression import ExpressionBinder
from btql_planner.binding.grouping import refuse_aggregates
from btql_planner.binding.scope import Scope
from btql_planner.binding.window import refuse_windows
from btql_planner.clauses.trace_filter import Connected, Formula, PlainCondition, SpanTest, take_apart
from btql_planner.expression_traversal import walk, without_source
from btql_planner.expressions import Apply, Expression, Parameter
from btql_planner.functions import functions
from btql_planner.plan import Filter, Plan, TraceSelection, in_matching
from btql_planner.plan_scan import Scan


@dataclass
class SourceRows:
    """Makes the rows of one source from the filters of a query."""

    query: tree.Query
    filter: tree.Expression | None
    """What of the query's filter is about the source."""
    shape: tree.Shape
    scan: Scan
    source: str
    """What columns of the source are called by, above an Alias; empty where there is none."""
    scope: Scope
    """The names of spans."""
    matching: list[Plan] = field(default_factory=list[Plan], init=False)

    def bind(self) -> Plan:
        """Return the rows as the shape has them, a summary still as its spans."""
        query = self.query
        taken = take_apart(self.filter, self.shape)
        rows = self._everything("rows")
        for condition in taken.kept if query.trace_filter is None else (*taken.kept, query.trace_filter):
            rows = Filter(rows, self._condition(condition))
        return rows if taken.formula is None else self._chosen(rows, taken.formula)

    def _everything(self, alias: str) -> Plan:
        """Return all spans that count at all."""
        scan = replace(self.scan, alias=alias)
        span_filter = self.query.span_filter
        return scan if span_filter is None else Filter(scan, self._condition(span_filter))

    def _chosen(self, rows: Plan, formula: Formula) -> Plan:
        """Return the rows that the filter chooses."""
        parts = formula.parts if isinstance(formula, Connected) and formula.op == "and" else (formula,)
        for part in parts:
            if isinstance(part, PlainCondition):
                rows = Filter(rows, self._condition(part.condition))
        tests = [self._formula(part) for part in parts if not isinstance(part, PlainCondition)]
        if not tests:
            return rows
        condition = tests[0] if len(tests) == 1 else _connect("and", tests)
        return TraceSelection(rows, tuple(self.matching), condition)

    def _formula(self, formula: Formula) -> Expression:
        match formula:
            case SpanTest(condition=condition):
                self.matching.append(Filter(self._everything("matching"), self._condition(condition)))
                return in_matching(len(self.matching) - 1)
            case PlainCondition(condition=condition):
                return self._condition(condition)
            case Connected(op=op, parts=parts):
                return _connect(op, [self._formula(part) for part in parts])

    def _condition(self, node: tree.Expression) -> Expression:
        condition = ExpressionBinder(self.scope).bind(node)
        refuse_aggregates(condition)
        refuse_windows(condition)
        if self.source:
            if any(isinstance(each, Parameter) for each in walk(condition)):
                raise errors.not_supported("a filter on traces that looks at a query around it", node.span)
            condition = without_source(condition, self.source)
        return condition


def _connect(op: str, parts: Sequence[Expression]) -> Expression:
    return Apply(functions()[op], tuple(parts), types.BOOLEAN)
