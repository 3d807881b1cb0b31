"""Opens a database wherever it is: puts its services together, and checks that they belong to each other.

A folder alone needs nothing of this (:meth:`~btql_storage.folder.Folder.at`). For everything else:

1. A new database begins with its **catalog**, which draws the id. Only then the **marker** appears beside the files,
   with that id; of several who make one at the same time the first marker counts.
2. From then on catalog and marker must have the same id. A catalog without any is not the one that the database was
   made with: what is in the files would not be seen.
3. Who **numbers** transactions is noted in a catalog that several machines share by whoever opens it first, and does
   not change: two that number without knowing of each other would lose writes.
"""

from __future__ import annotations

from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, cast

from btql_storage.catalog.catalog import Catalog
from btql_storage.catalog.leases import LeaseLock
from btql_storage.coordination.numbers import LocalNumbers, Numbers
from btql_storage.errors import NewerFormat, NotADatabase, OtherDatabase, from_os_error
from btql_storage.folder import Folder, Services, Settings, last_known
from btql_storage.format import LOCKS, FolderLock, begin_folder, find_marker, make_folders, no_database
from btql_storage.opening.identity import DATABASE, FILES, agreed, check_files, check_ids
from btql_storage.opening.marker import MARKER, CatalogPlace, Marker, check_catalog, check_restored, read_marker
from btql_storage.stores.interface import AlreadyThere, Store
from btql_storage.stores.local import LocalStore

if TYPE_CHECKING:
    from btql_storage.clock import Clock
    from btql_storage.opening.location import Location

NUMBERS = "numbers"
"""The setting of a shared catalog that says who numbers transactions."""
_NUMBERED_BY = {"redis": "by Redis", "catalog": "by PostgreSQL"}
_WAYS = {"redis": "give its address, redis=redis://host", "catalog": "leave Redis out"}


@dataclass(frozen=True, slots=True)
class How:
    """How a database is to be opened."""

    create: bool
    """Whether it is made where there is none."""
    read_only: bool
    settings: Settings
    clock: Clock
    anew: bool = False
    """Whether its catalog is just being made from the files, and is empty so far."""


def open_at(location: Location, how: How, marker: Marker | None = None) -> Folder:
    """Open the database at a location; one that has no marker while it is restored by what will be its ``marker``."""
    if location.is_alone:
        settings, clock = how.settings, how.clock
        own = LocalStore(Path(location.files))
        if how.anew:
            marker = find_marker(own)
        if marker is None:
            return Folder.over(own, create=how.create, read_only=how.read_only, settings=settings, clock=clock)
        check_catalog(marker, "folder", location.files)
        make_folders(own)
        services = Services.beside(own, marker, read_only=how.read_only, settings=settings, clock=clock, anew=how.anew)
        return Folder(services, read_only=how.read_only, settings=settings, clock=clock)
    with ExitStack() as stack:
        store = store_at(location)
        stack.callback(store.close)
        if marker is None:
            marker = _marker(store, location)
            if marker is None:
                check_may_make(store, how)
        else:
            check_catalog(marker, catalog_place(location), store.label)
        catalog = catalog_at(location, how, is_new=marker is None)
        stack.callback(catalog.close)
        if marker is None:
            marker = _make(store, catalog, location)
        database = check_ids(marker, catalog, store.label, anew=how.anew)
        services = _services(location, how, store, catalog, database)
        stack.pop_all()
    return Folder(services, read_only=how.read_only, settings=how.settings, clock=how.clock)


def check_may_make(store: Store, how: How) -> None:
    """Raise where there is no database, and none is to be made."""
    check_restored(store)
    if how.read_only or not how.create:
        if isinstance(store, LocalStore):
            raise no_database(store.root)
        raise NotADatabase(f"there is no database at `{store.label}`", "`btql ingest` makes one")


def store_at(location: Location) -> Store:
    """Return the place of the files, without a call to it."""
    if location.folder is not None:
        return LocalStore(location.folder)
    from btql_storage.stores.bucket import BucketStore
    from btql_storage.stores.cache import DiskCache

    cache = DiskCache(location.cache_folder, location.cache_bytes)
    return BucketStore.open(location.files, cache, endpoint=location.endpoint)


