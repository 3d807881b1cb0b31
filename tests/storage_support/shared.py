"""One database that is opened as different machines open it: files in a folder, numbers from a service."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from btql_storage.catalog import Catalog
from btql_storage.clock import SYSTEM_CLOCK
from btql_storage.coordination.catalog_numbers import CatalogNumbers
from btql_storage.coordination.redis_numbers import RedisNumbers
from btql_storage.coordination.shared import SharedNumbers
from btql_storage.folder import Folder, Services, Settings
from btql_storage.format import CATALOG, FolderLock, open_folder
from btql_storage.store import Storage
from btql_storage.stores.interface import Store
from btql_storage.stores.local import LocalStore

SETTINGS = Settings(grace_s=0, segment_events=60, job_events=25, part_rows_max=400, lock_wait_s=20)


def numbers(service: str, store: Store, processed_upto: Callable[[], int], lease_s: float) -> SharedNumbers:
    """Return numbers from a service at an address."""
    if service.startswith("redis"):
        return RedisNumbers(service, store.label, store, processed_upto, lease_s=lease_s)
    return CatalogNumbers.postgres(service, store, read_only=False, wait_s=20, lease_s=lease_s)


def opened(
    path: Path, service: str, *, lease_s: float = 30.0, store: LocalStore | None = None, settings: Settings = SETTINGS
) -> Storage:
    """Open the database in a folder for one more writer, and make it where there is none."""
    store = store or LocalStore(path)
    open_folder(store, create=True, read_only=False)
    catalog = Catalog.sqlite(store, CATALOG, read_only=False, wait_s=settings.lock_wait_s)
    services = Services(
        store,
        catalog,
        numbers(service, store, catalog.processed_upto, lease_s),
        FolderLock(store, "compact", settings.lock_wait_s),
    )
    return Storage(Folder(services, read_only=False, settings=settings, clock=SYSTEM_CLOCK))
