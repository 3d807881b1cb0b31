"""Requests that come at the same time share a file, and neither their rows nor their errors mix."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from server_support.waiting import eventually
from storage_support.reading import documents_of, rows_of

from btql_storage.errors import DiskFull, Locked
from btql_storage.folder import Settings
from btql_storage.ingest.receipt import Receipt
from btql_storage.store import ObjectInfo, Storage
from btql_storage.stores.local import LocalStore
from btql_storage.wal import group_commit

DAY = "2026-01-01T00:00:00Z"


@pytest.fixture
def storage(tmp_path: Path):
    with Storage.open(tmp_path / "db", create=True, settings=Settings(grace_s=0, lock_wait_s=20)) as opened:
        yield opened


@pytest.fixture
def target(storage: Storage) -> ObjectInfo:
    return storage.create_object("project_logs", "p")


def at_once(storage: Storage, *calls: Callable[[], Receipt], before_the_rest=lambda: None) -> Sequence[Future[Receipt]]:
    """Make calls on threads of their own, in this order, while the disk is busy; return what became of them."""
    with ThreadPoolExecutor(len(calls)) as threads, storage._folder.numbers.turn():
        futures = []
        for count, call in enumerate(calls, 1):
            futures.append(threads.submit(call))
            eventually(lambda count=count: len(storage._writer._commits._queue) == count)
        before_the_rest()
    return futures


def wal_files(storage: Storage) -> int:
    return len(storage._folder.wal.numbers())


def test_requests_that_wait_for_the_disk_become_durable_in_one_file(storage: Storage, target: ObjectInfo):
    other = storage.create_object("dataset", "d")
    storage.ingest(target, [{"id": "r", "created": DAY}])
    comment = {"id": "c", "created": DAY, "origin": {"id": "r"}, "comment": {"text": "good"}}
    receipts = [
        future.result()
        for future in at_once(
            storage,
            lambda: storage.ingest(target, [{"id": "a", "created": DAY, "input": 1}, {"created": DAY, "id": "b"}]),
            lambda: storage.ingest(target, [comment]),
            lambda: storage.ingest_all([other, target], [{"id": "x", "expected": [2]}, {"id": "y", "odd": {"k": 3}}]),
        )
    ]

    assert wal_files(storage) == 2
    assert len({receipt.xact_id for receipt in receipts}) == 1
    assert [receipt.ids for receipt in receipts] == [("a", "b"), ("c",), ("x", "y")]
    for _ in ("in the tail", "compacted"):
        found = documents_of(storage, target)
        assert found.keys() == {"r", "a", "b", "y"}
        assert (found["a"]["input"], found["b"].get("input"), found["y"]["odd"]) == (1, None, {"k": 3})
        assert found["r"]["comments"][0]["comment"] == {"text": "good"}
        assert documents_of(storage, other)["x"]["expected"] == [2]
        assert len({row.pagination_key for row in rows_of(storage, target).values()}) == 4
        storage.compact()


def test_two_requests_with_one_row_have_two_transactions(storage: Storage, target: ObjectInfo):
    receipts = [
        future.result()
        for future in at_once(
            storage,
            lambda: storage.ingest(target, [{"id": "a", "created": DAY, "input": 1}]),
            lambda: storage.ingest(target, [{"id": "b", "created": DAY}]),
            lambda: storage.ingest(target, [{"id": "a", "_is_merge": True, "output": 2}]),
        )
    ]

    first, beside, second = (receipt.xact_id for receipt in receipts)
    assert first == beside < second
    assert (documents_of(storage, target)["a"]["input"], documents_of(storage, target)["a"]["output"]) == (1, 2)


def test_requests_that_store_other_keys_have_two_transactions(storage: Storage, target: ObjectInfo):
    keys = frozenset({"project_id"})
    first, second = at_once(
        storage,
        lambda: storage.ingest_all([target], [{"id": "a", "project_id": "p"}], keys),
        lambda: storage.ingest(target, [{"id": "b", "project_id": "q"}]),
    )

    assert first.result().xact_id < second.result().xact_id
    found = documents_of(storage, target)
    assert (found["a"].get("project_id"), found["b"]["project_id"]) == (None, "q")


@pytest.mark.parametrize(("limit", "value"), [("ROWS_MAX", 3), ("_JSON_BYTES_MAX", 150)])
def test_a_group_is_not_larger_than_a_transaction_may_be(
    storage: Storage, target: ObjectInfo, monkeypatch, limit, value
):
    monkeypatch.setattr(group_commit, limit, value)

    def store(name: str) -> Callable[[], Receipt]:
        return lambda: storage.ingest(target, [{"id": f"{name}1", "created": DAY}, {"id": f"{name}2", "created": DAY}])

    receipts = [future.result() for future in at_once(storage, *map(store, "abc"))]

    assert len({receipt.xact_id for receipt in receipts}) == wal_files(storage) == 3
    assert len(documents_of(storage, target)) == 6


def test_what_cannot_be_written_is_said_to_all_of_the_group_and_to_nobody_else(
    storage: Storage, target: ObjectInfo, monkeypatch
):
    def full(action: str, _path: Path) -> None:
        if action == "sync":
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    failed = at_once(
        storage,
        lambda: storage.ingest(target, [{"id": "a"}]),
        lambda: storage.ingest(target, [{"id": "b"}]),
        before_the_rest=lambda: monkeypatch.setattr(storage._folder.store, "step", full),
    )
    for future in failed:
        with pytest.raises(DiskFull):
            future.result()
    monkeypatch.undo()
    storage.ingest(target, [{"id": "c"}])

    assert documents_of(storage, target).keys() == {"c"}


def test_an_interrupted_writer_leaves_the_others_their_turn(storage: Storage, target: ObjectInfo, monkeypatch):
    store = storage._folder.store
    assert isinstance(store, LocalStore)
    steps = store.step

    def interrupted(action: str, path: Path) -> None:
        if action == "create":
            monkeypatch.setattr(storage._folder.store, "step", steps)
            raise KeyboardInterrupt
        steps(action, path)

    (first,) = at_once(
        storage,
        lambda: storage.ingest(target, [{"id": "a"}]),
        before_the_rest=lambda: monkeypatch.setattr(storage._folder.store, "step", interrupted),
    )
    with pytest.raises(KeyboardInterrupt):
        first.result()
    storage.ingest(target, [{"id": "b"}])

    assert documents_of(storage, target).keys() == {"b"}
    assert not storage._writer._commits._queue


def test_a_lock_that_another_process_keeps_is_said_to_all_who_waited(tmp_path: Path):
    settings = Settings(lock_wait_s=0.3)
    with (
        Storage.open(tmp_path / "db", create=True, settings=settings) as storage,
        Storage.open(tmp_path / "db", settings=settings) as other,
        ThreadPoolExecutor(3) as threads,
    ):
        target = storage.create_object("project_logs", "p")
        with other._folder.numbers.turn():
            futures = [threads.submit(storage.ingest, target, [{"id": str(number)}]) for number in range(3)]
            for future in futures:
                with pytest.raises(Locked, match="write lock"):
                    future.result()
        storage.ingest(target, [{"id": "after"}])

        assert documents_of(storage, target).keys() == {"after"}
