"""Let the text index answer MATCH.

Before:  Filter(input MATCH 'over the rainbow' and created > x, Scan)
After:   Filter(created > x, Scan(probes=[input MATCH 'over the rainbow']))

The index keeps positions and is fed by the same tokenizer that a scan uses, so
its answer is exact and no check is left over.

Not applied under OR, which another rule looks at, and not under NOT: there a
hit alone does not decide about the row. Such a MATCH is still answered by the
index, as a set of rows to look up.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner import types
from btql_planner.expressions import Apply, Expression, Match, conjuncts
from btql_planner.functions import functions
from btql_planner.plan import Filter, Plan, Scan, rewrite
from btql_planner.probes import of_match


def probe_text_index(plan: Plan) -> Plan:
    """Return the plan with every MATCH that a row must satisfy moved into its scan."""
    return rewrite(plan, _on_filter)


def _on_filter(plan: Plan) -> Plan | None:
    if not isinstance(plan, Filter) or not isinstance(plan.input, Scan):
        return None
    parts = conjuncts(plan.condition)
    probes = dict.fromkeys(probe for part in parts if (probe := of_match(part)) is not None)
    if not probes:
        return None
    scan = replace(plan.input, probes=(*plan.input.probes, *probes))
    return with_conditions(scan, [part for part in parts if not isinstance(part, Match)])


def with_conditions(plan: Plan, conditions: list[Expression]) -> Plan:
    """Return the plan under a filter for all conditions, or bare where there is none."""
    if not conditions:
        return plan
    if len(conditions) == 1:
        return Filter(plan, conditions[0])
    return Filter(plan, Apply(functions()["and"], tuple(conditions), types.BOOLEAN))
