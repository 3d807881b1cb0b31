"""A database over real services, opened by simulated processes: S3, PostgreSQL, Redis, whatever an address says.

Every call is the world's as before, so which comes after which follows from the seed; what the services do is their
own. Those that keep time by SQL have the clock of the play; a Redis has its own, so leases there are short.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from btql_storage.catalog import Catalog
from btql_storage.catalog.leases import LeaseLock
from btql_storage.coordination.shared import SharedNumbers
from btql_storage.coordination.sql_register import SqlRegister
from btql_storage.databases.interface import Database
from btql_storage.folder import Folder, Settings
from btql_storage.format import FolderLock
from btql_storage.opening.location import locate
from btql_storage.opening.services import How, open_at
from btql_storage.store import Storage
from btql_storage.stores.interface import Store
from storage_support.simulation.lists import History
from storage_support.simulation.services import SimulatedCalls, drop_lock
from storage_support.simulation.shared import SimulatedBucket, SimulatedDatabase
from storage_support.simulation.world import Process, ProcessClock, World

REAL_LEASE_MS = 2_000
UNTOUCHED = ("btql_storage.stores.", "btql_storage.databases.", "btql_storage.coordination.redis")
"""Modules whose locks and waiting stay as they are: no other process goes on within them, and they have threads."""


class Elsewhere:
    """Opens the database at an address for simulated processes."""

    def __init__(self, address: str) -> None:
        self._address = address
        self._history = History()

    def __call__(
        self, root: Path, world: World, process: Process, settings: Settings, *, read_only: bool = False
    ) -> Storage:
        cache = root.with_name(f"cache-{process.machine}")
        location = locate(f"{self._address}&cache={cache}" if "cache" not in self._address else self._address)
        clock = ProcessClock(world, process.machine)
        folder = open_at(location, How(create=not read_only, read_only=read_only, settings=settings, clock=clock))
        self._play_along(folder, world, process)
        return Storage(folder)

    def _play_along(self, folder: Folder, world: World, process: Process) -> None:
        """Put the world around each call of an open database."""
        catalog, lock, numbers = folder.catalog, folder.compact_lock, folder.numbers
        folder.store = cast("Store", SimulatedBucket(folder.store, world, process, self._history))
        folder.catalog = cast("Catalog", SimulatedCalls(catalog, "catalog", world, process))
        if isinstance(lock, LeaseLock):
            lock._database = cast("Database", SimulatedDatabase(lock._database, world, process))
        if isinstance(lock, FolderLock):
            process.on_death = [lambda: drop_lock(lock)]
        if isinstance(numbers, SharedNumbers):
            numbers._store = folder.store
            register: Any = numbers._register
            if isinstance(register, SqlRegister):
                connect = register._connect
                register._connect = lambda: cast("Database", SimulatedDatabase(connect(), world, process))
            else:
                numbers._lease_ms = REAL_LEASE_MS
