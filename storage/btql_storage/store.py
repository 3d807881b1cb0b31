"""The facade of storage: one :class:`Storage` per open database folder.

Safe from several threads. Several processes may have the same folder open:
any number of readers, and writers that take turns through the locks. What
``ingest`` returns a receipt for is durable, and seen by every later snapshot
in this process and others.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextlib import nullcontext
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

from btql_storage.catalog import ObjectInfo
from btql_storage.clock import SYSTEM_CLOCK, Clock
from btql_storage.closing import Closing
from btql_storage.errors import Closed, UnknownObject
from btql_storage.folder import Folder, Settings
from btql_storage.known_objects import KnownObjects
from btql_storage.opening.location import Location, Place, locate
from btql_storage.snapshot import Snapshot, Snapshots
from btql_storage.transactions import PREFIX

# Whoever only reads needs no writer: imports of that side wait until it is used.
if TYPE_CHECKING:
    from btql_storage.background.loop import Background, Policy
    from btql_storage.background.pace import Pace
    from btql_storage.cache_budget import CacheBudget
    from btql_storage.care.facade import Care
    from btql_storage.compaction.job import CompactionProgress, CompactionReport
    from btql_storage.compaction.run import Waiting
    from btql_storage.ingest.accept import Event
    from btql_storage.ingest.receipt import Receipt
    from btql_storage.ingest.writer import Writer
    from btql_storage.limits import Limits
    from btql_storage.part.kept_columns import KeptColumns
    from btql_storage.retention.facade import Retention
    from btql_storage.status import Status
    from btql_storage.stores.interface import Store
    from btql_storage.usage import Usage


class Storage(Closing):
    """An open database."""

    def __init__(self, folder: Folder) -> None:
        self._open_folder: Folder | None = folder
        self._process = os.getpid()
        self._snapshots = Snapshots(folder, self.compact)
        self._known = KnownObjects(self.object)
        self._open_writer: Writer | None = None
        self._background: Background | None = None
        self._lock = Lock()
        """Held while what there is once is made, or ended."""

    @classmethod
    def open(
        cls,
        place: Place | Location,
        *,
        create: bool = False,
        read_only: bool = False,
        settings: Settings | None = None,
        clock: Clock = SYSTEM_CLOCK,
    ) -> Storage:
        """Open the database in a folder or at an address; with ``create``, make it where there is none."""
        location = locate(place)
        settings = settings or Settings.of(location)
        if location.is_alone:
            folder = Folder.at(Path(location.files), create=create, read_only=read_only, settings=settings, clock=clock)
            return cls(folder)
        from btql_storage.opening.services import How, open_at

        return cls(open_at(location, How(create, read_only, settings, clock)))

    def close(self) -> None:
        """Let go of all files. Nothing is pending: what was acknowledged is durable."""
        with self._lock:
            background, self._background = self._background, None
        if background is not None:
            background.stop()
        folder, self._open_folder = self._open_folder, None
        if folder is not None:
            self._snapshots.forget()
            folder.close()

    def create_object(self, kind: str, name: str) -> ObjectInfo:
        """Return the object of that kind and name, made if it is new."""
        try:
            return self.object(kind, name)
        except UnknownObject:
            self._folder.check_writable()
            return self._folder.catalog.create_object(kind, name)

    def object(self, kind: str, name: str) -> ObjectInfo:
        """Return the object of that kind and name; UnknownObject where there is none."""
        try:
            return self._folder.catalog.object(kind, name)
        except UnknownObject:
            from btql_storage.retention.again import written_again

            found = written_again(self._folder, kind, name)
            if found is None:
                raise
            return found

    def objects(self, name: str | None = None) -> list[ObjectInfo]:
        """Return all objects, or those of a name, oldest first."""
        return self._folder.catalog.objects(name)

    def ingest(
        self, target: ObjectInfo, events: Sequence[Event], *, as_rows: bool = False, only_updates: bool = False
    ) -> Receipt:
        """Store events, all or none; they are durable when this returns.

        An event is a mapping or the bytes of one JSON document. BadEvent says
        which one cannot be stored, and why. With ``as_rows`` none is a comment, with ``only_updates`` none makes a row.
        """
        return self.ingest_all([target] * len(events), events, as_rows=as_rows, only_updates=only_updates)

    def ingest_all(
        self,
        targets: Sequence[ObjectInfo],
        events: Sequence[Event],
        leave_out: frozenset[str] = frozenset(),
        *,
        as_rows: bool = False,
        only_updates: bool = False,
    ) -> Receipt:
        """Store events of any objects in one transaction, all or none; ``targets`` has the object of each.

        ``leave_out`` has top-level keys of documents that are not stored: those that only say where an event belongs.
        """
        return self._writer.store(targets, events, leave_out, as_rows=as_rows, only_updates=only_updates)

    def compact(
        self, target: ObjectInfo | None = None, progress: Callable[[CompactionProgress], None] | None = None
    ) -> CompactionReport:
        """Process and compact an object, by default all, until nothing is pending; remove what nobody needs."""
        background = self._background
        with background.aside() if background is not None else nullcontext():
            return self._compact(target, progress)

    def _compact(
        self, target: ObjectInfo | None, progress: Callable[[CompactionProgress], None] | None
    ) -> CompactionReport:
        from btql_storage.compaction.run import compact_all

        report = compact_all(self._folder, target, progress)
        if report.events or report.parts:
            # The tails of before are of no use, and may be large.
            self._snapshots.forget()
        return report

    def process(self, limit: int | None = None) -> int:
        """Assign the events of up to ``limit`` WAL files to segments; return how many files there were."""
        from btql_storage.process import process

        return process(self._folder, limit)

    def compact_once(self, target: ObjectInfo | None = None, pace: Pace | None = None) -> bool:
        """Run a single compaction job; return whether there was one to run. WorkEnded where ``pace`` ended it."""
        from btql_storage.background.pace import UNHURRIED
        from btql_storage.compaction.run import compact_once

        return compact_once(self._folder, target, pace or UNHURRIED) is not None

    def pause_background(self, *, paused: bool) -> None:
        """Keep every process from working in the background until it is allowed again; the job that runs ends first."""
        from btql_storage.background.pace import PAUSED

        self._folder.check_writable()
        self._folder.catalog.put_setting(PAUSED, str(self._folder.clock.now_s()) if paused else None)

    def background_paused_since(self) -> int | None:
        """Return since when nobody works in the background, in Unix seconds; None while it is allowed."""
        from btql_storage.status import paused_since

        return paused_since(self._folder)

    def run_in_background(self, policy: Policy) -> None:
        """Compact in a thread from now on, whenever it is due, until the storage is closed."""
        from btql_storage.background.loop import Background

        with self._lock:
            if self._background is None and not self._folder.read_only:
                self._background = Background(self, policy)
                self._background.start()

    def usage(self) -> Usage:
        """Return what this process has done with the database so far."""
        from btql_storage.usage import Usage

        return Usage(dict(self._folder.store.calls), {**self._folder.lookups, **self._folder.store.lookups})

    @property
    def cache(self) -> CacheBudget:
        """The bytes of what is kept in memory."""
        return self._folder.cache

    @property
    def views_cache(self) -> CacheBudget:
        """The bytes of what is kept in memory of the catalog."""
        return self._folder.catalog.views.budget

    @property
    def kept_columns(self) -> KeptColumns:
        """The columns of parts that are kept in memory."""
        return self._folder.parts.kept_columns

    @property
    def limits(self) -> Limits:
        """What requests, documents and queries may take."""
        return self._folder.settings.limits

    @property
    def store(self) -> Store:
        """The place of the files."""
        return self._folder.store

    @property
    def care(self) -> Care:
        """Checking and backing up."""
        from btql_storage.care.facade import Care

        return Care(self._folder)

    def waiting(self, target: ObjectInfo | None = None) -> Waiting:
        """Count the events that are not in a part yet, of one object or of all."""
        from btql_storage.compaction.run import waiting

        return waiting(self._folder, target)

    def remove_unneeded(self) -> None:
        """Remove files that nothing can ask for any more; :meth:`compact` does so, too."""
        from btql_storage.compaction.run import remove_unneeded

        remove_unneeded(self._folder)

    def snapshot(
        self, target: ObjectInfo, version: int | None = None, check: Callable[[], None] = lambda: None
    ) -> Snapshot:
        """Return what a query sees of an object now, or saw right after a transaction. Close it after use.

        Where much waits for compaction this takes a while; ``check`` is called now and then, and may raise.
        """
        self._known.check(target)
        return self._snapshots.take(target, version, check)

    def last_xact_id(self) -> int:
        """Return the last transaction there is: no write that was acknowledged is later, every new one will be."""
        numbers, wal = self._folder.numbers, self._folder.wal
        # A list may lag behind those who number, so they are asked first. Perhaps there never was a file.
        last = max((*wal.new_numbers(numbers.settle(0)), wal.processed_upto, PREFIX))
        numbers.settle(last)
        return last

    def status(self) -> Status:
        """Return what the database holds and what waits for compaction."""
        from btql_storage.status import read_status

        return read_status(self._folder)

    @property
    def retention(self) -> Retention:
        """Deleting whole objects, policies that let go of what is old, and purges."""
        from btql_storage.retention.facade import Retention

        return Retention(self._folder, self._forget)

    @property
    def _writer(self) -> Writer:
        from btql_storage.ingest.writer import Writer

        folder = self._folder
        with self._lock:
            if self._open_writer is None:
                self._open_writer = Writer(folder, self._known.check, self.snapshot, lambda: self.waiting().json_bytes)
            return self._open_writer

    @property
    def _folder(self) -> Folder:
        if self._open_folder is None:
            raise Closed("the database was closed", "open it again")
        if os.getpid() != self._process:
            # Neither the locks nor the catalog's connection outlive a fork.
            raise Closed("the database was opened before this process was forked", "open it again here")
        return self._open_folder

    def _forget(self) -> None:
        """Drop what is kept in memory of objects."""
        self._known.forget()
        self._snapshots.forget()
