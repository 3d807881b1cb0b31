"""Find the rows that have a key in the text index.

Before:  Filter(metadata.labels.rare > 2, Scan)
After:   Filter(metadata.labels.rare > 2, Scan(probes=[metadata has `labels` and `rare`]))

A part has columns for so many paths at most; of any other only documents know
whether it is there. But keys are texts of a document, too, so the index has
them: the documents of rows without the keys need not be read.

Not applied to paths that columns have, and not to conditions that may hold for
null.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expressions import conjuncts
from btql_planner.plan import Filter, Plan
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import rewrite
from btql_planner.probes import of_keys


def probe_keys(plan: Plan) -> Plan:
    """Return the plan with probes for the keys that a row must have."""
    return rewrite(plan, _on_filter)


def _on_filter(plan: Plan) -> Plan | None:
    if not isinstance(plan, Filter) or not isinstance(plan.input, Scan):
        return None
    found = [of_keys(part) for part in conjuncts(plan.condition)]
    probes = tuple(dict.fromkeys(probe for probe in found if probe is not None))
    if not probes:
        return None
    return replace(plan, input=replace(plan.input, probes=(*plan.input.probes, *probes)))