def catalog_at(location: Location, how: How, *, is_new: bool) -> Catalog:
    """Open a catalog that is not in the folder of the files; only a new database makes one."""
    wait_s = how.settings.lock_wait_s
    path = location.catalog_file
    if path is None:
        return Catalog.postgres(cast("str", location.catalog), read_only=how.read_only, wait_s=wait_s)
    if is_new:
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise from_os_error(error, "make", path.parent) from error
    elif not path.is_file():
        raise OtherDatabase(f"there is no catalog at `{path}`", "give the one that the database was made with")
    return Catalog.sqlite(LocalStore(path.parent), path.name, read_only=how.read_only, wait_s=wait_s)


def _marker(store: Store, location: Location) -> Marker | None:
    if isinstance(store, LocalStore):
        marker = find_marker(store)
    else:
        content = store.read(MARKER)
        marker = None if content is None else read_marker(content, f"{store.label}/{MARKER}", store.label)
    if marker is not None:
        check_catalog(marker, catalog_place(location), store.label)
    return marker


def _make(store: Store, catalog: Catalog, location: Location) -> Marker:
    """Make the marker of a new database."""
    if isinstance(store, LocalStore):
        begin_folder(store.root)
    new = Marker.new(catalog_place(location))
    marker = replace(new, database=agreed(catalog, DATABASE, cast("str", new.database)))
    # It may have an id as whoever made it did not come as far as the marker.
    check_files(agreed(catalog, FILES, store.label), catalog, store.label)
    with suppress(AlreadyThere):
        store.put(MARKER, marker.content)
    return cast("Marker", _marker(store, location))


def _services(location: Location, how: How, store: Store, catalog: Catalog, database: str) -> Services:
    if isinstance(store, LocalStore) and not how.read_only:
        make_folders(store)
    if location.state_folder is not None:
        return _on_one_machine(location.state_folder, how, store, catalog)
    numbers = _numbers(location, how, store, catalog, database)
    lease = LeaseLock(catalog.database, "work", wait_s=how.settings.lock_wait_s)
    catalog.fence = lease
    return Services(store, catalog, numbers, lease)


def _on_one_machine(folder: Path, how: How, store: Store, catalog: Catalog) -> Services:
    """Return services with a catalog in a file, beside which the processes of its machine meet."""
    here, wait_s = LocalStore(folder), how.settings.lock_wait_s
    if not how.read_only:
        here.make_folder(LOCKS)
    numbers: Numbers
    if isinstance(store, LocalStore):
        numbers = LocalNumbers(here, how.clock, wait_s, partial(last_known, store, catalog))
    else:
        from btql_storage.coordination.catalog_numbers import CatalogNumbers

        # A bucket may not tell what became of a file, and takes its time: nobody waits for others.
        numbers = CatalogNumbers.sqlite(here, "numbers.sqlite", store, read_only=how.read_only, wait_s=wait_s)
    return Services(store, catalog, numbers, FolderLock(here, "compact", wait_s))


def _numbers(location: Location, how: How, store: Store, catalog: Catalog, database: str) -> Numbers:
    """Return who numbers transactions for several machines."""
    read_only, wait_s = how.read_only, how.settings.lock_wait_s
    given = "catalog" if location.redis is None else "redis"
    check_numbered(catalog.setting(NUMBERS) if read_only else agreed(catalog, NUMBERS, given), given, store.label)
    if location.redis is None:
        from btql_storage.coordination.catalog_numbers import CatalogNumbers

        return CatalogNumbers.postgres(cast("str", location.catalog), store, read_only=read_only, wait_s=wait_s)
    from btql_storage.coordination.redis_numbers import RedisNumbers

    return RedisNumbers(location.redis, database, store, catalog.processed_upto, read_only=read_only)


def check_numbered(known: str | None, given: str, place: str) -> None:
    """Raise where the transactions of a database are numbered by another service than the one that is given."""
    if known in (None, given):
        return
    if known not in _NUMBERED_BY:
        raise NewerFormat(
            f"the transactions of `{place}` are numbered by `{known}`, which this btql does not know",
            "install a newer btql",
        )
    raise OtherDatabase(f"the transactions of `{place}` are numbered {_NUMBERED_BY[known]}", _WAYS[known])


def catalog_place(location: Location) -> CatalogPlace:
    """Return where the catalog of a location is."""
    if location.is_alone:
        return "folder"
    return "postgresql" if location.shares_catalog else "sqlite"
