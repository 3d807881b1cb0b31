"""Say that only the first rows in the order of a time or a key are wanted.

Before:  Limit(100, Sort(created desc, Scan))
After:   Limit(100, Sort(created desc, Scan(top=100 by created desc)))

Parts have their smallest and largest time, transaction and pagination key in the
catalog, so the newest rows are found in the newest parts, and other parts are
not opened. The sort and the limit stay.

Not applied above a filter that needs documents, nor where ids are sought: then few
rows are left anyway. Where columns, or other rows of their traces, decide which rows
count, the scan is over more rows than are wanted, and over more again where that was
too few.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expressions import Column
from btql_planner.plan import Limit, Plan, Sort, TraceSelection
from btql_planner.plan_scan import Scan, Top
from btql_planner.plan_traversal import rewrite

COUNT_MAX = 10_000
ORDERED = frozenset({"created", "_xact_id", "_pagination_key"})


def stop_early(plan: Plan) -> Plan:
    """Return the plan with scans that know how many rows are wanted in which order."""
    return rewrite(plan, _on_limit)


def _on_limit(plan: Plan) -> Plan | None:
    if not isinstance(plan, Limit) or plan.count is None or not isinstance(plan.input, Sort):
        return None
    below, first = plan.input.input, plan.input.keys[0]
    scan = below.input if isinstance(below, TraceSelection) else below
    wanted = plan.count + plan.offset
    if not isinstance(scan, Scan) or scan.keys or not 0 < wanted <= COUNT_MAX:
        return None
    key = first.expression
    if not isinstance(key, Column) or key.source or key.name not in ORDERED:
        return None
    filtered = bool(scan.filters) or isinstance(below, TraceSelection)
    scan = replace(scan, top=Top(key.name, wanted, first.descending, filtered=filtered))
    below = replace(below, input=scan) if isinstance(below, TraceSelection) else scan
    return replace(plan, input=replace(plan.input, input=below))
