"""Snapshots of earlier versions of objects without a history: exact, or refused with the oldest version there is."""

from __future__ import annotations

from pathlib import Path

import pytest
from storage_support.reading import snapshot_rows

from btql_storage.errors import VersionGone
from btql_storage.store import ObjectInfo, Storage

DAY = "2026-01-01T00:00:00Z"


@pytest.fixture
def storage(quick_path: Path):
    with Storage.open(quick_path, create=True) as opened:
        yield opened


@pytest.fixture
def target(storage: Storage) -> ObjectInfo:
    return storage.create_object("project_logs", "x")


def put(storage: Storage, target: ObjectInfo, *events: dict[str, object]) -> int:
    return storage.ingest(target, [{"created": DAY, **event} for event in events]).xact_id


def read(storage: Storage, target: ObjectInfo, version: int | None = None) -> dict[str, bytes]:
    with storage.snapshot(target, version) as snapshot:
        return {row.id: row.fields.get("input", b"") for row in snapshot_rows(snapshot)}


def write_history(storage: Storage, target: ObjectInfo) -> list[tuple[int, dict[str, bytes]]]:
    """Write inserts, a merge, a replacement and a deletion; return what is there after each transaction."""
    first = put(storage, target, {"id": "a", "input": 1}, {"id": "b", "input": 1})
    second = put(storage, target, {"id": "a", "input": 2}, {"id": "c", "input": 2})
    third = put(storage, target, {"id": "b", "_object_delete": True})
    fourth = put(storage, target, {"id": "b", "input": 4}, {"id": "c", "output": "x", "_is_merge": True})
    return [
        (first - 1, {}),
        (first, {"a": b"1", "b": b"1"}),
        (second, {"a": b"2", "b": b"1", "c": b"2"}),
        (third, {"a": b"2", "c": b"2"}),
        (fourth, {"a": b"2", "b": b"4", "c": b"2"}),
    ]


@pytest.mark.parametrize("processed", [False, True])
def test_every_version_of_the_tail_can_be_read(storage: Storage, target: ObjectInfo, processed: bool):
    history = write_history(storage, target)
    if processed:
        storage.process()

    for version, expected in [*history, *reversed(history)]:
        assert read(storage, target, version) == expected
    assert read(storage, target) == history[-1][1]
    assert read(storage, target, history[-1][0] + 1000) == history[-1][1]


def test_versions_before_the_last_compaction_are_refused(storage: Storage, target: ObjectInfo):
    put(storage, target, {"id": "old", "input": 0})
    before = put(storage, target, {"id": "old", "input": 1}, {"id": "gone", "_object_delete": True})
    storage.compact()
    history = [(version, {"old": b"1", **rows}) for version, rows in write_history(storage, target)]

    for version, expected in history:
        assert read(storage, target, version) == expected
    with pytest.raises(VersionGone, match=f"oldest that can still be read is {before}") as caught:
        read(storage, target, before - 1)
    assert caught.value.oldest == before


def test_a_compaction_that_only_deletes_counts_too(storage: Storage, target: ObjectInfo):
    first = put(storage, target, {"id": "a", "input": 1})
    storage.compact()
    last = put(storage, target, {"id": "a", "_object_delete": True})
    storage.compact()

    assert read(storage, target, last) == {}
    with pytest.raises(VersionGone):
        read(storage, target, first)


def test_other_objects_do_not_matter(storage: Storage, target: ObjectInfo):
    first = put(storage, target, {"id": "a", "input": 1})
    other = storage.create_object("project_logs", "y")
    put(storage, other, {"id": "z"})
    storage.compact_once(other)
    put(storage, target, {"id": "a", "input": 2})

    assert read(storage, target, first) == {"a": b"1"}
