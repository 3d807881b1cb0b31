"""Say that only the traces that begin first, or last, are wanted.

Before:  Limit(100, Sort(_pagination_key desc, TraceSummary(Scan roots, Scan rows)))
After:   Limit(100, Sort(_pagination_key desc, TraceSummary(
             Scan roots(traces=100 by _pagination_key desc), Scan rows(traces=…))))

Which traces these are is found among the newest rows, and all rows of a trace by
its id, so that no other trace is added up. What is computed for the traces of a page
(:mod:`btql_planner.rules.limit_summaries`) is read from the same rows.

Not applied where a filter decides which rows or traces count, nor to several objects.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expressions import Column
from btql_planner.plan import Limit, Plan, Scan, Sort, Top, TraceSelection, TraceSummary, in_matching, rewrite
from btql_planner.rules.stop_early import ORDERED

COUNT_MAX = 1_000


def read_first_traces(plan: Plan) -> Plan:
    """Return the plan with scans that know which traces are wanted."""
    return rewrite(plan, _on_node)


def _on_node(plan: Plan) -> Plan | None:
    match plan:
        case Limit(input=Sort(input=TraceSummary(roots=Scan() as roots, spans=Scan() as spans) as summary) as sort):
            top = _top(plan, sort)
            if top is None or not (_is_bare(roots) and _is_bare(spans)):
                return None
            found = replace(summary, roots=replace(roots, traces=top), spans=replace(spans, traces=top))
            return replace(plan, input=replace(sort, input=found))
        case TraceSummary(
            roots=Scan() as roots,
            spans=TraceSelection(
                input=Scan() as spans,
                matching=(Limit(input=Sort(input=TraceSummary(roots=Scan() as chosen))),),
                condition=condition,
            ) as selection,
        ):
            top = chosen.traces
            if top is None or condition != in_matching(0) or not (_is_bare(roots) and _is_bare(spans)):
                return None
            selection = replace(selection, input=replace(spans, traces=top))
            return replace(plan, roots=replace(roots, traces=top), spans=selection)
        case _:
            return None


def _top(limit: Limit, sort: Sort) -> Top | None:
    first = sort.keys[0]
    key = first.expression
    if limit.count is None or not 0 < limit.count + limit.offset <= COUNT_MAX:
        return None
    if not isinstance(key, Column) or key.source or key.name not in ORDERED:
        return None
    return Top(key.name, limit.count + limit.offset, first.descending, filtered=False)


def _is_bare(scan: Scan) -> bool:
    return not (scan.filters or scan.probes or scan.keys) and len(scan.objects.names) == 1
