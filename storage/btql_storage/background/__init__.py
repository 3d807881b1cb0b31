"""Work that goes on by itself, and what it asks of others.

:mod:`~btql_storage.background.loop` compacts when it is time to, at the pace of a budget
(:mod:`~btql_storage.background.pace`); :mod:`~btql_storage.background.pressure` slows the writers down where it
cannot keep up with them.
"""
