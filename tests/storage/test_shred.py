from __future__ import annotations

import math
from collections import Counter

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from storage_support.shredding import shred
from support.span_rows import FIRST_US, make_row

from btql_storage.block import Block
from btql_storage.fields import SYSTEM_COLUMNS, SYSTEM_FIELDS
from btql_storage.json_text import parse
from btql_storage.kinds import Kind, Marker, column_name, split_column_name
from btql_storage.part.format import COLUMNS_MAX, PATHS_MAX, PartStats
from btql_storage.shred import Shredder

KEYS = st.sampled_from(["a", "b", "model", "a.b", "x#t", "\\", "", "名", "id"])
SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**63), 2**64 - 1),
    st.sampled_from([0, 1, 1.0, -0.0, 0.5, 2.0**53, 2.0**63, -(2.0**63), 1e300, 2**63 - 1, 2**63]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(max_size=8),
    st.sampled_from(["x" * 1024, "x" * 1025, "é" * 512, "é" * 513, "😀" * 256, "😀" * 257]),
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=10
)
DOCUMENTS = st.dictionaries(
    st.sampled_from(["input", "metadata", "scores", "my.own", "id", "_other"]), VALUES, max_size=4
)


def plain_columns(document, path=()):
    """Evaluate one document the obvious way: column name to value."""
    columns = {}
    for key, value in document.items():
        here = (*path, key)
        if value is None or (not path and key in SYSTEM_FIELDS):
            continue
        if isinstance(value, bool):
            columns[column_name(here, Kind.BOOLEAN)] = value
        elif isinstance(value, str):
            if len(value.encode()) <= 1024:
                columns[column_name(here, Kind.TEXT)] = value
            else:
                columns[column_name(here, Kind.MARKER)] = Marker.LONG_TEXT
        elif isinstance(value, int | float):
            if math.isinf(value):
                columns[column_name(here, Kind.MARKER)] = Marker.NUMBER
            elif value == int(value) and -(2**63) <= int(value) < 2**63:
                columns[column_name(here, Kind.INTEGER)] = int(value)
            else:
                columns[column_name(here, Kind.FLOAT)] = float(value)
                if isinstance(value, int):
                    columns[column_name(here, Kind.MARKER)] = Marker.NUMBER
        elif isinstance(value, list):
            columns[column_name(here, Kind.MARKER)] = Marker.ARRAY
        else:
            columns[column_name(here, Kind.MARKER)] = Marker.OBJECT
            columns |= plain_columns(value, here)
    return columns


@settings(deadline=None)
@given(st.lists(DOCUMENTS, max_size=12))
def test_columns_are_what_a_plain_evaluation_says(documents):
    shredded = shred([make_row(i, document) for i, document in enumerate(documents)], part_id=3, first_row=100)

    table = shredded.table
    named = [name for name in table.column_names if name not in SYSTEM_COLUMNS]
    rows = [{name: row[name] for name in named if row[name] is not None} for row in table.to_pylist()]
    expected = [plain_columns(document) for document in documents]
    assert rows == expected
    assert named == sorted(named)
    assert table.column_names[: len(SYSTEM_COLUMNS)] == list(SYSTEM_COLUMNS)
    check_stats(shredded.stats, expected)


def check_stats(stats, expected):
    counts = Counter(name for row in expected for name in row)
    assert counts == {column_name(path, kind): n for path, one in stats.items() for kind, n in one.counts.items()}
    for path, one in stats.items():
        values = {
            kind: [row[column_name(path, kind)] for row in expected if column_name(path, kind) in row] for kind in Kind
        }
        integers, floats, texts = values[Kind.INTEGER], values[Kind.FLOAT], values[Kind.TEXT]
        assert one.integers == ((min(integers), max(integers)) if integers else None)
        assert one.floats == ((min(floats), max(floats)) if floats else None)
        assert not one.in_document
        if texts:
            assert one.texts.min == min(texts)[:64]
            assert one.texts.max == max(texts)[:64]
            assert one.texts.max_cut == (len(max(texts)) > 64)
        else:
            assert one.texts is None


