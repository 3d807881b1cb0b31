"""History: the rows of the past, of the kinds of object that can be read as of any transaction.

A row is in one *state* from the transaction that wrote it until the next one that changes or deletes it. The
current states are in the live parts. Whenever a compaction replaces a state, also one that an event of the same
job made, it writes it to a *history part*: a part like any other, none of whose rows is current, and for each of
its rows the catalog has the transaction that ended it (``until``).

What an object was right after transaction ``v`` are then the states of its parts and history parts with
``_xact_id <= v < until``, a current one never ending, with the waiting events up to ``v`` on top. Events are
compacted oldest first, so where a row has waiting events up to ``v``, all that is in parts is older than they are.

History is removed only by a retention policy or a purge (:mod:`btql_storage.retention`). It costs nothing where rows
are written once, and one row for each later transaction that changes one.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from btql_storage.arrow import to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.catalog import HistoryPart, NewPart, RowNumbers
from btql_storage.folder import Folder
from btql_storage.format import part_name
from btql_storage.merge import apply
from btql_storage.part.files import read_columns
from btql_storage.part.manifest import Owner
from btql_storage.part.reader import Part
from btql_storage.part.writer import PartWriter
from btql_storage.row import Row
from btql_storage.wal.event import WalEvent

_BYTES_AIM = 8 << 20
_ROW_MASK = (1 << 32) - 1


class HistoryWriter:
    """Applies the events of one job, and writes the states that they end."""

    def __init__(self, folder: Folder, owner: Owner) -> None:
        self._folder = folder
        self._owner = owner
        self._part_id = 0
        self._writer: PartWriter | None = None
        self._states: list[Row] = []
        self._states_bytes = 0
        self._until: list[int] = []

    def apply_all(self, row: Row | None, events: Iterable[WalEvent]) -> Row | None:
        """Return the row after several events, in their order; ``row`` is whole where there is one."""
        for event in events:
            after = apply(row, event)
            assert after is None or after.xact_id == event.xact_id, "a state is known by the transaction that wrote it"
            # What a transaction wrote and changed again was never seen.
            if row is not None and row.xact_id != event.xact_id:
                self._keep(row, event.xact_id)
            row = after
        return row

    def finish(self) -> list[NewPart]:
        """Publish the part, where there was anything to keep."""
        self._write()
        if self._writer is None:
            return []
        until = np.array(self._until, dtype=np.int64)
        files = self._writer.finish(until)
        self._folder.store.publish(part_name(self._part_id))
        return [NewPart(self._part_id, files.stats, dict(files.file_bytes), until)]

    def _keep(self, row: Row, until: int) -> None:
        self._states.append(row)
        self._until.append(until)
        self._states_bytes += sum(map(len, row.fields.values()))
        if self._states_bytes > _BYTES_AIM:
            self._write()

    def _write(self) -> None:
        if not self._states:
            return
        if self._writer is None:
            self._part_id = self._folder.catalog.next_part_id()
            unfinished = self._folder.store.unfinished(part_name(self._part_id))
            self._writer = PartWriter(unfinished, self._part_id, self._owner, self._folder.settings.layout)
        self._writer.add(self._states)
        self._states, self._states_bytes = [], 0


def later_rows(part: Part, version: int) -> RowNumbers:
    """Return the rows of a part that a transaction after ``version`` wrote, in order."""
    if part.stats.xact_id_max <= version:
        return np.empty(0, dtype=np.int64)
    table = read_columns(part.columns_path, ["_row", "_xact_id"])
    later = table.filter(pc.greater(table.column("_xact_id"), f"{version:019d}"))
    return np.sort(to_numpy(later.column("_row")) & _ROW_MASK)


def hidden_rows(one: HistoryPart, part: Part, version: int) -> RowNumbers:
    """Return the rows of a part of history that were not current right after ``version``, in order."""
    return np.union1d(np.flatnonzero(one.until <= version), later_rows(part, version))
