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

from btql_planner.plan import Plan
from btql_planner.probes import of_value
from btql_planner.rules.probe_text_index import with_probes


def probe_values(plan: Plan) -> Plan:
    """Return the plan with probes for the texts that a row must have."""
    return with_probes(plan, of_value)
