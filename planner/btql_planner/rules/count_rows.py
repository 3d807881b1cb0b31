"""Count rows without reading them.

Before:  Aggregate([], [count(1)], Scan(probes=[input MATCH 'the']))
After:   Aggregate([], [count(1)], Scan(probes=[input MATCH 'the'], counted))

How many rows a part has is in the catalog, and in how many its text index has
hits the index knows without naming them. The scan then gives as many rows as
there are, with nothing in them.

Not applied where anything else is asked of the rows, or where a condition
decides about each of them.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expressions import AggregateCall, Constant, Expression
from btql_planner.plan import Aggregate, Plan
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import rewrite


def count_rows(plan: Plan) -> Plan:
    """Return the plan with scans of which only the number of rows counts."""
    return rewrite(plan, _on_aggregate)


def _on_aggregate(plan: Plan) -> Plan | None:
    if not isinstance(plan, Aggregate) or plan.keys or plan.sets is not None or not isinstance(plan.input, Scan):
        return None
    scan = plan.input
    if scan.filters or not all(probe.exact for probe in scan.probes):
        return None
    if not all(_counts_rows(measure.expression) for measure in plan.measures):
        return None
    return replace(plan, input=replace(scan, counted=True))


def _counts_rows(expression: Expression) -> bool:
    return (
        isinstance(expression, AggregateCall)
        and expression.function.name == "count"
        and expression.filter is None
        and not expression.distinct
        and all(isinstance(argument, Constant) for argument in expression.arguments)
    )
