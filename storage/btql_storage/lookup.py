"""Rows of a snapshot by their ids, and what differs between two snapshots, without a query.

Parts and the tail answer alike; documents are read of the rows that are asked for and of no others.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np

from btql_storage.catalog import RowNumbers
from btql_storage.merge import SURVIVING_FIELDS
from btql_storage.part.reader import Part
from btql_storage.row import Row
from btql_storage.row_numbers import are_among
from btql_storage.snapshot import Snapshot
from btql_storage.tail_chunk import TailChunk

_Source: TypeAlias = "Part | TailChunk"
_WINDOW = 512
"""How many rows are compared at once."""


@dataclass(frozen=True, slots=True)
class Difference:
    """What leads from one snapshot of an object back to an earlier one."""

    missing: Sequence[str]
    """Ids of rows that are no longer there."""
    changed: Sequence[str]
    """Ids of rows that are something else now."""
    added: Sequence[str]
    """Ids of rows that were not there."""


def rows_by_id(snapshot: Snapshot, ids: Collection[str]) -> dict[str, Row]:
    """Return the rows that have one of some ids, whole."""
    wanted = set(ids)
    found: dict[str, Row] = {}
    for source, superseded in _sources(snapshot):
        numbers = _current(source.lookup("id", list(wanted)), superseded)
        if len(numbers):
            # Fingerprints may collide, so the ids themselves decide.
            found.update((row.id, row) for row in source.rows(numbers) if row.id in wanted)
    return found


def difference(now: Snapshot, then: Snapshot) -> Difference:
    """Return what leads from the rows of ``now`` back to those of ``then``.

    A row that was written meanwhile and has the same fields again is no difference; nor is what was said of it.
    """
    before, after = _transactions(then), _transactions(now)
    missing = [row_id for row_id in before if row_id not in after]
    written = [row_id for row_id, xact_id in before.items() if after.get(row_id, xact_id) != xact_id]
    changed: list[str] = []
    for ids in _windows(written):
        old, new = rows_by_id(then, ids), rows_by_id(now, ids)
        changed += [row_id for row_id in ids if not _same(old[row_id], new[row_id])]
    return Difference(missing, changed, [row_id for row_id in after if row_id not in before])


def _windows(ids: Sequence[str]) -> Iterator[Sequence[str]]:
    for start in range(0, len(ids), _WINDOW):
        yield ids[start : start + _WINDOW]


def _same(a: Row, b: Row) -> bool:
    return _content(a) == _content(b)


def _content(row: Row) -> tuple[object, ...]:
    fields = {name: text for name, text in row.fields.items() if name not in SURVIVING_FIELDS}
    return row.span_id, row.root_span_id, row.created_us, fields


def _transactions(snapshot: Snapshot) -> dict[str, int]:
    """Return for each row the transaction that wrote it."""
    found: dict[str, int] = {}
    for source, superseded in _sources(snapshot):
        numbers = _current(np.arange(source.stats.rows, dtype=np.int64), superseded)
        if len(numbers):
            table = source.documents(numbers, ["id", "xact_id"])
            ids: list[str] = table.column("id").to_pylist()
            xact_ids: list[int] = table.column("xact_id").to_pylist()
            found.update(zip(ids, xact_ids, strict=True))
    return found


def _sources(snapshot: Snapshot) -> Iterator[tuple[_Source, RowNumbers]]:
    """Yield whatever has rows, with the numbers of those that are not current."""
    for entry in snapshot.parts:
        yield entry.part, np.asarray(entry.superseded, dtype=np.int64)
    for chunk in snapshot.tail:
        yield chunk, chunk.superseded


def _current(numbers: RowNumbers, superseded: RowNumbers) -> RowNumbers:
    return numbers[~are_among(numbers, superseded)]
