"""Makes inputs whole again that ``rows.arrow`` has as deltas (:mod:`btql_storage.part.deltas`).

To read a row is to read its base first, and the base of that. All of these are near: rows of one trace, and so few
blocks for a whole conversation as its messages fill. Who reads a part from its first row to its last comes by each base
just once, as texts that rows to come go on from are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pyarrow as pa

from btql_storage.arrow import from_numpy, to_array
from btql_storage.errors import Damaged
from btql_storage.later import np
from btql_storage.part.deltas import DELTA_FIELD, whole

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from btql_storage.arrow import Array, ChunkedArray
    from btql_storage.cache_budget import Cache
    from btql_storage.part.deltas import DeltaBases

    ReadBlocks = Callable[[NDArray[np.int64], tuple[str, ...]], list[pa.RecordBatch]]


class BaseTexts:
    """The texts of some bases, each for as long as there are rows to come that go on from it."""

    def __init__(self, bases: DeltaBases, texts: dict[int, bytes] | None = None) -> None:
        self._bases = bases
        self.texts = texts or {}

    def whole(self, rows: NDArray[np.int64], stored: Sequence[bytes | None]) -> list[bytes | None]:
        """Return the texts of some rows, in order; None where what a row goes on from is not known."""
        bases, lasts = self._bases.of_rows(rows).tolist(), self._bases.last_dependents(rows).tolist()
        found: list[bytes | None] = []
        for row, base, last, text in zip(rows.tolist(), bases, lasts, stored, strict=True):
            if base >= 0:
                before = self.texts.get(base)
                text = None if before is None or text is None else whole(before, text)  # noqa: PLW2901
            if last > row and text is not None:
                self.texts[row] = text
            found.append(text)
        return found

    def done(self, upto: int) -> None:
        """Let go of what no row after that one needs."""
        known = np.array(list(self.texts), np.int64)
        for row in known[self._bases.last_dependents(known) <= upto].tolist():
            del self.texts[row]


class WholeInputs:
    """Reads the inputs of a part; safe to use from several threads."""

    def __init__(self, path: Path, bases: DeltaBases, kept: Cache[int, bytes]) -> None:
        self._path = path
        self._bases = bases
        self._kept = kept

    def are_deltas(self, rows: NDArray[np.int64]) -> bool:
        """Whether some of the rows are."""
        return len(self._bases) > 0 and bool((self._bases.of_rows(rows) >= 0).any())

    def needed(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return the rows that are read for some, which are in order."""
        return self._needed(rows, {}) if self.are_deltas(rows) else rows

    def read(self, rows: NDArray[np.int64], read_blocks: ReadBlocks) -> ChunkedArray:
        """Return the inputs of some rows, which are in order; what is stored comes by ``read_blocks``."""
        texts: dict[int, bytes] = {}
        needed = self._needed(rows, texts)
        known = BaseTexts(self._bases, texts)
        is_wanted = np.isin(needed, rows)
        found: list[Array] = []
        place = 0
        for batch in read_blocks(needed, (DELTA_FIELD,)):
            after = place + batch.num_rows
            inputs = self._inputs(needed[place:after], batch.column(DELTA_FIELD), known)
            wanted = is_wanted[place:after]
            found.append(inputs if wanted.all() else inputs.filter(from_numpy(wanted)))
            place = after
        self._keep(known, int(needed[-1]))
        return pa.chunked_array(found, pa.utf8())

    def _needed(self, rows: NDArray[np.int64], texts: dict[int, bytes]) -> NDArray[np.int64]:
        """Return rows with those that they are made of, in order, up to those whose texts are kept, which are added."""
        found, pending = [rows], rows
        while len(pending):
            bases = np.setdiff1d(self._bases.of_rows(pending), rows)
            missing: list[int] = []
            for base in bases[bases >= 0].tolist():
                text = self._kept.get(base)
                if text is None:
                    missing.append(base)
                else:
                    texts[base] = text
            pending = np.array(missing, np.int64)
            found.append(pending)
        return np.unique(np.concatenate(found))

    def _inputs(self, rows: NDArray[np.int64], stored: Array, known: BaseTexts) -> Array:
        bases = self._bases.of_rows(rows)
        if (bases < 0).all() and not self._bases.are_bases(rows).any():
            return stored
        whole = known.whole(rows, stored.cast(pa.binary()).to_pylist())
        for row, base, text in zip(rows.tolist(), bases.tolist(), whole, strict=True):
            if base >= 0 and text is None:
                raise Damaged(
                    f"cannot read `{self._path}`: row {row} goes on from row {base}, which is not there",
                    "`btql repair` says what can be done",
                )
        known.done(int(rows[-1]))
        return to_array(whole, pa.utf8())

    def _keep(self, known: BaseTexts, last: int) -> None:
        known.done(last)
        for row, text in known.texts.items():
            self._kept.keep(row, text, len(text))
