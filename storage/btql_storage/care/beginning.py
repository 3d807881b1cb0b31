"""What must be there before a database can be opened to be repaired: its marker, and a catalog."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from btql_storage.care.guess import check_owners
from btql_storage.catalog import Catalog
from btql_storage.clock import SYSTEM_CLOCK
from btql_storage.errors import BadFile, Damaged, NotADatabase, from_os_error
from btql_storage.folder import Settings
from btql_storage.format import CATALOG, PARTS, SET_ASIDE, WAL
from btql_storage.opening.identity import DATABASE
from btql_storage.opening.marker import MARKER, CatalogPlace, Marker, check_restored, read_marker
from btql_storage.opening.services import How, catalog_at, check_may_make, store_at
from btql_storage.stores.local import LocalStore

if TYPE_CHECKING:
    from btql_storage.care.repair import Repaired
    from btql_storage.opening.location import Location
    from btql_storage.stores.interface import Store

_SIDES = ("", "-wal", "-shm")


def mend_marker(location: Location, outcome: Repaired) -> None:
    """Write the marker again where it is lost or damaged, and there are files of a database."""
    store = store_at(location)
    try:
        content = store.read(MARKER)
        # One of a newer btql is neither.
        with suppress(Damaged):
            if content is not None:
                read_marker(content, MARKER, store.label)
                return
        if content is None:
            check_restored(store)
        if not store.list(WAL) and not store.list(PARTS):
            # It was none, or an empty one: opening it says so.
            return
        anew = _marker_anew(location)
        store.delete(MARKER)
        store.put(MARKER, anew.content)
        outcome.done.append(f"the marker `{MARKER}` was written again")
    finally:
        store.close()


def begin_catalog(location: Location, outcome: Repaired) -> str | None:
    """Put an empty catalog in the place of the one that is lost; a file that was there is set aside.

    Return the id of the database. The catalog gets it with all that is in it: until then nobody opens it.
    """
    store = store_at(location)
    try:
        marker = _marker(store)
        if marker is None:
            check_may_make(store, _how(read_only=False))
        check_owners(store)
    finally:
        store.close()
    path = _catalog_path(location)
    if path is None:
        catalog = catalog_at(location, _how(read_only=False), is_new=True)
    else:
        for moved in _set_aside(path):
            outcome.done.append(f"`{path.name}` is in `{moved}` now")
        catalog = Catalog.sqlite(LocalStore(path.parent), path.name, read_only=False, wait_s=Settings().lock_wait_s)
    catalog.close()
    return None if marker is None else marker.database


def _marker_anew(location: Location) -> Marker:
    place: CatalogPlace = "folder" if location.is_alone else "postgresql" if location.shares_catalog else "sqlite"
    new = Marker.new(place)
    path = _catalog_path(location)
    if path is not None and not path.is_file():
        return new
    with suppress(BadFile, NotADatabase):
        if path is None:
            catalog = catalog_at(location, _how(read_only=True), is_new=False)
        else:
            catalog = Catalog.sqlite(LocalStore(path.parent), path.name, read_only=True, wait_s=Settings().lock_wait_s)
        try:
            return Marker(catalog.setting(DATABASE), place)
        finally:
            catalog.close()
    return new


def _marker(store: Store) -> Marker | None:
    content = store.read(MARKER)
    return None if content is None else read_marker(content, MARKER, store.label)


def _catalog_path(location: Location) -> Path | None:
    """Return the file of the catalog, where it is one."""
    return Path(location.files, CATALOG) if location.is_alone else location.catalog_file


def _set_aside(path: Path) -> Iterator[str]:
    number = 1
    while path.with_name(f"{path.name}.{SET_ASIDE}-{number}").exists():
        number += 1
    for side in _SIDES:
        source = path.with_name(f"{path.name}{side}")
        if source.exists():
            target = path.with_name(f"{path.name}.{SET_ASIDE}-{number}{side}")
            try:
                source.rename(target)
            except OSError as error:
                raise from_os_error(error, "move", source) from error
            yield target.name


def _how(*, read_only: bool) -> How:
    return How(create=False, read_only=read_only, settings=Settings(), clock=SYSTEM_CLOCK)
