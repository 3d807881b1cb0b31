"""Which parts of a snapshot a scan may leave out by their statistics alone.

Nothing is opened for it: the statistics are in the catalog, and in memory once
the snapshot is.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, TypeVar

from btql_planner.engine_plan import ScanSpec
from btql_planner.needs import AnyNeed, Need, Needed
from btql_planner.plan_scan import Range
from btql_storage.part.format import TEXT_BOUND_CHARS, PartStats, PathStats

if TYPE_CHECKING:
    from btql.execution.report import LeftOut
    from btql_storage.part.reader import Part
    from btql_storage.tail_chunk import TailChunk


T = TypeVar("T", float, str)


def ruled_out(spec: ScanSpec, source: Part | TailChunk) -> LeftOut | None:
    """Return by what means a part or a tail chunk has no row for a scan; None where it may have some."""
    if not in_range(spec, source):
        return "range"
    lacking = [need for need in spec.needs if not _may_have(need, source.stats)]
    if not lacking:
        return None
    return "value" if _have_kind(lacking, source.stats) else "kind"


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
    one, other = (microseconds(each) if isinstance(each, datetime) else each for each in (one, other))
    return bool(one <= other)  # type: ignore[operator]


def microseconds(moment: datetime) -> int:
    """Return a moment as parts have it."""
    return round(moment.timestamp() * 1_000_000)


def _may_have(need: Needed, stats: PartStats) -> bool:
    if isinstance(need, AnyNeed):
        return any(_may_have(each, stats) for each in need.needs)
    found = stats.paths.get(need.path)
    if found is None:
        return not stats.lists(need.path)
    return (
        any(kind in need.kinds for kind in found.counts) or _may_have_number(need, found) or _may_have_text(need, found)
    )


def _may_have_number(need: Need, found: PathStats) -> bool:
    if need.numbers is None:
        return False
    # Rounding keeps the order, so what the engine finds between floats is between these.
    bounds = [(float(each[0]), float(each[1])) for each in (found.integers, found.floats) if each is not None]
    return any(_overlap(need.numbers, each) for each in bounds)


def _may_have_text(need: Need, found: PathStats) -> bool:
    if need.texts is None or found.texts is None:
        return False
    low, high = need.texts
    # Bounds are cut to some characters; of the largest text it is then not known how it goes on.
    low = None if low is None else low[:TEXT_BOUND_CHARS]
    return _overlap((low, high), (found.texts.min, found.texts.max))


def _overlap(one: tuple[T | None, T | None], other: tuple[T, T]) -> bool:
    low, high = one
    return (low is None or low <= other[1]) and (high is None or other[0] <= high)


def _have_kind(needs: Sequence[Needed], stats: PartStats) -> bool:
    """Whether there are values of the kinds that are needed, so that it is their size that rules all rows out."""
    for need in needs:
        if isinstance(need, AnyNeed):
            if _have_kind(need.needs, stats):
                return True
        elif (found := stats.paths.get(need.path)) is not None:
            numbers = need.numbers and (found.integers or found.floats)
            if numbers or (need.texts and found.texts):
                return True
    return False
