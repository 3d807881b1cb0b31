"""Where the current rows of ids are, among the parts of an object.

Compaction and the tail ask before they apply new events: a merge needs the row
as it is now, and whatever replaces a row has to mark it as superseded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from btql_storage.catalog import PartInfo, RowNumbers
from btql_storage.folder import Folder
from btql_storage.keys import fingerprints
from btql_storage.merge import SURVIVING_FIELDS
from btql_storage.part.reader import Part
from btql_storage.row import Row
from btql_storage.row_numbers import are_among
from btql_storage.stored_rows import StoredRow

_SMALL_VALUES = ("id", "span_id", "root_span_id", "created", "xact_id", "pagination_key")


@dataclass(frozen=True, slots=True)
class CurrentRow:
    """Where a row is, and its small values; ``row.fields`` has only what survives being replaced."""

    part: PartInfo
    number: int
    row: Row

    def stored(self, part: Part, json_bytes: int) -> StoredRow:
        """Return the row as one whose fields are read when they are asked for."""
        row = self.row
        ids = row.id, row.span_id, row.root_span_id
        return StoredRow(*ids, row.created_us, row.xact_id, row.pagination_key, {}, part, self.number, json_bytes)


def find_current(folder: Folder, ids: Sequence[str], parts: Sequence[PartInfo]) -> dict[str, CurrentRow]:
    """Return the current rows that parts have for ids."""
    wanted = set(ids)
    sought = fingerprints(ids)
    found: dict[str, CurrentRow] = {}
    for info in parts:
        part = folder.parts.get(info)
        candidates = part.lookup("id", sought)
        candidates = candidates[~are_among(candidates, info.superseded)]
        if not len(candidates):
            continue
        table = part.documents(candidates, [*_SMALL_VALUES, *SURVIVING_FIELDS])
        for number, row in zip(candidates.tolist(), _small_rows(table), strict=True):
            # Fingerprints may collide, so the ids themselves decide.
            if row.id in wanted:
                assert row.id not in found, f"`{row.id}` is current in two parts"
                found[row.id] = CurrentRow(info, number, row)
    return found


def parts_with(folder: Folder, ids: Sequence[str], parts: Sequence[PartInfo]) -> frozenset[int]:
    """Return the parts that have rows of ids, current or not; where fingerprints collide, also others."""
    if not ids:
        return frozenset()
    sought = fingerprints(ids)
    return frozenset(info.id for info in parts if len(folder.parts.get(info).lookup("id", sought)))


def fetch_rows(folder: Folder, places: Sequence[CurrentRow]) -> dict[str, Row]:
    """Return whole rows by id."""
    by_part: dict[int, list[CurrentRow]] = {}
    for place in places:
        by_part.setdefault(place.part.id, []).append(place)
    rows: dict[str, Row] = {}
    for group in by_part.values():
        numbers = np.array([place.number for place in group], dtype=np.int64)
        rows.update((row.id, row) for row in folder.parts.get(group[0].part).rows(numbers))
    return rows


def sizes(folder: Folder, places: Sequence[CurrentRow | None]) -> RowNumbers:
    """Return about how much JSON it takes to fetch each of some rows whole; nothing where there is None."""
    found = np.zeros(len(places), dtype=np.int64)
    by_part: dict[int, tuple[PartInfo, list[int], list[int]]] = {}
    for index, place in enumerate(places):
        if place is not None:
            _, indices, numbers = by_part.setdefault(place.part.id, (place.part, [], []))
            indices.append(index)
            numbers.append(place.number)
    for info, indices, numbers in by_part.values():
        found[indices] = folder.parts.get(info).json_bytes(np.array(numbers, dtype=np.int64))
    return found


def _small_rows(table: pa.Table) -> Iterator[Row]:
    columns = [table.column(name) for name in _SMALL_VALUES]
    columns[3] = columns[3].cast(pa.int64())
    surviving = [table.column(name).cast(pa.binary()).to_pylist() for name in SURVIVING_FIELDS]
    values = zip(*(column.to_pylist() for column in columns), strict=True)
    for (row_id, span, root, created_us, xact_id, key), *texts in zip(values, *surviving, strict=True):
        fields = {name: text for name, text in zip(SURVIVING_FIELDS, texts, strict=True) if text is not None}
        yield Row(row_id, span, root, created_us, xact_id, key, fields)
