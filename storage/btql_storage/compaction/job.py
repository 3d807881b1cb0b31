"""Turn the waiting events of a segment into a new part.

1. Take assignments, oldest first, until the events or their JSON are as many
   as a job may hold; a larger file is taken in pieces.
2. Find the current row of every id among the segment's parts: its number and
   its small values, not its documents.
3. From that and the events' ids and times alone follows which rows come out,
   and their order: by their trace's first time, trace, time, id.
4. Window by window, fetch the documents that a merge needs, apply the events
   (:mod:`btql_storage.merge`) and hand the rows to the writer.
5. What events replace goes to a part of the object's history, where it has one
   (:mod:`btql_storage.history`); the rows before are fetched whole for that.
6. Publish the folders, then commit: the new parts are live, the rows they replace
   are superseded, the assignments gone.

Before the commit nothing of this is seen; a folder without a commit is removed
by a later compaction. Memory: the events of the job, and one window of rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np

from btql_storage.background.pace import UNHURRIED, Pace
from btql_storage.catalog import Assignment, NewPart, ObjectInfo, PartInfo, RowNumbers, Swap
from btql_storage.collector import collector_paused
from btql_storage.current import CurrentRow, fetch_rows, find_current, parts_with, sizes
from btql_storage.folder import Folder
from btql_storage.format import part_name
from btql_storage.history import HistoryWriter
from btql_storage.merge import apply_all, needs_row
from btql_storage.part.manifest import Owner
from btql_storage.part.writer import PartWriter
from btql_storage.row import Row
from btql_storage.states import commit_swap
from btql_storage.wal.event import WalEvent
from btql_storage.windows import windows


@dataclass(frozen=True, slots=True)
class CompactionProgress:
    """How far a compaction is; given to its caller after every job."""

    events_done: int
    events_total: int
    """Done and still waiting; grows where writers go on."""
    parts_written: int


@dataclass(frozen=True, slots=True)
class CompactionReport:
    """What a compaction did: one job, or all of them until nothing was pending."""

    events: int
    """Events that went into parts."""
    rows: int
    """Rows written, also those written anew when parts were merged."""
    parts: int
    json_bytes: int


def compact_segment(
    folder: Folder, target: ObjectInfo, assignments: Sequence[Assignment], parts: Sequence[PartInfo], pace: Pace
) -> CompactionReport:
    """Run one job over a segment's oldest assignments; the compaction lock is held."""
    taken, used, left = _take(assignments, folder)
    events: dict[str, list[WalEvent]] = {}
    with collector_paused(lasting=True):
        files = ((folder.wal.file(one.xact_id), one.rows) for one in used)
        for event in chain.from_iterable(file.events(rows, in_place=True) for file, rows in files):
            events.setdefault(event.id, []).append(event)
    pace.step(0)
    current = find_current(folder, list(events), parts)
    order = _order(events, current)
    deleted = parts_with(folder, sorted(events.keys() - set(order)), parts)
    part_ids = [folder.catalog.next_part_id()] if order else []
    owner = Owner(target.id, target.kind, target.name, assignments[0].segment_id)
    past = HistoryWriter(folder, owner) if target.keeps_history else None
    new_parts = [
        write_part(folder, part_id, owner, _windows(folder, order, events, current, past), pace) for part_id in part_ids
    ]
    if past is not None:
        # The events that are left are those of rows that do not come out.
        for rows in _windows(folder, list(events), events, current, past):
            assert not rows, "rows that come out are in the order"
        new_parts += past.finish()
    superseded: dict[int, list[int]] = {}
    for one in current.values():
        superseded.setdefault(one.part.id, []).append(one.number)
    swap = Swap(
        object_id=target.id,
        segment_id=assignments[0].segment_id,
        new_parts=new_parts,
        superseded={part_id: np.array(sorted(rows), dtype=np.int64) for part_id, rows in superseded.items()},
        replaced=(),
        taken=taken,
        left=left,
        keeps_history=past is not None,
        deleted=deleted,
    )
    commit_swap(folder, target, swap)
    return CompactionReport(
        sum(len(one.rows) for one in used), len(order), len(new_parts), sum(part.stats.json_bytes for part in new_parts)
    )


