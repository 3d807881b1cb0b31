"""Copies a database to a place for backups while it is in use, and brings it back from there.

A backup is what a snapshot of all objects would see at one moment: the log is listed, then the catalog is read, and
copied are the live parts and the log files with events that are in no part (:mod:`btql_storage.snapshot` says why that
is right). A hold (:mod:`.hold`) keeps these files meanwhile. Should one be gone all the same, by a purge, or where
the database cannot be written to, it begins anew. Every part is held against its checksums before it counts.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import cast

from btql_storage.care.claims import claimed
from btql_storage.care.hold import PREFIX as HOLD
from btql_storage.care.hold import held
from btql_storage.care.load import load
from btql_storage.care.part_check import part_file
from btql_storage.care.part_copy import keep_part, part_sizes
from btql_storage.care.tables import Row, Tables
from btql_storage.care.vault import FILES, LOG, PARTS, Backup, Kept, Vault
from btql_storage.catalog import Catalog
from btql_storage.checksums import sha256_of
from btql_storage.databases.sqlite import content_of
from btql_storage.errors import Damaged, Locked, NotADatabase, StorageError, from_os_error
from btql_storage.folder import Folder, Settings
from btql_storage.format import CATALOG, LOCKS, WAL, part_name, wal_name
from btql_storage.opening.identity import DATABASE
from btql_storage.opening.marker import MARKER, RESTORING
from btql_storage.part.format import KEYS_FILE
from btql_storage.part.manifest import MANIFEST_FILE
from btql_storage.states import STATES
from btql_storage.stores.interface import AlreadyThere, Store
from btql_storage.stores.local import LocalStore

_ATTEMPTS = 4
_OWN = frozenset({MARKER, RESTORING, "parts", WAL, LOCKS, STATES, CATALOG})
"""What of a folder is no other file of the database."""
_SQLITE = ".sqlite"


@dataclass(slots=True)
class BackupReport:
    """What a backup did."""

    name: str = ""
    parts: int = 0
    log_files: int = 0
    bytes: int = 0
    """What the backup holds."""
    copied_bytes: int = 0
    """What of it was not there before."""
    last_xact_id: int = 0
    forgotten: Sequence[str] = field(default_factory=tuple)
    """Older backups that were removed."""


def backup(folder: Folder, vault: Vault, progress: Callable[[str], None], beside: Mapping[str, bytes]) -> BackupReport:
    """Make a backup of an open database; ``beside`` are files that go with it and are not in its folder, by name."""
    _check_outside(folder.store, vault.store)
    vault.begin()
    with claimed(vault.store, folder.clock, "backup") as claim, held(folder):
        claim.wait_for_removals()

        def told(name: str) -> None:
            claim.renew()
            progress(name)

        for attempt in range(_ATTEMPTS):
            work = _Backup(folder, vault, told, beside)
            try:
                made = work.copied()
            except Damaged:
                if attempt == _ATTEMPTS - 1 or work.is_still_needed():
                    raise
                continue
            if claim.is_there():
                return work.added(made)
            claim.put()
    raise Locked(f"others took this backup to `{vault.store.label}` for a dead one", "set the clocks and try again")


def _check_outside(database: Store, backups: Store) -> None:
    """Raise where backups would be files of the database, which the next one copies with all that it holds."""
    if isinstance(database, LocalStore) and isinstance(backups, LocalStore):
        is_inside = database.root.resolve() in backups.root.resolve().parents
    else:
        is_inside = backups.label.startswith(f"{database.label}/")
    if is_inside:
        raise NotADatabase(
            f"`{backups.label}` is inside the database `{database.label}`", "give a place outside of it for backups"
        )


class _Backup:
    """One attempt."""

    def __init__(
        self, folder: Folder, vault: Vault, progress: Callable[[str], None], beside: Mapping[str, bytes]
    ) -> None:
        self._folder = folder
        self._beside = beside
        self._store, self._to = folder.store, vault.store
        self._vault = vault
        self._progress = progress
        self._report = BackupReport()
        # The order is what makes it right.
        listed = _log_of(folder)
        self._tables = Tables.read(folder.catalog)
        needed = {row["xact_id"] for row in self._tables.rows["assignments"]}
        # The newest is kept always: its number tells which transaction was the last.
        needed.update(listed[-1:], (one for one in listed if one > self._tables.processed_upto))
        self._log = sorted(needed)
        self._last = max((*listed, self._tables.processed_upto), default=0)

    def copied(self) -> Backup:
        """Copy all that is new; return the backup, which has no name yet."""
        made_at = self._folder.clock.now_s()
        parts = {str(part_id): self._part(row) for part_id, row in self._tables.parts.items()}
        log = {wal_name(number): self._log_file(number) for number in self._log}
        files = dict(self._others())
        database = next((row["value"] for row in self._tables.rows["settings"] if row["name"] == DATABASE), None)
        catalog = self._catalog().place
        return Backup(1, "", database, self._store.label, made_at, self._last, catalog, parts, log, files, "")

    def added(self, made: Backup) -> BackupReport:
        """Have the backup appear."""
        report = self._report
        report.name, report.parts, report.log_files = self._vault.add(made), len(made.parts), len(made.log)
        report.bytes, report.last_xact_id = made.bytes, made.last_xact_id
        return report

    def is_still_needed(self) -> bool:
        """Whether all that was to be copied is still what the database has: then something is damaged."""
        now = Tables.read(self._folder.catalog)
        waiting = {row["xact_id"] for row in now.rows["assignments"]}
        same_log = all(one in waiting or one > now.processed_upto for one in self._log[:-1])
        return same_log and self._tables.parts.keys() <= now.parts.keys()

    def _part(self, row: Row) -> Kept:
        part_id = cast("int", row["id"])
        self._progress(part_name(part_id))
        place = f"{PARTS}/{part_id}-{self._letters_of(part_id)}"
        sizes = part_sizes(self._store, part_id)
        self._report.copied_bytes += keep_part(self._store, part_name(part_id), self._to, place, sizes)
        self._store.release(part_name(part_id))
        self._to.release(place)
        return Kept(place, sum(sizes.values()))

    def _letters_of(self, part_id: int) -> str:
        """Return what tells a part from others of its number."""
        content = self._store.read(f"{part_name(part_id)}/{MANIFEST_FILE}")
        if content is None:
            # Of before there were manifests.
            content = part_file(self._store, part_id, KEYS_FILE).read_bytes()
        return sha256_of(content)[:16]

    def _log_file(self, number: int) -> Kept:
        self._progress(wal_name(number))
        # Reading it as a log file is what checks it.
        file = self._folder.wal.file(number)
        file.check()
        content = _read(file.path)
        return self._keep(LOG, f"{number}-", content)

    def _keep(self, folder: str, prefix: str, content: bytes) -> Kept:
        place = f"{folder}/{prefix}{sha256_of(content)[: 16 if prefix else 64]}"
        # One without any bytes looks as if it were missing.
        is_there = bool(content) and self._to.size(place) == len(content)
        while not is_there:
            try:
                self._report.copied_bytes += self._to.put(place, content)
                break
            except AlreadyThere:
                # Another backup was first, or something has cut it short since.
                is_there = self._to.size(place) == len(content)
                if not is_there:
                    self._to.delete(place)
        return Kept(place, len(content))

    def _catalog(self) -> Kept:
        """Keep what the catalog had, as an SQLite file, whatever its database is."""
        tables = dict(self._tables.rows) | {
            "parts": list(self._tables.parts.values()),
            "settings": [row for row in self._tables.rows["settings"] if not row["name"].startswith(HOLD)],
            "done_files": [row for row in self._tables.rows["done_files"] if row["xact_id"] in self._log],
        }
        with TemporaryDirectory(prefix="btql-backup-") as folder:
            copy = catalog_in(Path(folder))
            load(copy, tables)
            copy.scrub(thorough=False)
            copy.close()
            return self._keep(FILES, "", _read(Path(folder, CATALOG)))

    def _others(self) -> Iterator[tuple[str, Kept]]:
        """Keep every other file: what a server has registered, uploads, …"""
        for name in dict.fromkeys([*other_files(self._store), *self._beside]):
            self._progress(name)
            content = self._beside.get(name) or self._content(name)
            if content is not None:
                yield name, self._keep(FILES, "", content)

    def _content(self, name: str) -> bytes | None:
        if name.endswith(_SQLITE) and isinstance(self._store, LocalStore):
            return content_of(self._store.path(name))
        return self._store.read(name)


def _log_of(folder: Folder) -> list[int]:
    """List the log, with what the list may lack as far as who numbers can say."""
    landed: Sequence[int] = ()
    with suppress(StorageError):
        landed = folder.numbers.settle(0)
    return folder.wal.all_numbers(landed)


def other_files(store: Store) -> Iterator[str]:
    """Yield the names of files of a database that are neither data nor its catalog."""
    for name in store.list(""):
        top = name.removesuffix("-wal").removesuffix("-shm")
        if top not in _OWN and not top.startswith(CATALOG) and top == name:
            yield from _files_below(store, name)


def _files_below(store: Store, name: str) -> Iterator[str]:
    if isinstance(store, LocalStore):
        # What is neither, such as a socket, has nothing to copy.
        is_file, is_folder = store.path(name).is_file(), store.path(name).is_dir()
        children = store.list(name) if is_folder else []
    else:
        children = store.list(name)
        is_file = not children
    if is_file:
        yield name
    for child in children:
        yield from _files_below(store, f"{name}/{child}")


def catalog_in(folder: Path) -> Catalog:
    """Open a catalog in a folder of its own."""
    return Catalog.sqlite(LocalStore(folder), CATALOG, read_only=False, wait_s=Settings().lock_wait_s)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise from_os_error(error, "read", path) from error
