"""Whole objects that are deleted: gone for every reader at once, their name free, nothing that came later lost."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from storage_support.reading import documents_of

from btql_storage.errors import UnknownObject, VersionGone
from btql_storage.folder import Settings
from btql_storage.store import ObjectInfo, Storage

DAY = "2026-01-01T00:00:00Z"
SMALL = Settings(grace_s=0, wal_grace_s=0)


def put(storage: Storage, target: ObjectInfo, *ids: str, **fields: Any) -> int:
    return storage.ingest(target, [{"id": one, "created": DAY, **fields} for one in ids]).xact_id


@pytest.fixture
def storage(quick_path: Path):
    with Storage.open(quick_path, create=True, settings=SMALL) as opened:
        yield opened


@pytest.mark.parametrize("kind", ["project_logs", "dataset"])
@pytest.mark.parametrize("compacted", [False, True])
def test_an_object_goes_with_all_it_has(storage: Storage, kind: str, compacted: bool):
    target = storage.create_object(kind, "x")
    other = storage.create_object(kind, "y")
    put(storage, target, "a", "b")
    if compacted:
        storage.compact()
    put(storage, target, "a", input=1)
    put(storage, other, "a")
    storage.process()
    last = put(storage, target, "c")
    storage.retention.delete_object(target)

    with pytest.raises(UnknownObject, match=f"no object `{kind}:x`"):
        storage.object(kind, "x")
    assert storage.objects() == [other]
    assert storage.last_xact_id() > last
    with pytest.raises(UnknownObject):
        put(storage, target, "d")

    again = storage.create_object(kind, "x")

    assert documents_of(storage, again) == {}
    put(storage, again, "c")
    assert set(documents_of(storage, again)) == {"c"}
    storage.compact()
    assert set(documents_of(storage, again)) == {"c"}
    assert set(documents_of(storage, other)) == {"a"}
    with pytest.raises(VersionGone), storage.snapshot(again, last):
        pass


def test_another_process_sees_it_gone_at_once(quick_path: Path, storage: Storage):
    target = storage.create_object("project_logs", "x")
    put(storage, target, "a")
    with Storage.open(quick_path, read_only=True) as reader:
        assert set(documents_of(reader, target)) == {"a"}
        storage.retention.delete_object(target)

        assert documents_of(reader, target) == {}
        assert reader.objects() == []


@pytest.mark.parametrize("processed", [False, True])
def test_who_did_not_know_yet_writes_to_the_object_anew(quick_path: Path, storage: Storage, processed: bool):
    target = storage.create_object("project_logs", "x")
    put(storage, target, "a")
    with Storage.open(quick_path) as writer:
        put(writer, target, "b")
        storage.retention.delete_object(target)
        put(writer, target, "c")
        if processed:
            storage.process()
            assert storage.objects() == [target]

        assert storage.object("project_logs", "x") == target
        assert set(documents_of(storage, target)) == {"c"}
        storage.compact()
        assert set(documents_of(storage, target)) == {"c"}
        assert storage.create_object("project_logs", "x") == target


def test_events_that_could_not_be_processed_in_time_go_too(quick_path: Path):
    settings = Settings(grace_s=0, wal_grace_s=0, pending_events_max=1)
    with Storage.open(quick_path, create=True, settings=settings) as storage:
        target, other = (storage.create_object("project_logs", name) for name in ("x", "y"))
        put(storage, other, "o", "p")
        storage.process()
        put(storage, target, "a")
        storage.retention.delete_object(target)
        again = storage.create_object("project_logs", "x")

        assert documents_of(storage, again) == {}
        put(storage, again, "b")
        storage.compact()
        assert set(documents_of(storage, again)) == {"b"}


def test_the_status_tells_until_when_its_bytes_go(quick_path: Path):
    settings = Settings(purge_within_s=1000, wal_grace_s=0, grace_s=0)
    with Storage.open(quick_path, create=True, settings=settings) as storage:
        target = storage.create_object("project_logs", "x")
        put(storage, target, "a")
        storage.compact()
        assert storage.retention.status() == []
        storage.retention.delete_object(target)
        (one,) = storage.retention.status()

        assert (one.object, one.deleted_at, one.parts) == (target, one.waiting_since, 1)
        assert one.due == (one.deleted_at or 0) + 1000
        assert one.purged_at is None
        assert (quick_path / "parts" / "1").exists()

        storage.remove_unneeded()
        (one,) = storage.retention.status()

        assert one.purged_at is not None
        assert (one.waiting_since, one.due, one.parts) == (None, None, 0)
        assert [*(quick_path / "parts").iterdir()] == []
