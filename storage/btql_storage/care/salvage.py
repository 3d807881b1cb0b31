"""Which documents of a damaged part are sound, block by block, and what they are."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING
from zlib import crc32

import pyarrow as pa
import pyarrow.parquet as pq

from btql_storage.care.blocks import stored_blocks, whole_blocks
from btql_storage.care.part_check import part_file
from btql_storage.checksums import file_checksum
from btql_storage.errors import BadFile, explained
from btql_storage.part.documents import DOCUMENT_SCHEMA, FILE_SCHEMA, to_rows
from btql_storage.part.files import read_errors
from btql_storage.part.format import COLUMNS_FILE, ROWS_FILE
from btql_storage.part.manifest import MANIFEST_FILE, Manifest, read_manifest

if TYPE_CHECKING:
    from collections.abc import Sequence

    from btql_storage.row import Row
    from btql_storage.stores.interface import Store


class Documents:
    """The documents of a part, as far as they are sound; what is in the way to a file, as too many open, is raised."""

    def __init__(self, store: Store, part_id: int, rows: int) -> None:
        self._store = store
        self._part_id = part_id
        self._count = rows
        self._manifest = self._read_manifest()
        self.are_whole = self._are_whole()
        """Whether all are known to be what was written."""

    @property
    def can_be_told_apart(self) -> bool:
        """Whether it is known which blocks are sound."""
        return self._manifest is not None and bool(self._manifest.blocks)

    def rows(self) -> Iterator[tuple[list[int], list[Row]]]:
        """Yield the rows of each sound block, as far as they do not go on from others, with their numbers."""
        read = self._all if self.are_whole or not self.can_be_told_apart else self._sound
        for numbers, table in whole_blocks(read):
            yield numbers, to_rows(table)

    def lost(self, found: Sequence[int]) -> dict[int, str]:
        """Return the numbers of the rows that are not among those found, with their ids where these are known."""
        missing = sorted(set(range(self._count)) - set(found))
        if not missing:
            return {}
        try:
            path = part_file(self._store, self._part_id, COLUMNS_FILE)
            with read_errors(path):
                ids = pq.read_table(path, columns=["id"]).column("id")
            return {number: str(ids[number].as_py()) for number in missing}
        except (BadFile, IndexError):
            return {number: f"row {number}" for number in missing}

    def _all(self) -> Iterator[tuple[int, pa.RecordBatch | None]]:
        try:
            for batch in stored_blocks(part_file(self._store, self._part_id, ROWS_FILE)):
                yield batch.num_rows, batch
        except BadFile:
            # Nothing tells where the next one would be.
            return

    def _sound(self) -> Iterator[tuple[int, pa.RecordBatch | None]]:
        assert self._manifest is not None, "it says where the blocks are"
        try:
            path = part_file(self._store, self._part_id, ROWS_FILE)
            with explained("read", path):
                content = path.read_bytes()
        except BadFile:
            content = b""
        for note in self._manifest.blocks:
            block = content[note.offset : note.offset + note.bytes]
            if len(block) == note.bytes and crc32(block) == note.crc32:
                yield note.rows, _decoded(block)
            else:
                yield note.rows, None

    def _are_whole(self) -> bool:
        try:
            path = part_file(self._store, self._part_id, ROWS_FILE)
            if self._manifest is not None:
                with explained("read", path):
                    return file_checksum(path) == self._manifest.files[ROWS_FILE].sha256
            # Without a checksum the reader's word counts.
            return self._count in (0, sum(batch.num_rows for batch in stored_blocks(path)))
        except (BadFile, KeyError):
            return False

    def _read_manifest(self) -> Manifest | None:
        try:
            return read_manifest(part_file(self._store, self._part_id, MANIFEST_FILE))
        except BadFile:
            return None


def _decoded(block: bytes) -> pa.RecordBatch:
    """Return a block that is sound. The head of the file, which tells what columns it has, need not be."""
    message = pa.ipc.read_message(pa.py_buffer(block))
    try:
        return pa.ipc.read_record_batch(message, FILE_SCHEMA)
    except (pa.ArrowInvalid, OSError):
        # It is of before there were deltas.
        return pa.ipc.read_record_batch(message, DOCUMENT_SCHEMA)
