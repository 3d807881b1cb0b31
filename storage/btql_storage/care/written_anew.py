"""Holds a part against what its documents make when they are written once more: as slow as compaction."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from btql_storage.care.blocks import stored_blocks, whole_blocks
from btql_storage.part.documents import to_rows
from btql_storage.part.files import read_errors
from btql_storage.part.format import COLUMNS_FILE, PartStats
from btql_storage.part.writer import PartWriter

if TYPE_CHECKING:
    from btql_storage.part.manifest import Owner


class PartColumns:
    """The columns of a part, read one at a time: all together may not fit into memory."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = pq.ParquetFile(path, memory_map=True)
        self.names = frozenset(self._file.schema_arrow.names)

    def column(self, name: str) -> pa.ChunkedArray[Any]:
        """Read a column."""
        with read_errors(self._path):
            return self._file.read([name]).column(name)


class Kept(NamedTuple):
    """What is stored of a part besides its documents."""

    columns: Path
    """The file."""
    stats: PartStats


def agrees(part_id: int, owner: Owner, rows: Path, kept: Kept) -> tuple[bool, bool]:
    """Return whether the statistics, and whether the columns, are those of the documents in ``rows``."""
    with TemporaryDirectory(prefix="btql-check-") as folder:
        writer = PartWriter(Path(folder, "part"), part_id, owner)
        for _, table in whole_blocks(lambda: ((block.num_rows, block) for block in stored_blocks(rows))):
            writer.add(to_rows(table))
        stats = writer.finish().stats
        theirs, ours = PartColumns(kept.columns), PartColumns(Path(folder, "part", COLUMNS_FILE))
        both = theirs.names & ours.names
        same = theirs.names == ours.names or not stats.complete
        same = same and all(theirs.column(name).equals(ours.column(name)) for name in both)
        return _agree(kept.stats, stats), same


def _agree(theirs: PartStats, ours: PartStats) -> bool:
    """Return whether statistics are the same, as far as documents alone tell.

    Of more paths than can be followed the first are, and which come first depends on where blocks end. That may have
    been decided by another layout, or an older release. Which of them have columns follows from it.
    """
    if theirs.complete or ours.complete:
        return theirs == ours
    both = theirs.paths.keys() & ours.paths.keys()
    of_theirs, of_ours = (
        replace(one, paths={path: replace(one.paths[path], in_document=False) for path in both})
        for one in (theirs, ours)
    )
    return of_theirs == of_ours
