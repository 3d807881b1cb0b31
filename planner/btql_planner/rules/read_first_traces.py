"""Say that only the traces that begin first, or last, are wanted.

Before:  Limit(100, Sort(_pagination_key desc, TraceSummary(Scan roots, Scan rows)))
After:   Limit(100, Sort(_pagination_key desc, TraceSummary(
             Scan roots(traces=100 by _pagination_key desc), Scan rows(traces=…))))

Which traces these are is found among the newest rows, and all rows of a trace by
its id, so that no other trace is added up.

A condition on traces may be there whose filters can be checked in memory
(:mod:`btql_planner.rules.check_in_memory`), such as that they have a root. It stays.

Not applied where another filter decides which rows or traces count, nor to several objects.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expressions import Column
from btql_planner.plan import Limit, Plan, Sort, TraceSelection, TraceSummary, in_matching
from btql_planner.plan_scan import Scan, Top
from btql_planner.plan_traversal import rewrite
from btql_planner.rules.check_in_memory import check_of
from btql_planner.rules.stop_early import ORDERED

COUNT_MAX = 1_000


def read_first_traces(plan: Plan) -> Plan:
    """Return the plan with scans that know which traces are wanted."""
    return rewrite(plan, _on_limit)


def _on_limit(plan: Plan) -> Plan | None:
    match plan:
        case Limit(input=Sort(input=TraceSummary() as summary) as sort):
            found = _over(summary, _top(plan, sort))
            return None if found is None else replace(plan, input=replace(sort, input=found))
        case _:
            return None


def _over(summary: TraceSummary, top: Top | None) -> TraceSummary | None:
    """Return a summary of the first traces alone; None where it takes all of them to know which they are."""
    roots, spans = summary.roots, summary.spans
    if top is None or not isinstance(roots, Scan) or not _is_bare(roots):
        return None
    match spans:
        case Scan():
            selected: Plan = replace(spans, traces=top)
            rows = spans
        case TraceSelection(input=Scan() as rows, matching=(Scan() as matching,), condition=condition):
            checks = [check for each in matching.filters if (check := check_of(each)) is not None]
            decided = len(checks) == len(matching.filters) and not (matching.probes or matching.keys)
            if condition != in_matching(0) or not decided:
                return None
            top = replace(top, among=tuple(checks))
            passing = replace(top, only="passing")
            selected = replace(spans, input=replace(rows, traces=top), matching=(replace(matching, traces=passing),))
        case _:
            return None
    first = replace(roots, traces=replace(top, only="roots"))
    return replace(summary, roots=first, spans=selected) if _is_bare(rows) else None


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
