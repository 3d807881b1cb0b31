"""The loop of compaction, and the removal of what nobody needs any more.

One :func:`compact_once` is one job: it processes new WAL files, then compacts
the object whose events wait longest, then improves parts as the policy says.
Whoever runs it holds the compaction lock, so there is one job at a time in a
database; readers and writers go on.

Removed are, after the grace period: WAL files whose events are all in parts, and those that have none that are read,
except the newest file, from whose name the last transaction can be told; parts that were
replaced and that no snapshot of this process uses. Where that was the last of something deleted, it is noted
(:mod:`btql_storage.retention.due`). And at once: folders of
parts that a killed compaction left.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from btql_storage.background.pace import UNHURRIED, Pace
from btql_storage.care.hold import is_held
from btql_storage.care.quarantine import check_keys, check_readable, quarantine
from btql_storage.catalog import Assignment, ObjectInfo, PartInfo, PartSize, Pending, View
from btql_storage.compaction.job import CompactionProgress, CompactionReport, compact_segment
from btql_storage.compaction.policy import MERGE_LITTLE_MIN, MERGE_PARTS_MIN, Limits, choose_parts
from btql_storage.compaction.rewrite import rewrite_parts
from btql_storage.errors import Damaged
from btql_storage.folder import Folder
from btql_storage.format import PARTS, WAL, part_name, wal_name
from btql_storage.memory import give_back, tame_allocator
from btql_storage.others_first import others_first
from btql_storage.process import process
from btql_storage.retention.due import finish, make_way, purge_before_s
from btql_storage.transactions import PREFIX, seconds_of

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Waiting:
    """Events that are not in a part yet."""

    events: int
    json_bytes: int
    since_s: int | None
    """When the oldest of them was written, in Unix seconds; None where there is none."""


def compact_all(
    folder: Folder, target: ObjectInfo | None, progress: Callable[[CompactionProgress], None] | None
) -> CompactionReport:
    """Process and compact an object, or all, until nothing is pending; remove what nobody needs."""
    events = rows = parts = json_bytes = 0
    # Leftovers go first, too: they may be what fills the disk.
    remove_unneeded(folder)
    while (outcome := compact_once(folder, target)) is not None:
        events += outcome.events
        rows += outcome.rows
        parts += outcome.parts
        json_bytes += outcome.json_bytes
        if progress is not None:
            progress(CompactionProgress(events, events + waiting(folder, target).events, parts))
    remove_unneeded(folder)
    return CompactionReport(events, rows, parts, json_bytes)


def compact_once(folder: Folder, target: ObjectInfo | None = None, pace: Pace = UNHURRIED) -> CompactionReport | None:
    """Run one job for an object (by default any); None where there is nothing to do."""
    tame_allocator()
    pace.begin()
    try:
        return _run_job(folder, target, pace)
    finally:
        give_back()


def _run_job(folder: Folder, target: ObjectInfo | None, pace: Pace) -> CompactionReport | None:
    folder.check_writable()
    with folder.compact_lock.held(), folder.parts.working(), _still_ours(folder):
        process(folder)
        with others_first() as apart:
            for parts, job in _jobs(folder, target, pace):
                with apart():
                    return marking_damage(folder, parts, job)
        return None


def marking_damage(folder: Folder, parts: Sequence[PartInfo], job: Callable[[], T]) -> T:
    """Run a job; parts that it finds damaged are marked, and where just copies of them were, it is run again."""
    ids = [part.id for part in parts if part.quarantined is None]
    try:
        return job()
    except Damaged as error:
        if quarantine(folder, ids, error.message) is not None or not folder.store.keeps_copies:
            raise
    try:
        return job()
    except Damaged as error:
        quarantine(folder, ids, error.message)
        raise


@contextmanager
def _still_ours(folder: Folder) -> Generator[None]:
    """Say of who was too slow that others have the work: what they have removed since is missing, and not damaged."""
    try:
        yield
    except Damaged:
        folder.catalog.check_fence()
        raise


def _jobs(
    folder: Folder, target: ObjectInfo | None, pace: Pace
) -> Iterator[tuple[Sequence[PartInfo], Callable[[], CompactionReport]]]:
    """Yield what could be done, the most urgent first, with the parts that it reads.

    Only objects with something to do are looked at: there may be many thousand others.
    """
    catalog, only = folder.catalog, None if target is None else target.id
    for one in catalog.work.waiting(only):
        view = catalog.view(one.id)
        assert view.assignments, "nobody else compacts"
        yield view.parts, partial(_compact_object, folder, one, view, pace)
    for one, chosen in _chosen(folder, catalog.work.uneven(MERGE_LITTLE_MIN, only)):
        parts = [part for part in catalog.view(one.id).parts if part.id in chosen]
        yield parts, partial(rewrite_parts, folder, one, parts, (), pace)
    counts = catalog.history_parts()
    past_parts = catalog.work.uneven(MERGE_LITTLE_MIN, only, past=True) if counts else {}
    for one, chosen in _chosen(folder, past_parts):
        if counts.get(one.id, 0) >= MERGE_PARTS_MIN:
            past = [each for each in catalog.view(one.id, 0).history if each.part.id in chosen]
            parts = [each.part for each in past]
            yield parts, partial(rewrite_parts, folder, one, parts, [each.until for each in past], pace)


def _chosen(
    folder: Folder, sizes: Mapping[ObjectInfo, Sequence[PartSize]]
) -> Iterator[tuple[ObjectInfo, Collection[int]]]:
    """Yield objects with parts to write anew as one."""
    settings = folder.settings
    limits = Limits(settings.part_rows_max, settings.part_json_bytes_max, purge_before_s(folder))
    for target, parts in sizes.items():
        chosen = choose_parts(parts, limits)
        if chosen:
            yield target, chosen


def waiting(folder: Folder, target: ObjectInfo | None = None) -> Waiting:
    """Count the events that are not in a part yet, assigned or not."""
    found = waiting_by_object(folder)
    mine = [one for object_id, one in found.items() if target is None or object_id == target.id]
    oldest = min((one.oldest for one in mine), default=None)
    return Waiting(
        sum(one.events for one in mine),
        sum(one.json_bytes for one in mine),
        None if oldest is None else seconds_of(oldest),
    )


def waiting_by_object(folder: Folder) -> dict[int, Pending]:
    """Count the events that are not in a part yet, for each object that has any."""
    listed = folder.wal.new_numbers()
    upto = folder.catalog.processed_upto()
    # The next listing is shorter.
    folder.wal.note_processed(upto)
    found = folder.catalog.pending()
    for number in (number for number in listed if number > upto):
        held = folder.wal.holds(number)
        total = sum(held.events.values())
        for object_id, mine in held.events.items():
            events, json_bytes, oldest = found.get(object_id, Pending(0, 0, number))
            found[object_id] = Pending(events + mine, json_bytes + held.json_bytes * mine // total, oldest)
    return found


def remove_unneeded(folder: Folder) -> None:
    """Remove files that nothing can ask for any more."""
    folder.check_writable()
    with folder.compact_lock.held():
        if is_held(folder):
            return
        folder.catalog.bring_back(folder.clock.now_s())
        make_way(folder)
        _remove_wal_files(folder)
        before = folder.catalog.deleted.waiting()
        _remove_parts(folder)
        finish(folder, before)


def _compact_object(folder: Folder, target: ObjectInfo, view: View, pace: Pace) -> CompactionReport:
    segment_id = view.assignments[0].segment_id
    parts = [part for part in view.parts if part.segment_id == segment_id]
    check_readable(folder, parts)
    check_keys(folder, parts)
    mine: list[Assignment] = [one for one in view.assignments if one.segment_id == segment_id]
    return compact_segment(folder, target, mine, parts, pace)


def _remove_wal_files(folder: Folder) -> None:
    before_s = folder.clock.now_s() - min(folder.settings.grace_s, folder.settings.wal_grace_s)
    listed = folder.wal.numbers()
    newest = max(listed, default=0)
    # What writers left that were killed; those that are at work have later numbers, or come too late.
    folder.store.sweep(WAL, min(folder.catalog.processed_upto(), PREFIX | before_s << 16))
    done = [number for number in folder.catalog.done_files(before_s) if number != newest]
    strays = [number for number in _strays(folder, listed, before_s) if number != newest]
    if done or strays:
        folder.store.delete_files([f"{WAL}/{wal_name(number)}" for number in (*done, *strays)])
    if done:
        # A note without a file does no harm, a file without a note would stay for ever.
        folder.catalog.forget(files=done)


def _strays(folder: Folder, listed: Sequence[int], before_s: int) -> list[int]:
    """Return files without events that anybody reads: voids, and those of writers that came too late."""
    upto = folder.catalog.processed_upto()
    old = [number for number in listed if number <= upto and seconds_of(number) <= before_s]
    # Whatever was processed is noted as long as it has a file, so who is not by now never was.
    noted = folder.catalog.noted_files() if old else frozenset[int]()
    return [number for number in old if number not in noted]


def _remove_parts(folder: Folder) -> None:
    before_s = folder.clock.now_s() - folder.settings.grace_s
    pinned = folder.parts.pinned()
    old = [part_id for part_id in folder.catalog.replaced_parts(before_s) if part_id not in pinned]
    for part_id in old:
        folder.parts.drop(part_id)
        folder.store.delete(part_name(part_id))
    if old:
        folder.catalog.forget(parts=old)
    remove_strangers(folder)


def remove_strangers(folder: Folder) -> None:
    """Remove parts that the catalog does not know, which a killed compaction left; the compaction lock is held."""
    # Listed before the catalog says what is known: whoever has lost the lock meanwhile learns it there, and what was
    # there before is nothing that others have made since. Nor is an id that was given out by then.
    listed = folder.store.list(PARTS)
    known, last = folder.catalog.parts_of_worker()
    folder.store.sweep(PARTS, last)
    for name in listed:
        if not name.isdigit() or int(name) not in known:
            if name.isdigit() and int(name) > last:
                message = f"`{PARTS}/{name}` of `{folder.store.label}` is newer than the catalog, perhaps an old copy"
                raise Damaged(message, "`btql repair --catalog` makes it again from the files")
            folder.store.delete(f"{PARTS}/{name}")
