"""Turn parts of a segment into one part without their superseded rows.

Order and outcome are found from three columns of each part; documents pass
through a window at a time. What a snapshot sees does not change, so events
need not be looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
import pyarrow as pa

from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.background.pace import UNHURRIED, Pace
from btql_storage.care.quarantine import check_files
from btql_storage.catalog import ObjectInfo, PartInfo, RowNumbers, Swap
from btql_storage.compaction.job import CompactionReport, write_part
from btql_storage.folder import Folder
from btql_storage.part.files import read_columns
from btql_storage.part.manifest import Owner
from btql_storage.row import Row
from btql_storage.states import commit_swap
from btql_storage.windows import windows

_ROW_MASK = (1 << 32) - 1


def rewrite_parts(
    folder: Folder,
    target: ObjectInfo,
    parts: Sequence[PartInfo],
    until: Sequence[RowNumbers] = (),
    pace: Pace = UNHURRIED,
) -> CompactionReport:
    """Write parts anew as one; the compaction lock is held. Parts of the history come with when their rows ended."""
    swap = rewritten(folder, target, parts, until, pace)
    commit_swap(folder, target, swap)
    sums = [(part.stats.rows, part.stats.json_bytes) for part in swap.new_parts]
    return CompactionReport(0, sum(rows for rows, _ in sums), len(sums), sum(json_bytes for _, json_bytes in sums))


def rewritten(
    folder: Folder,
    target: ObjectInfo,
    parts: Sequence[PartInfo],
    until: Sequence[RowNumbers] = (),
    pace: Pace = UNHURRIED,
) -> Swap:
    """Write parts anew as one that takes their place once the swap is committed."""
    check_files(folder, parts)
    places, numbers = _order(folder, parts)
    new_parts = []
    if len(numbers):
        part_id = folder.catalog.next_part_id()
        owner = Owner(target.id, target.kind, target.name, parts[0].segment_id)
        picked = _picked(until, places, numbers) if until else None
        new_parts = [write_part(folder, part_id, owner, _windows(folder, parts, places, numbers), pace, picked)]
    return Swap(
        object_id=target.id,
        segment_id=parts[0].segment_id,
        new_parts=new_parts,
        superseded={},
        replaced=[part.id for part in parts],
        taken=(),
        left=(),
        keeps_history=True,
    )


def _picked(until: Sequence[RowNumbers], places: RowNumbers, numbers: RowNumbers) -> RowNumbers:
    picked = np.empty(len(numbers), dtype=np.int64)
    for place, mine in enumerate(until):
        chosen = places == place
        picked[chosen] = mine[numbers[chosen]]
    return picked


def _order(folder: Folder, parts: Sequence[PartInfo]) -> tuple[RowNumbers, RowNumbers]:
    """Return, for each row to come, which of the parts has it and under which number."""
    tables: list[pa.Table] = []
    for place, info in enumerate(parts):
        path = folder.parts.get(info).columns_path
        table = read_columns(path, ["_row", "id", "root_span_id", "created"])
        numbers = to_numpy(table.column("_row")) & _ROW_MASK
        table = table.set_column(0, "_row", from_numpy(numbers))
        table = table.append_column("place", from_numpy(np.full(len(numbers), place, dtype=np.int64)))
        tables.append(table.filter(from_numpy(~np.isin(numbers, info.superseded))))
    table = pa.concat_tables(tables)
    firsts = table.group_by("root_span_id").aggregate([("created", "min")])
    first_of_row = firsts.column("created_min").take(
        pc.index_in(table.column("root_span_id"), value_set=firsts.column("root_span_id").combine_chunks())
    )
    table = table.append_column("first", first_of_row)
    keys = [(name, "ascending") for name in ("first", "root_span_id", "created", "id")]
    order = pc.sort_indices(table, sort_keys=keys)
    return to_numpy(table.column("place").take(order)), to_numpy(table.column("_row").take(order))


def _windows(folder: Folder, parts: Sequence[PartInfo], places: RowNumbers, numbers: RowNumbers) -> Iterator[list[Row]]:
    for start, end in windows(_sizes(folder, parts, places, numbers)):
        rows: list[Row | None] = [None] * (end - start)
        for place in np.unique(places[start:end]).tolist():
            mine = np.flatnonzero(places[start:end] == place)
            found = folder.parts.get(parts[place]).rows(numbers[start:end][mine])
            for index, row in zip(mine.tolist(), found, strict=True):
                rows[index] = row
        whole = [row for row in rows if row is not None]
        assert len(whole) == len(rows), "a part has all of its rows"
        yield whole


def _sizes(folder: Folder, parts: Sequence[PartInfo], places: RowNumbers, numbers: RowNumbers) -> RowNumbers:
    sizes = np.zeros(len(numbers), dtype=np.int64)
    for place, info in enumerate(parts):
        mine = places == place
        sizes[mine] = folder.parts.get(info).json_bytes(numbers[mine])
    return sizes
