"""Rows as the columns and the statistics of a part, without its files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa

from btql_storage.block import BlockCutter
from btql_storage.fields import SYSTEM_COLUMNS
from btql_storage.kinds import FieldPath, column_name
from btql_storage.part.format import PartStats, PathStats
from btql_storage.part.stats import StatsBuilder
from btql_storage.row import Row
from btql_storage.shred import Shredder


@dataclass(frozen=True, slots=True)
class Shredded:
    """Rows as columns."""

    table: pa.Table
    """All system columns, then the shredded ones by name."""
    part_stats: PartStats

    @property
    def stats(self) -> Mapping[FieldPath, PathStats]:
        """What is under each path."""
        return self.part_stats.paths


def shred(rows: Sequence[Row], part_id: int, first_row: int = 0) -> Shredded:
    """Return the columns of rows that are numbered from ``first_row`` in their part."""
    shredder = Shredder(part_id, first_row)
    json_bytes = 0
    cutter = BlockCutter()
    for block in (*cutter.add(rows), *cutter.rest()):
        shredder.add(block, {})
        json_bytes += block.json_bytes
    chunk = shredder.finish()
    builder = StatsBuilder()
    builder.add(rows, json_bytes, chunk.paths)
    stats, kept = builder.result()
    named = {column_name(c.path, c.kind): c for c in chunk.columns if (c.path, c.kind) in kept}
    arrays = {name: named[name].dense(chunk.row_count) for name in sorted(named)}
    system = dict(zip(SYSTEM_COLUMNS, chunk.system.columns, strict=True))
    return Shredded(pa.table(system | arrays), stats)
