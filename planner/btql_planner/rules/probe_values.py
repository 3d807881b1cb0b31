"""Find the rows that may have a text as a value in the text index.

Before:  Filter(metadata.user_id = 'user-17', Scan)
After:   Filter(metadata.user_id = 'user-17', Scan(probes=[metadata has `user 17`]))

The same for IN, INCLUDES and for MATCH on a path inside an indexed field. The
condition stays: the field may have the words under another path.

Whether a part's index is asked is decided when the query runs, by the number
of rows that have the rarest word: to look a few rows up takes less than to read
a column, to look up many takes more.

Not applied to numbers and to texts that spell one, as 1e2 is equal to 100 and
no word of it.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expressions import conjuncts
from btql_planner.plan import Filter, Plan
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import rewrite
from btql_planner.probes import of_value


def probe_values(plan: Plan) -> Plan:
    """Return the plan with probes for the texts that a row must have."""
    return rewrite(plan, _on_filter)


def _on_filter(plan: Plan) -> Plan | None:
    if not isinstance(plan, Filter) or not isinstance(plan.input, Scan):
        return None
    found = [of_value(part) for part in conjuncts(plan.condition)]
    probes = tuple(dict.fromkeys(probe for probe in found if probe is not None))
    if not probes:
        return None
    return replace(plan, input=replace(plan.input, probes=(*plan.input.probes, *probes)))
