from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from support.span_rows import make_row

from btql_storage.errors import Damaged, NewerFormat
from btql_storage.keys import Keys, KeysWriter, fingerprints
from btql_storage.part.format import FORMAT_VERSION


def build(path, rows, batch=7, block_starts=(0,), block_bytes=()):
    writer = KeysWriter()
    for start in range(0, len(rows), batch):
        writer.add(rows[start : start + batch])
    writer.finish(path, block_starts, block_bytes)
    return Keys(path)


@pytest.mark.parametrize("trace_rows", [1, 3, 10])
def test_every_id_finds_its_rows(tmp_path, trace_rows):
    rows = [make_row(i, {}, trace=i // trace_rows) for i in range(50)]
    keys = build(tmp_path / "keys.arrow", rows)

    for i, row in enumerate(rows):
        assert keys.lookup("id", [row.id]).tolist() == [i]
        assert keys.lookup("span_id", [row.span_id]).tolist() == [i]
        first = i - i % trace_rows
        assert keys.lookup("root_span_id", [row.root_span_id]).tolist() == list(
            range(first, min(first + trace_rows, 50))
        )


def test_several_values_at_once(tmp_path):
    keys = build(tmp_path / "keys.arrow", [make_row(i, {}, trace=i // 5) for i in range(20)])

    assert keys.lookup("id", ["row-9", "absent", "row-2", "row-9"]).tolist() == [2, 9]
    assert keys.lookup("root_span_id", ["trace-3", "trace-0"]).tolist() == [0, 1, 2, 3, 4, 15, 16, 17, 18, 19]
    assert keys.lookup("id", fingerprints(["row-4"])).tolist() == [4]
    assert keys.lookup("id", ["absent"]).tolist() == []
    assert keys.lookup("id", []).dtype == np.int64


def test_a_trace_in_two_places(tmp_path):
    keys = build(tmp_path / "keys.arrow", [make_row(i, {}, trace=i % 2) for i in range(6)])

    assert keys.lookup("root_span_id", ["trace-1"]).tolist() == [1, 3, 5]


def test_ids_that_are_equal_take_no_space(tmp_path):
    def size(name: str) -> int:
        return (tmp_path / name).stat().st_size

    rows = [make_row(i, {}, trace=i) for i in range(1000)]
    build(tmp_path / "different", rows)
    for row in rows:
        row.root_span_id = row.span_id
    keys = build(tmp_path / "roots are spans", rows)
    assert keys.lookup("root_span_id", [rows[77].span_id, rows[5].span_id]).tolist() == [5, 77]
    assert keys.lookup("root_span_id", [rows[77].id]).tolist() == []

    for row in rows:
        row.root_span_id = row.span_id = row.id
    keys = build(tmp_path / "all are ids", rows)
    assert keys.lookup("span_id", ["row-77"]).tolist() == keys.lookup("root_span_id", ["row-77"]).tolist() == [77]

    assert size("different") > 1.5 * size("roots are spans") > 2.5 * size("all are ids")


def test_roots_that_are_spans_in_some_rows_only(tmp_path):
    rows = [make_row(i, {}, trace=i) for i in range(20)]
    for row in rows[:10]:
        row.root_span_id = row.span_id
    keys = build(tmp_path / "keys.arrow", rows)

    assert keys.lookup("root_span_id", [rows[3].span_id, "trace-15"]).tolist() == [3, 15]


def test_a_file_of_format_1_is_read(tmp_path):
    """It has lengths and roots, whatever they are."""
    path = tmp_path / "keys.arrow"
    build(path, [make_row(i, {}, trace=i) for i in range(4)])
    (batch,) = pa.ipc.open_file(path).read_all().to_batches()
    entries = batch.to_pylist()
    for entry in entries:
        if entry["entry"] != "block":
            entry["lengths"] = [1] * len(entry["rows"])
    old = pa.Table.from_pylist(entries, batch.schema.with_metadata({"btql.format": "1"}))
    with pa.ipc.new_file(path, old.schema) as file:
        file.write_table(old)

    keys = Keys(path)
    assert keys.lookup("id", ["row-3", "row-1"]).tolist() == [1, 3]
    assert keys.lookup("root_span_id", ["trace-2"]).tolist() == [2]


def test_block_starts_come_back(tmp_path):
    keys = build(tmp_path / "keys.arrow", [make_row(i, {}) for i in range(9)], block_starts=[0, 4, 5])

    assert keys.block_starts.tolist() == [0, 4, 5]


def test_no_rows(tmp_path):
    assert build(tmp_path / "keys.arrow", [], block_starts=()).lookup("id", ["x"]).tolist() == []


def test_a_newer_format_says_so(tmp_path):
    path = tmp_path / "keys.arrow"
    build(path, [make_row(0, {})])
    table = pa.ipc.open_file(path).read_all()
    schema = table.schema.with_metadata({"btql.format": str(FORMAT_VERSION + 1)})
    with pa.ipc.new_file(path, schema) as file:
        file.write_table(table.cast(schema))

    with pytest.raises(NewerFormat, match=rf"format {FORMAT_VERSION + 1} .* install a newer btql"):
        Keys(path)


@pytest.mark.parametrize("content", [None, b"", b"something else"])
def test_a_damaged_file_is_named(tmp_path, content):
    path = tmp_path / "keys.arrow"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(Damaged, match=r"keys\.arrow"):
        Keys(path)


def test_the_size_of_a_block_tells_the_size_of_its_rows(tmp_path):
    rows = [make_row(i, {}) for i in range(9)]
    keys = build(tmp_path / "keys.arrow", rows, block_starts=[0, 4, 5], block_bytes=[40, 10_000, 5])
    sizes = keys.json_bytes(np.array([8, 4, 0, 4], np.int64))

    assert sizes is not None
    assert sizes.tolist() == [2, 10_000, 10, 10_000]


def test_a_file_without_sizes_tells_none(tmp_path):
    keys = build(tmp_path / "keys.arrow", [make_row(0, {})])

    assert keys.json_bytes(np.array([0], np.int64)) is None
