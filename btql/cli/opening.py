"""Open a database to read from: one that may not be written to, or whose disk is full, can still be asked."""

from __future__ import annotations

import os

import btql
from btql.cli.console import note
from btql.cli.start import import_arrow, import_engine
from btql_storage.errors import DiskFull
from btql_storage.opening.location import locate


def reading(database: str) -> btql.Connection:
    """Return a connection for queries, read-only where the folder is."""
    import_arrow()
    import_engine()
    folder = locate(database).folder
    read_only = folder is not None and not os.access(folder, os.W_OK)
    try:
        return btql.connect(database, create=False, read_only=read_only)
    except DiskFull as error:
        note(f"{error.message}: the database is open to read only")
        return btql.connect(database, create=False, read_only=True)
