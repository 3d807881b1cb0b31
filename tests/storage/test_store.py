"""The facade: opening and closing, receipts, objects, status, threads."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path
from threading import Thread

import pytest
from storage_support.reading import documents_of, rows_of

from btql_storage.coordination.numbers import Settled
from btql_storage.errors import BadEvent, Closed, UnknownObject
from btql_storage.store import ObjectInfo, Storage


@pytest.fixture
def storage(quick_path: Path):
    with Storage.open(quick_path, create=True) as opened:
        yield opened


@pytest.fixture
def target(storage: Storage):
    return storage.create_object("project_logs", "x")


def test_what_was_ingested_is_there_after_reopening(quick_path: Path):
    with Storage.open(str(quick_path / "new" / "db"), create=True) as storage:
        receipt = storage.ingest(storage.create_object("dataset", "d"), [{"id": "a", "input": 1}, b'{"id":"b"}'])
    with Storage.open(quick_path / "new" / "db") as storage:
        rows = rows_of(storage, storage.object("dataset", "d"))

    assert receipt.rows == 2
    assert set(rows) == {"a", "b"}
    assert {row.xact_id for row in rows.values()} == {receipt.xact_id}


def test_a_database_may_be_made_where_one_was_begun(quick_path: Path):
    (quick_path / ".new-1-btql.json").write_text("half")
    with Storage.open(quick_path, create=True) as storage:
        assert storage.objects() == []


def test_making_it_again_changes_nothing(storage: Storage, target, quick_path: Path):
    storage.ingest(target, [{"id": "a"}])
    with Storage.open(quick_path, create=True) as again:
        assert set(documents_of(again, target)) == {"a"}


def test_a_bad_event_keeps_its_whole_request_out(storage: Storage, target):
    with pytest.raises(BadEvent) as caught:
        storage.ingest(target, [b'{"id":"a"}', b'{"id":'])

    assert caught.value.index == 1
    assert documents_of(storage, target) == {}
    assert storage.status().wal_files == 0


def test_no_events_are_no_transaction(storage: Storage, target):
    receipt = storage.ingest(target, [])

    assert (receipt.xact_id, receipt.rows) == (0, 0)
    assert storage.status().wal_files == 0


def test_an_object_of_another_database_is_refused(storage: Storage):
    stranger = ObjectInfo(99, "dataset", "elsewhere")
    with pytest.raises(UnknownObject, match="`dataset:elsewhere` is no object of this database"):
        storage.ingest(stranger, [{}])
    with pytest.raises(UnknownObject):
        storage.snapshot(stranger)
    with pytest.raises(UnknownObject, match="see `btql status`"):
        storage.object("dataset", "elsewhere")


def test_a_closed_storage_says_so(quick_path: Path):
    storage = Storage.open(quick_path, create=True)
    target = storage.create_object("dataset", "d")
    storage.close()
    storage.close()
    for call in (storage.objects, storage.compact, storage.status, lambda: storage.snapshot(target)):
        with pytest.raises(Closed, match="the database was closed; open it again"):
            call()


def test_a_forked_process_opens_its_own(storage: Storage, target, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("os.getpid", lambda: -1)
    with pytest.raises(Closed, match="before this process was forked; open it again here"):
        storage.ingest(target, [{"id": "a"}])


def test_a_lost_counter_is_made_good(storage: Storage, target, quick_path: Path):
    first = storage.ingest(target, [{"id": "a"}])
    with Storage.open(quick_path) as other:
        other.ingest(target, [{"id": "b"}])
        second = other.ingest(target, [{"id": "b"}])
        (quick_path / "locks" / "last_xact").unlink()
        # The first process has not seen the last numbers and nothing tells it, but the names of files do.
        third = storage.ingest(target, [{"id": "c"}])

    assert first.xact_id < second.xact_id < third.xact_id


def test_a_row_keeps_its_first_key_and_gets_its_last_transaction(storage: Storage, target):
    first = storage.ingest(target, [{"id": "a"}])
    key = rows_of(storage, target)["a"].pagination_key
    for compacted in (False, True):
        receipt = storage.ingest(target, [{"id": "a", "input": 1}])
        row = rows_of(storage, target)["a"]

        assert row.pagination_key == key
        assert row.xact_id == receipt.xact_id > first.xact_id
        if not compacted:
            storage.compact()


def test_threads_may_ingest_at_once(storage: Storage, target):
    def ingest(first: int) -> None:
        for number in range(first, first + 10):
            storage.ingest(target, [{"id": str(number)}])

    threads = [Thread(target=ingest, args=(first,)) for first in range(0, 100, 10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    rows = rows_of(storage, target)

    assert len(rows) == 100
    assert len({row.pagination_key for row in rows.values()}) == 100


def test_status_counts_what_is_there_and_what_waits(storage: Storage, target):
    storage.create_object("dataset", "empty")
    storage.ingest(target, [{"id": str(number), "input": "x" * 1_000} for number in range(50)])
    before = storage.status()

    assert [one.object.name for one in before.objects] == ["x", "empty"]
    assert (before.parts, before.rows, before.pending_events, before.wal_files) == (0, 0, 50, 1)
    assert before.pending_bytes > 50_000
    assert before.wal_bytes > 0
    assert before.compression_ratio is None

    storage.process()
    assert storage.status().pending_events == 50
    storage.compact()
    storage.ingest(target, [{"id": "0", "_object_delete": True}])
    after = storage.status()

    assert (after.segments, after.parts, after.rows, after.pending_events) == (1, 1, 50, 1)
    assert after.json_bytes > 50_000
    assert set(after.file_bytes) == {"columns", "rows", "keys", "text"}
    assert after.compression_ratio is not None
    storage.compact()
    assert storage.status().rows == 49


def test_status_tells_what_is_replaced_and_not_removed_yet(storage: Storage, target, quick_path: Path):
    for number in range(12):
        storage.ingest(target, [{"id": str(number), "input": "x" * 1_000}])
        storage.compact()
    status = storage.status()

    folders = [*(quick_path / "parts").iterdir()]
    files = [path for folder in folders for path in folder.rglob("*") if path.is_file()]
    assert len(folders) == status.parts + status.replaced_parts > status.parts
    counted = status.replaced_bytes + sum(status.file_bytes.values())
    assert counted == sum(path.stat().st_size for path in files if path.name != "part.json")


def test_processing_stops_at_numbers_that_nobody_here_handed_out(
    storage: Storage, target, monkeypatch: pytest.MonkeyPatch
):
    last = storage.ingest(target, [{"id": "a"}]).xact_id
    asked: list[int] = []
    numbers = storage._folder.numbers
    monkeypatch.setattr(numbers, "check_known", asked.append)
    storage.process()
    assert asked == []
    newest = storage.ingest(target, [{"id": "b"}]).xact_id
    monkeypatch.setattr(numbers, "settling", lambda: nullcontext(Settled(last)))
    storage.process()
    assert asked == [newest]
