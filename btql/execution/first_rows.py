"""Early stop: where only the first rows in the order of a time or a key are wanted, few parts have them.

Parts are looked at in the order of their largest value (smallest, where the order
ascends). Once as many current rows were seen as are wanted, whatever lies behind
the last of them is not read: parts, by their statistics, and rows. Rows that tie
with the last one are kept, since other keys of the order decide among them.

Conditions on what is kept in memory (:class:`btql_planner.plan_scan.Check`) are checked
before a row is seen: a page of root spans that begins at a cursor is as exact as the
first rows of all. Where any other condition decides which rows count, that many are a
guess. Then more rows are looked at than are wanted, and where too few of them count,
the statement is run again over more (:meth:`btql.execution.run.Runner`). Of rows that an
index has named for the condition most count, so that few are looked at.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, TypeAlias, cast

from btql.execution.pruning import microseconds
from btql_planner.plan_scan import ROOTS, Check, Top
from btql_planner.sql_text import INSTANT
from btql_storage.later import np
from btql_storage.part.order import KeptColumn, Ordered, number_of, numbers_of, roots_of, value_of
from btql_storage.row_numbers import are_among
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
NAMED_GUESS = 1.25
"""The same where an index has named the rows: then nearly all of them pass."""
DOCUMENTS_GUESS = 4
DOCUMENTS_GUESS_MIN = 200
"""The same where documents decide, which take far longer to read."""
STEP_MAX = 16
"""So many times as many documents are looked at next, at most."""
WHOLE_MAX = 4
"""All rows are read at once where that are at most so many times as many."""
_OPERATORS: Mapping[str, Callable[[Any, Any], Any]] = {
    "lt": operator.lt, "le": operator.le, "gt": operator.gt, "ge": operator.ge, "eq": operator.eq,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class FirstRows:
    """The rows that come first in a snapshot, and those that tie with the last of them."""

    rows: dict[int, Rows]
    """Of each part and tail chunk that has any, all that lie before the bound, current or not."""
    listed: set[int]
    """Parts of which an index has named the rows: of the others, all rows before the bound were looked at."""
    condition: str
    """The bound as SQL."""
    bound: int
    withheld: bool
    """Whether there are further rows."""
    filtered: bool
    """A condition decides which of them count."""

    def is_bounded(self, part_id: int) -> bool:
        """Whether the rows of a part are so many that the bound says which they are, and no list does."""
        return self.filtered and part_id not in self.listed


def enough(top: Top, objects: int) -> int | None:
    """Return how many rows to look at first; None for all."""
    if top.asked is not None:
        return max(DOCUMENTS_GUESS * top.count, DOCUMENTS_GUESS_MIN) if objects == 1 else None
    if not top.filtered:
        return top.count
    # With several objects, each would have a bound of its own, and rows of one could hide those of another.
    return max(GUESS * top.count, GUESS_MIN) if objects == 1 else None


def more(top: Top, looked_at: int, found: int) -> int | None:
    """Return how many rows to look at next, where of so many too few were found; None for all."""
    if top.asked is not None:
        return looked_at * min(max(2 * top.count // max(found, 1), 2), STEP_MAX)
    return 2 * looked_at * top.count // found if found else None


def first_rows(
    snapshot: Snapshot,
    sources: Sequence[Part | TailChunk],
    top: Top,
    count: int,
    candidates: Callable[[Part | TailChunk], Rows | None],
) -> FirstRows | None:
    """Return the first ``count`` current rows of some parts that pass its checks; None where that are all of them.

    ``candidates`` gives the rows of a part that an index leaves, None for all.
    """
    if sum(source.stats.rows for source in sources) <= (WHOLE_MAX * count if top.filtered else count):
        return None
    known = bool(top.among) and not top.filtered
    column = cast("Ordered", top.column)
    sources = _in_order(sources, top)
    looked = None
    if top.filtered:
        named = _count_of_named(top, count)
        if _are_fewer(sources, candidates, named):
            return None
        looked = _look(snapshot, sources, top, named, candidates, only_named=True)
    if looked is None:
        if not known and _are_fewer(sources, candidates, count):
            return None
        looked = _look(snapshot, sources, top, count, candidates)
        assert looked is not None
    if not looked.enough and not known:
        return None
    if not len(looked.best):
        return FirstRows({}, set(), "FALSE", 0, withheld=False, filtered=False)
    bound, withheld = _last(looked.best, top), looked.withheld
    rows: dict[int, Rows] = {}
    for each in looked.found:
        before = each.before(bound, descending=top.descending)
        withheld |= len(before) < len(each.rows)
        if len(before):
            rows[each.part_id] = before
    listed = {each.part_id for each in looked.found if each.is_listed}
    filtered = top.filtered and top.asked is None
    return FirstRows(rows, listed, _condition(column, bound, descending=top.descending), bound, withheld, filtered)


def _in_order(sources: Sequence[Part | TailChunk], top: Top) -> list[Part | TailChunk]:
    """Return sources by the first value that each may have."""
    column = cast("Ordered", top.column)
    return sorted(sources, key=lambda source: end_of(source.stats, column, last=top.descending), reverse=top.descending)


def _count_of_named(top: Top, count: int) -> int:
    """Return how many rows to look at, where as many as ``count`` would be, if an index has named them."""
    return math.ceil(NAMED_GUESS * top.count * count / (enough(top, 1) or count))


@dataclass(frozen=True, slots=True)
class _Looked:
    """What some sources have, of which no further one has better rows."""

    found: list[_Found]
    best: NDArray[Any]
    """The values of the best rows."""
    enough: bool
    """Whether there were as many as were wanted."""
    withheld: bool
    """Whether any source was not looked at."""


def _look(
    snapshot: Snapshot,
    sources: Sequence[Part | TailChunk],
    top: Top,
    count: int,
    candidates: Callable[[Part | TailChunk], Rows | None],
    *,
    only_named: bool = False,
) -> _Looked | None:
    """Look at sources, which are in order, until none of the others has a row among the first ``count``.

    None where only rows that an index has named are to be looked at, and it names none of a source.
    """
    superseded = snapshot.superseded
    column = cast("Ordered", top.column)
    best = np.empty(0, np.int64)
    found: list[_Found] = []
    for source in sources:
        if len(best) == count:
            begin, last = end_of(source.stats, column, last=top.descending), _last(best, top)
            if begin < last if top.descending else begin > last:
                return _Looked(found, best, enough=True, withheld=True)
        rows = candidates(source)
        if rows is None and only_named:
            return None
        found.append(_look_at(source, rows, superseded[source.part_id], top))
        best = _merged(best, found[-1].current, count, descending=top.descending)
    return _Looked(found, best, enough=len(best) == count, withheld=False)


def _are_fewer(
    sources: Sequence[Part | TailChunk], candidates: Callable[[Part | TailChunk], Rows | None], count: int
) -> bool:
    """Whether indexes leave fewer rows than that. No column is read to know, and no index that would not be anyway."""
    left = 0
    for source in sources:
        rows = candidates(source)
        left += source.stats.rows if rows is None else len(rows)
        if left >= count:
            return False
    return True


@dataclass(frozen=True, slots=True)
class _Found:
    """What one part or tail chunk may have."""

    part_id: int
    rows: Rows
    """Current or not."""
    numbers: NDArray[Any]
    """Their values."""
    current: NDArray[Any]
    """The values of the current ones."""
    is_listed: bool

    def before(self, bound: int, *, descending: bool) -> Rows:
        """Return the rows up to a bound."""
        return self.rows[self.numbers >= bound if descending else self.numbers <= bound]


def _look_at(source: Part | TailChunk, listed: Rows | None, superseded: Sequence[int] | Rows, top: Top) -> _Found:
    column = cast("Ordered", top.column)
    numbers = numbers_of(source, column)
    rows = passing_rows(source, top.among, None if listed is None else np.asarray(listed))
    if rows is None:
        rows = np.arange(len(numbers), dtype=np.int64)
        return _Found(source.part_id, rows, numbers, current_numbers(source, column, superseded), is_listed=False)
    numbers = numbers[rows]
    is_current = ~are_among(rows, superseded)
    return _Found(source.part_id, rows, numbers, numbers[is_current], is_listed=listed is not None)


def passing_rows(source: Part | TailChunk, among: Sequence[Check], rows: Rows | None) -> Rows | None:
    """Return which of some rows of a part pass checks, in order; None stands for all rows."""
    # Few rows are roots, and which ones is kept: the others are not looked at.
    for check in sorted(among, key=ROOTS.__ne__):
        if rows is None and check == ROOTS:
            rows = roots_of(source)
            continue
        value = microseconds(check.value) if isinstance(check.value, datetime) else number_of(check.value)
        numbers = numbers_of(source, cast("KeptColumn", check.column))
        passing = _OPERATORS[check.operator](numbers if rows is None else numbers[rows], value)
        rows = np.flatnonzero(passing) if rows is None else rows[passing]
    return rows


def current_numbers(source: Part | TailChunk, column: Ordered, superseded: Sequence[int] | Rows) -> NDArray[Any]:
    """Return the values of the current rows."""
    numbers = numbers_of(source, column)
    return np.delete(numbers, np.asarray(superseded, np.int64)) if len(superseded) else numbers


def end_of(stats: PartStats, column: Ordered, *, last: bool) -> int:
    """Return the smallest value that a part has, or the largest."""
    match column:
        case "created":
            ends: tuple[int | str, int | str] = (stats.created_us_min, stats.created_us_max)
        case "_xact_id":
            ends = (stats.xact_id_min, stats.xact_id_max)
        case "_pagination_key":
            ends = (stats.pagination_key_min, stats.pagination_key_max)
    return number_of(ends[last])


def _merged(best: NDArray[Any], numbers: NDArray[Any], count: int, *, descending: bool) -> NDArray[Any]:
    """Return the first ``count`` of both."""
    both = np.concatenate([best.astype(numbers.dtype), numbers])
    if len(both) <= count:
        return both
    place = len(both) - count if descending else count - 1
    parted = np.partition(both, place)
    return parted[place:] if descending else parted[:count]


def _last(best: NDArray[Any], top: Top) -> int:
    """Return the last of the best values."""
    return int(best.min() if top.descending else best.max())


def _condition(column: Ordered, bound: int, *, descending: bool) -> str:
    value = value_of(column, bound)
    sql = f"arrow_cast({value}, {INSTANT})" if isinstance(value, int) else f"'{value}'"
    return f'p."{column}" {">=" if descending else "<="} {sql}'
