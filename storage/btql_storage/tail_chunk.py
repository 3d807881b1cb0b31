"""A chunk of the tail: a part in memory, with a part's columns, documents and answers.

Immutable: marking further rows as superseded makes a new chunk, which shares
everything else.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import assert_never

import numpy as np
import pyarrow as pa

from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.block import Block
from btql_storage.catalog import RowNumbers
from btql_storage.collector import collector_paused
from btql_storage.json_text import parse, parse_all
from btql_storage.keys import Fingerprints, KeyKind, fingerprints
from btql_storage.part.documents import JSON_FIELDS, to_batch, to_rows
from btql_storage.part.format import PartStats
from btql_storage.row import Row
from btql_storage.shred import shred
from btql_storage.text_probe import AllOf, AnyOf, Found, Phrase, TextProbe, Without, Word
from btql_storage.tokens import index_texts, matches, texts_of

PREPARED_BYTES_MAX = 64 << 20
"""Of larger fields no tokens are kept."""
_NUMBER_LIKE = re.compile("[0-9einfa]+")
"""What may stand for a number that JSON spells otherwise, as 100.0 for 1e2."""


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
    _fingerprints: dict[KeyKind, Fingerprints] = field(default_factory=dict["KeyKind", "Fingerprints"])
    _prepared: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    """Field to the tokens of each row, between spaces, of fields that were searched."""

    @classmethod
    def of(cls, rows: Sequence[Row], part_id: int) -> TailChunk:
        """Return the chunk of some rows, all of them current."""
        shredded = shred(rows, part_id)
        documents = pa.Table.from_batches([to_batch(Block.of(rows))])
        return cls(part_id, shredded.table, shredded.part_stats, np.empty(0, dtype=np.int64), documents)

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

    def match(self, field: str, tokens: Sequence[str]) -> RowNumbers:
        """Return the rows whose field has the tokens as a phrase, in order."""
        if self._documents.column(field).nbytes > PREPARED_BYTES_MAX:
            return self._search(field, tokens)
        # Applications write all the time and ask all the time, so a chunk is asked often: what the index
        # of a part would hold is kept.
        if field not in self._prepared:
            with collector_paused():
                values = parse_all(self._texts(field))
                prepared = index_texts([texts_of(value) for value in values])
            self._prepared[field] = [f" {' '.join(text.split())} " for text in prepared]
        phrase = f" {' '.join(tokens)} "
        found = [number for number, text in enumerate(self._prepared[field]) if phrase in text] if tokens else []
        return np.array(found, dtype=np.int64)

    def _search(self, field: str, tokens: Sequence[str]) -> RowNumbers:
        """Do the same without keeping anything."""
        words = [token.encode() for token in tokens if not _NUMBER_LIKE.fullmatch(token)]
        found = [
            number
            for number, text in enumerate(self._texts(field))
            if text is not None and _may_match(text, words) and matches(parse(text), tokens)
        ]
        return np.array(found, dtype=np.int64)

    def _texts(self, field: str) -> list[bytes | None]:
        texts: list[bytes | None] = self._documents.column(field).cast(pa.binary()).to_pylist()
        return texts

    def find(self, probe: TextProbe, rows_max: int | None = None) -> Found:  # noqa: ARG002 - as of a part
        """Return the rows that a probe holds for, none where only an index could tell."""
        rows = self._find(probe)
        return Found(rows, self.rows if rows is None else len(rows))

    def _find(self, probe: TextProbe) -> RowNumbers | None:
        match probe:
            case Phrase():
                return self.match(probe.field, probe.tokens)
            case Word() | Without():
                return None
            case AllOf():
                found = [rows for each in probe.probes if (rows := self._find(each)) is not None]
                without = [each.phrase for each in probe.probes if isinstance(each, Without)]
                dropped = [self.match(phrase.field, phrase.tokens) for phrase in without]
                return reduce(np.setdiff1d, dropped, reduce(np.intersect1d, found)) if found else None
            case AnyOf():
                known = [rows for each in probe.probes if (rows := self._find(each)) is not None]
                return reduce(np.union1d, known) if len(known) == len(probe.probes) else None
            case _:
                assert_never(probe)

    def lookup(self, kind: KeyKind, values: Sequence[str] | Fingerprints) -> RowNumbers:
        """Return the rows that may have one of some ids, in order; compare the ids themselves."""
        sought = values if isinstance(values, np.ndarray) else fingerprints(values)
        mine = self._fingerprints.get(kind)
        if mine is None:
            mine = self._fingerprints[kind] = fingerprints(self._documents.column(kind).to_pylist())
        return np.flatnonzero(np.isin(mine, sought)).astype(np.int64)


def _may_match(text: bytes, words: Sequence[bytes]) -> bool:
    """Whether a JSON text may hold all words; false only where that is certain without parsing it."""
    if not text.isascii() or b"\\u" in text:
        # A word may hide in an escape, or in a letter whose lower case is ASCII.
        return True
    lowered = text.lower()
    return all(word in lowered for word in words)