def write_part(
    folder: Folder,
    part_id: int,
    owner: Owner,
    windows: Iterator[list[Row]],
    pace: Pace = UNHURRIED,
    until: RowNumbers | None = None,
) -> NewPart:
    """Write and publish a part; it is live once it is committed. ``until`` is for rows of the past."""
    name = part_name(part_id)
    writer = PartWriter(folder.store.unfinished(name), part_id, owner, folder.settings.layout)
    for window in windows:
        writer.add(window)
        pace.step(sum([row.json_bytes for row in window]))
    files = writer.finish(until)
    folder.store.publish(name)
    return NewPart(part_id, files.stats, dict(files.file_bytes), until)


def _take(
    assignments: Sequence[Assignment], folder: Folder
) -> tuple[list[Assignment], list[Assignment], list[Assignment]]:
    """Return the assignments to clear, what of them the job uses, and what is assigned anew."""
    events_max, bytes_max = folder.settings.job_events, folder.settings.job_json_bytes
    taken: list[Assignment] = []
    used: list[Assignment] = []
    left: list[Assignment] = []
    events = json_bytes = 0
    for one in sorted(assignments, key=lambda a: a.xact_id):
        bytes_each = max(one.json_bytes // len(one.rows), 1)
        room = min(events_max - events, (bytes_max - json_bytes) // bytes_each)
        if room < len(one.rows):
            if used:
                break
            room = max(room, 1)
        taken.append(one)
        now, later = _split(one, room)
        used.append(now)
        if later is not None:
            left.append(later)
            break
        events += len(now.rows)
        json_bytes += now.json_bytes
    return taken, used, left


def _split(one: Assignment, room: int) -> tuple[Assignment, Assignment | None]:
    rows: RowNumbers = one.rows
    if room >= len(rows):
        return one, None
    now_bytes = one.json_bytes * room // len(rows)
    now = Assignment(one.xact_id, one.segment_id, rows[:room], now_bytes)
    return now, Assignment(one.xact_id, one.segment_id, rows[room:], one.json_bytes - now_bytes)


def _order(events: dict[str, list[WalEvent]], current: dict[str, CurrentRow]) -> list[str]:
    """Return the ids of the rows that come out, in the order of the part."""
    survivors: list[tuple[str, str, int]] = []
    first_of_trace: dict[str, int] = {}
    for row_id, mine in events.items():
        place = current.get(row_id)
        now = None if place is None else (place.row.root_span_id, place.row.created_us)
        for event in mine:
            if event.deletes:
                now = None
            elif not event.merges or (now is None and not event.makes_no_row):
                now = event.root_span_id, event.created_after(None if now is None else now[1])
        if now is not None:
            trace, created = now
            survivors.append((row_id, trace, created))
            first_of_trace[trace] = min(first_of_trace.get(trace, created), created)
    survivors.sort(key=lambda one: (first_of_trace[one[1]], one[1], one[2], one[0]))
    return [row_id for row_id, _, _ in survivors]


def _windows(
    folder: Folder,
    order: Sequence[str],
    events: dict[str, list[WalEvent]],
    current: dict[str, CurrentRow],
    past: HistoryWriter | None,
) -> Iterator[list[Row]]:
    """Yield what becomes of rows, in order; their events are taken out."""
    needed = {row_id for row_id in order if row_id in current and (past or needs_row(events[row_id]))}
    weights = sizes(folder, [current[row_id] if row_id in needed else None for row_id in order])
    for start, end in windows(weights):
        ids = order[start:end]
        whole = fetch_rows(folder, [current[row_id] for row_id in ids if row_id in needed])
        rows: list[Row] = []
        for row_id in ids:
            base = whole.get(row_id) or (current[row_id].row if row_id in current else None)
            mine = events.pop(row_id)
            row = past.apply_all(base, mine) if past else apply_all(base, mine)
            if row is not None:
                rows.append(row)
        yield rows
