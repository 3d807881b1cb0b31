"""Which parts of a scan have their columns in memory (:mod:`btql_storage.part.kept_columns`).

A scan that reads all rows of its parts, or rows that lie all over them, costs most and
is what comes again: lists page by page, groups and counts of a dashboard. One that
reads the newest rows, or those of a user or a rare word, is quick anyway, so it has to come
more often. One by ids, a span or a trace, is as quick with a block or two of documents:
it takes what is there, and is not counted. Nor is one whose columns would have to be
copied from a bucket first.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, TypeVar

import pyarrow as pa

from btql_storage.part.few_rows import SCATTERED_BLOCKS_MAX
from btql_storage.part.kept_columns import ALL_ROWS, SOME_ROWS, KeptColumns, PartColumns, row_bytes_of
from btql_storage.part.reader import Part
from btql_storage.snapshot import Snapshot

if TYPE_CHECKING:
    from btql.execution.candidates import Rows

T = TypeVar("T")


class KeptParts:
    """The parts of one snapshot, as far as one scan finds their columns in memory."""

    def __init__(
        self,
        columns: KeptColumns,
        snapshot: Snapshot,
        schema: pa.Schema,
        wanted: set[tuple[int, str]],
        *,
        whole_rows: int,
        few_count: bool,
    ) -> None:
        self._columns = columns
        self._schema = schema
        self._row_bytes = row_bytes_of(schema)
        self._wanted = wanted
        """What the statement has asked for before: to ask twice is not to come again."""
        self._few_count = few_count
        """Whether the scan is counted where it reads few rows."""
        self._superseded = {entry.part.part_id: entry.superseded for entry in snapshot.parts}
        self._whole_rows = whole_rows
        """Rows of the parts that are read whole."""

    def get(self, part: Part, rows: Rows | None) -> PartColumns | None:
        """Return the columns of a part of which some rows are read, None for all of them; None where they are not."""
        if not self._columns.fit(self._whole_rows if rows is None else part.stats.rows, self._row_bytes):
            return None
        weight = 0
        if not self._columns.has(part, self._schema.names):
            asked = {(part.part_id, name) for name in self._schema.names}
            weight = 0 if asked <= self._wanted else self._weight(part, rows)
            self._wanted |= asked
        return self._columns.get(part, self._superseded[part.part_id], self._schema, weight)

    def _weight(self, part: Part, rows: Rows | None) -> int:
        if rows is None or part.blocks(rows) > SCATTERED_BLOCKS_MAX:
            return ALL_ROWS
        return SOME_ROWS if self._few_count else 0


def shares(batches: Sequence[T], count: int) -> list[list[T]]:
    """Return neighbouring batches, or arrays, in at most so many lists of about the same length."""
    size = max(-(-len(batches) // count), 1)
    return [list(batches[start : start + size]) for start in range(0, len(batches), size)]
