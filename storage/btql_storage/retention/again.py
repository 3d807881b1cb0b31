"""An object that was deleted, and written to by somebody who did not know yet.

Who has written to an object keeps it in mind for some seconds. What they write after it was deleted was acknowledged,
so it has to be seen: the object is there again, with nothing but that. Processing makes it so in the catalog
(:mod:`btql_storage.process`); until then whoever asks for it by name looks into the log.
"""

from __future__ import annotations

from btql_storage.catalog import ObjectInfo
from btql_storage.folder import Folder


def written_again(folder: Folder, kind: str, name: str) -> ObjectInfo | None:
    """Return an object that was deleted and written to since; None where there is no such thing."""
    gone = folder.catalog.deleted.deleted(kind, name)
    if gone is None:
        return None
    for number in folder.wal.new_numbers():
        if number > gone.deleted_upto and len(folder.wal.file(number).rows_of(gone.object.id)):
            return gone.object
    return None
