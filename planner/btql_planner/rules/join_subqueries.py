"""Turn queries inside expressions into joins.

Before:  Filter(model = 'x' and exists[Project(Filter(t1.id = $p1, t1)) with $p1 = id], Scan)
After:   Join semi on t1.id = id (Filter(model = 'x', Scan), t1)

A condition of WHERE that is an EXISTS or an IN, or the opposite, keeps or drops
rows: a semi or an anti join. Everywhere else the query's value becomes a column
of a left join, Lateral where the query looks at the row around it. What asks
whether there is a row counts them.

NOT IN is never true beside a null, on either side. Where one may be, the join
looks for the value alone, and a count of the other side's nulls for the rest.

A plan with a query inside an expression cannot be lowered without this rule, so
it cannot be switched off.
"""

from __future__ import annotations

from btql_planner.expression_traversal import walk
from btql_planner.expressions import Subquery
from btql_planner.plan import Plan
from btql_planner.plan_traversal import expressions
from btql_planner.plan_traversal import walk as walk_plan


def join_subqueries(plan: Plan) -> Plan:
    """Return the plan without queries in its expressions."""
    if not any(
        isinstance(part, Subquery) for node in walk_plan(plan) for each in expressions(node) for part in walk(each)
    ):
        return plan
    from btql_planner.nested_queries.joining import Joins  # Most plans need none.

    return Joins().place(plan)[0]
