"""From the tree to a typed plan: what every name means, and of which kinds every expression is.

:mod:`.bind` is the door. :mod:`.query` binds a query, clause after clause: :mod:`.relation` binds what stands behind
its FROM, :mod:`.outputs` its select list, :mod:`.expression` and its neighbours the expressions in it. Which relation a
name belongs to is decided in :mod:`.scope`. The clauses that SQL has not are in :mod:`btql_planner.clauses`.
"""
