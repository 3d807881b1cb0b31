"""Let the text index answer alternatives.

Before:  Filter((input MATCH 'a b' or output MATCH 'c') and created > x, Scan)
After:   Filter(created > x, Scan(probes=[input MATCH 'a b' or output MATCH 'c']))

Before:  Filter(input ILIKE '%rainbow%' or metadata.user_id = 'user-17', Scan)
After:   Filter(…the same…, Scan(probes=[input has `*rainbow*` or metadata has `user 17`]))

Where all alternatives are MATCH on indexed fields, as ``search('a b')`` makes
them, the index decides and no check is left over. Else the rows that it finds
are checked.

Not applied where the index knows nothing about one of the alternatives, since
then any row may pass.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.conditions import with_conditions
from btql_planner.expression_traversal import conjuncts
from btql_planner.expressions import Apply, Expression
from btql_planner.plan import Filter, Plan
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import rewrite
from btql_planner.probes import Probe, of_any, of_keys, of_match, of_pattern, of_value
from btql_planner.rules.probe_patterns import worthwhile

_LEAVES = (of_match, of_pattern, of_value, of_keys)


def probe_alternatives(plan: Plan) -> Plan:
    """Return the plan with probes for every OR that a row must satisfy."""
    return rewrite(plan, _on_filter)


def _on_filter(plan: Plan) -> Plan | None:
    if not isinstance(plan, Filter) or not isinstance(plan.input, Scan):
        return None
    probes: list[Probe] = []
    left: list[Expression] = []
    for part in conjuncts(plan.condition):
        probe = of_any(part, _LEAVES) if isinstance(part, Apply) and part.function.name == "or" else None
        if probe is not None and worthwhile(probe):
            probes.append(probe)
        if probe is None or not probe.exact:
            left.append(part)
    if not probes:
        return None
    return with_conditions(replace(plan.input, probes=(*plan.input.probes, *probes)), left)
