"""Check the documents of the first rows first, where only so many are wanted that pass.

Before:  Limit(50, Sort(created desc, Filter(input ILIKE '%the%', Scan)))
After:   Limit(50, Sort(created desc, Filter(input ILIKE '%the%', Scan(top=50 by created desc, guessed))))

Where documents decide, and many rows pass, the newest few hundred have the
newest fifty that pass. They are looked at first; where too few of them pass, the
query is run again over more rows, and at last over all.

Not applied where the answer is no plain list of rows, as then its length does
not say whether enough of them passed, and not where the text index answers
MATCH inside the condition.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expression_traversal import walk
from btql_planner.expressions import Column, Match
from btql_planner.plan import Filter, Limit, Plan, Project, Sort
from btql_planner.plan_scan import Scan, Top
from btql_planner.rules.stop_early import ORDERED

COUNT_MAX = 1_000


def check_few_documents(plan: Plan) -> Plan:
    """Return the plan with a scan that knows how many rows are wanted to pass."""
    if not isinstance(plan, Project) or not isinstance(plan.input, Limit) or not isinstance(plan.input.input, Sort):
        return plan
    limit, sort, filter_ = plan.input, plan.input.input, plan.input.input.input
    if not isinstance(filter_, Filter) or not isinstance(filter_.input, Scan) or limit.count is None:
        return plan
    scan, first = filter_.input, sort.keys[0]
    wanted = limit.count + limit.offset
    key = first.expression
    if not isinstance(key, Column) or key.source or key.name not in ORDERED:
        return plan
    if scan.keys or not 0 < limit.count <= wanted <= COUNT_MAX:
        return plan
    if any(isinstance(node, Match) for each in (filter_.condition, *scan.filters) for node in walk(each)):
        return plan
    top = Top(key.name, wanted, first.descending, filtered=True, asked=limit.count)
    below = replace(sort, input=replace(filter_, input=replace(scan, top=top)))
    return replace(plan, input=replace(limit, input=below))
