"""Events as they come out of the WAL, for tests of what goes in."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import numpy as np

from btql_storage.format import wal_name
from btql_storage.ingest.columns import Accepted
from btql_storage.transactions import PREFIX
from btql_storage.wal.format import ObjectName
from btql_storage.wal.reader import WalEvent, WalFile
from btql_storage.wal.writer import columns, encode

if TYPE_CHECKING:
    from btql_storage.wal.writer import Columns

XACT = PREFIX | 5 << 16
TARGET = ObjectName(3, "dataset", "d")


def events_of(accepted: Accepted) -> list[WalEvent]:
    """Return the events of a request, sent through a file."""
    return read_back(columns(accepted, [TARGET]))


def read_back(written: Columns) -> list[WalEvent]:
    """Return the events of some columns, sent through a file."""
    with TemporaryDirectory() as folder:
        path = Path(folder, wal_name(XACT))
        path.write_bytes(bytes(encode(written, XACT)))
        file = WalFile(path, XACT)
        return list(file.events(np.arange(file.rows)))
