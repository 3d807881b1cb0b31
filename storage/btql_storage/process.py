"""Assign the events of new WAL files to segments.

1. List the WAL while no file can appear that is older than the last of the list
   (:meth:`~btql_storage.coordination.numbers.Numbers.settling`), so that every file of the list is acknowledged or
   was withdrawn, and make the names durable: from here on the catalog will count on these files. Files that are known
   to be there count though the list lacks them.
2. Take the files after ``processed_upto`` in order, a batch at a time.
3. An event goes where its id lives, else where its trace lives
   (:mod:`btql_storage.homes`), else to the newest open segment. One segment
   needs no looking.
4. Commit the batch and the new ``processed_upto`` in one transaction. A crash
   before it changes nothing, and the same files are taken again.

Processing stops early where it would run too far ahead of compaction, as what
is assigned and not yet in parts is kept in memory here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from btql_storage.catalog import Assignment, RowNumbers, SegmentInfo
from btql_storage.coordination.numbers import NEVER_LAST
from btql_storage.folder import Folder
from btql_storage.format import WAL
from btql_storage.homes import Homes
from btql_storage.wal.reader import WalFile

_BATCH_FILES = 256
_BATCH_EVENTS = 200_000


def process(folder: Folder, limit: int | None = None) -> int:
    """Process up to ``limit`` WAL files (all that may be, by default); return how many were."""
    folder.check_writable()
    processed = 0
    with folder.compact_lock.held(), folder.parts.working():
        upto = folder.catalog.processed_upto()
        folder.wal.note_processed(upto)
        fresh = [number for number in _durable_numbers(folder, upto) if number > upto][:limit]
        # Counted before files are opened: where compaction is far behind, none of them is.
        pending = sum(one.events for one in folder.catalog.pending().values()) if fresh else 0
        batches = _batches(folder, fresh)
        while pending < folder.settings.pending_events_max and (batch := next(batches, None)):
            work = _Batch(folder)
            assignments = [one for file in batch for one in work.assign(file)]
            assigned = {one.xact_id for one in assignments}
            done = [file.xact_id for file in batch if file.xact_id not in assigned]
            folder.catalog.commit_processed(upto, batch[-1].xact_id, assignments, done, folder.clock.now_s())
            upto = batch[-1].xact_id
            processed += len(batch)
            pending += sum(len(one.rows) for one in assignments)
    return processed


def _durable_numbers(folder: Folder, upto: int) -> list[int]:
    with folder.numbers.settling() as settled:
        last = settled.upto
        everything = folder.wal.new_numbers(settled.landed)
        if everything and everything[-1] > last:
            folder.numbers.check_known(everything[-1])
        listed = [number for number in everything if number <= last]
        if listed and listed[-1] > upto:
            folder.store.sync(WAL)
        if last == NEVER_LAST:
            # Nobody is writing a file.
            folder.store.sweep(WAL)
        return listed


def _batches(folder: Folder, fresh: Sequence[int]) -> Iterator[list[WalFile]]:
    batch: list[WalFile] = []
    events = 0
    for number in fresh:
        file = folder.wal.file(number)
        batch.append(file)
        events += file.rows
        if len(batch) == _BATCH_FILES or events >= _BATCH_EVENTS:
            yield batch
            batch, events = [], 0
    if batch:
        yield batch


class _Batch:
    """The segments while one batch is assigned."""

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._segments: dict[int, list[SegmentInfo]] = {}
        self._assigned: dict[int, int] = {}
        self._homes: dict[int, Homes] = {}
        self._deleted = folder.catalog.deleted.upto()
        # Before an object has a second segment its events are only noted here.
        self._noted: dict[int, list[tuple[WalFile, RowNumbers, int]]] = {}

    def assign(self, file: WalFile) -> Iterator[Assignment]:
        """Yield what becomes of a file's events."""
        for target in file.objects:
            if file.xact_id <= self._deleted.get(target.id, 0):
                # They went with the object.
                continue
            rows = file.rows_of(target.id)
            if len(rows):
                yield from self._assign_object(file, target.id, rows)

    def _assign_object(self, file: WalFile, object_id: int, rows: RowNumbers) -> Iterator[Assignment]:
        newest = self._newest(object_id)
        if len(self._segments[object_id]) == 1:
            self._noted.setdefault(object_id, []).append((file, rows, newest))
            segments = np.full(len(rows), newest)
        else:
            ids, traces = file.ids(rows)
            segments = np.array(self._homes_of(object_id).find(ids, traces, newest), dtype=np.int64)
        for segment in np.unique(segments).tolist():
            mine = rows[segments == segment]
            self._assigned[segment] = self._assigned.get(segment, 0) + len(mine)
            yield Assignment(file.xact_id, segment, mine, file.json_bytes * len(mine) // max(file.rows, 1))

    def _newest(self, object_id: int) -> int:
        """Return the open segment for new traces; a full one is closed first."""
        catalog = self._folder.catalog
        if object_id not in self._segments:
            self._segments[object_id] = catalog.segments(object_id)
        segments = self._segments[object_id]
        if segments:
            newest = segments[-1]
            if newest.events + self._assigned.get(newest.id, 0) < self._folder.settings.segment_events:
                return newest.id
        segments.append(catalog.new_segment(object_id))
        return segments[-1].id

    def _homes_of(self, object_id: int) -> Homes:
        if object_id not in self._homes:
            homes = self._homes[object_id] = Homes(self._folder, self._folder.catalog.view(object_id))
            for file, rows, segment in self._noted.pop(object_id, []):
                ids, traces = file.ids(rows)
                homes.settle(ids, traces, [segment] * len(ids))
        return self._homes[object_id]
