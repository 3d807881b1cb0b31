"""Which parts of a snapshot a scan may leave out by their statistics alone.

Nothing is opened for it: the statistics are in the catalog, and in memory once
the snapshot is.
"""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from btql_planner.engine_plan import ScanSpec
from btql_planner.plan import Range
from btql_storage.part.format import PartStats

if TYPE_CHECKING:
    from btql_storage.part.reader import Part
    from btql_storage.tail_chunk import TailChunk


def in_range(spec: ScanSpec, source: Part | TailChunk) -> bool:
    """Return whether rows of a part or a tail chunk may be in the ranges of a scan."""
    return all(_overlaps(bounds, source.stats) for bounds in spec.ranges)


def _overlaps(bounds: Range, stats: PartStats) -> bool:
    low: object
    high: object
    match bounds.column:
        case "created":
            low, high = stats.created_us_min, stats.created_us_max
        case "_xact_id":
            low, high = f"{stats.xact_id_min:019}", f"{stats.xact_id_max:019}"
        case _:
            low, high = stats.pagination_key_min, stats.pagination_key_max
    return _at_most(bounds.low, high) and _at_most(low, bounds.high)


def _at_most(one: object, other: object) -> bool:
    if one is None or other is None:
        return True
    one, other = (_microseconds(each) if isinstance(each, datetime) else each for each in (one, other))
    return bool(one <= other)  # type: ignore[operator]


def _microseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000)
