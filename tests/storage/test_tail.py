"""The tail: each event once, the right base for every merge, and snapshots that do not change."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from storage_support.reading import rows_of, snapshot_rows
from storage_support.wal_events import events_of

from btql_storage.errors import TailTooLarge
from btql_storage.folder import Settings
from btql_storage.ingest.accept import accept
from btql_storage.keys import fingerprints
from btql_storage.row import Row
from btql_storage.store import Storage
from btql_storage.tail import Tail
from btql_storage.tail_chunk import TailChunk
from btql_storage.text import scan as text_scan
from btql_storage.text.probe import Phrase
from btql_storage.text.tokens import matches, tokenize

DAY = "2026-01-01T00:00:00Z"


@pytest.fixture
def storage(quick_path: Path):
    with Storage.open(quick_path, create=True) as opened:
        yield opened


@pytest.fixture
def target(storage: Storage):
    return storage.create_object("project_logs", "x")


def put(storage: Storage, target, *events: dict[str, Any]) -> None:
    storage.ingest(target, [{"created": DAY, **event} for event in events])


def test_a_row_that_changes_is_superseded_where_it_was(storage: Storage, target):
    put(storage, target, {"id": "a", "input": 1}, {"id": "b"})
    storage.compact()
    put(storage, target, {"id": "a", "_is_merge": True, "output": 1})
    with storage.snapshot(target) as first:
        put(storage, target, {"id": "a", "_is_merge": True, "output": 2}, {"id": "b", "_object_delete": True})
        with storage.snapshot(target) as second:
            assert [one.superseded.tolist() for one in second.parts] == [[0, 1]]
            assert [chunk.superseded.tolist() for chunk in second.tail] == [[0], []]
            assert [(row.id, row.fields) for row in snapshot_rows(second)] == [("a", {"input": b"1", "output": b"2"})]

        # The earlier snapshot still shows what it showed.
        assert [one.superseded.tolist() for one in first.parts] == [[0]]
        assert sorted((row.id, row.fields.get("output")) for row in snapshot_rows(first)) == [("a", b"1"), ("b", None)]


def test_only_new_files_are_read(storage: Storage, target, monkeypatch: pytest.MonkeyPatch):
    put(storage, target, {"id": "a"})
    with storage.snapshot(target) as first:
        put(storage, target, {"id": "b"})
        applied: list[list[str]] = []
        apply = Tail._apply
        monkeypatch.setattr(
            Tail, "_apply", lambda tail, events: applied.append([e.id for e in events]) or apply(tail, events)
        )
        with storage.snapshot(target) as second, storage.snapshot(target):
            assert [ids for ids in applied if ids] == [["b"]]
            assert second.tail[0] is first.tail[0]


def test_files_of_one_snapshot_share_a_chunk(storage: Storage, target):
    for number in range(5):
        put(storage, target, {"id": str(number % 3), "input": number})
    with storage.snapshot(target) as snapshot:
        assert [chunk.stats.rows for chunk in snapshot.tail] == [3]
        assert {row.id: row.fields["input"] for row in snapshot_rows(snapshot)} == {"0": b"3", "1": b"4", "2": b"2"}


def test_many_small_chunks_become_few(storage: Storage, target):
    for number in range(40):
        put(storage, target, {"id": str(number % 30), "input": number})
        with storage.snapshot(target) as snapshot:
            assert len(snapshot.tail) <= 14
    expected = {str(number % 30): b"%d" % number for number in range(40)}

    assert {row.id: row.fields["input"] for row in rows_of(storage, target).values()} == expected


def test_a_compaction_half_way_leaves_the_rest_in_the_tail(quick_path: Path):
    with Storage.open(quick_path, create=True, settings=Settings(job_events=2)) as storage:
        target = storage.create_object("project_logs", "x")
        put(storage, target, *({"id": str(number), "input": number} for number in range(5)))
        with storage.snapshot(target):
            pass
        storage.compact_once()
        with storage.snapshot(target) as snapshot:
            assert [one.part.stats.rows for one in snapshot.parts] == [2]
            assert [chunk.stats.rows for chunk in snapshot.tail] == [3]
        assert len(rows_of(storage, target)) == 5


def test_too_large_a_tail_is_compacted_first(quick_path: Path):
    with Storage.open(quick_path, create=True, settings=Settings(tail_json_bytes=1_000)) as storage:
        target = storage.create_object("project_logs", "x")
        put(storage, target, {"id": "a", "input": "x" * 400})
        with storage.snapshot(target) as snapshot:
            assert snapshot.tail
        put(storage, target, {"id": "b", "input": "x" * 800})
        with storage.snapshot(target) as snapshot:
            assert not snapshot.tail
            assert len(snapshot_rows(snapshot)) == 2


def test_too_large_rows_behind_small_merges_are_compacted_first(quick_path: Path):
    with Storage.open(quick_path, create=True, settings=Settings(tail_json_bytes=1_000)) as storage:
        target = storage.create_object("project_logs", "x")
        put(storage, target, {"id": "a", "input": "x" * 5_000})
        storage.compact()
        put(storage, target, {"id": "a", "_is_merge": True, "output": 1})
        with storage.snapshot(target) as snapshot:
            assert not snapshot.tail
            (row,) = snapshot_rows(snapshot)
            assert set(row.fields) == {"input", "output"}


def test_a_reader_says_when_a_tail_is_too_large(quick_path: Path):
    with Storage.open(quick_path, create=True) as storage:
        target = storage.create_object("project_logs", "x")
        put(storage, target, {"id": "a", "input": "x" * (3 << 20)})
    with (
        Storage.open(quick_path, read_only=True, settings=Settings(tail_json_bytes=1 << 20)) as reader,
        pytest.raises(TailTooLarge, match="events of 3 MiB wait for compaction; run `btql compact`"),
    ):
        reader.snapshot(target)


def test_a_snapshot_leaves_compaction_to_another_process(quick_path: Path):
    settings = Settings(tail_json_bytes=1 << 20, compact_to_read=False)
    with Storage.open(quick_path, create=True, settings=settings) as storage:
        target = storage.create_object("project_logs", "x")
        put(storage, target, {"id": "a", "input": "x" * (3 << 20)})
        with pytest.raises(TailTooLarge):
            storage.snapshot(target)
        storage.compact()
        storage.snapshot(target).close()


def test_a_snapshot_that_is_stopped_keeps_what_it_has_done(storage: Storage, target, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("btql_storage.tail._CHUNK_EVENTS", 2)
    for number in range(10):
        put(storage, target, {"id": str(number)})
    checks: list[int] = []

    def stop_at_the_third() -> None:
        checks.append(len(checks))
        if len(checks) == 3:
            raise TimeoutError

    with pytest.raises(TimeoutError):
        storage.snapshot(target, None, stop_at_the_third)
    checks.clear()
    with storage.snapshot(target, None, lambda: checks.append(0)) as snapshot:
        assert {row.id for row in snapshot_rows(snapshot)} == {str(number) for number in range(10)}
    # Five chunks of two events, two of which were there already.
    assert len(checks) == 3


def test_a_failure_does_not_leave_half_a_tail(storage: Storage, target, monkeypatch: pytest.MonkeyPatch):
    put(storage, target, {"id": "a", "input": 1})
    storage.snapshot(target).close()
    put(storage, target, {"id": "a", "_is_merge": True, "output": 1}, {"id": "b"})

    def broken(rows: list[Row], part_id: int) -> TailChunk:
        raise MemoryError

    monkeypatch.setattr(TailChunk, "of", broken)
    with pytest.raises(MemoryError):
        storage.snapshot(target)
    monkeypatch.undo()

    assert rows_of(storage, target)["a"].fields == {"input": b"1", "output": b"1"}


def chunk_of(*documents: dict[str, Any]) -> TailChunk:
    rows = [
        Row(str(number), f"s{number}", f"t{number // 2}", number, 1 << 60, f"p{number:020d}", event.fields)
        for number, event in enumerate(events_of(accept([json.dumps(document).encode() for document in documents])))
    ]
    return TailChunk.of(rows, 1 << 30)


def found(chunk: TailChunk, *tokens: str) -> list[int]:
    rows = chunk.texts.find(Phrase("input", tokens)).rows
    assert rows is not None
    return rows.tolist()


def test_a_chunk_answers_like_a_part():
    chunk = chunk_of({"input": "one two"}, {"output": "three"}, {"input": {"deep": ["Two three"]}})

    assert found(chunk, "two") == [0, 2]
    assert found(chunk, "two", "three") == [2]
    assert found(chunk) == []
    assert found(chunk.with_superseded([0]), "two") == [0, 2]
    assert chunk.lookup("id", ["2", "0", "nobody"]).tolist() == [0, 2]
    assert chunk.lookup("span_id", fingerprints(["s1"])).tolist() == [1]
    assert chunk.lookup("root_span_id", ["t0"]).tolist() == [0, 1]
    assert chunk.documents(np.array([2, 0]), ["id", "output"]).to_pydict() == {"id": ["2", "0"], "output": [None, None]}
    assert [row.id for row in chunk.rows(np.array([1]))] == ["1"]


scalars = st.integers(0, 300) | st.sampled_from([1e2, 0.5, 1e300, True, False, None])
words = st.sampled_from(
    ["Hello", "\u017ftrange", "KELVIN \u212a", "e", "nan", "tab\there", "100", "é", "中文", "İ", "\u0001x"]
)


@given(
    st.lists(
        st.recursive(
            scalars | words | st.text(max_size=6),
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=2),
            max_leaves=6,
        ),
        min_size=1,
        max_size=5,
    ),
    st.text(max_size=4) | words | st.integers(0, 300).map(str),
)
def test_a_chunk_finds_exactly_what_matches(values: list[Any], query: str):
    chunk = chunk_of(*({"input": value} for value in values))
    tokens = tokenize(query)
    expected = [number for number, value in enumerate(values) if value is not None and matches(value, tokens)]

    assert found(chunk, *tokens) == expected
    # Too large a field is searched without keeping its tokens.
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(text_scan, "KEPT_BYTES_MAX", -1)
        assert found(chunk_of(*({"input": value} for value in values)), *tokens) == expected
