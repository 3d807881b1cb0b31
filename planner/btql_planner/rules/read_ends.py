"""Find the smallest and the largest time or key without reading rows.

Before:  Aggregate([], [max(created), min(created)], Scan)
After:   Aggregate([], [max(created), min(created)], Scan(ends))

The catalog has both of every part. The scan then gives rows with nothing but
these values. Where a part has rows that were replaced, its column is read if
its ends lie beyond those of the others.

Not applied where rows are grouped, left out by a condition or counted.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expressions import AggregateCall, Column, Expression
from btql_planner.plan import Aggregate, Plan
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import rewrite
from btql_planner.rules.stop_early import ORDERED


def read_ends(plan: Plan) -> Plan:
    """Return the plan with scans of which only the ends of ordered columns are used."""
    return rewrite(plan, _on_aggregate)


def _on_aggregate(plan: Plan) -> Plan | None:
    if not isinstance(plan, Aggregate) or plan.keys or plan.sets is not None or not isinstance(plan.input, Scan):
        return None
    scan = plan.input
    if scan.filters or scan.probes or not plan.measures:
        return None
    if not all(_is_end(measure.expression) for measure in plan.measures):
        return None
    return replace(plan, input=replace(scan, ends=True))


def _is_end(expression: Expression) -> bool:
    if not isinstance(expression, AggregateCall) or expression.function.name not in ("min", "max"):
        return False
    (argument, *others) = expression.arguments
    return (
        isinstance(argument, Column)
        and argument.name in ORDERED
        and not argument.source
        and not others
        and expression.filter is None
    )
