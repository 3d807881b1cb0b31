"""Find the traces of a page first, and add up only those.

Before:  Limit(50, Sort(_pagination_key, TraceSummary(roots, spans, [avg(scores.x), …])))
After:   Sort(_pagination_key, TraceSummary(roots, TraceSelection(spans, matching=[
             Limit(50, Sort(_pagination_key, TraceSummary(roots, spans, [])))]), [avg(scores.x), …]))

Which spans are roots is known from four columns. The columns that are added up
are many, and of most traces nobody sees them.

Not applied where the order, or a filter between, looks at a measure: then all
traces have to be added up before one can be left out. A filter on root spans
goes with the search for them. Nor where the scans already read no other traces
(:mod:`btql_planner.rules.read_first_traces`): the engine takes longer to plan a
search than to add up the rows of few traces.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from btql_planner.expression_traversal import walk
from btql_planner.expressions import Expression, Reference
from btql_planner.plan import Filter, Limit, Plan, Sort, TraceSelection, TraceSummary, in_matching
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import expressions, rewrite


def limit_summaries(plan: Plan) -> Plan:
    """Return the plan with summaries of few traces computed for those alone."""
    return rewrite(plan, _on_limit)


def _on_limit(plan: Plan) -> Plan | None:
    if not isinstance(plan, Limit) or plan.count is None or not isinstance(plan.input, Sort):
        return None
    sort = plan.input
    filters: list[Filter] = []
    below = sort.input
    while isinstance(below, Filter):
        filters.append(below)
        below = below.input
    if not isinstance(below, TraceSummary) or not below.measures:
        return None
    if isinstance(below.roots, Scan) and below.roots.traces is not None:
        return None
    looked_at: list[Plan] = [sort, *filters]
    if any(_measured(expression, below.name) for node in looked_at for expression in expressions(node)):
        return None
    bare = replace(below, measures=())
    chosen = replace(plan, input=replace(sort, input=_filtered(bare, filters)))
    spans = TraceSelection(below.spans, (chosen,), in_matching(0))
    return replace(sort, input=replace(below, spans=spans))


def _filtered(plan: Plan, filters: Sequence[Filter]) -> Plan:
    for each in reversed(filters):
        plan = replace(each, input=plan)
    return plan


def _measured(expression: Expression, name: str) -> bool:
    return any(isinstance(node, Reference) and node.name.startswith(f"{name}.") for node in walk(expression))
