"""What all the work on one database shares: its services, and the files that are open.

One :class:`Folder` per :class:`~btql_storage.store.Storage`. The steps of the
write path (process, compaction) and the snapshots take it as their only
context. Safe from several threads.
"""

from __future__ import annotations

from collections import Counter
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from btql_storage.cache_budget import CacheBudget
from btql_storage.catalog import Catalog
from btql_storage.clock import SYSTEM_CLOCK, Clock
from btql_storage.coordination.numbers import LocalNumbers, Numbers
from btql_storage.errors import Damaged, ReadOnly
from btql_storage.format import CATALOG, PARTS, WAL, FolderLock, open_folder, wal_numbers
from btql_storage.limits import DEFAULT, Limits, from_environment, from_file
from btql_storage.machine import of_caches
from btql_storage.open_parts import OpenParts
from btql_storage.opening.identity import check_own
from btql_storage.part.layout import Layout, layout_of
from btql_storage.stores.interface import Store
from btql_storage.stores.local import LocalStore
from btql_storage.wal.files import WalFiles

if TYPE_CHECKING:
    from btql_storage.opening.location import Location
    from btql_storage.opening.marker import Marker

VIEWS_SHARE = 4
"""What the catalog says of objects may take one part in so many of the bytes of the other caches, beside these."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What bounds the work; the defaults are meant for everyone, tests use smaller ones."""

    lock_wait_s: float = 30.0
    grace_s: int = 600
    """How long parts outlive their use: longer than a query may take."""
    wal_grace_s: int = 60
    """How long WAL files outlive their use: a snapshot reads those it needs while it is taken. Each query lists
    them all, so there should not be many."""
    purge_within_s: int = 7 * 86_400
    """How long the bytes of what was deleted may stay in files."""
    segment_events: int = 2_000_000
    """A segment that was assigned as many events takes no new traces."""
    pending_events_max: int = 500_000
    """How far processing may run ahead of compaction."""
    job_events: int = 150_000
    job_json_bytes: int = 128 << 20
    tail_json_bytes: int = 256 << 20
    """A snapshot with more than this outside of parts compacts first."""
    compact_to_read: bool = True
    """False where another process compacts: such a snapshot is then an error at once."""
    waiting_bytes_max: int | None = None
    """Where another process compacts: how much JSON may wait for it before writers are refused
    (:mod:`btql_storage.background.pressure`)."""
    waiting_bytes_slow: int = 128 << 20
    """From here to that limit writers wait before each request."""
    part_rows_max: int = 200_000
    part_json_bytes_max: int = 2 << 30
    layout: Layout = field(default_factory=layout_of)
    """Of parts that are written."""
    limits: Limits = field(default_factory=lambda: from_environment(DEFAULT))
    """What requests and documents may be."""

    @classmethod
    def of(cls, location: Location) -> Settings:
        """Return the settings of a database for whoever gives none: as configured, and as the environment says."""
        limits = from_environment(from_file(DEFAULT, location.limits))
        return cls(limits=limits, layout=layout_of(location.layout))


class WorkLock(Protocol):
    """Lets one process or compute node in at a time to process, compact and remove files."""

    def held(self) -> AbstractContextManager[None]:
        """Hold the lock; Locked where others keep it for longer than we wait. The same thread may take it again."""
        ...


@dataclass(frozen=True, slots=True)
class Services:
    """Where a database keeps its files and its catalog, and who coordinates those who write."""

    store: Store
    catalog: Catalog
    numbers: Numbers
    compact_lock: WorkLock

    @classmethod
    def local(cls, store: LocalStore, *, create: bool, read_only: bool, settings: Settings, clock: Clock) -> Services:
        """Return those of one folder, which need no server; the folder is made with ``create``."""
        marker = open_folder(store, create=create, read_only=read_only)
        if store.size(CATALOG) == 0 and _has_files(store):
            # An empty one in its place would have all the files removed.
            raise Damaged(
                f"the catalog `{store.path(CATALOG)}` is missing", "`btql repair` makes it again from the files"
            )
        return cls.beside(store, marker, read_only=read_only, settings=settings, clock=clock)

    @classmethod
    def beside(
        cls,
        store: LocalStore,
        marker: Marker,
        *,
        read_only: bool,
        settings: Settings,
        clock: Clock,
        anew: bool = False,
    ) -> Services:
        """Return those of one folder, whose marker is known; its catalog may be empty where it is made ``anew``."""
        catalog = Catalog.sqlite(store, CATALOG, read_only=read_only, wait_s=settings.lock_wait_s)
        if not anew:
            root, has_files = str(store.root), partial(_has_files, store)
            check_own(marker, catalog, root, read_only=read_only, has_files=has_files)
        return cls(
            store,
            catalog,
            LocalNumbers(store, clock, settings.lock_wait_s, partial(last_known, store, catalog)),
            FolderLock(store, "compact", settings.lock_wait_s),
        )


class Folder:
    """An open database: its services, and what is kept open of its files."""

    def __init__(self, services: Services, *, read_only: bool, settings: Settings, clock: Clock) -> None:
        self.store = services.store
        self.catalog = services.catalog
        self.numbers = services.numbers
        self.compact_lock = services.compact_lock
        """Held by whoever processes, compacts or removes files."""
        self.settings = settings
        self.clock = clock
        self.read_only = read_only
        self.lookups: Counter[tuple[str, bool]] = Counter()
        """How often something was looked up that is kept in memory (``parts``, …), and whether it was there."""
        self.cache = CacheBudget(of_caches(settings.limits))
        """The bytes of what is kept in memory."""
        self.wal = WalFiles(self.store, self.lookups)
        self.parts = OpenParts(self.store, self.cache, self.lookups)
        self.catalog.views.budget.bytes_max = self.cache.bytes_max // VIEWS_SHARE
        self.catalog.views.replaced = self.parts.let_go_of
        self.catalog.views.dropped = self.parts.close_unused
        self._knows_numbers = False

    @classmethod
    def at(
        cls,
        path: Path,
        *,
        create: bool = False,
        read_only: bool = False,
        settings: Settings | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> Folder:
        """Open a folder of the local filesystem."""
        return cls.over(
            LocalStore(path), create=create, read_only=read_only, settings=settings or Settings(), clock=clock
        )

    @classmethod
    def over(cls, store: LocalStore, *, create: bool, read_only: bool, settings: Settings, clock: Clock) -> Folder:
        """Open the database in a local store."""
        services = Services.local(store, create=create, read_only=read_only, settings=settings, clock=clock)
        return cls(services, read_only=read_only, settings=settings, clock=clock)

    def close(self) -> None:
        """Close all files."""
        self.parts.close()
        self.numbers.close()
        self.catalog.close()
        self.store.close()

    def recover_numbers(self) -> None:
        """Learn which transaction was the last; files and catalog know it together."""
        self.numbers.seen(last_known(self.store, self.catalog))
        self._knows_numbers = True

    def need_numbers(self) -> None:
        """Learn it before the first transaction of this process; whoever reads does not ask who numbers them."""
        if not self._knows_numbers:
            self.recover_numbers()

    def check_writable(self) -> None:
        """Raise where the database was opened for reading only."""
        if self.read_only:
            raise ReadOnly(f"`{self.store.label}` was opened read-only", "open it for writing")


def _has_files(store: Store) -> bool:
    return bool(store.list(PARTS) or store.list(WAL))


def last_known(store: Store, catalog: Catalog) -> int:
    """Return the last transaction; the WAL keeps its newest file, and the catalog knows what was processed."""
    return max((*wal_numbers(store.list(WAL)), catalog.processed_upto()))
