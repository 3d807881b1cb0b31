"""A chunk of the tail: a part in memory, with a part's columns, documents and answers.

Immutable: marking further rows as superseded makes a new chunk, which shares
everything else. What it answers with is made when it is first asked for.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np

from btql_storage.cache_budget import Cache, CacheBudget
from btql_storage.catalog import RowNumbers
from btql_storage.fields import INDEXED_FIELDS
from btql_storage.keys import Fingerprints, KeyKind, fingerprints
from btql_storage.part.deltas import DELTA_FIELD, Pieces
from btql_storage.part.documents import in_one
from btql_storage.row import Row
from btql_storage.tail_columns import TailColumns, TailStats
from btql_storage.tail_documents import TailDocuments
from btql_storage.tail_rows import TailRow, TailRows
from btql_storage.text.scan import KEPT_BYTES_MAX, TextScan

if TYPE_CHECKING:
    import pyarrow as pa

    from btql_storage.arrow import Array

_TEXT_BYTES_MAX = len(INDEXED_FIELDS) * KEPT_BYTES_MAX


@dataclass(frozen=True, slots=True, eq=False)
class TailChunk:
    """Rows in memory that can be asked like a part."""

    part_id: int
    stats: TailStats
    superseded: RowNumbers
    """Sorted numbers of the rows that are no longer current."""
    _rows: TailRows
    _columns: TailColumns
    _documents: TailDocuments
    texts: TextScan
    """What finds rows by the words in their texts."""
    _fingerprints: dict[KeyKind, Fingerprints] = field(default_factory=dict["KeyKind", "Fingerprints"])

    @classmethod
    def of(cls, rows: Sequence[TailRow], part_id: int) -> TailChunk:
        """Return the chunk of some rows, all of them current."""
        mine = TailRows(rows)
        columns = TailColumns(mine, part_id)
        stats = TailStats.of(mine, columns)
        documents = TailDocuments(mine)
        texts = TextScan(len(rows), documents.column, Cache("texts", CacheBudget(_TEXT_BYTES_MAX)))
        return cls(part_id, stats, np.empty(0, dtype=np.int64), mine, columns, documents, texts)

    def with_superseded(self, rows: Collection[int]) -> TailChunk:
        """Return the same chunk with these rows superseded."""
        return replace(self, superseded=np.array(sorted(rows), dtype=np.int64))

    def rest(self) -> None:
        """Let go of what would only serve the query before."""
        self._rows.rest()

    def table(self, schema: pa.Schema) -> pa.Table:
        """Return system and shredded columns of all rows, also of superseded ones; nulls where none has a value."""
        return self._columns.table(schema)

    def column(self, name: str) -> Array:
        """Return one of the system columns of all rows."""
        found = self._columns.column(name)
        assert found is not None, "every chunk has the system columns"
        return found

    def documents(self, rows: RowNumbers, fields: Sequence[str]) -> pa.Table:
        """Return some columns of ``rows.arrow`` for some rows, both in the order asked for."""
        return self._documents.read(rows, fields)

    def input_pieces(self, rows: RowNumbers) -> list[Pieces | None]:
        """Return the inputs of some rows in the order asked for, each as one piece."""
        return in_one(self.documents(rows, [DELTA_FIELD]).column(DELTA_FIELD))

    def rows(self, numbers: RowNumbers) -> list[Row]:
        """Return whole rows in the order asked for."""
        return self._rows.whole(numbers.tolist())

    def json_bytes(self, numbers: RowNumbers) -> RowNumbers:
        """Return about how much JSON each of some rows has."""
        return self._rows.sizes()[numbers]

    def lookup(self, kind: KeyKind, values: Sequence[str] | Fingerprints) -> RowNumbers:
        """Return the rows that may have one of some ids, in order; compare the ids themselves."""
        sought = values if isinstance(values, np.ndarray) else fingerprints(values)
        mine = self._fingerprints.get(kind)
        if mine is None:
            mine = self._fingerprints[kind] = fingerprints([getattr(row, kind) for row in self._rows.rows])
        return np.flatnonzero(np.isin(mine, sought)).astype(np.int64)
