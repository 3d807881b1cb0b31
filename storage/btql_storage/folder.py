"""What all the work on one database shares: its services, and the files that are open.

One :class:`Folder` per :class:`~btql_storage.store.Storage`. The steps of the
write path (process, compaction) and the snapshots take it as their only
context. Safe from several threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Generator, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from btql_storage.cache_budget import CacheBudget
from btql_storage.catalog import Catalog, PartInfo
from btql_storage.clock import SYSTEM_CLOCK, Clock
from btql_storage.errors import Damaged, ReadOnly
from btql_storage.format import CATALOG, PARTS, WAL, FolderLock, open_folder, wal_name, wal_numbers
from btql_storage.identity import check_own
from btql_storage.limits import DEFAULT, Limits, from_environment
from btql_storage.machine import of_caches
from btql_storage.numbers import LocalNumbers, Numbers
from btql_storage.part.kept_columns import KeptColumns
from btql_storage.part.reader import Part
from btql_storage.stores.interface import Store
from btql_storage.stores.local import LocalStore

# A query over what was compacted opens no WAL file.
if TYPE_CHECKING:
    from btql_storage.marker import Marker
    from btql_storage.wal.reader import WalFile

_WAL_FILES_KEPT = 4_096
_WAL_SIZES_KEPT = 32_768
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
    limits: Limits = field(default_factory=lambda: from_environment(DEFAULT))
    """What requests and documents may be."""


class WalSize(NamedTuple):
    """How much a WAL file holds."""

    events: Mapping[int, int]
    """Of each object that has any."""
    json_bytes: int


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
        if store.size(CATALOG) == 0 and (store.list(PARTS) or store.list(WAL)):
            # An empty one in its place would have all the files removed.
            raise Damaged(
                f"the catalog `{store.path(CATALOG)}` is missing", "`btql repair` makes it again from the files"
            )
        return cls.beside(store, marker, read_only=read_only, settings=settings, clock=clock)

    @classmethod
    def beside(
        cls, store: LocalStore, marker: Marker, *, read_only: bool, settings: Settings, clock: Clock
    ) -> Services:
        """Return those of one folder, whose marker is known."""
        catalog = Catalog.sqlite(store, CATALOG, read_only=read_only, wait_s=settings.lock_wait_s)
        check_own(marker, catalog, str(store.root), read_only=read_only)
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
        self._guard = Lock()
        self.lookups: Counter[tuple[str, bool]] = Counter()
        """How often something was looked up that is kept in memory (``parts``, …), and whether it was there."""
        self.cache = CacheBudget(of_caches(settings.limits))
        """The bytes of what is kept in memory."""
        self.kept_columns = KeptColumns(self.cache)
        self.keys_checked: set[int] = set()
        """Parts whose keys were held against their checksum."""
        self._parts: dict[int, Part] = {}
        self._pins: Counter[int] = Counter()
        self._replaced: set[int] = set()
        """Parts that were replaced while snapshots read them."""
        self.catalog.views.budget.bytes_max = self.cache.bytes_max // VIEWS_SHARE
        self.catalog.views.replaced = self._let_go_of
        self.catalog.views.dropped = self._close_unused
        self._wal_files: dict[int, WalFile] = {}
        self._wal_sizes: dict[int, WalSize] = {}
        self._at_work = 0
        self._knows_numbers = False
        self.processed_upto = 0
        """The last transaction that is known to be processed; it may be later by now."""

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
        with self._guard:
            for part in self._parts.values():
                part.forget()
            self._parts.clear()
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

    def wal_numbers(self) -> list[int]:
        """List the WAL: the transactions that have a file, in order."""
        return wal_numbers(self.store.list(WAL))

    def new_wal_numbers(self) -> list[int]:
        """List the WAL without files that are known to be processed, which is cheaper where there are many."""
        known = self.processed_upto
        return wal_numbers(self.store.list(WAL, wal_name(known) if known else ""))

    def note_processed(self, xact_id: int) -> None:
        """Take note that transactions up to one are processed, as the catalog said."""
        self.processed_upto = max(self.processed_upto, xact_id)
        with self._guard:
            # They were mostly noted in the order of their numbers.
            while self._wal_sizes and (first := next(iter(self._wal_sizes))) <= self.processed_upto:
                del self._wal_sizes[first]

    def note_written(self, xact_id: int, size: WalSize) -> None:
        """Take note of what a WAL file holds, so that nobody opens it to count what waits."""
        with self._guard:
            self._wal_sizes[xact_id] = size
            _shorten(self._wal_sizes, _WAL_SIZES_KEPT)

    def wal_holds(self, xact_id: int) -> WalSize:
        """Return how much a WAL file holds; it is opened where this was not noted yet."""
        size = self._wal_sizes.get(xact_id)
        if size is None:
            file = self.wal_file(xact_id)
            size = WalSize(file.rows_by_object(), file.json_bytes)
            self.note_written(xact_id, size)
        return size

    def wal_size(self, xact_id: int) -> int:
        """Return the bytes of a transaction's WAL file; 0 where it is gone."""
        return self.store.size(f"{WAL}/{wal_name(xact_id)}")

    def wal_file(self, xact_id: int) -> WalFile:
        """Return a WAL file; its header is read once."""
        with self._guard:
            file = self._wal_files.get(xact_id)
            self.lookups["wal_files", file is not None] += 1
        if file is None:
            from btql_storage.wal.reader import WalFile

            name = f"{WAL}/{wal_name(xact_id)}"
            file = (
                self._checked_copy(name, xact_id)
                if self.store.keeps_copies
                else WalFile(self.store.file(name), xact_id)
            )
            with self._guard:
                self._wal_files[xact_id] = file
                _shorten(self._wal_files, _WAL_FILES_KEPT)
        return file

    def _checked_copy(self, name: str, xact_id: int) -> WalFile:
        """Return a WAL file that is read from a copy; a damaged copy is made anew."""
        from btql_storage.wal.reader import WalFile

        locate = partial(self.store.file, name)
        try:
            file = WalFile(locate(), xact_id, locate)
            file.check()
        except Damaged:
            self.store.drop_copies(name)
            file = WalFile(locate(), xact_id, locate)
        return file

    def forget_wal_file(self, xact_id: int) -> None:
        """Open a WAL file anew when it is needed again: it was brought back."""
        with self._guard:
            self._wal_files.pop(xact_id, None)

    def part(self, info: PartInfo) -> Part:
        """Return a part; its files are opened when they are first needed, and kept open."""
        (part,) = self.parts([info])
        return part

    def parts(self, infos: Sequence[PartInfo]) -> list[Part]:
        """Return parts, as :meth:`part` does."""
        found: list[Part] = []
        new = 0
        with self._guard:
            for info in infos:
                part = self._parts.get(info.id)
                if part is None:
                    new += 1
                    part = Part(
                        self.store, part_name(info.id), info.id, info.rows, info.stats, info.file_bytes, self.cache
                    )
                    self._parts[info.id] = part
                part.quarantined = info.quarantined
                found.append(part)
            self.lookups["parts", False] += new
            self.lookups["parts", True] += len(found) - new
        return found

    def pin(self, part_ids: Iterable[int]) -> None:
        """Keep the files of parts for a snapshot."""
        with self._guard:
            self._pins.update(part_ids)

    def unpin(self, part_ids: Iterable[int]) -> None:
        """Give up what :meth:`pin` kept."""
        with self._guard:
            given_up = list(part_ids)
            for part_id in given_up:
                if self._pins[part_id] > 1:
                    self._pins[part_id] -= 1
                else:
                    del self._pins[part_id]
            self._release(given_up)
            idle = [part_id for part_id in given_up if part_id in self._replaced and part_id not in self._pins]
            self._replaced.difference_update(idle)
        for part_id in idle:
            self.drop_part(part_id)

    def _let_go_of(self, part_ids: Collection[int]) -> None:
        """Let go of parts that were replaced, by whichever process, once no snapshot reads them.

        What is mapped of a removed file keeps its room on the disk.
        """
        with self._guard:
            idle = [part_id for part_id in part_ids if part_id not in self._pins]
            self._replaced.update(part_id for part_id in part_ids if part_id in self._pins)
        for part_id in idle:
            self.drop_part(part_id)

    def _close_unused(self, part_ids: Collection[int]) -> None:
        """Close parts of an object that was not asked for in a long time; a snapshot that reads one goes on."""
        with self._guard:
            parts = [self._parts.pop(one, None) for one in part_ids if one in self._parts]
            idle = [part for part in parts if part is not None and part.part_id not in self._pins]
        for part in idle:
            part.forget()

    @contextmanager
    def working(self) -> Generator[None]:
        """Keep the copies of all parts that are read until the work is done, though no snapshot pins them."""
        with self._guard:
            self._at_work += 1
        try:
            yield
        finally:
            with self._guard:
                self._at_work -= 1
                self._release(self._parts)

    def _release(self, part_ids: Iterable[int]) -> None:
        """Let the copies of parts go that nobody uses; the guard is held."""
        if self.store.keeps_copies and not self._at_work:
            # Files that stay open take up their room though they are removed.
            full = self.store.is_full
            for part_id in self._parts if full else part_ids:
                if part_id not in self._pins:
                    self.store.release(part_name(part_id))
                    if full and part_id in self._parts:
                        self._parts[part_id].close()

    def pinned(self) -> set[int]:
        """Return the parts that snapshots of this process use."""
        with self._guard:
            return set(self._pins)

    def drop_part(self, part_id: int) -> None:
        """Let go of a part that is about to be removed."""
        with self._guard:
            part = self._parts.pop(part_id, None)
            self.keys_checked.discard(part_id)
        self.kept_columns.forget(part_name(part_id))
        if part is not None:
            part.forget()


def last_known(store: Store, catalog: Catalog) -> int:
    """Return the last transaction; the WAL keeps its newest file, and the catalog knows what was processed."""
    return max((*wal_numbers(store.list(WAL)), catalog.processed_upto()))


def part_name(part_id: int) -> str:
    """Return a part's folder, relative to the database."""
    return f"{PARTS}/{part_id}"


def _shorten(kept: dict[int, Any], most: int) -> None:
    """Let one go where there are too many: the first to come, which those who go through all in order are done with."""
    if len(kept) > most:
        del kept[next(iter(kept))]
