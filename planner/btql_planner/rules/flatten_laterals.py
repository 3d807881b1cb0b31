"""Turn Lateral, which runs one side for each row of the other, into joins.

Before:  Lateral left with $p1 = id (Scan, Project(Aggregate(Filter(t1.id = $p1, t1))))
After:   Join left on number (Shared s, Project(Aggregate by number(Filter(t1.id = d1.p1,
             Join(Aggregate number, id (Shared s), t1)))))

1. The rows of the left side are computed once (Shared), and those that have the
   same arguments get the same number (Numbered).
2. The different arguments, with their numbers, are a relation. Inside the right
   side it is joined wherever a parameter is used, and from there on its columns
   are carried along: as keys of groupings, partitions of windows and limits,
   columns of set operations.
3. So the right side is computed for all arguments at once, and its rows are
   joined with the left side by number.

A right side that is nothing but conditions on rows, or the elements of an array,
needs none of that.

No engine can run a Lateral, so this rule cannot be switched off.
"""

from __future__ import annotations

from btql_planner.plan import Plan
from btql_planner.plan_relations import Lateral
from btql_planner.plan_traversal import rewrite_down


def flatten_laterals(plan: Plan) -> Plan:
    """Return the plan without Lateral nodes; the outermost go first."""
    return rewrite_down(plan, _flattened)


def _flattened(plan: Plan) -> Plan | None:
    if not isinstance(plan, Lateral):
        return None
    from btql_planner.nested_queries.flattening import flattened  # Most plans need none.

    return flattened(plan)
