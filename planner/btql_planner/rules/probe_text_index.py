"""Let the text index answer MATCH.

Before:  Filter(input MATCH 'over the rainbow' and created > x, Scan)
After:   Filter(created > x, Scan(probes=[input MATCH 'over the rainbow']))

The index keeps positions and is fed by the same tokenizer that a scan uses, so
its answer is exact and no check is left over.

Before:  Filter(input MATCH 'rainbow' and not input MATCH 'over', Scan)
After:   Scan(probes=[input MATCH 'rainbow' and not input MATCH 'over'])

Not applied under OR, which another rule looks at, and under NOT only where the
same field has to have something else: where there is nothing in a field, NOT
gives null. Such a MATCH is still answered by the index, as a set of rows to
look up.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.conditions import with_conditions
from btql_planner.expression_traversal import conjuncts
from btql_planner.expressions import Apply, Expression, Match
from btql_planner.plan import Filter, Plan
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import rewrite
from btql_planner.probes import Leaf, Probe, phrase
from btql_storage.text.probe import AllOf, Without


def probe_text_index(plan: Plan) -> Plan:
    """Return the plan with every MATCH that a row must satisfy moved into its scan."""
    return rewrite(plan, _on_filter)


def _on_filter(plan: Plan) -> Plan | None:
    if not isinstance(plan, Filter) or not isinstance(plan.input, Scan):
        return None
    parts = conjuncts(plan.condition)
    matches = [part for part in parts if isinstance(part, Match)]
    if not matches:
        return None
    probes = [Probe(phrase(match)) for match in dict.fromkeys(matches)]
    sought = {match.column for match in matches}
    negated = {part: match for part in parts if (match := _negated(part)) is not None and match.column in sought}
    if negated:
        without = [Without(phrase(match)) for match in dict.fromkeys(negated.values())]
        probes = [Probe(AllOf((*(probe.asked for probe in probes), *without)))]
    scan = replace(plan.input, probes=(*plan.input.probes, *probes))
    return with_conditions(scan, [part for part in parts if part not in negated and not isinstance(part, Match)])


def _negated(condition: Expression) -> Match | None:
    """Return the MATCH of which a condition is the opposite."""
    if not isinstance(condition, Apply) or condition.function.name != "not":
        return None
    (argument,) = condition.arguments
    return argument if isinstance(argument, Match) else None


def with_probes(plan: Plan, leaf: Leaf) -> Plan:
    """Return the plan with what follows from conditions as probes of the scans right below; the conditions stay."""

    def on_filter(node: Plan) -> Plan | None:
        if not isinstance(node, Filter) or not isinstance(node.input, Scan):
            return None
        found = [leaf(part) for part in conjuncts(node.condition)]
        probes = tuple(dict.fromkeys(probe for probe in found if probe is not None))
        if not probes:
            return None
        return replace(node, input=replace(node.input, probes=(*node.input.probes, *probes)))

    return rewrite(plan, on_filter)
