"""Deleting, expiring and purging while calls to the system fail: all or nothing, and no secret stays.

Here some calls fail, in ``tests/soak`` each of them.
"""

from __future__ import annotations

import errno
from itertools import count
from pathlib import Path
from shutil import copytree

from storage_support.clocks import HandClock
from storage_support.deleting import KEPT, OLD, SECRET, SMALL, holds_when_it_fails_at, prepare
from storage_support.disks import FailingStore
from storage_support.reading import documents_of, snapshot_rows

from btql_storage.errors import StorageError
from btql_storage.folder import Folder
from btql_storage.retention.policy import DAY_S, RetentionPolicy
from btql_storage.retention.search import Search
from btql_storage.store import Storage


def test_any_call_may_fail(quick_path: Path):
    prepare(quick_path / "prepared")
    for fail_at in count(5, 17):
        for_good = fail_at % 2 == 0
        if not holds_when_it_fails_at(quick_path / "prepared", quick_path / str(fail_at), fail_at, for_good=for_good):
            assert fail_at > 60, "there is much that can fail"
            break


def test_rows_that_expire_are_in_no_version_whichever_call_failed(quick_path: Path):
    prepared = quick_path / "prepared"
    with Storage.open(prepared, create=True, settings=SMALL, clock=HandClock()) as storage:
        target = storage.create_object("dataset", "x")
        first = storage.ingest(target, [KEPT, OLD]).xact_id
        storage.compact()
        storage.ingest(target, [{**OLD, "input": "changed"}])
        storage.compact()
        storage.retention.set_policy("dataset", RetentionPolicy(age_s=30 * DAY_S))

    def expire(folder: Path, store: FailingStore) -> None:
        opened = Folder.over(store, create=False, read_only=False, settings=SMALL, clock=HandClock())
        with Storage(opened) as storage:
            storage.retention.run()

    for fail_at in count(2, 2):
        folder = quick_path / str(fail_at)
        copytree(prepared, folder)
        store = FailingStore(folder, fail_at, errno.EIO)
        try:
            expire(folder, store)
        except StorageError:
            assert store.failed
        clock = HandClock()
        with Storage.open(folder, settings=SMALL, clock=clock) as storage:
            storage.retention.run()
            with storage.snapshot(target, first) as snapshot:
                assert {row.id for row in snapshot_rows(snapshot)} == {"k"}
            assert documents_of(storage, target).keys() == {"k"}
            clock.seconds += DAY_S
            storage.compact()
        assert Search([SECRET]).tree(folder) == []
        if not store.failed:
            assert fail_at > 15, "there is much that can fail"
            break
