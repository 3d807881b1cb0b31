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

from btql_planner.expressions import Expression
from btql_planner.plan import Plan
from btql_planner.probes import Probe, of_pattern
from btql_planner.rules.probe_text_index import with_probes
from btql_storage.text.probe import Word, leaves


def probe_patterns(plan: Plan) -> Plan:
    """Return the plan with probes for the patterns that a row must fit."""
    return with_probes(plan, _of_pattern)


def _of_pattern(condition: Expression) -> Probe | None:
    probe = of_pattern(condition)
    return probe if probe is not None and worthwhile(probe) else None


def worthwhile(probe: Probe) -> bool:
    """Return whether a probe costs less than the columns that decide without it."""
    words = [leaf for leaf in leaves(probe.asked) if isinstance(leaf, Word)]
    return probe.instead_of_documents or all(piece.starts for word in words for piece in word.pieces)
