"""Makes inputs whole again that ``rows.arrow`` has as deltas (:mod:`btql_storage.part.deltas`).

To read a row is to read its base first, and the base of that. All of these are near: rows of one trace, and so few
blocks for a whole conversation as its messages fill. Who reads a part from its first row to its last comes by each base
just once, as texts that rows to come go on from are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from btql_storage.arrow import joined_texts
from btql_storage.errors import Damaged
from btql_storage.later import np
from btql_storage.part.deltas import DELTA_FIELD, opened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from numpy.typing import NDArray

    from btql_storage.arrow import ChunkedArray
    from btql_storage.cache_budget import Cache
    from btql_storage.part.deltas import DeltaBases, Pieces

    ReadBlocks = Callable[[NDArray[np.int64], tuple[str, ...]], list[pa.RecordBatch]]


class BaseTexts:
    """The texts of some bases, each for as long as there are rows to come that go on from it."""

    def __init__(self, bases: DeltaBases, texts: dict[int, Pieces] | None = None) -> None:
        self._bases = bases
        self.texts = texts or {}

    def pieces(self, row: int, stored: bytes | None) -> Pieces | None:
        """Return the text of the next row; None where it has none, or what it goes on from is not known."""
        base = self._bases.base(row)
        before = self.texts.get(base, ())
        if stored is None or (base >= 0 and not before):
            return None
        found: Pieces = (stored,)
        is_base = self._bases.last_dependent(row) > row
        if not stored:
            found = before
        elif before or is_base:
            start = opened(stored)
            found = (*before[:-1], start, stored[len(start) :])
        if is_base:
            self.texts[row] = found
        return found

    def done(self, upto: int) -> None:
        """Let go of what no row after that one needs."""
        for row in [row for row in self.texts if self._bases.last_dependent(row) <= upto]:
            del self.texts[row]


class WholeInputs:
    """Reads the inputs of a part; safe to use from several threads."""

    def __init__(self, path: Path, bases: DeltaBases, kept: Cache[int, Pieces]) -> None:
        self._path = path
        self._bases = bases
        self._kept = kept

    def are_deltas(self, rows: NDArray[np.int64]) -> bool:
        """Whether some of the rows, which are in order, are."""
        return self._bases.any_of(rows)

    def needed(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows that are read for some, which are in order."""
        return np.array(self._needed(rows.tolist(), {}), np.int64)

    def read(self, rows: NDArray[np.int64], read_blocks: ReadBlocks) -> ChunkedArray:
        """Return the inputs of some rows, which are in order; what is stored comes by ``read_blocks``."""
        return pa.chunked_array([joined_texts(texts) for texts in self._read(rows, read_blocks)], pa.utf8())

    def pieces(self, rows: NDArray[np.int64], read_blocks: ReadBlocks) -> list[Pieces | None]:
        """Return the same in pieces; those that rows have in common are the same objects."""
        return [text for texts in self._read(rows, read_blocks) for text in texts]

    def _read(self, rows: NDArray[np.int64], read_blocks: ReadBlocks) -> Iterator[list[Pieces | None]]:
        wanted = rows.tolist()
        texts: dict[int, Pieces] = {}
        needed = self._needed(wanted, texts)
        known, is_wanted = BaseTexts(self._bases, texts), set(wanted)
        place = 0
        for batch in read_blocks(np.array(needed, np.int64), (DELTA_FIELD,)):
            numbers = needed[place : place + batch.num_rows]
            place += batch.num_rows
            stored = batch.column(DELTA_FIELD).cast(pa.binary()).to_pylist()
            inputs = [self._input(row, text, known) for row, text in zip(numbers, stored, strict=True)]
            yield [text for row, text in zip(numbers, inputs, strict=True) if row in is_wanted]
            known.done(numbers[-1])
        for row, text in known.texts.items():
            self._kept.keep(row, text, sum(map(len, text)))

    def _needed(self, rows: list[int], texts: dict[int, Pieces]) -> list[int]:
        """Return rows with those that they are made of, in order, up to those whose texts are kept, which are added."""
        found = set(rows)
        for row in rows:
            base = self._bases.base(row)
            while base >= 0 and base not in found:
                text = self._kept.get(base)
                if text is not None:
                    texts[base] = text
                    break
                found.add(base)
                base = self._bases.base(base)
        return sorted(found)

    def _input(self, row: int, stored: bytes | None, known: BaseTexts) -> Pieces | None:
        found, base = known.pieces(row, stored), self._bases.base(row)
        if found is None and base >= 0:
            raise Damaged(
                f"cannot read `{self._path}`: row {row} goes on from row {base}, which is not there",
                "`btql repair` says what can be done",
            )
        return found
