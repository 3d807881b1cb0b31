"""The rows of the past that a delete has ended, also where a row of that id was written again later.

A state of a row ends with the transaction in its ``until``. Where that transaction began another state of the same
pagination key the row was changed, else it was deleted: a row that comes after a delete, be it in the same transaction,
has a key of its own. All states of an id up to its last delete are to go; those after it are the past of a row that is
there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from btql_storage.arrow import to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.catalog.shapes import HistoryPart, PartInfo, RowNumbers, View
from btql_storage.folder import Folder
from btql_storage.retention.rows import current_rows

_COLUMNS = ["id", "_pagination_key", "_xact_id"]


@dataclass(frozen=True, slots=True, eq=False)
class DeletedPast:
    """The rows of one part of the history that a delete has ended."""

    one: HistoryPart
    rows: RowNumbers
    ids: set[str]


@dataclass(frozen=True, slots=True)
class _State:
    id: str
    key: str
    begin: int
    end: int
    row: int


def deleted_past(folder: Folder, view: View) -> Iterator[DeletedPast]:
    """Yield what of the history is to go; ``view`` has all of it."""
    states = [list(_states(folder, one)) for one in view.history]
    begins = {(state.key, state.begin) for mine in states for state in mine}
    begins |= _begins(folder, view.parts, {state.id for mine in states for state in mine})
    last_delete: defaultdict[str, int] = defaultdict(int)
    for state in (state for mine in states for state in mine):
        if (state.key, state.end) not in begins:
            last_delete[state.id] = max(last_delete[state.id], state.end)
    for one, mine in zip(view.history, states, strict=True):
        gone = [state for state in mine if state.end <= last_delete[state.id]]
        if gone:
            rows = np.sort(np.array([state.row for state in gone], dtype=np.int64))
            yield DeletedPast(one, rows, {state.id for state in gone})


def _states(folder: Folder, one: HistoryPart) -> Iterator[_State]:
    (table,) = current_rows(folder, [one.part], _COLUMNS)
    numbers = to_numpy(table.column("_row"))
    ids, keys, begins = (table.column(name).to_pylist() for name in _COLUMNS)
    ends = one.until[numbers].tolist()
    for row_id, key, begin, end, row in zip(ids, keys, begins, ends, numbers.tolist(), strict=True):
        yield _State(row_id, key, int(begin), end, row)


def _begins(folder: Folder, parts: Sequence[PartInfo], ids: set[str]) -> set[tuple[str, int]]:
    """Return the keys of some rows, and when their current states began."""
    found: set[tuple[str, int]] = set()
    sought = pa.array(sorted(ids), pa.utf8())
    for table in current_rows(folder, parts, _COLUMNS) if ids else ():
        mine = table.filter(pc.is_in(table.column("id"), value_set=sought))
        begins = map(int, mine.column("_xact_id").to_pylist())
        found.update(zip(mine.column("_pagination_key").to_pylist(), begins, strict=True))
    return found
