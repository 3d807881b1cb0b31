"""Open a database to read from: one that may not be written to can still be asked."""

from __future__ import annotations

import os

import btql
from btql.cli.start import import_arrow, import_engine
from btql_storage.opening.location import locate


def reading(database: str) -> btql.Connection:
    """Return a connection for queries, read-only where the folder is."""
    import_arrow()
    import_engine()
    folder = locate(database).folder
    return btql.connect(database, create=False, read_only=folder is not None and not os.access(folder, os.W_OK))
