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

from btql_planner.plan import Plan
from btql_planner.probes import of_keys
from btql_planner.rules.probe_text_index import with_probes


def probe_keys(plan: Plan) -> Plan:
    """Return the plan with probes for the keys that a row must have."""
    return with_probes(plan, of_keys)
