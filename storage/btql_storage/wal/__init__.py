"""The write-ahead log: what was acknowledged is in a file of it, durable.

:mod:`.format` says what the files are, :mod:`.writer` writes and :mod:`.reader` reads them; :mod:`.group_commit` makes
requests durable that wait for the disk at the same time. :mod:`.control` is the one column with a meaning of its own.
"""
