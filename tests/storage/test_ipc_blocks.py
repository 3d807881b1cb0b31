"""The bytes that reading some columns of ``rows.arrow`` takes, beside what Arrow's reader really asks a file for."""

from __future__ import annotations

import io
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

import btql
from btql_storage.part.documents import DOCUMENT_SCHEMA, DocumentsReader
from btql_storage.part.ipc_blocks import BlockBytes

ROWS = 500
GAP_BYTES = 8
"""Buffers begin at multiples of this; the reader takes what is between two along."""


class Counted(io.FileIO):
    """A file that notes the ranges that are read of it."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.ranges: list[tuple[int, int]] = []

    def read(self, size: int | None = -1) -> bytes:
        start = self.tell()
        content = super().read(-1 if size is None else size)
        self.ranges.append((start, start + len(content)))
        return content


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("blocks") / "db"
    with btql.connect(folder) as conn:
        events = [
            {"id": f"r{number}", "input": f"in {number} " * 40, "output": "x" * 3_000, "odd": {"key": number}}
            for number in range(ROWS)
        ]
        conn.ingest("project_logs:demo", events)
        conn.compact()
    (found,) = folder.rglob("rows.arrow")
    return found


@pytest.mark.parametrize(
    "names",
    [["id"], ["created", "xact_id"], ["input"], ["output", "input"], ["metadata"], ["_other"], DOCUMENT_SCHEMA.names],
    ids=lambda names: ",".join(names) if len(names) < 3 else "all",
)
def test_bytes_are_those_that_the_reader_asks_for(path: Path, names: list[str]) -> None:
    sizes = BlockBytes(path, DOCUMENT_SCHEMA)
    included = sorted({DOCUMENT_SCHEMA.get_field_index(name) for name in names})
    file = Counted(path)
    options = pa.ipc.IpcReadOptions(included_fields=included, use_threads=False)
    reader = pa.ipc.open_file(pa.PythonFile(file, mode="r"), options=options)
    assert reader.num_record_batches > 2
    for block in range(reader.num_record_batches):
        file.ranges.clear()
        reader.get_batch(block)
        ordered = sorted(file.ranges)
        assert all(before[1] <= after[0] for before, after in pairwise(ordered))
        read = sum(end - start for start, end in ordered)
        assert 0 <= read - sizes.read([block], names) < GAP_BYTES * 3 * len(names)


def test_rows_of_one_block_are_read_once(path: Path) -> None:
    with pa.ipc.open_file(path) as reader:
        lengths = [reader.get_batch(block).num_rows for block in range(reader.num_record_batches)]
    starts = np.cumsum([0, *lengths[:-1]]).astype(np.uint32)
    documents, sizes = DocumentsReader(path, starts), BlockBytes(path, DOCUMENT_SCHEMA)

    def read(*rows: int) -> int:
        return documents.bytes_read(np.array(rows, np.int64), ["input"])

    assert read(0) == read(1, 0, 1) == sizes.read([0], ["input"])
    assert read(0, lengths[0]) == sizes.read([0, 1], ["input"])
    assert read(ROWS - 1) == sizes.read([len(lengths) - 1], ["input"])
    assert read() == 0
