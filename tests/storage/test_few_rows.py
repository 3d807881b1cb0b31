"""Columns that are made from documents are those of ``columns.parquet``, value for value."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from btql_storage.part.few_rows import are_few, columns_of
from btql_storage.store import Storage

VALUES: list[object] = [
    1, 1.0, 0.5, -(2**63), 2**63, 12_345_678_901_234_567_890, 10**400, "1", "x", "", "é", "x" * 1_025, "é" * 512,
    "é" * 513, True, False, None, [], [1, "x"], {}, {"b": 1}, {"b": {"c": [1]}}, {"b": "y", "": 2, "x.y": 3, "#": 4},
]  # fmt: skip
FIELDS: list[dict[str, object]] = [
    {"tags": ["a", "b"], "span_parents": ["p"]},
    {"tags": [], "span_parents": []},
    {"created": "1969-07-20T20:17:40Z", "root_span_id": "r", "span_id": "s"},
    {"unknown": 7, "other": {"deep": {"er": [1]}}},
    {"unknown": "text", "other": []},
    {},
]


def test_columns_of_rows_are_those_of_the_file(tmp_path: Path) -> None:
    rows = [{"id": f"v{place}", "metadata": {"a": value}, "input": value} for place, value in enumerate(VALUES)]
    rows += [{"id": f"f{place}", **fields} for place, fields in enumerate(FIELDS)]
    with Storage.open(tmp_path / "db", create=True) as storage:
        target = storage.create_object("project_logs", "p")
        storage.ingest(target, rows)
        storage.compact(target)
        with storage.snapshot(target) as snapshot:
            (entry,) = snapshot.parts
            file = pq.read_table(entry.part.columns_path)
            numbers = np.arange(file.num_rows, dtype=np.int64)
            some = numbers[::3]

            made = columns_of(entry.part, numbers, file.column_names)
            assert are_few([entry.part], [some], file.column_names)
            assert made.cast(file.schema).equals(file)
            assert columns_of(entry.part, some, ["created", "metadata.a#i", "_row"]).equals(
                file.select(["created", "metadata.a#i", "_row"]).take(pa.array(some))
            )
            assert columns_of(entry.part, some, ["nowhere#t"]).column(0).null_count == len(some)


def test_runs_of_neighbours_are_those_rows(tmp_path: Path) -> None:
    """Rows of several blocks: neighbours, gaps, single ones, in any order and twice; arrays that many rows share."""
    arrays: list[dict[str, object]] = [{"tags": ["a", "é"]}, {"tags": []}, {}, {"span_parents": ["p"], "tags": ["a"]}]
    events = [
        {"id": f"{number:03}", "input": f"{number} " + "long " * 2_000, **arrays[number % 4]} for number in range(400)
    ]
    with Storage.open(tmp_path / "db", create=True) as storage:
        target = storage.create_object("project_logs", "p")
        storage.ingest(target, events)
        storage.compact(target)
        with storage.snapshot(target) as snapshot:
            (entry,) = snapshot.parts
            names = ["id", "tags", "span_parents", "is_root"]
            file = pq.read_table(entry.part.columns_path, columns=names)
            assert entry.part.blocks(np.arange(400)) > 2
            runs = [range(400), range(395), range(3, 300), [7], [0, 1, 2, 9, 399], range(399, -1, -1), [5, 5, 4, 390]]
            for run in runs:
                numbers = np.array(run, np.int64)
                expected = file.take(pa.array(numbers))
                assert columns_of(entry.part, numbers, names).cast(file.schema).equals(expected)
                inputs = entry.part.documents(numbers, ["input"]).column(0).to_pylist()
                assert [text[1:].split(" ")[0] for text in inputs] == [str(int(i)) for i in expected["id"].to_pylist()]
