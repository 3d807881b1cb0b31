"""Writes a part: all of its files in one pass over its rows.

Rows come in final order and are not kept. Each is parsed once; then

1. its values go to the column chunk under way (:mod:`btql_storage.shred`),
2. its texts to the text index, which works in its own thread, unless there are too few of them to need one,
3. its JSON as it is to the block of ``rows.arrow`` under way,
4. and with each chunk its ids to the keys, and what is known to the statistics.

What stays in memory until :meth:`PartWriter.finish` are keys and statistics, and
up to a limit columns. The part exists once ``finish`` has returned: everything is
on disk then, names included. A folder without that is garbage, whoever finds it.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from btql_storage.block import BlockCutter
from btql_storage.collector import collector_paused
from btql_storage.fields import INDEXED_FIELDS
from btql_storage.json_text import parse_all
from btql_storage.keys import KeysWriter
from btql_storage.part.columns import ColumnsWriter
from btql_storage.part.deltas import DELTA_FIELD, DeltaFinder
from btql_storage.part.documents import DocumentsWriter
from btql_storage.part.files import sync_tree, write_errors
from btql_storage.part.format import COLUMNS_FILE, KEYS_FILE, ROWS_FILE, TEXT_FOLDER, PartStats
from btql_storage.part.layout import FAST, Layout
from btql_storage.part.manifest import write_manifest, write_until
from btql_storage.part.stats import StatsBuilder
from btql_storage.shred import Shredder
from btql_storage.text.writer import TextIndexWriter

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

    from btql_storage.block import Block
    from btql_storage.json_text import JsonValue
    from btql_storage.part.deltas import Delta
    from btql_storage.part.manifest import Owner
    from btql_storage.row import Row

CHUNK_ROWS = 4096
CHUNK_BYTES = 16 << 20
INDEXED_FROM_BYTES = 128 << 10
"""A part with less JSON has no text index. To look through all of it takes a few milliseconds, once; an index would be
ten more files, take as long to write as all else together, and be as large as what it indexes."""


@dataclass(frozen=True, slots=True)
class PartFiles:
    """A part that was written."""

    stats: PartStats
    file_bytes: Mapping[str, int]
    """Bytes on disk of each kind of file: columns, rows, keys and text, which is 0 without a text index."""


class PartWriter:
    """Writes one part into a new folder."""

    def __init__(self, folder: Path, part_id: int, owner: Owner, layout: Layout = FAST) -> None:
        self._folder = folder
        self._part_id = part_id
        self._owner = owner
        with write_errors(folder):
            folder.mkdir(parents=True)
            self._documents = DocumentsWriter(folder / ROWS_FILE, layout.compression_level)
        self._text = _Texts(folder / TEXT_FOLDER, has_positions=layout.has_positions)
        self._columns = ColumnsWriter(folder / COLUMNS_FILE, layout.compression_level)
        self._keys = KeysWriter()
        self._stats = StatsBuilder()
        self._shredder = Shredder(part_id)
        self._cutter = BlockCutter(layout.block_bytes, DeltaFinder())
        self._row_count = 0
        self._chunk: list[Row] = []
        self._chunk_bytes = 0

    def add(self, rows: Sequence[Row]) -> None:
        """Take in the next rows, in final order."""
        with write_errors(self._folder), collector_paused():
            for block in self._cutter.add(rows):
                self._add(block)

    def finish(self, until: NDArray[np.int64] | None = None) -> PartFiles:
        """Write what is left and make all of it durable; ``until`` has the transactions that ended rows of the past."""
        with write_errors(self._folder), ThreadPoolExecutor(1) as pool:
            for block in self._cutter.rest():
                self._add(block)
            # Tantivy and Arrow work without Python's lock, so each gets a core.
            text = pool.submit(self._text.finish)
            self._end_chunk()
            self._documents.finish()
            blocks = self._documents.block_starts, self._documents.block_bytes
            self._keys.finish(self._folder / KEYS_FILE, *blocks, self._documents.bases, self._documents.delta_bytes)
            stats, kept = self._stats.result()
            self._columns.finish(kept)
            text.result()
            sizes = _sizes(self._folder)
            if until is not None:
                write_until(self._folder, until)
            write_manifest(self._folder, self._part_id, self._owner, stats, sizes, history=until is not None)
            sync_tree(self._folder)
            return PartFiles(stats, sizes)

    def _add(self, block: Block) -> None:
        if self._chunk_bytes + block.json_bytes > CHUNK_BYTES or len(self._chunk) + len(block.rows) > CHUNK_ROWS:
            self._end_chunk()
        parsed = {name: parse_all(_told(block, name)) for name in INDEXED_FIELDS if name in block.known}
        self._text.add(_Block(self._row_count, len(block.rows), parsed, block.deltas), block.json_bytes)
        self._shredder.add(block, parsed)
        self._documents.add(block)
        self._chunk += block.rows
        self._chunk_bytes += block.json_bytes
        self._row_count += len(block.rows)

    def _end_chunk(self) -> None:
        if not self._chunk:
            return
        chunk = self._shredder.finish()
        self._keys.add(self._chunk)
        self._stats.add(self._chunk, self._chunk_bytes, chunk.paths)
        tracked = [column for column in chunk.columns if self._stats.tracks(column.path)]
        self._columns.add(replace(chunk, columns=tracked, paths={}))
        self._chunk = []
        self._chunk_bytes = 0


def _told(block: Block, name: str) -> list[bytes | None]:
    """Return the texts of a field, without what is in lists of which columns and index are told elsewhere."""
    texts = block.known[name]
    if name != DELTA_FIELD or not any(block.deltas):
        return texts
    # That it is a list is all that columns say of one, and the index is told what a delta adds.
    return [
        b"[]" if delta is not None and text is not None and text.startswith(b"[") else text
        for text, delta in zip(texts, block.deltas, strict=True)
    ]


class _Block(NamedTuple):
    """What a text index takes in at once."""

    first_row: int
    rows: int
    fields: Mapping[str, Sequence[JsonValue]]
    deltas: Sequence[Delta | None]


class _Texts:
    """The text index of a part, which is begun once there is enough for one."""

    def __init__(self, folder: Path, *, has_positions: bool) -> None:
        self._folder = folder
        self._has_positions = has_positions
        self._writer: TextIndexWriter | None = None
        self._waiting: list[_Block] = []
        self._json_bytes = 0

    def add(self, block: _Block, json_bytes: int) -> None:
        """Take in the next rows, with how much JSON they have."""
        self._waiting.append(block)
        self._json_bytes += json_bytes
        if self._json_bytes < INDEXED_FROM_BYTES:
            return
        if self._writer is None:
            self._writer = TextIndexWriter(self._folder, has_positions=self._has_positions)
        for each in self._waiting:
            self._writer.add(*each)
        self._waiting.clear()

    def finish(self) -> None:
        """Finish the index, where there is one."""
        self._waiting.clear()
        if self._writer is not None:
            self._writer.finish()


def _sizes(folder: Path) -> dict[str, int]:
    """Return the bytes on disk of each kind of file."""
    index = folder / TEXT_FOLDER
    text = sum(file.stat().st_size for file in index.iterdir()) if index.exists() else 0
    files = {"columns": COLUMNS_FILE, "rows": ROWS_FILE, "keys": KEYS_FILE}
    return {kind: (folder / name).stat().st_size for kind, name in files.items()} | {"text": text}
