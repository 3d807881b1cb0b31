"""Say what a part must have under the paths of a filter.

Before:  Filter(input = 'y', Scan(filters=[metadata.model = 'x', metrics.tokens > 5]))
After:   Filter(input = 'y', Scan(filters=…, needs=[metadata.model: a text, 'x';
             metrics.tokens: a number from 5, or a text; input: a text, 'y']))

The catalog knows for every path of a part which kinds of value it has and between
which bounds. The conditions stay: a part that may have a row says nothing about which.

Not applied to conditions under NOT, nor to those that may hold for null. Under OR a
part must have what one of the conditions needs.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expressions import Expression
from btql_planner.needs import needs_of
from btql_planner.plan import Filter, Plan
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import rewrite


def prune_by_paths(plan: Plan) -> Plan:
    """Return the plan with the needs that follow from the filters in and right above each scan."""
    return rewrite(plan, _on_node)


def _on_node(plan: Plan) -> Plan | None:
    match plan:
        case Scan():
            return _with_needs(plan, plan.filters)
        case Filter(input=Scan() as scan):
            return replace(plan, input=_with_needs(scan, (plan.condition,)))
        case _:
            return None


def _with_needs(scan: Scan, conditions: tuple[Expression, ...]) -> Scan:
    needs = [need for condition in conditions for need in needs_of(condition)]
    return replace(scan, needs=tuple(dict.fromkeys([*scan.needs, *needs]))) if needs else scan
