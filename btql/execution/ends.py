"""The smallest and the largest value of ordered columns, from the catalog where it can tell.

Statistics are about all rows of a part, and some may have been replaced. So they
hold for parts without such rows; of another part the column itself is read, and
only where its ends lie beyond those that are known.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import pyarrow as pa

from btql.execution.first_rows import current_numbers, end_of
from btql_storage.fields import SYSTEM_COLUMNS
from btql_storage.part.order import Ordered, value_of
from btql_storage.part.reader import Part
from btql_storage.snapshot import Snapshot

if TYPE_CHECKING:
    from array import array

    from btql.execution.report import ScanReport
    from btql_storage.catalog import RowNumbers
    from btql_storage.tail_chunk import TailChunk


@dataclass(frozen=True, slots=True)
class _Source:
    source: Part | TailChunk
    superseded: array[int] | RowNumbers


def end_rows(snapshots: Iterable[Snapshot], schema: pa.Schema, report: ScanReport) -> pa.Table:
    """Return rows with the ends of the columns of a schema; no rows where there are none."""
    sources: list[_Source] = []
    for snapshot in snapshots:
        superseded = snapshot.superseded
        sources += [_Source(source, superseded[source.part_id]) for source in snapshot.sources]
    report.parts += sum(isinstance(each.source, Part) for each in sources)
    sources = [each for each in sources if each.source.stats.rows > len(each.superseded)]
    opened: set[int] = set()
    columns = [name for name in schema.names if name != "_row"]
    ends = [_ends(sources, cast("Ordered", column), opened) for column in columns]
    parts = [each.source for each in sources if isinstance(each.source, Part)]
    report.leave_out("statistics", sum(part.part_id not in opened for part in parts))
    for part in parts:
        if part.part_id in opened:
            report.files.opened("columns", part)
    values = {column: pa.array(each, SYSTEM_COLUMNS[column]) for column, each in zip(columns, ends, strict=True)}
    count = len(ends[0]) if ends else 0
    return pa.table({name: values.get(name, pa.nulls(count, pa.int64())) for name in schema.names}).cast(schema)


def _ends(sources: Sequence[_Source], column: Ordered, opened: set[int]) -> list[object]:
    found: list[int] = []
    for each in sorted(sources, key=lambda each: bool(len(each.superseded))):
        known = [end_of(each.source.stats, column, last=last) for last in (False, True)]
        if len(each.superseded):
            if found and min(found) <= known[0] and known[1] <= max(found):
                continue
            opened.add(each.source.part_id)
            numbers = current_numbers(each.source, column, each.superseded)
            known = [int(numbers.min()), int(numbers.max())]
        found += known
    return [value_of(column, number) for number in (min(found), max(found))] if found else []
