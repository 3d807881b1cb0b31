"""Counts of the different texts of columns, where those or the numbers that stand for them are in memory.

Which numbers there are is found in one pass over them, by Arrow, on all cores. The engine has a statement to plan, and
a hash table for each of its threads, which it merges: it takes twice as long for half a million rows, as for a few.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, ClassVar

import pyarrow as pa

from btql.execution import in_memory
from btql.execution.engine import CORES
from btql.execution.grouping import COUNT
from btql.execution.helpers import run_all
from btql.execution.kept_parts import shares
from btql_planner import sql_text
from btql_planner.select import Select
from btql_storage.arrow import chunked
from btql_storage.arrow_functions import compute as pc
from btql_storage.part.code_book import CODE

if TYPE_CHECKING:
    from btql_storage.arrow import Array, ChunkedArray

_COUNT = re.compile(rf"count\(DISTINCT ({sql_text.NAME})\)")


@dataclass(frozen=True, slots=True)
class DistinctCounts:
    """A grouping that counts different texts of columns, and rows, and nothing else."""

    counted: Mapping[str, str | None]
    """The column whose texts are counted, by the name of the count; None where rows are."""
    takes_codes: ClassVar[bool] = True

    @property
    def rows_max(self) -> int:
        """So many rows may have texts; there may be any number of numbers."""
        return in_memory.ROWS_MAX * in_memory.COUNTED_TIMES

    def fits(self, table: pa.Table) -> bool:
        """Whether the columns have numbers, or few texts."""
        types = {table.schema.field(name).type for name in self.counted.values() if name is not None}
        return types <= ({CODE, pa.string()} if len(table) <= self.rows_max else {CODE})

    def rows(self, table: pa.Table) -> pa.RecordBatch:
        """Return the counts: one row."""
        counts = [len(table) if name is None else _different(table.column(name)) for name in self.counted.values()]
        return pa.RecordBatch.from_arrays([pa.array([each], pa.int64()) for each in counts], names=list(self.counted))


def distinct_counts(groups: Select) -> DistinctCounts | None:
    """Return a grouping of a scan as one that only counts different values; None where it does anything else."""
    is_cut = groups.limit is not None or groups.offset
    if groups.group or groups.where or groups.order or is_cut or in_memory.ROWS_MAX < 0:
        return None
    counted: dict[str, str | None] = {}
    for name, sql in groups.outputs.items():
        found = _COUNT.fullmatch(sql)
        if found is None and sql != COUNT:
            return None
        counted[name] = None if found is None else sql_text.unquoted(found[1])
    return DistinctCounts(counted) if any(counted.values()) else None


def _different(column: ChunkedArray) -> int:
    """Return how many values there are that are not null."""
    found: list[Array] = run_all(
        [partial(pc.unique, chunked(each, column.type)) for each in shares(column.chunks, CORES)]
    )
    values: Array = pc.unique(chunked(found, column.type))
    return len(values) - int(values.null_count)