def test_system_columns():
    rows = [
        make_row(0, {"tags": ["b", "a"], "span_parents": []}, trace=7),
        make_row(1, {"tags": [], "span_parents": ["row-0"]}, trace=7),
        make_row(2, {"is_root": False}),
    ]

    table = shred(rows, part_id=5, first_row=10).table

    assert table["_row"].to_pylist() == [(5 << 32) + 10, (5 << 32) + 11, (5 << 32) + 12]
    assert table["id"].to_pylist() == ["row-0", "row-1", "row-2"]
    assert table["root_span_id"].to_pylist() == ["trace-7", "trace-7", "trace-2"]
    assert table["is_root"].to_pylist() == [True, False, True]
    assert table["tags"].to_pylist() == [["b", "a"], [], None]
    assert table["span_parents"].to_pylist() == [[], ["row-0"], None]
    assert [len(text) for text in table["_xact_id"].to_pylist()] == [19, 19, 19]
    assert table["created"].cast("int64").to_pylist() == [FIRST_US, FIRST_US + 1, FIRST_US + 2]
    assert table.column_names == list(SYSTEM_COLUMNS)


def test_a_number_beyond_float64_is_in_the_document_only():
    row = make_row(0, {})
    row.fields = {"metrics": b'{"a": 1e999, "b": 1%s}' % (b"0" * 400), "output": b"-1e999"}

    record = shred([row], part_id=1).table.to_pylist()[0]

    assert record["metrics.a#x"] == record["metrics.b#x"] == record["output#x"] == Marker.NUMBER
    assert "metrics.b#f" not in record


def test_a_whole_number_beyond_64_bits_has_its_nearest_float_in_a_column_and_a_marker():
    rows = [make_row(0, {}), make_row(1, {})]
    rows[0].fields = {"metrics": b'{"a": 12345678901234567890123}'}
    rows[1].fields = {"metrics": b'{"a": -9223372036854775809}'}

    shredded = shred(rows, part_id=1)

    assert shredded.table["metrics.a#f"].to_pylist() == [12345678901234567890123.0, -9223372036854775808.0]
    assert shredded.table["metrics.a#x"].to_pylist() == [Marker.NUMBER, Marker.NUMBER]
    assert shredded.stats["metrics", "a"].big == 2
    assert shredded.part_stats.from_json(shredded.part_stats.to_json()) == shredded.part_stats


def test_nothing_shredded_is_a_table_all_the_same():
    shredded = shred([], part_id=1)

    assert shredded.table.num_rows == 0
    assert shredded.table.schema.names == list(SYSTEM_COLUMNS)
    assert shredded.part_stats.rows == 0


def test_columns_beyond_the_cap_are_named_in_the_statistics():
    documents = [{"metadata": {"all": i} | ({f"k{j}": j for j in range(1500)} if i == 0 else {})} for i in range(3)]

    shredded = shred([make_row(i, document) for i, document in enumerate(documents)], part_id=1)

    named = {split_column_name(name) for name in shredded.table.column_names} - {None}
    assert len(named) == COLUMNS_MAX
    assert (("metadata", "all"), Kind.INTEGER) in named
    assert len(shredded.stats) == 1502
    assert shredded.part_stats.complete
    for path, stats in shredded.stats.items():
        assert stats.in_document == any((path, kind) not in named for kind in stats.counts)


def test_more_paths_than_the_statistics_list():
    rows = [make_row(i, {"metadata": {f"k{i}-{j}": j for j in range(1000)}}) for i in range(6)]

    shredded = shred(rows, part_id=1)

    assert len(shredded.stats) == PATHS_MAX
    assert not shredded.part_stats.complete
    assert ("metadata",) in shredded.stats


def test_chunks_continue_their_numbers():
    shredder = Shredder(part_id=1)
    numbers = []
    for start in (0, 2):
        shredder.add(Block.of([make_row(i, {"output": i}) for i in (start, start + 1)]), {})
        numbers += shredder.finish().system["_row"].to_pylist()

    assert numbers == [(1 << 32) + i for i in range(4)]


@settings(deadline=None)
@given(st.lists(DOCUMENTS, min_size=1, max_size=5))
def test_statistics_survive_json(documents):
    stats = shred([make_row(i, document) for i, document in enumerate(documents)], part_id=1).part_stats

    assert PartStats.from_json(stats.to_json()) == stats


@settings(deadline=None)
@given(st.lists(st.text(), min_size=1, max_size=5), st.sampled_from(Kind))
@example(["scores", "a\0", "\\0", "0"], Kind.FLOAT)
def test_column_names_can_be_read_back(path, kind):
    name = column_name(tuple(path), kind)
    assert split_column_name(name) == (tuple(path), kind)
    # The engine's C interface would cut it there.
    assert "\0" not in name


@pytest.mark.parametrize("name", ["id", "_row", "", "a.b", "a#", "a#q", "a\\#t"])
def test_other_names_are_no_columns(name):
    assert split_column_name(name) is None


def test_documents_are_parsed_as_they_were_written():
    assert parse(b"[1.0, 1]") == [1, 1]
