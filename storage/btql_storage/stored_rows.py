"""Rows of parts that events are merged into: their documents are read when a query asks for them.

A small event may be about a large document, and most of what is asked of a row that was just written needs none of
it, or one field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter

import numpy as np
import pyarrow as pa

from btql_storage.catalog import RowNumbers
from btql_storage.fields import KNOWN_FIELDS, OTHER
from btql_storage.members import members
from btql_storage.part.reader import Part
from btql_storage.row import Row

_KNOWN = frozenset(KNOWN_FIELDS)


@dataclass(slots=True)
class StoredRow(Row):
    """A row of a part, without its fields until somebody reads them."""

    part: Part
    number: int
    size: int
    is_read: bool = False

    @property
    def json_bytes(self) -> int:
        """About how much JSON it has, as its part says without reading it."""
        return self.size


def read_rows(rows: Iterable[StoredRow]) -> None:
    """Read all fields of some rows, which keep them. Threads that read the same at once read the same."""
    for part, mine in _by_part(rows):
        for row, found in zip(mine, part.rows(_numbers(mine)), strict=True):
            row.fields = found.fields
            row.is_read = True


def read_field(rows: Iterable[StoredRow], name: str) -> dict[str, bytes | None]:
    """Return the JSON text of one field of the rows that are not read, by id; None where one has no such field."""
    column = name if name in _KNOWN else OTHER
    found: dict[str, bytes | None] = {}
    for part, mine in _by_part(rows):
        table = part.documents(_numbers(mine), [column])
        texts: Sequence[bytes | None] = table.column(column).cast(pa.binary()).to_pylist()
        found.update(zip([row.id for row in mine], texts, strict=True))
    if column == name:
        return found
    return {row_id: None if others is None else _member(others, name) for row_id, others in found.items()}


def _by_part(rows: Iterable[StoredRow]) -> Iterable[tuple[Part, list[StoredRow]]]:
    """Return the rows that are not read, those of each part in their order there."""
    found: dict[Part, list[StoredRow]] = {}
    for row in rows:
        if not row.is_read:
            found.setdefault(row.part, []).append(row)
    return [(part, sorted(mine, key=attrgetter("number"))) for part, mine in found.items()]


def _numbers(rows: Sequence[StoredRow]) -> RowNumbers:
    return np.array([row.number for row in rows], dtype=np.int64)


def _member(others: bytes, name: str) -> bytes | None:
    raw = members(others).get(name)
    return None if raw is None else bytes(raw)
