"""Early stop: where only the first rows in the order of a time or a key are wanted, few parts have them.

Parts are looked at in the order of their largest value (smallest, where the order
ascends). Once as many current rows were seen as are wanted, whatever lies behind
the last of them is not read: parts, by their statistics, and rows. Rows that tie
with the last one are kept, since other keys of the order decide among them.

Where a condition decides which rows count, that many are a guess. Then more rows
are looked at than are wanted, and where too few of them count, the statement is
run again over more (:meth:`btql.execution.run.Runner`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from btql_planner.plan import Top
from btql_planner.sql_text import INSTANT
from btql_storage.later import np
from btql_storage.part.order import Ordered, number_of, numbers_of
from btql_storage.snapshot import Snapshot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from btql_storage.part.format import PartStats
    from btql_storage.part.reader import Part
    from btql_storage.tail_chunk import TailChunk

Rows: TypeAlias = "NDArray[np.int64]"
GUESS = 64
"""Where a condition decides, so many times as many rows are looked at first as are wanted."""
GUESS_MIN = 8_192
WHOLE_MAX = 4
"""All rows are read at once where that are at most so many times as many."""


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The rows that come first in a snapshot, and those that tie with the last of them."""

    rows: dict[int, Rows]
    """Of each part and tail chunk that has any, all that lie before the bound, current or not."""
    condition: str
    """The bound as SQL."""
    withheld: bool
    """Whether there are further rows."""
    filtered: bool
    """A condition decides which of them count."""


def enough(top: Top, objects: int) -> int | None:
    """Return how many rows to look at first; None for all."""
    if not top.filtered:
        return top.count
    # With several objects, each would have a bound of its own, and rows of one could hide those of another.
    return max(GUESS * top.count, GUESS_MIN) if objects == 1 else None


def more(top: Top, looked_at: int, found: int) -> int | None:
    """Return how many rows to look at next, where of so many too few were found; None for all."""
    return 2 * looked_at * top.count // found if found else None


def first_rows(snapshot: Snapshot, sources: Sequence[Part | TailChunk], top: Top, count: int) -> FirstRows | None:
    """Return the first ``count`` current rows of some parts; None where that are all of them."""
    if sum(source.stats.rows for source in sources) <= (WHOLE_MAX * count if top.filtered else count):
        return None
    column = cast("Ordered", top.column)
    sign = -1 if top.descending else 1
    superseded = {entry.part.part_id: entry.superseded for entry in snapshot.parts}
    superseded |= {chunk.part_id: chunk.superseded for chunk in snapshot.tail}
    best = np.empty(0, np.int64)
    seen: list[tuple[Part | TailChunk, NDArray[Any]]] = []
    # The first value that each may have, so that one which begins behind the bound ends the search.
    begins = {source.part_id: _begins(source.stats, column, descending=top.descending) for source in sources}
    ordered = sorted(sources, key=lambda source: sign * begins[source.part_id])
    withheld = False
    for source in ordered:
        if len(best) >= count and sign * begins[source.part_id] > sign * int(best[count - 1]):
            withheld = True
            break
        numbers = numbers_of(source, column)
        seen.append((source, numbers))
        best = _merged(best, _current(numbers, superseded[source.part_id]), count, descending=top.descending)
    if len(best) < count:
        return None
    bound = best[count - 1]
    found: dict[int, Rows] = {}
    for source, numbers in seen:
        rows = np.flatnonzero(numbers >= bound if top.descending else numbers <= bound)
        withheld |= len(rows) < len(numbers)
        if len(rows):
            found[source.part_id] = rows
    return FirstRows(found, _condition(column, int(bound), descending=top.descending), withheld, top.filtered)


def _begins(stats: PartStats, column: Ordered, *, descending: bool) -> int:
    match column:
        case "created":
            ends: tuple[int | str, int | str] = (stats.created_us_min, stats.created_us_max)
        case "_xact_id":
            ends = (stats.xact_id_min, stats.xact_id_max)
        case "_pagination_key":
            ends = (stats.pagination_key_min, stats.pagination_key_max)
    return number_of(ends[descending])


def _current(numbers: NDArray[Any], superseded: Sequence[int] | Rows) -> NDArray[Any]:
    if not len(superseded):
        return numbers
    mask = np.ones(len(numbers), np.bool_)
    mask[np.asarray(superseded, np.int64)] = False
    return numbers[mask]


def _merged(best: NDArray[Any], numbers: NDArray[Any], count: int, *, descending: bool) -> NDArray[Any]:
    """Return the first ``count`` of both, in order."""
    if len(numbers) > count:
        place = len(numbers) - count if descending else count - 1
        parted = np.partition(numbers, place)
        numbers = parted[place:] if descending else parted[:count]
    merged = np.sort(np.concatenate([best.astype(numbers.dtype), numbers]))
    return (merged[::-1] if descending else merged)[:count]


def _condition(column: Ordered, bound: int, *, descending: bool) -> str:
    match column:
        case "created":
            value = f"arrow_cast({bound}, {INSTANT})"
        case "_xact_id":
            value = f"'{bound:019}'"
        case "_pagination_key":
            value = f"'p{bound:020}'"
    return f'p."{column}" {">=" if descending else "<="} {value}'
