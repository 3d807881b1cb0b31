"""Documents of any size in bounded memory, on a small scale; tests/soak has the large one."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from storage_support.large_child import documents, trace

import btql
from btql.execution.fetch import Fetcher
from btql_storage import block
from btql_storage.errors import TailTooLarge
from btql_storage.folder import Settings
from btql_storage.store import Storage

BIG = 2 * block.BLOCK_BYTES


def test_documents_larger_than_any_buffer_come_back_whole(quick_path, monkeypatch):
    for name in (
        "btql_storage.windows.BYTES_AIM",
        "btql_storage.ordered._BYTES_AIM",
        "btql.execution.fetch.CHUNK_BYTES",
    ):
        monkeypatch.setattr(name, 1_000)
    told = documents(quick_path / "db", 2, BIG)

    assert told["found"] == told["written"]
    assert told["matched"] == ["0", "1"]


def test_a_trace_is_whole_in_windows_of_a_few_spans(quick_path, monkeypatch):
    monkeypatch.setattr("btql.execution.fetch.CHUNK_BYTES", 20_000)
    told = trace(quick_path / "db", 60, 1_000)

    assert (told["rows"], told["tokens"], told["segments"]) == ([60] * 3, 60, [1])


def test_a_part_tells_the_size_of_its_documents(quick_path):
    sizes = {"a": 10, "b": BIG, "c": 20, "d": 3 * BIG, "e": 10}
    with Storage.open(quick_path / "db", create=True) as storage:
        logs = storage.create_object("project_logs", "x")
        events = [{"id": row_id, "root_span_id": "r", "input": "x" * size} for row_id, size in sizes.items()]
        storage.ingest(logs, events)
        for compacted in (False, True):
            if compacted:
                storage.compact()
            with storage.snapshot(logs) as snapshot:
                (source,) = snapshot.sources
                told = source.json_bytes(np.arange(5, dtype=np.int64)).tolist()
            expected = [size + len('""') for size in sizes.values()]
            # A row of the tail is as large as the line that it came as.
            envelope = 0 if compacted else 50
            assert all(size <= each <= size + envelope for each, size in zip(told, expected, strict=True)), compacted


def test_small_merges_into_large_documents_are_refused_before_they_are_read(quick_path, monkeypatch):
    settings = Settings(tail_json_bytes=3 * BIG // 2, compact_to_read=False)
    with Storage.open(quick_path / "db", create=True, settings=settings) as storage:
        logs = storage.create_object("project_logs", "x")
        for number in range(4):
            storage.ingest(logs, [{"id": str(number), "input": "x" * BIG}])
            storage.compact()
        storage.ingest(logs, [{"id": str(number), "_is_merge": True, "output": 1} for number in range(4)])
        monkeypatch.setattr("btql_storage.tail.fetch_rows", lambda *_: pytest.fail("nothing is read"))
        with pytest.raises(TailTooLarge, match="documents of 2 MiB wait for compaction"):
            storage.snapshot(logs)


def test_a_query_reads_documents_in_pieces(quick_path, monkeypatch):
    rows: list[dict[str, Any]] = [{"id": f"{n:02}", "input": {"long": "x" * 1_100, "n": n}} for n in range(40)]
    with btql.connect(quick_path / "db") as conn:
        conn.ingest("project_logs:x", rows[:20])
        conn.compact()
        conn.ingest("project_logs:x", rows[20:])
        monkeypatch.setattr("btql.execution.fetch.CHUNK_BYTES", 2_500)
        read: list[int] = []
        add = Fetcher.add
        monkeypatch.setattr(
            "btql.execution.fetch.Fetcher.add",
            lambda self, batch, *rest: read.append(len(batch)) or add(self, batch, *rest),
        )
        found: dict[str, Any] = {str(row["id"]): row["input"] for row in _all(conn)}

    assert found == {row["id"]: row["input"] for row in rows}
    assert max(read) == 2


def _all(conn: btql.Connection) -> list[dict[str, Any]]:
    return list(conn.query("select: id, input | from: project_logs('x')"))
