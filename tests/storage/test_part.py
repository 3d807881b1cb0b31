from __future__ import annotations

import random
import resource
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import datafusion
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from storage_support.shredding import shred
from support.span_rows import make_row

from btql.execution.engine import SessionContext
from btql.execution.parquet_scan import scan_files
from btql_storage import block
from btql_storage.block import Block
from btql_storage.errors import Damaged, DiskFull
from btql_storage.fields import SYSTEM_COLUMNS
from btql_storage.json_text import parse
from btql_storage.kinds import Kind, column_name, split_column_name
from btql_storage.part import chunks, columns, writer
from btql_storage.part.documents import DOCUMENT_SCHEMA, to_batch, to_rows
from btql_storage.part.format import COLUMNS_MAX
from btql_storage.part.layout import FAST
from btql_storage.part.manifest import Owner
from btql_storage.part.reader import Part
from btql_storage.part.writer import PartWriter
from btql_storage.stores.local import LocalStore
from btql_storage.text.probe import Phrase
from btql_storage.text.tokens import matches, tokenize

OWNER = Owner(1, "project_logs", "x", 1)
WORDS = ["alpha", "beta", "gamma", "delta", "東京", "مرحبا", "😀", "naïve"]


def some_rows(count, seed=0):
    rnd = random.Random(seed)
    rows = []
    for i in range(count):
        document = {
            "input": [{"role": "user", "content": " ".join(rnd.choices(WORDS, k=20))}],
            "output": rnd.choice([None, "short", "x" * 2000, {"answer": 42}]),
            "metadata": {"model": rnd.choice(["m1", "m2"]), "n": i, f"k{rnd.randint(0, 50)}": rnd.random()},
            "scores": {"good": rnd.random()} if i % 3 == 0 else None,
            "tags": ["a"] if i % 5 == 0 else None,
            "span_parents": None if i % 4 == 0 else [f"row-{i - i % 4}"],
            "my.own": {"odd": i} if i % 7 == 0 else None,
            'quo"te': i if i % 11 == 0 else None,
        }
        rows.append(make_row(i, document, trace=i // 4))
    return rows


def write_all(part_writer, rows):
    for start in range(0, len(rows), 100):
        part_writer.add(rows[start : start + 100])
    return part_writer.finish()


def build(folder, rows, part_id=9, layout=FAST):
    files = write_all(PartWriter(folder, part_id, OWNER, layout), rows)
    return Part(LocalStore(folder), ".", part_id, files.stats), files


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    rows = some_rows(700)
    part, files = build(tmp_path_factory.mktemp("parts") / "9", rows)
    return rows, part, files


def test_columns_are_those_of_the_tail(small):
    rows, part, files = small
    shredded = shred(rows, part_id=9)

    table = pq.read_table(part.columns_path)

    assert table.column_names == shredded.table.column_names
    assert table.to_pylist() == shredded.table.to_pylist()
    assert files.stats == shredded.part_stats
    assert part.stats.rows == 700


@pytest.mark.parametrize("chunk_rows", [1, 64])
def test_chunks_spill_and_row_groups_split_without_a_trace(tmp_path, monkeypatch, chunk_rows):
    rows = some_rows(150)
    monkeypatch.setattr(block, "BLOCK_ROWS_MAX", min(chunk_rows, 10))
    monkeypatch.setattr(writer, "CHUNK_ROWS", chunk_rows)
    monkeypatch.setattr(chunks, "HELD_BYTES_MAX", 5_000)
    monkeypatch.setattr(columns, "GROUP_ROWS", 70)

    part, files = build(tmp_path / "9", rows)

    table = pq.read_table(part.columns_path)
    assert table.to_pylist() == shred(rows, part_id=9).table.to_pylist()
    assert files.stats == shred(rows, part_id=9).part_stats
    assert pq.ParquetFile(part.columns_path).num_row_groups > 1
    assert sorted(path.name for path in (tmp_path / "9").iterdir()) == [
        "columns.parquet",
        "keys.arrow",
        "part.json",
        "rows.arrow",
        "text",
    ]


def test_parts_are_smaller_than_at_the_level_of_before_and_those_are_read_alike(tmp_path):
    rnd = random.Random(0)
    words = [f"{rnd.choice(WORDS)}{number}" for number in range(500)]
    rows = [make_row(i, {"input": {"query": " ".join(rnd.choices(words, k=40))}}) for i in range(3000)]
    part, files = build(tmp_path / "now" / "9", rows)
    before, before_files = build(tmp_path / "before" / "9", rows, layout=replace(FAST, compression_level=1))

    assert files.file_bytes["rows"] < before_files.file_bytes["rows"]
    assert files.file_bytes["columns"] < before_files.file_bytes["columns"]
    assert before.rows(np.arange(3000)) == part.rows(np.arange(3000)) == rows
    assert pq.read_table(before.columns_path).equals(pq.read_table(part.columns_path))


def layout_of(part):
    metadata = pq.ParquetFile(part.columns_path).metadata
    group = metadata.row_group(0)
    return metadata, {group.column(i).path_in_schema: group.column(i) for i in range(metadata.num_columns)}


def test_the_layout_of_the_columns(tmp_path):
    part, _ = build(tmp_path / "9", some_rows(1_001))

    metadata, by_name = layout_of(part)

    assert metadata.metadata[b"btql.format"] == b"6"
    assert all(column.compression == "ZSTD" for column in by_name.values())
    assert all(column.has_offset_index and column.has_column_index for column in by_name.values())
    assert "DELTA_BINARY_PACKED" in by_name["_row"].encodings
    assert "RLE_DICTIONARY" not in by_name["id"].encodings
    assert "RLE_DICTIONARY" in by_name["metadata.model#t"].encodings
    assert "RLE_DICTIONARY" not in by_name["metadata.n#i"].encodings


def test_few_rows_have_columns_without_what_the_catalog_knows(tmp_path, monkeypatch):
    rows = some_rows(20)
    few, few_files = build(tmp_path / "few" / "9", rows)
    monkeypatch.setattr(columns, "FEW_ROWS", 0)
    many, many_files = build(tmp_path / "many" / "9", rows)

    metadata, by_name = layout_of(few)

    assert list(metadata.metadata) == [b"btql.format"]
    assert not any(column.is_stats_set or column.has_column_index for column in by_name.values())
    assert 2 * few_files.file_bytes["columns"] < many_files.file_bytes["columns"]
    assert pq.read_table(few.columns_path).to_pylist() == pq.read_table(many.columns_path).to_pylist()

    # Parts of both kinds are one scan for the engine.
    schema = pa.schema(SYSTEM_COLUMNS | {"metadata.n#i": pa.int64()})
    for files in ([few, many], [many, few]):
        context = SessionContext({}, memory_bytes=1 << 26, spill_bytes=0)
        context.register_view("parts", scan_files(context, [str(part.columns_path) for part in files], schema))
        found = context.sql("""select "_row" from parts where array_has("tags", 'a') and "metadata.n#i" > 5""")
        assert sorted(pa.table(found)["_row"].to_pylist()) == [n + (9 << 32) for n in (10, 10, 15, 15)]


def test_many_rows_in_small_groups_are_not_few(tmp_path, monkeypatch):
    monkeypatch.setattr(writer, "CHUNK_ROWS", 100)
    monkeypatch.setattr(columns, "GROUP_ROWS", 100)
    monkeypatch.setattr(columns, "FEW_ROWS", 600)
    part, _ = build(tmp_path / "9", some_rows(1_001))

    metadata, by_name = layout_of(part)

    assert metadata.num_row_groups > 1
    assert metadata.row_group(0).num_rows <= 600
    assert by_name["created"].is_stats_set


def test_the_query_engine_reads_the_columns(small):
    _, part, _ = small
    context = datafusion.SessionContext()
    context.register_parquet("part", str(part.columns_path))

    batches = context.sql(
        """select "_row", "metadata.n#i" n from part where "id" = 'row-123' and "tags" is null"""
    ).collect()

    assert [batch.to_pylist() for batch in batches if batch.num_rows] == [[{"_row": (9 << 32) + 123, "n": 123}]]


def test_rows_come_back_as_they_were(small):
    rows, part, _ = small
    everything = np.arange(700)
    shuffled = np.random.default_rng(1).permutation(700)[:200]

    assert part.rows(everything) == rows
    assert part.rows(shuffled) == [rows[i] for i in shuffled]
    assert part.rows(np.array([5, 3, 5])) == [rows[5], rows[3], rows[5]]
    assert part.rows(np.empty(0, np.int64)) == []


def test_documents_have_the_columns_asked_for(small):
    rows, part, _ = small

    table = part.documents(np.array([8, 2]), ["output", "id", "scores"])

    assert table.column_names == ["output", "id", "scores"]
    assert table["id"].to_pylist() == ["row-8", "row-2"]
    for name in ("output", "scores"):
        assert table[name].to_pylist() == [
            rows[i].fields[name].decode() if name in rows[i].fields else None for i in (8, 2)
        ]
    assert part.documents(np.empty(0, np.int64), ["id"]).num_rows == 0
    assert part.documents(np.array([1, 1]), ["id"])["id"].to_pylist() == ["row-1", "row-1"]


@pytest.mark.parametrize("block_rows", [3, 40, 700])
def test_any_rows_of_any_blocks_come_in_the_order_asked_for(tmp_path, monkeypatch, block_rows):
    monkeypatch.setattr(block, "BLOCK_ROWS_MAX", block_rows)
    rows = some_rows(700)
    part, _ = build(tmp_path / "9", rows)
    some = np.random.default_rng(2).permutation(700)
    for wanted in (
        some[:1],
        some[:5],
        some[:90],
        np.sort(some[:90]),
        np.arange(7, 11),
        np.arange(2, 698),
        some,
        some[[1, 1, 0]],
    ):
        table = part.documents(wanted, ["id", "output", "tags"])
        assert table["id"].to_pylist() == [rows[row].id for row in wanted]
        outputs = [rows[row].fields.get("output") for row in wanted]
        assert table["output"].to_pylist() == [None if raw is None else raw.decode() for raw in outputs]
        assert part.rows(wanted) == [rows[row] for row in wanted]


def phrase(part, field, tokens):
    return part.texts.find(Phrase(field, tuple(tokens))).rows.tolist()


def test_phrases_and_keys(small):
    rows, part, _ = small
    documents = [row.fields for row in rows]

    for query in (["alpha", "beta"], tokenize("東京 مرحبا"), ["naïve"]):
        expected = [i for i, fields in enumerate(documents) if matches(parse(fields["input"]), query)]
        assert phrase(part, "input", query) == expected
        assert expected
    assert phrase(part, "tags", ["a"]) == list(range(0, 700, 5))
    assert part.lookup("root_span_id", ["trace-3"]).tolist() == [12, 13, 14, 15]
    assert part.lookup("id", ["row-699"]).tolist() == [699]


def test_many_threads_read_one_part(small):
    rows, part, _ = small

    def read(seed):
        rnd = np.random.default_rng(seed)
        for _ in range(20):
            numbers = rnd.integers(0, 700, 10)
            assert part.rows(numbers) == [rows[i] for i in numbers]
            assert phrase(part, "tags", ["a"]) == list(range(0, 700, 5))
        return True

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(read, range(8)))


def test_a_closed_part_opens_again(small):
    rows, part, _ = small
    part.close()

    assert part.rows(np.array([4])) == [rows[4]]


def test_a_part_that_was_read_holds_no_file_open(tmp_path):
    part, _ = build(tmp_path / "9", some_rows(300))
    part.rows(np.array([4, 250]))
    part.lookup("id", ["row-3"])
    assert phrase(part, "input", ["alpha"])

    open_files = [link.resolve() for link in Path("/proc/self/fd").iterdir()]
    assert not [path for path in open_files if path.is_relative_to(tmp_path)]


def test_huge_documents(tmp_path):
    huge = "the needle " + "hay " * 5_000_000
    rows = [
        make_row(0, {"output": "small"}),
        make_row(1, {"output": huge, "metadata": {"big": huge}}),
        make_row(2, {"input": "東京"}),
    ]

    part, files = build(tmp_path / "9", rows)

    assert part.rows(np.array([2, 1, 0])) == [rows[2], rows[1], rows[0]]
    assert phrase(part, "output", ["needle", "hay", "hay"]) == [1]
    assert files.stats.paths["output",].counts == {Kind.TEXT: 1, Kind.MARKER: 1}
    assert files.stats.json_bytes > 40_000_000


def test_thousands_of_distinct_keys(tmp_path):
    rnd = random.Random(4)
    documents = [
        {"metadata": {"always": i} | {f"key{rnd.randint(0, 3000)}": rnd.choice([i, "t", 0.5])}} for i in range(4000)
    ]

    part, files = build(tmp_path / "9", [make_row(i, document) for i, document in enumerate(documents)])

    table = pq.read_table(part.columns_path)
    kept = {split_column_name(name) for name in table.column_names} - {None}
    assert len(kept) == COLUMNS_MAX
    assert len(files.stats.paths) > 2000
    assert files.stats.complete
    assert table[column_name(("metadata", "always"), Kind.INTEGER)].to_pylist() == list(range(4000))
    for path, stats in files.stats.paths.items():
        assert stats.in_document == any((path, kind) not in kept for kind in stats.counts)
        for kind in stats.counts:
            if (path, kind) in kept:
                assert stats.counts[kind] == 4000 - table[column_name(path, kind)].null_count


def test_a_part_that_is_gone_is_named(tmp_path, small):
    _, part, _ = small
    missing = Part(LocalStore(tmp_path), "none", 1, part.stats)

    with pytest.raises(Damaged, match="none"):
        _ = missing.columns_path


def test_rows_stay_readable_when_the_part_is_removed(tmp_path):
    rows = some_rows(10)
    part, _ = build(tmp_path / "9", rows)
    part.rows(np.array([0]))
    (tmp_path / "9").rename(tmp_path / "gone")

    assert part.rows(np.arange(10)) == rows


RAW = st.sampled_from([b'"x"', b"1.50", b'{"a": [1,  2]}', b"[]", b'"\\u00e9"', b"1e999"])


@settings(deadline=None)
@given(st.lists(st.dictionaries(st.sampled_from(["input", "tags", "own", 'q"\\', "_other", ""]), RAW), max_size=4))
def test_rows_and_batches_are_one(fields):
    rows = [make_row(i, {}) for i in range(len(fields))]
    for row, raw in zip(rows, fields, strict=True):
        row.fields = raw

    batch = to_batch(Block.of(rows))

    assert batch.schema == DOCUMENT_SCHEMA
    assert to_rows(pa.Table.from_batches([batch])) == rows


def test_a_full_disk_is_an_error_that_names_the_folder(tmp_path):
    rows = some_rows(400)
    part_writer = PartWriter(tmp_path / "9", 9, OWNER)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2_000, limits[1]))
    try:
        with pytest.raises(DiskFull, match=str(tmp_path / "9")):
            write_all(part_writer, rows)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
