"""Deleting, expiring and purging while a call to the system fails, and what must hold whichever it was."""

from __future__ import annotations

import errno
from pathlib import Path
from shutil import copytree

from btql_storage.errors import StorageError
from btql_storage.folder import Folder, Settings
from btql_storage.retention.policy import DAY_S, RetentionPolicy
from btql_storage.retention.search import Search
from btql_storage.store import Storage
from storage_support.clocks import HandClock
from storage_support.disks import FailingStore
from storage_support.reading import documents_of

SECRET = "needle 7f3a9"
KEPT = {"id": "k", "created": "2027-01-14T00:00:00Z", "input": "kept"}
OLD = {"id": "old", "created": "2026-01-01T00:00:00Z", "input": SECRET}
SMALL = Settings(grace_s=0, wal_grace_s=0)


def prepare(folder: Path) -> None:
    with Storage.open(folder, create=True, settings=SMALL, clock=HandClock()) as storage:
        for kind in ("dataset", "project_logs"):
            target = storage.create_object(kind, "x")
            storage.ingest(target, [KEPT, OLD, {**KEPT, "id": "d", "input": SECRET}])
            storage.compact()
            storage.ingest(target, [{**KEPT, "id": "d", "input": f"{SECRET} again"}])
        storage.retention.set_policy("dataset", RetentionPolicy(age_s=30 * DAY_S))


def scenario(storage: Storage, acknowledged: list[str]) -> None:
    dataset, logs = storage.object("dataset", "x"), storage.object("project_logs", "x")
    storage.retention.delete_object(logs)
    acknowledged.append("deleted")
    storage.retention.run()
    acknowledged.append("expired")
    storage.ingest(dataset, [{"id": "d", "_object_delete": True}])
    for target in (logs, dataset):
        assert storage.retention.purge(target).proof.holds


def calls(prepared: Path, folder: Path) -> int:
    """Return how many calls can fail."""
    copytree(prepared, folder)
    store = FailingStore(folder)
    opened = Folder.over(store, create=False, read_only=False, settings=SMALL, clock=HandClock())
    with Storage(opened) as storage:
        scenario(storage, [])
    return len(store.steps)


def holds_when_it_fails_at(prepared: Path, folder: Path, fail_at: int, *, for_good: bool) -> bool:
    """Run the scenario on a copy with one call that fails, then check all; return whether there was such a call."""
    copytree(prepared, folder)
    store = FailingStore(folder, fail_at, errno.EIO, for_good=for_good)
    acknowledged: list[str] = []
    try:
        opened = Folder.over(store, create=False, read_only=False, settings=SMALL, clock=HandClock())
        with Storage(opened) as storage:
            scenario(storage, acknowledged)
    except StorageError:
        assert store.failed
    assert_whole(folder, acknowledged)
    return store.failed


def assert_whole(folder: Path, acknowledged: list[str]) -> None:
    with Storage.open(folder, settings=SMALL, clock=HandClock()) as storage:
        names = {one.kind for one in storage.objects()}
        assert "dataset" in names
        if "deleted" in acknowledged:
            assert "project_logs" not in names
        elif "project_logs" in names:
            assert documents_of(storage, storage.object("project_logs", "x")).keys() == {"k", "old", "d"}
        found = documents_of(storage, storage.object("dataset", "x")).keys()
        assert found in ({"k"}, {"k", "d"}, {"k", "old", "d"})
        assert ("old" not in found) or "expired" not in acknowledged

        # Whatever was half done, the next purge finds it.
        dataset, logs = (storage.retention.find(kind, "x") for kind in ("dataset", "project_logs"))
        if "project_logs" in names:
            storage.retention.delete_object(logs)
        storage.retention.run()
        storage.ingest(dataset, [{"id": "d", "_object_delete": True}])
        assert storage.retention.purge(logs).proof.holds
        assert storage.retention.purge(dataset, [SECRET]).proof.holds
        assert documents_of(storage, dataset).keys() == {"k"}
    assert Search([SECRET]).tree(folder) == []
