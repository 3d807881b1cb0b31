"""Find the rows whose texts may fit a pattern in the text index.

Before:  Filter(input ILIKE '%ainbow over the%', Scan)
After:   Filter(input ILIKE '%ainbow over the%', Scan(probes=[input has `*ainbow` and `over the`]))

Every letter of the pattern is in some term of the index, and the dictionary of
terms is much shorter than the texts. The condition stays: a hit may have the
words elsewhere in the field, or further apart.

Not applied where the pattern has no three letters in a row, and not where short
texts in a column would be looked through faster than the dictionary: that is
when a word's beginning is not known.
"""

from __future__ import annotations

from dataclasses import replace

from btql_planner.expressions import conjuncts
from btql_planner.plan import Filter, Plan
from btql_planner.plan_scan import Scan
from btql_planner.plan_traversal import rewrite
from btql_planner.probes import Probe, of_pattern
from btql_storage.text.probe import Word, leaves


def probe_patterns(plan: Plan) -> Plan:
    """Return the plan with probes for the patterns that a row must fit."""
    return rewrite(plan, _on_filter)


def _on_filter(plan: Plan) -> Plan | None:
    if not isinstance(plan, Filter) or not isinstance(plan.input, Scan):
        return None
    found = [of_pattern(part) for part in conjuncts(plan.condition)]
    probes = tuple(dict.fromkeys(probe for probe in found if probe is not None and worthwhile(probe)))
    if not probes:
        return None
    return replace(plan, input=replace(plan.input, probes=(*plan.input.probes, *probes)))


def worthwhile(probe: Probe) -> bool:
    """Return whether a probe costs less than the columns that decide without it."""
    words = [leaf for leaf in leaves(probe.asked) if isinstance(leaf, Word)]
    return probe.instead_of_documents or all(piece.starts for word in words for piece in word.pieces)
