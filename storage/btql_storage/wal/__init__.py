"""The write-ahead log: what was acknowledged is in a file of it, durable.

:mod:`.format` says what the files are, :mod:`.writer` writes and :mod:`.reader` reads them; :mod:`.group_commit` makes
requests durable that wait for the disk at the same time, and :mod:`.empty_request` has none. :mod:`.files` keeps what
is known of the files of an open database. :mod:`.control` is the one column with a meaning of its own.
"""
