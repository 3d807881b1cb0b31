"""Which files of the log there are, where a list may lack some and have others that are gone."""

from __future__ import annotations

from btql_storage.folder import Folder
from btql_storage.stores.lists import lag


def log_files(folder: Folder) -> list[int]:
    """Return the numbers of the files that have events, all that were acknowledged before this was called."""
    if not lag(folder.store):
        return folder.wal.numbers()
    known = {*folder.wal.all_numbers(folder.numbers.settle(0)), *folder.catalog.noted_files()}
    return sorted(number for number in known if folder.wal.size(number))
