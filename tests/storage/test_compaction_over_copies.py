"""Compaction over a bucket: what is wrong with copies, with the store just now, or with a lease is no damage."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

import pytest
from storage_support.reading import documents_of

from btql_storage.care.quarantine import quarantine
from btql_storage.catalog.leases import LeaseLock
from btql_storage.errors import InputOutput, Locked, StorageError
from btql_storage.store import ObjectInfo, Storage
from btql_storage.stores.bucket import BucketStore
from btql_storage.stores.remote import Remote


@pytest.fixture
def place(s3: tuple[str, str], quick_path: Path) -> Callable[[], Storage]:
    """Opens a database with one part, and an event that goes on from a row of it."""
    address, endpoint = s3
    parameters = f"endpoint={endpoint}&catalog=sqlite:{quick_path}/catalog.sqlite&cache={quick_path}/cache"

    def opened() -> Storage:
        return Storage.open(f"{address}?{parameters}", create=True)

    with opened() as storage:
        target = storage.create_object("project_logs", "p")
        storage.ingest(target, [{"id": str(number), "input": "x" * number} for number in range(50)])
        storage.compact_once()
        storage.ingest(target, [{"id": "7", "output": 1, "_is_merge": True}])
    return opened


def target_of(storage: Storage) -> ObjectInfo:
    return storage.object("project_logs", "p")


@pytest.mark.parametrize("name", ["keys.arrow", "rows.arrow", "part.json"])
def test_compaction_goes_on_where_just_a_copy_is_damaged(place: Callable[[], Storage], quick_path: Path, name: str):
    with place() as storage:
        (copy,) = (quick_path / "cache").rglob(f"parts/*/{name}")
        copy.write_bytes(bytes(copy.stat().st_size))
        storage.compact()

        assert documents_of(storage, target_of(storage))["7"]["output"] == 1
        assert not storage.waiting().events
        assert storage.care.check().is_sound


def test_a_log_file_whose_copy_goes_before_it_is_opened_is_read(
    place: Callable[[], Storage], monkeypatch: pytest.MonkeyPatch
):
    real, removed = BucketStore.file, list[Path]()
    is_processed = False

    def located(store: BucketStore, name: str) -> Path:
        path = real(store, name)
        if is_processed and name.startswith("wal/") and path not in removed:
            path.unlink()
            removed.append(path)
        return path

    monkeypatch.setattr(BucketStore, "file", located)
    with place() as storage:
        is_processed = storage.process() > 0
        storage.compact()

        assert removed
        assert documents_of(storage, target_of(storage))["7"]["output"] == 1


def fails(*_: object) -> NoReturn:
    raise InputOutput("the store says: BadRequest")


def test_no_part_is_marked_because_the_store_fails_just_now(
    place: Callable[[], Storage], monkeypatch: pytest.MonkeyPatch
):
    with place() as storage:
        storage.store.drop_copies("parts/1")
        with monkeypatch.context() as now:
            now.setattr(Remote, "download", fails)
            with pytest.raises(InputOutput, match="BadRequest"):
                quarantine(storage._folder, [1], "`parts/1/rows.arrow` cannot be read")

        assert storage.care.check().is_sound
        storage.compact()


def test_no_part_is_marked_because_the_disk_with_the_copies_fails(
    place: Callable[[], Storage], monkeypatch: pytest.MonkeyPatch
):
    def broken(_: Path) -> str:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    with place() as storage:
        with monkeypatch.context() as now:
            now.setattr("btql_storage.care.part_check.file_checksum", broken)
            with pytest.raises(StorageError, match="input/output error"):
                quarantine(storage._folder, [1], "`parts/1/rows.arrow` cannot be read")

        assert storage.care.check().is_sound
        storage.compact()


def test_who_was_paused_for_longer_than_a_lease_does_not_take_what_others_removed_for_damaged(
    place: Callable[[], Storage], monkeypatch: pytest.MonkeyPatch
):
    with place() as storage:
        folder = storage._folder
        lock = folder.catalog.fence = folder.compact_lock = LeaseLock(folder.catalog.database, "work", wait_s=1)
        real = BucketStore.file

        def removed(store: BucketStore, name: str) -> Path:
            if name.endswith("rows.arrow") and folder.catalog.fence is lock:
                with folder.catalog.database.writing() as run:
                    run.execute("update leases set token = token + 1")
                store.delete("parts/1")
            return real(store, name)

        monkeypatch.setattr(BucketStore, "file", removed)
        with pytest.raises(Locked, match=r"the work lease of .* ran out and another process has it; try again"):
            storage.compact()
