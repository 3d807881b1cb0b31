"""Where a database is, and how it is opened there.

:mod:`.location` reads what was given for it, with the help of :mod:`.configuration`; :mod:`.services` puts together
what keeps its files and its catalog. That these belong to each other is seen from the :mod:`.marker` beside the files
and checked in :mod:`.identity`. A folder of this machine alone is opened by :mod:`btql_storage.folder`.
"""
