"""``rows.arrow`` block by block, as the file itself tells: for whoever cannot trust ``keys.arrow``, or lacks some."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import pyarrow as pa

from btql_storage.arrow import joined_texts, to_array
from btql_storage.part.deltas import DELTA_FIELD, DeltaBases
from btql_storage.part.documents import BASE_COLUMN, DOCUMENT_SCHEMA, SYSTEM_SCHEMA
from btql_storage.part.files import read_errors
from btql_storage.part.whole_inputs import BaseTexts

if TYPE_CHECKING:
    from numpy.typing import NDArray

SMALL_VALUES = SYSTEM_SCHEMA.names
"""The columns that are not JSON."""


def stored_blocks(path: Path) -> Iterator[pa.RecordBatch]:
    """Yield the blocks as they are stored, with deltas."""
    with read_errors(path):
        file = pa.ipc.open_file(pa.memory_map(str(path)))
        for number in range(file.num_record_batches):
            yield file.get_batch(number)


def read_documents(path: Path) -> pa.Table:
    """Return the small values of all rows, having read the documents, too."""
    batches: list[pa.RecordBatch] = []
    for batch in stored_blocks(path):
        with read_errors(path):
            batch.validate(full=True)
        batches.append(batch.select(SMALL_VALUES))
    return pa.Table.from_batches(batches, SYSTEM_SCHEMA)


def directory(path: Path) -> tuple[NDArray[np.uint32], DeltaBases]:
    """Return the first row of each block and which rows are deltas, having read no documents."""
    with read_errors(path):
        source = pa.memory_map(str(path))
        names = pa.ipc.open_file(source).schema.names
        # To ask for no column is to ask for all of them.
        place = names.index(BASE_COLUMN if BASE_COLUMN in names else SMALL_VALUES[0])
        file = pa.ipc.open_file(source, options=pa.ipc.IpcReadOptions(included_fields=[place]))
        blocks = [file.get_batch(number) for number in range(file.num_record_batches)]
    lengths = [block.num_rows for block in blocks]
    starts = np.cumsum([0, *lengths[:-1]] if lengths else [], dtype=np.int64).astype(np.uint32)
    return starts, _bases_of(zip(lengths, blocks, strict=True))


def whole_blocks(
    read: Callable[[], Iterable[tuple[int, pa.RecordBatch | None]]],
) -> Iterator[tuple[list[int], pa.Table]]:
    """Yield the rows of blocks, with their numbers and with whole texts.

    ``read`` yields how many rows each block has, and the block, where there is one; it is called twice. Rows that
    go on from a row that is not there are left out.
    """
    bases = _bases_of(read())
    known, first = BaseTexts(bases), 0
    for count, block in read():
        if block is not None:
            numbers = range(first, first + count)
            stored = block.column(DELTA_FIELD).cast(pa.binary()).to_pylist()
            texts = [known.pieces(row, text) for row, text in zip(numbers, stored, strict=True)]
            known.done(numbers[-1])
            is_whole = [text is not None or bases.base(row) < 0 for row, text in zip(numbers, texts, strict=True)]
            place = block.schema.get_field_index(DELTA_FIELD)
            whole = block.set_column(place, DELTA_FIELD, joined_texts(texts)).select(DOCUMENT_SCHEMA.names)
            kept = [row for row, one in zip(numbers, is_whole, strict=True) if one]
            yield kept, pa.Table.from_batches([whole]).filter(to_array(is_whole, pa.bool_()))
        first += count


def _bases_of(blocks: Iterable[tuple[int, pa.RecordBatch | None]]) -> DeltaBases:
    found: list[int | None] = []
    for count, block in blocks:
        is_told = block is not None and BASE_COLUMN in block.schema.names
        found += cast("pa.RecordBatch", block).column(BASE_COLUMN).to_pylist() if is_told else [None] * count
    return DeltaBases.of(found)
