"""A chunk of the tail: a part in memory, with a part's columns, documents and answers.

Immutable: marking further rows as superseded makes a new chunk, which shares
everything else.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow as pa

from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.block import Block
from btql_storage.cache_budget import Cache, CacheBudget
from btql_storage.catalog import RowNumbers
from btql_storage.fields import INDEXED_FIELDS
from btql_storage.keys import Fingerprints, KeyKind, fingerprints
from btql_storage.part.documents import JSON_FIELDS, to_batch, to_rows
from btql_storage.part.format import PartStats
from btql_storage.row import Row
from btql_storage.shred import shred
from btql_storage.text.probe import Found, TextProbe
from btql_storage.text.scan import KEPT_BYTES_MAX, TextScan

_TEXT_BYTES_MAX = len(INDEXED_FIELDS) * KEPT_BYTES_MAX


@dataclass(frozen=True, slots=True, eq=False)
class TailChunk:
    """Rows in memory that can be asked like a part."""

    part_id: int
    table: pa.Table
    """System and shredded columns of all rows, also the superseded ones."""
    stats: PartStats
    superseded: RowNumbers
    """Sorted numbers of the rows that are no longer current."""
    _documents: pa.Table
    _texts: TextScan
    _fingerprints: dict[KeyKind, Fingerprints] = field(default_factory=dict["KeyKind", "Fingerprints"])

    @classmethod
    def of(cls, rows: Sequence[Row], part_id: int) -> TailChunk:
        """Return the chunk of some rows, all of them current."""
        shredded = shred(rows, part_id)
        documents = pa.Table.from_batches([to_batch(Block.of(rows))])
        texts = TextScan(len(rows), documents.column, Cache("texts", CacheBudget(_TEXT_BYTES_MAX)))
        return cls(part_id, shredded.table, shredded.part_stats, np.empty(0, dtype=np.int64), documents, texts)

    def with_superseded(self, rows: Collection[int]) -> TailChunk:
        """Return the same chunk with these rows superseded."""
        return replace(self, superseded=np.array(sorted(rows), dtype=np.int64))

    @property
    def rows(self) -> int:
        """How many rows the chunk has, current or not."""
        count: int = self.table.num_rows
        return count

    def documents(self, rows: RowNumbers, fields: Sequence[str]) -> pa.Table:
        """Return some columns of ``rows.arrow`` for some rows, both in the order asked for."""
        return self._documents.select(list(fields)).take(from_numpy(rows))

    def whole_rows(self, numbers: RowNumbers) -> list[Row]:
        """Return whole rows in the order asked for."""
        return to_rows(self._documents.take(from_numpy(numbers)))

    def json_bytes(self, numbers: RowNumbers) -> RowNumbers:
        """Return how much JSON each of some rows has."""
        sizes = np.zeros(len(numbers), dtype=np.int64)
        for name in JSON_FIELDS:
            lengths = pc.fill_null(pc.binary_length(self._documents.column(name)), 0)
            sizes += to_numpy(lengths).astype(np.int64)[numbers]
        return sizes

    def find(
        self,
        probe: TextProbe,
        rows_max: int | None = None,
        *,
        loosely: bool = False,
        check: Callable[[], None] | None = None,
    ) -> Found:
        """Return the rows that a probe holds for, none where only an index could tell."""
        return self._texts.find(probe, rows_max, loosely=loosely, check=check)

    def lookup(self, kind: KeyKind, values: Sequence[str] | Fingerprints) -> RowNumbers:
        """Return the rows that may have one of some ids, in order; compare the ids themselves."""
        sought = values if isinstance(values, np.ndarray) else fingerprints(values)
        mine = self._fingerprints.get(kind)
        if mine is None:
            mine = self._fingerprints[kind] = fingerprints(self._documents.column(kind).to_pylist())
        return np.flatnonzero(np.isin(mine, sought)).astype(np.int64)
