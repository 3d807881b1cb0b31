"""Ingesting and compacting while a call to the system fails, and what must hold whichever it was."""

from __future__ import annotations

import errno
from pathlib import Path

from btql_storage.clock import SYSTEM_CLOCK
from btql_storage.errors import DiskFull, StorageError
from btql_storage.folder import Folder, Settings
from btql_storage.store import Storage
from storage_support.disks import FailingStore
from storage_support.model import Model
from storage_support.reading import documents_of, snapshot_rows, to_document

SMALL = Settings(grace_s=0)
DAY = "2026-01-01T00:00:00Z"
REQUESTS = [
    [{"id": "a", "created": DAY, "metadata": {"n": 1}}, {"id": "b", "created": DAY}, {"id": "c", "created": DAY}],
    [
        {"id": "a", "created": DAY, "_is_merge": True, "metadata": {"m": 2}},
        {"id": "b", "created": DAY, "_object_delete": True},
    ],
    [{"id": "d", "created": DAY, "tags": ["x"]}, {"id": "c", "created": DAY, "input": 1}],
]


def scenario(store: FailingStore, acknowledged: list[int]) -> None:
    """Ingest with compactions in between; the caller knows from the list how far it came."""
    storage = Storage(Folder.over(store, create=True, read_only=False, settings=SMALL, clock=SYSTEM_CLOCK))
    try:
        # Of a kind that keeps history, for which compactions write most.
        target = storage.create_object("dataset", "x")
        for number, request in enumerate(REQUESTS):
            storage.ingest(target, request)
            acknowledged.append(number)
            if number != 1:
                storage.compact_once()
        storage.compact()
    finally:
        storage.close()


def calls(folder: Path) -> int:
    """Return how many calls can fail."""
    store = FailingStore(folder)
    scenario(store, [])
    return len(store.steps)


def holds_when_it_fails_at(folder: Path, fail_at: int, error: int, *, for_good: bool) -> bool:
    """Run the scenario with one call that fails, then check all; return whether there was such a call."""
    store = FailingStore(folder, fail_at, error, for_good=for_good)
    acknowledged: list[int] = []
    caught = None
    try:
        scenario(store, acknowledged)
    except StorageError as raised:
        caught = raised
    line = str(caught)
    # A file that is neither made durable nor removed is worse than a full disk.
    undecided = "may be stored or not" in line
    unsure = undecided and "/wal/" in line

    assert "\n" not in line
    assert not undecided or for_good
    assert isinstance(caught, DiskFull) == (store.failed and error == errno.ENOSPC and not undecided)

    if store.failed:
        assert_recovers(folder, acknowledged, unsure=unsure)
    else:
        assert len(acknowledged) == len(REQUESTS)
    return store.failed


def assert_recovers(folder: Path, acknowledged: list[int], *, unsure: bool) -> None:
    model = Model()
    count = len(acknowledged) + unsure
    for request in REQUESTS[:count]:
        model.apply(request)
    with Storage.open(folder, create=True, settings=SMALL) as storage:
        target = storage.create_object("dataset", "x")

        assert documents_of(storage, target) == model.rows

        with storage.snapshot(target) as snapshot:
            version, then = snapshot.xact_id, model.copy()
        for request in REQUESTS[count:]:
            storage.ingest(target, request)
            model.apply(request)
        storage.compact()
        with storage.snapshot(target, version) as snapshot:
            assert {row.id: to_document(row) for row in snapshot_rows(snapshot)} == then.rows

        assert documents_of(storage, target) == model.rows
        # What a failed compaction left is gone.
        view = storage._folder.catalog.view(target.id, 0)
        live = {str(part.id) for part in (*view.parts, *(one.part for one in view.history))}
        assert {entry.name for entry in (folder / "parts").iterdir()} == live
