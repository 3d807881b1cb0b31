"""What ``btql repair`` has set aside: damaged log files, and catalogs that were made again.

They are kept in case somebody can still read something of them, and nothing else ever removes them. They may have
anything of any object, and what is damaged cannot be searched, so a purge removes all of them.
"""

from __future__ import annotations

from collections.abc import Iterator

from btql_storage.databases.sqlite import SqliteDatabase
from btql_storage.folder import Folder
from btql_storage.format import SET_ASIDE
from btql_storage.stores.interface import Store
from btql_storage.stores.local import LocalStore


def files_set_aside(folder: Folder) -> Iterator[tuple[str, int]]:
    """Yield the files, and their bytes."""
    for store, name in _files(folder):
        yield name, store.size(name)


def remove_set_aside(folder: Folder) -> Iterator[tuple[str, int]]:
    """Remove the files; yield them, and their bytes."""
    for store, name in list(_files(folder)):
        size = store.size(name)
        store.delete(name)
        yield name, size


def _files(folder: Folder) -> Iterator[tuple[Store, str]]:
    for name in folder.store.list(SET_ASIDE):
        yield folder.store, f"{SET_ASIDE}/{name}"
    database = folder.catalog.database
    if isinstance(database, SqliteDatabase):
        beside = LocalStore(database.path.parent)
        begin = f"{database.path.name}.{SET_ASIDE}-"
        yield from ((beside, name) for name in beside.list(".") if name.startswith(begin))
