"""Push conditions over columns into the scan.

Before:  Filter(metadata.model = 'x' and input LIKE '%y%', Scan)
After:   Filter(input LIKE '%y%', Scan(filters=[metadata.model = 'x']))

What is checked inside the scan is checked by the engine's Parquet reader, page
by page, and before any document is fetched.

Not applied to conditions that need documents, and not to functions written in
Python, which would hold the interpreter's lock inside the reader.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.conditions import with_conditions
from btql_planner.expression_traversal import conjuncts, walk
from btql_planner.expressions import Apply, Expression, PathValue
from btql_planner.plan import Filter, Plan
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import rewrite


def push_filter_into_scan(plan: Plan) -> Plan:
    """Return the plan with every condition that columns can decide inside its scan."""
    return rewrite(plan, _on_filter)


def _on_filter(plan: Plan) -> Plan | None:
    if not isinstance(plan, Filter) or not isinstance(plan.input, Scan):
        return None
    parts = conjuncts(plan.condition)
    pushed = dict.fromkeys(part for part in parts if _columns_decide(part))
    if not pushed:
        return None
    scan = replace(plan.input, filters=(*plan.input.filters, *pushed))
    return with_conditions(scan, [part for part in parts if part not in pushed])


def _columns_decide(condition: Expression) -> bool:
    return not any(
        (isinstance(node, PathValue) and node.needs_document) or (isinstance(node, Apply) and node.in_python)
        for node in walk(condition)
    )
