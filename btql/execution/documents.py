"""Reads the documents of a batch of rows, whichever parts and tail chunks they are in, block by block."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import chain, pairwise
from typing import TYPE_CHECKING, TypeAlias

import pyarrow as pa

from btql.execution.helpers import one_by_one, run_all
from btql_storage.arrow import from_numpy, to_numpy
from btql_storage.arrow_functions import compute as pc
from btql_storage.later import np
from btql_storage.part.deltas import DELTA_FIELD
from btql_storage.part.format import ROW_BITS, ROWS_FILE
from btql_storage.part.reader import Part, prefetch

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from numpy.typing import NDArray

    from btql.execution.report import FilesReport
    from btql_storage.part.deltas import Pieces
    from btql_storage.tail_chunk import TailChunk

Rows: TypeAlias = "NDArray[np.int64]"
Source: TypeAlias = "Part | TailChunk"
SHARE_BLOCKS = 4
"""Blocks that one thread decodes before it looks whether another has taken the next; a millisecond or two."""
ROW_MASK = (1 << ROW_BITS) - 1


@dataclass(frozen=True, slots=True)
class Documents:
    """Documents of a batch, in its order; nulls where a row has none."""

    table: pa.Table
    inputs: list[Pieces | None] | None
    """The inputs in pieces, where these were asked for; the table does not have them then."""


class DocumentReader:
    """Reads documents of the sources of one statement."""

    def __init__(self, sources: Mapping[int, Source], check: Callable[[], None]) -> None:
        """``check`` is called while documents are read, and may raise."""
        self._sources = sources
        self._check = check

    def read(
        self, rows: pa.Array, fields: Sequence[str], files: FilesReport | None, *, in_pieces: bool = False
    ) -> Documents:
        """Return some fields of the documents of rows; null stands for no row.

        With ``in_pieces``, ``input`` comes as what its row adds to others (:mod:`btql_storage.part.deltas`).
        """
        if not rows.null_count:
            return self._read(to_numpy(rows), fields, files, in_pieces=in_pieces)
        there = rows.is_valid()
        places = np.cumsum(to_numpy(there), dtype=np.int64) - 1
        found = self._read(to_numpy(rows.drop_null()), fields, files, in_pieces=in_pieces)
        table = found.table.take(pc.if_else(there, from_numpy(places), pa.scalar(None, pa.int64())))
        if found.inputs is None:
            return Documents(table, None)
        is_there = zip(places.tolist(), to_numpy(there).tolist(), strict=True)
        return Documents(table, [found.inputs[place] if known else None for place, known in is_there])

    def _read(self, locators: Rows, fields: Sequence[str], files: FilesReport | None, *, in_pieces: bool) -> Documents:
        stored = [field for field in fields if field != DELTA_FIELD or not in_pieces]
        if not len(locators):
            from btql_storage.part.documents import DOCUMENT_SCHEMA

            empty = pa.schema([DOCUMENT_SCHEMA.field(field) for field in stored]).empty_table()
            return Documents(empty, [] if in_pieces else None)
        order = np.argsort(locators, kind="stable")
        shares, blocks = self._shares(locators[order], fields, files)
        run = run_all if blocks > SHARE_BLOCKS else one_by_one
        tables = run([partial(source.documents, some, stored) for source, some in shares if stored], self._check)
        table = pa.concat_tables(tables) if stored else pa.table({})
        texts = run([partial(source.input_pieces, some) for source, some in shares if in_pieces], self._check)
        inputs = list(chain.from_iterable(texts)) if in_pieces else None
        if (np.diff(order) > 0).all():
            return Documents(table, inputs)
        back = np.empty(len(order), np.int64)
        back[order] = np.arange(len(order))
        places = from_numpy(back)
        columns = run([partial(column.take, places) for column in table.columns], self._check)
        table = pa.table(dict(zip(table.column_names, columns, strict=True)))
        return Documents(table, None if inputs is None else [inputs[place] for place in back.tolist()])

    def _shares(
        self, ordered: Rows, fields: Sequence[str], files: FilesReport | None
    ) -> tuple[list[tuple[Source, Rows]], int]:
        """Return what is read at a time, and how many blocks there are in all."""
        shares: list[tuple[Source, Rows]] = []
        blocks = 0
        for source, rows in self._by_source(ordered):
            if not isinstance(source, Part):
                shares.append((source, rows))
                continue
            shares += [(source, some) for some in source.shares(rows, SHARE_BLOCKS)]
            blocks += source.blocks(rows)
            if files is not None:
                files.documents += len(rows)
                files.opened("rows", source)
                # Which rows are in which block is told there.
                files.opened("keys", source)
                files.read("rows", source.document_bytes(rows, fields))
        return shares, blocks

    def _by_source(self, ordered: Rows) -> list[tuple[Source, Rows]]:
        """Return the rows of each part and tail chunk that has any."""
        parts = ordered >> ROW_BITS
        starts = [0, *(np.flatnonzero(np.diff(parts)) + 1).tolist(), len(ordered)]
        found = [(self._sources[int(parts[start])], ordered[start:end] & ROW_MASK) for start, end in pairwise(starts)]
        prefetch([source for source, _ in found if isinstance(source, Part)], ROWS_FILE)
        return found
