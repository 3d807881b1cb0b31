"""Purge now: what was deleted from an object is gone from every file when this returns, and the report proves it.

1. Write an empty transaction, whose number is ``last``: all that was acknowledged before has a smaller one. Process
   and compact until no event of the object up to ``last`` waits, so that every delete has become a mark in a part.
2. Write anew each part of the object that has superseded rows, without them, and the history without what was deleted,
   whether a row of that id is there again or not (:mod:`btql_storage.retention.past`).
3. Remove, without any grace, the parts that were replaced, the log files up to ``last`` with events of the object, and
   batches that a server keeps of what clients sent (:mod:`btql_storage.retention.batches`). What may have rows of any
   object goes as a whole: answers of queries in the background (:mod:`btql_storage.retention.answers`), and what a
   repair has set aside (:mod:`btql_storage.retention.set_aside`).
   Queries of this process that still read such a part are waited for. Queries of other processes may fail over it,
   and may simply be asked again.
4. Have the catalog leave nothing of what it knew in its own files: statistics have the smallest and largest texts.
5. Prove it: read the ids of all files of the object that are left, and search every file for the texts one gives.

All under the compaction lock, so nobody makes new files from what is about to go. A crash in between leaves a database
that is whole, and less to do for the next purge.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import starmap

import numpy as np

from btql_storage.background.pace import Pace
from btql_storage.catalog.shapes import ObjectInfo, PartInfo
from btql_storage.compaction.rewrite import rewrite_parts
from btql_storage.compaction.run import compact_once, marking_damage, remove_strangers
from btql_storage.errors import Locked
from btql_storage.folder import Folder
from btql_storage.format import WAL, part_name, wal_name
from btql_storage.others_first import others_first
from btql_storage.part.objects import remove_part
from btql_storage.process import process
from btql_storage.retention.answers import remove_answers, stop_answers
from btql_storage.retention.batches import batches_of
from btql_storage.retention.due import purge_before_s
from btql_storage.retention.expire import without
from btql_storage.retention.log import log_files
from btql_storage.retention.past import deleted_past
from btql_storage.retention.proof import Proof, prove
from btql_storage.retention.rows import current_rows
from btql_storage.retention.set_aside import remove_set_aside
from btql_storage.wal.group_commit import write_nothing

_LOOK_EVERY_S = 0.01


@dataclass(frozen=True, slots=True)
class Removed:
    """A file, or the folder of a part, that was removed."""

    name: str
    bytes: int


@dataclass(frozen=True, slots=True)
class PurgeReport:
    """What a purge did, and the proof of it."""

    object: ObjectInfo
    last: int
    """The transaction up to which deletes are purged."""
    rows: int
    """Rows that were deleted or replaced and still in a file; all versions of each count."""
    parts_written: int
    removed: Sequence[Removed]
    proof: Proof

    @property
    def removed_bytes(self) -> int:
        """Bytes of all files that were removed."""
        return sum(one.bytes for one in self.removed)


def purge(folder: Folder, target: ObjectInfo, texts: Sequence[str] = ()) -> PurgeReport:
    """Remove every byte of what was deleted from an object, or of all of it where the object was deleted."""
    folder.check_writable()
    stop_answers(folder)
    with folder.compact_lock.held(), folder.parts.working():
        last = _settle(folder, target)
        live = target in folder.catalog.objects()
        ids = set[str]()
        rows = written = 0
        if live:
            rows, written, ids = _rewrite(folder, target)
        removed = [
            *_remove_parts(folder, target),
            *_remove_log(folder, target, last),
            *_remove_batches(folder, target),
            *starmap(Removed, remove_answers(folder)),
            *starmap(Removed, remove_set_aside(folder)),
        ]
        folder.catalog.scrub(thorough=True)
        if not live:
            folder.catalog.deleted.note_purged([target.id], folder.clock.now_s())
        return PurgeReport(target, last, rows, written, removed, prove(folder, target, last, ids, texts))


def purge_overdue(folder: Folder, pace: Pace) -> None:
    """Write parts anew that have rows which were deleted half of the promised time ago, or longer.

    What is wrong with one of them is raised once the others are done.
    """
    before_s = purge_before_s(folder)
    overdue = {owner for owner, one in folder.catalog.deleted.waiting().items() if one.since <= before_s}
    with others_first() as apart:
        for target in folder.catalog.objects() if overdue else []:
            if target.id not in overdue:
                continue
            with folder.compact_lock.held(), folder.parts.working():
                for part in folder.catalog.view(target.id).parts:
                    if part.purge_since is not None and part.purge_since <= before_s and part.quarantined is None:
                        pace.begin()
                        with apart():
                            marking_damage(folder, [part], partial(rewrite_parts, folder, target, [part], (), pace))


def _settle(folder: Folder, target: ObjectInfo) -> int:
    """Bring the events of an object into parts; return the number of a transaction that is later than all of them.

    Where a log file has events of other objects as well, those go into parts, too.
    """
    last = write_nothing(folder)
    while folder.catalog.processed_upto() < last:
        # Processing may have to wait for compaction.
        if not process(folder) and compact_once(folder) is None:
            raise _not_yet(folder)
    files = {number for number in log_files(folder) if number < last and _has(folder, number, target)}
    waiting = folder.catalog.pending() if files else {}
    for one in folder.catalog.objects():
        while one.id in waiting and any(each.xact_id in files for each in folder.catalog.view(one.id).assignments):
            if compact_once(folder, one) is None:
                raise _not_yet(folder)
    return last


def _not_yet(folder: Folder) -> Locked:
    return Locked(f"log files of `{folder.store.label}` cannot be compacted yet", "purge again in some seconds")


def _rewrite(folder: Folder, target: ObjectInfo) -> tuple[int, int, set[str]]:
    """Write parts anew without superseded rows; return how many rows went, parts written, and ids that are no more."""
    rows = written = 0
    ids: set[str] = set()
    for part in folder.catalog.view(target.id).parts:
        if len(part.superseded):
            ids |= _superseded_ids(folder, part)
            rows += len(part.superseded)
            written += rewrite_parts(folder, target, [part]).parts
    view = folder.catalog.view(target.id, 0)
    current: set[str] = set()
    past = list(deleted_past(folder, view))
    for each in past:
        rewrite_parts(folder, target, [without(each.one.part, each.rows)], [each.one.until])
        rows += len(each.rows)
        ids |= each.ids
    if ids:
        for table in current_rows(folder, view.parts, ["id"]):
            current.update(table.column("id").to_pylist())
    return rows, written, ids - current


def _superseded_ids(folder: Folder, part: PartInfo) -> set[str]:
    numbers = np.array(part.superseded, dtype=np.int64)
    return set(folder.parts.get(part).documents(numbers, ["id"]).column("id").to_pylist())


def _remove_parts(folder: Folder, target: ObjectInfo) -> Iterator[Removed]:
    """Remove the parts of an object that were replaced."""
    parts = folder.catalog.deleted.replaced_parts(target.id)
    _wait_for_queries(folder, set(parts))
    for part_id, size in parts.items():
        folder.parts.drop(part_id)
        remove_part(folder.store, part_name(part_id))
        yield Removed(part_name(part_id), size)
    folder.catalog.forget(parts=list(parts))
    remove_strangers(folder)


def _wait_for_queries(folder: Folder, part_ids: set[int]) -> None:
    deadline = time.monotonic() + folder.settings.lock_wait_s
    while not part_ids.isdisjoint(folder.parts.pinned()):
        if time.monotonic() > deadline:
            raise Locked(
                f"a query has read what is to be purged for over {folder.settings.lock_wait_s:g} s",
                "wait for it to end, or stop it, and purge again",
            )
        time.sleep(_LOOK_EVERY_S)


def _remove_log(folder: Folder, target: ObjectInfo, last: int) -> Iterator[Removed]:
    """Remove the log files with events of an object; all of these are in parts."""
    numbers = [number for number in log_files(folder) if number < last and _has(folder, number, target)]
    for number in numbers:
        size = folder.wal.size(number)
        folder.store.delete(f"{WAL}/{wal_name(number)}")
        yield Removed(f"{WAL}/{wal_name(number)}", size)
    folder.catalog.forget(files=numbers)


def _remove_batches(folder: Folder, target: ObjectInfo) -> Iterator[Removed]:
    for name, size in list(batches_of(folder.store, target.name)):
        folder.store.delete(name)
        yield Removed(name, size)


def _has(folder: Folder, number: int, target: ObjectInfo) -> bool:
    return any(one.id == target.id for one in folder.wal.file(number).objects)
