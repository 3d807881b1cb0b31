"""Open a database to read from: one that may not be written to can still be asked."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import btql
from btql.cli.start import import_arrow

if TYPE_CHECKING:
    from pathlib import Path


def reading(database: Path) -> btql.Connection:
    """Return a connection for queries, read-only where the folder is."""
    import_arrow()
    return btql.connect(database, create=False, read_only=not os.access(database, os.W_OK))
