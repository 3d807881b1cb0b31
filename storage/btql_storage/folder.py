"""What all the work on one database folder shares: files, locks, open parts.

One :class:`Folder` per :class:`~btql_storage.store.Storage`. The steps of the
write path (process, compaction) and the snapshots take it as their only
context. Safe from several threads.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from btql_storage.catalog import Catalog, PartInfo
from btql_storage.clock import SYSTEM_CLOCK, Clock
from btql_storage.errors import ReadOnly
from btql_storage.format import CATALOG, LOCKS, PARTS, WAL, FolderLock, open_folder, wal_name, wal_numbers
from btql_storage.objects import LocalStore
from btql_storage.part.reader import Part
from btql_storage.transactions import Transactions

# A query over what was compacted opens no WAL file.
if TYPE_CHECKING:
    from btql_storage.wal import WalFile

_WAL_FILES_KEPT = 4_096


@dataclass(frozen=True, slots=True)
class Settings:
    """What bounds the work; the defaults are meant for everyone, tests use smaller ones."""

    lock_wait_s: float = 30.0
    grace_s: int = 600
    """How long parts outlive their use: longer than a query may take."""
    wal_grace_s: int = 60
    """How long WAL files outlive their use: a snapshot reads those it needs while it is taken. Each query lists
    them all, so there should not be many."""
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
    part_rows_max: int = 200_000
    part_json_bytes_max: int = 2 << 30


class Folder:
    """An open database folder."""

    def __init__(self, store: LocalStore, *, create: bool, read_only: bool, settings: Settings, clock: Clock) -> None:
        open_folder(store, create=create, read_only=read_only)
        self.store = store
        self.settings = settings
        self.clock = clock
        self.read_only = read_only
        self.catalog = Catalog(store, CATALOG, read_only=read_only, wait_s=settings.lock_wait_s)
        self.write_lock = FolderLock(store, "write", settings.lock_wait_s)
        """Held while a transaction is numbered and made durable."""
        self.compact_lock = FolderLock(store, "compact", settings.lock_wait_s)
        """Held by whoever processes, compacts or removes files."""
        self.transactions = Transactions(store, f"{LOCKS}/last_xact", clock)
        self._guard = Lock()
        self.lookups: Counter[tuple[str, bool]] = Counter()
        """How often something was looked up that is kept in memory (``parts``, …), and whether it was there."""
        self._parts: dict[int, Part] = {}
        self._pins: Counter[int] = Counter()
        self._wal_files: dict[int, WalFile] = {}

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
        return cls(LocalStore(path), create=create, read_only=read_only, settings=settings or Settings(), clock=clock)

    def close(self) -> None:
        """Close all files."""
        with self._guard:
            for part in self._parts.values():
                part.close()
            self._parts.clear()
        self.catalog.close()

    def recover_numbers(self) -> None:
        """Learn which transaction was the last; files and catalog know it together."""
        self.transactions.seen(max(self.wal_numbers(), default=0))
        self.transactions.seen(self.catalog.processed_upto())

    def check_writable(self) -> None:
        """Raise where the database was opened for reading only."""
        if self.read_only:
            raise ReadOnly(f"`{self.store.root}` was opened read-only", "open it for writing")

    def wal_numbers(self) -> list[int]:
        """List the WAL: the transactions that have a file, in order."""
        return wal_numbers(self.store.list(WAL))

    def wal_path(self, xact_id: int) -> Path:
        """Return where the WAL file of a transaction is."""
        return self.store.path(f"{WAL}/{wal_name(xact_id)}")

    def wal_file(self, xact_id: int) -> WalFile:
        """Return a WAL file; its header is read once."""
        with self._guard:
            file = self._wal_files.get(xact_id)
            self.lookups["wal_files", file is not None] += 1
        if file is None:
            from btql_storage.wal import WalFile

            file = WalFile(self.wal_path(xact_id), xact_id)
            with self._guard:
                if len(self._wal_files) >= _WAL_FILES_KEPT:
                    self._wal_files.clear()
                self._wal_files[xact_id] = file
        return file

    def part(self, info: PartInfo) -> Part:
        """Return a part; its files are opened when they are first needed, and kept open."""
        with self._guard:
            part = self._parts.get(info.id)
            self.lookups["parts", part is not None] += 1
            if part is None:
                part = self._parts[info.id] = Part(self.part_path(info.id), info.id, info.rows, info.stats)
            return part

    def part_path(self, part_id: int) -> Path:
        """Return the folder of a part."""
        return self.store.path(part_name(part_id))

    def pin(self, part_ids: Iterable[int]) -> None:
        """Keep the files of parts for a snapshot."""
        with self._guard:
            self._pins.update(part_ids)

    def unpin(self, part_ids: Iterable[int]) -> None:
        """Give up what :meth:`pin` kept."""
        with self._guard:
            self._pins.subtract(part_ids)
            self._pins += Counter[int]()

    def pinned(self) -> set[int]:
        """Return the parts that snapshots of this process use."""
        with self._guard:
            return set(self._pins)

    def drop_part(self, part_id: int) -> None:
        """Close a part that is about to be removed."""
        with self._guard:
            part = self._parts.pop(part_id, None)
        if part is not None:
            part.close()


def part_name(part_id: int) -> str:
    """Return a part's folder, relative to the database."""
    return f"{PARTS}/{part_id}"
