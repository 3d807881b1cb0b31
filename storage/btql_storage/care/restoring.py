"""Restores that were broken off: nobody takes them for databases, and they can be begun anew.

A database opens by its marker, so one that is being restored has none. In its place is a note with that marker and
with what else was there before; the marker comes back last, when all is there. Whoever restores holds the compaction
lock, so nobody cleans up after one who is still at it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec

from btql_storage.errors import Damaged, NotADatabase
from btql_storage.format import CATALOG, LOCKS, PARTS, WAL
from btql_storage.opening.marker import MARKER, RESTORING, read_marker
from btql_storage.opening.services import open_at, store_at

if TYPE_CHECKING:
    from btql_storage.folder import Folder
    from btql_storage.opening.location import Location
    from btql_storage.opening.services import How
    from btql_storage.stores.interface import Store


class Note(msgspec.Struct, frozen=True):
    """What is in the place of a marker."""

    marker: str
    """Its content."""
    beside: list[str]
    """What was at the place before, and is not the database's."""


_note_of = msgspec.json.Decoder(Note).decode


def open_to_restore(location: Location, how: How) -> Folder:
    """Open a new database, or what a restore has left that was broken off."""
    store = store_at(location)
    try:
        note = None if store.size(MARKER) else _note(store)
        marker = None if note is None else read_marker(note.marker.encode(), RESTORING, store.label)
    finally:
        store.close()
    return open_at(location, how, marker)


def begin(folder: Folder) -> Note:
    """Let nobody open the database until :func:`finish`; the caller has the compaction lock."""
    store = folder.store
    marker = store.read(MARKER)
    if marker is None:
        note = _note(store)
        if note is None:
            raise NotADatabase(f"somebody has removed the database at `{store.label}`", "restore to another place")
        _clean(store, note)
        return note
    if folder.catalog.objects() or folder.wal.numbers() or store.list(PARTS):
        raise NotADatabase(f"there is a database at `{store.label}`", "restore to a new or an empty place")
    note = Note(marker.decode(), [name for name in store.list("") if not _is_own(name) and name not in (WAL, PARTS)])
    store.delete(RESTORING)
    store.put(RESTORING, msgspec.json.encode(note) + b"\n")
    store.delete(MARKER)
    store.sync("")
    return note


def finish(folder: Folder, note: Note) -> None:
    """Let the database be opened."""
    folder.store.put(MARKER, note.marker.encode())
    folder.store.delete(RESTORING)


def _clean(store: Store, note: Note) -> None:
    """Remove what a restore has left; what is in its catalog is replaced by the next one."""
    for name in store.list(""):
        if not _is_own(name) and name not in note.beside:
            store.delete(name)
    for folder in (WAL, PARTS):
        store.make_folder(folder)


def _is_own(name: str) -> bool:
    """Return whether a name is of what every database has from its beginning."""
    return name in (MARKER, RESTORING, LOCKS) or name.startswith(CATALOG)


def _note(store: Store) -> Note | None:
    content = store.read(RESTORING)
    if content is None:
        return None
    try:
        return _note_of(content)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Damaged(
            f"`{RESTORING}` of `{store.label}` is damaged", "restore to another place, and remove this one"
        ) from error
