"""Let go of the rows that a policy does not keep; the bytes go later, with the parts that have them.

1. Process what is in the log, so that all waiting events are known. A trace that has any stays for now.
2. Of each segment, sum up the current rows of its parts by trace. A segment too young to have anything expired is not
   read, and none is where the object as a whole is within its limits.
3. Of an object with versions, write the history anew without the past of the rows of expired traces, and without what
   ended too long ago. Such rows are in no version any more; versions from before what ended too long ago are gone.
4. Mark the rows of expired traces as superseded. A part with none left is replaced by nothing. All in one transaction
   of the catalog with what was written anew, so that every query sees all of it or nothing: who was interrupted before
   it begins again, and of rows that have gone nobody would know whose past is to go.

The caller holds the compaction lock.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

import numpy as np
import pyarrow as pa

from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.catalog.shapes import HistoryPart, ObjectInfo, PartInfo, RowNumbers, Swap, View
from btql_storage.compaction.rewrite import rewritten
from btql_storage.compaction.run import marking_damage
from btql_storage.current import find_current
from btql_storage.folder import Folder
from btql_storage.process import process
from btql_storage.retention.policy import RetentionPolicy, Traces, expired
from btql_storage.retention.rows import current_rows
from btql_storage.states import commit_swap
from btql_storage.transactions import PREFIX

_US = 1_000_000
_EACH_ITS_OWN = 0
"""No segment: the parts are of several."""


@dataclass(frozen=True, slots=True)
class Expired:
    """What a policy let go of."""

    rows: int = 0
    """Rows that were current."""
    past_rows: int = 0
    """Rows of the past."""


def expire(folder: Folder, target: ObjectInfo, policy: RetentionPolicy) -> Expired:
    """Apply a policy to an object; parts of it that turn out to be damaged are marked."""
    process(folder)
    view = folder.catalog.view(target.id, 0 if target.keeps_history else None)
    parts = [*view.parts, *(one.part for one in view.history)]
    return marking_damage(folder, parts, partial(_expire, folder, target, policy, view))


def _expire(folder: Folder, target: ObjectInfo, policy: RetentionPolicy, view: View) -> Expired:
    superseded = _expired_rows(folder, view, policy) if policy.limits_rows else {}
    past: list[tuple[HistoryPart, RowNumbers]] = []
    if target.keeps_history:
        gone = _ids(folder, [(part, superseded[part.id]) for part in view.parts if part.id in superseded])
        past = list(_expired_past(folder, target, view.history, policy, gone))
    if superseded or past:
        anew = [rewritten(folder, target, [without(one.part, rows)], [one.until]) for one, rows in past]
        _commit(folder, target, view.parts, superseded, anew)
    return Expired(sum(map(len, superseded.values())), sum(len(rows) for _, rows in past))


def _expired_rows(folder: Folder, view: View, policy: RetentionPolicy) -> dict[int, RowNumbers]:
    """Return part to the rows of it that go."""
    now_us = folder.clock.now_us()
    segments = _segments(view.parts, policy, now_us)
    if not segments:
        return {}
    kept = pa.array(sorted(_traces_waiting(folder, view)), pa.utf8())
    summed = [(parts, _by_trace(folder, parts)) for parts in segments]
    tables = [table for _, table in summed]
    gone = expired(_traces(tables, kept), policy, now_us)
    found: dict[int, RowNumbers] = {}
    start = 0
    for parts, table in summed:
        mine = gone[start : start + table.num_rows]
        start += table.num_rows
        if mine.any():
            found.update(_rows_of(folder, parts, table.column("root_span_id").filter(from_numpy(mine))))
    return found


def _segments(parts: Sequence[PartInfo], policy: RetentionPolicy, now_us: int) -> list[list[PartInfo]]:
    """Return the parts of each segment that has to be looked at."""
    by_segment: defaultdict[int, list[PartInfo]] = defaultdict(list)
    for part in parts:
        if part.rows_current:
            by_segment[part.segment_id].append(part)
    for part in parts:
        if part.quarantined is not None:
            # What a trace has there is not known.
            by_segment.pop(part.segment_id, None)
    rows = sum(part.rows_current for part in parts)
    json_bytes = sum(_json_bytes_each(part) * part.rows_current for part in parts)
    too_many = policy.rows is not None and rows > policy.rows
    too_large = policy.json_bytes is not None and json_bytes > policy.json_bytes
    if too_many or too_large:
        return list(by_segment.values())
    if policy.age_s is None:
        return []
    before_us = now_us - policy.age_s * _US
    return [each for each in by_segment.values() if min(part.stats.created_us_min for part in each) < before_us]


def _by_trace(folder: Folder, parts: Sequence[PartInfo]) -> pa.Table:
    """Return one row for each trace of a segment: ``root_span_id``, ``created_max``, ``size_count``, ``size_sum``."""
    tables: list[pa.Table] = []
    for part, table in zip(parts, current_rows(folder, parts, ["root_span_id", "created"]), strict=True):
        sizes = np.full(table.num_rows, _json_bytes_each(part))
        created = table.column("created").cast(pa.int64())
        columns = {"root_span_id": table.column("root_span_id"), "created": created, "size": from_numpy(sizes)}
        tables.append(pa.table(columns))
    sums = [("created", "max"), ("size", "count"), ("size", "sum")]
    return pa.concat_tables(tables).group_by("root_span_id").aggregate(sums)


def _traces(tables: Sequence[pa.Table], kept: pa.Array) -> Traces:
    table = pa.concat_tables(tables)
    return Traces(
        to_numpy(table.column("created_max")),
        to_numpy(table.column("size_count")),
        to_numpy(table.column("size_sum")),
        to_numpy(pc.is_in(table.column("root_span_id"), value_set=kept)),
    )


def _rows_of(folder: Folder, parts: Sequence[PartInfo], traces: pa.ChunkedArray) -> dict[int, RowNumbers]:
    """Return part to its rows of some traces."""
    sought = traces.combine_chunks()
    found: dict[int, RowNumbers] = {}
    for part, table in zip(parts, current_rows(folder, parts, ["root_span_id"]), strict=True):
        mine = table.filter(pc.is_in(table.column("root_span_id"), value_set=sought))
        if mine.num_rows:
            found[part.id] = np.sort(to_numpy(mine.column("_row")))
    return found


def _traces_waiting(folder: Folder, view: View) -> set[str]:
    """Return the traces that events wait for, also where an event names only the row."""
    traces: set[str] = set()
    ids: set[str] = set()
    for one in view.assignments:
        of_rows, roots = folder.wal.file(one.xact_id).ids(one.rows)
        ids.update(of_rows)
        traces.update(roots)
    places = find_current(folder, list(ids), view.parts) if ids else {}
    return traces | {place.row.root_span_id for place in places.values()}


def _commit(
    folder: Folder,
    target: ObjectInfo,
    parts: Sequence[PartInfo],
    superseded: Mapping[int, RowNumbers],
    anew: Sequence[Swap],
) -> None:
    whole = {part.id for part in parts if part.id in superseded and len(superseded[part.id]) == part.rows_current}
    swap = Swap(
        object_id=target.id,
        segment_id=_EACH_ITS_OWN,
        new_parts=[replace(part, segment_id=one.segment_id) for one in anew for part in one.new_parts],
        superseded={part_id: rows for part_id, rows in superseded.items() if part_id not in whole},
        replaced=sorted(whole.union(*(one.replaced for one in anew))),
        taken=(),
        left=(),
        keeps_history=True,
        deleted=frozenset(superseded),
    )
    commit_swap(folder, target, swap)


def _expired_past(
    folder: Folder, target: ObjectInfo, history: Sequence[HistoryPart], policy: RetentionPolicy, gone: set[str]
) -> Iterator[tuple[HistoryPart, RowNumbers]]:
    """Yield the parts of the history with rows that go, and these: of some ids, and what ended too long ago."""
    before = 0 if policy.history_s is None else PREFIX | (folder.clock.now_s() - policy.history_s) << 16
    too_old = [one for one in history if len(one.until) and int(one.until.min()) <= before]
    if too_old:
        # First, so that nobody reads a version of which a part is missing already.
        last = max(int(one.until[one.until <= before].max()) for one in too_old)
        folder.catalog.deleted.note_versions_gone(target.id, last)
    sought = pa.array(sorted(gone), pa.utf8())
    for one in history:
        goes = one.until <= before
        if gone:
            (table,) = current_rows(folder, [one.part], ["id"])
            goes[to_numpy(table.column("_row").filter(pc.is_in(table.column("id"), value_set=sought)))] = True
        rows = np.flatnonzero(goes)
        if len(rows):
            yield one, rows


def without(part: PartInfo, rows: RowNumbers) -> PartInfo:
    """Return a part as if more of its rows were superseded."""
    from array import array

    return replace(part, superseded=array("i", np.union1d(np.array(part.superseded, np.int64), rows).tolist()))


def _ids(folder: Folder, places: Iterable[tuple[PartInfo, RowNumbers]]) -> set[str]:
    """Return the ids of rows."""
    found: set[str] = set()
    for part, rows in places:
        found.update(folder.parts.get(part).documents(rows, ["id"]).column("id").to_pylist())
    return found


def _json_bytes_each(part: PartInfo) -> float:
    return part.stats.json_bytes / max(part.rows, 1)
