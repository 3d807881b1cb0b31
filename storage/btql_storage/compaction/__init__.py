"""From waiting events to parts, and from parts to better parts.

:mod:`~btql_storage.compaction.policy` decides, purely, what to do next;
:mod:`~btql_storage.compaction.job` turns events into a part;
:mod:`~btql_storage.compaction.rewrite` turns parts into one;
:mod:`~btql_storage.compaction.run` is the loop, and removes what nobody needs.
"""
