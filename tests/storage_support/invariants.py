"""What always holds of a database's files and catalog, whatever happened: looked up one against the other.

1. Every live part, and every replaced one that the catalog still names, has its files, of the sizes that the catalog
   has, and its statistics are those of its rows.
2. Row numbers in the catalog are numbers of rows that exist: of superseded rows, and of assigned events.
3. An id is current at most once, and all its rows are in one segment.
4. Of each processed WAL file that is there, no event is assigned twice; files with assignments are there.
5. The states of a row follow one another: each in the history ended when, or before, the next began.

Where ``tidy``, also: nothing is waiting, and no file is there that nobody needs.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from itertools import pairwise

import numpy as np

from btql_storage.catalog import PartInfo, View
from btql_storage.folder import Folder
from btql_storage.format import PARTS, WAL
from btql_storage.row import Row
from btql_storage.store import ObjectInfo, Storage
from btql_storage.stores.interface import UNFINISHED
from btql_storage.stores.local import LocalStore

_FILES = {"columns": "columns.parquet", "rows": "rows.arrow", "keys": "keys.arrow"}


def check_invariants(storage: Storage, *, tidy: bool = False) -> None:
    """Raise AssertionError where anything is not as it must be."""
    folder = storage._folder
    for target in storage.objects():
        view = folder.catalog.view(target.id, 0)
        _check_object(folder, target, view)
        if tidy:
            assert not view.assignments, f"{target}: events wait"
    if tidy:
        _check_tidy(folder)


def _check_object(folder: Folder, target: ObjectInfo, view: View) -> None:
    homes: dict[str, int] = {}
    current: Counter[str] = Counter()
    states: defaultdict[str, list[tuple[int, int]]] = defaultdict(list)
    segments = {segment.id for segment in folder.catalog.segments(target.id)}
    for info in view.parts:
        assert info.segment_id in segments, f"part {info.id} is in a segment of nobody"
        gone = _superseded(info)
        for number, row in enumerate(_rows(folder, info)):
            assert homes.setdefault(row.id, info.segment_id) == info.segment_id, f"`{row.id}` is in two segments"
            if number not in gone:
                current[row.id] += 1
                states[row.id].append((row.xact_id, 1 << 63))
    assert [row_id for row_id, count in current.items() if count > 1] == [], f"{target}: ids are current twice"
    for past in view.history:
        rows = _rows(folder, past.part)
        assert len(past.until) == len(rows), f"part {past.part.id} has another number of rows than of their ends"
        for row, until in zip(rows, past.until.tolist(), strict=True):
            assert row.xact_id < until, f"`{row.id}` ended before it began"
            states[row.id].append((row.xact_id, until))
    for row_id, mine in states.items():
        mine.sort()
        for (_, until), (begun, _) in pairwise(mine):
            assert until <= begun, f"`{row_id}` has two states at once: {mine}"
    _check_assignments(folder, target, view)


def _superseded(info: PartInfo) -> set[int]:
    numbers = list(info.superseded)
    assert numbers == sorted(set(numbers)), f"part {info.id}: superseded rows are not in order"
    assert not numbers or (numbers[0] >= 0 and numbers[-1] < info.rows), f"part {info.id}: rows that do not exist"
    return set(numbers)


def _rows(folder: Folder, info: PartInfo) -> list[Row]:
    """Return all rows of a part, checked against what the catalog says of it."""
    rows = folder.parts.get(info).rows(np.arange(info.rows, dtype=np.int64))
    stats = info.stats
    assert len(rows) == stats.rows > 0
    assert min(row.xact_id for row in rows) == stats.xact_id_min, f"part {info.id}: its oldest transaction"
    assert max(row.xact_id for row in rows) == stats.xact_id_max, f"part {info.id}: its newest transaction"
    for kind, name in _FILES.items():
        size = folder.store.file(f"{PARTS}/{info.id}/{name}").stat().st_size
        assert size == info.file_bytes[kind], f"part {info.id}: {name} has {size} bytes"
    return rows


def _check_assignments(folder: Folder, target: ObjectInfo, view: View) -> None:
    listed = set(folder.wal.numbers())
    assigned: Counter[tuple[int, int]] = Counter()
    for one in view.assignments:
        assert one.xact_id <= view.processed_upto, f"{one.xact_id} is assigned and not processed"
        assert one.xact_id in listed, f"the file of {one.xact_id} is gone, and its events are in no part"
        mine = set(folder.wal.file(one.xact_id).rows_of(target.id).tolist())
        rows = one.rows.tolist()
        assert rows, f"{one.xact_id} is assigned without events"
        assert rows == sorted(set(rows)), f"{one.xact_id}: events are not in order"
        assert set(rows) <= mine, f"{one.xact_id}: events of others are assigned"
        assigned.update((one.xact_id, row) for row in rows)
    assert [key for key, count in assigned.items() if count > 1] == [], f"{target}: events are assigned twice"


def _check_tidy(folder: Folder) -> None:
    listed = folder.wal.numbers()
    assert len(listed) <= 1, f"WAL files stay for ever: {listed[:-1]}"
    assert all(number <= folder.catalog.processed_upto() for number in listed)
    live, replaced = folder.catalog.live_part_ids()
    assert not replaced, f"replaced parts stay for ever: {replaced}"
    assert {str(part_id) for part_id in live} == set(folder.store.list(PARTS)), "files of parts that nobody knows"
    if isinstance(folder.store, LocalStore):
        left = [path for name in (WAL, PARTS) for path in folder.store.path(name).glob(f"{UNFINISHED}*")]
        assert left == [], "unfinished work stays for ever"
