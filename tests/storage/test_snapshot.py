"""Snapshots: the order that neither misses nor repeats a write, whatever happens in between."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest
from storage_support.reading import documents_of, snapshot_rows

from btql_storage.catalog import Catalog
from btql_storage.errors import Damaged
from btql_storage.folder import Folder, Settings
from btql_storage.format import wal_name
from btql_storage.store import Storage

DAY = "2026-01-01T00:00:00Z"


def wal_path(storage: Storage, number: int) -> Path:
    return storage._folder.store.file(f"wal/{wal_name(number)}")


@pytest.fixture
def storage(quick_path: Path):
    with Storage.open(quick_path, create=True) as opened:
        yield opened


@pytest.fixture
def target(storage: Storage):
    return storage.create_object("project_logs", "x")


def put(storage: Storage, target, *ids: str) -> int:
    return storage.ingest(target, [{"id": row_id, "created": DAY} for row_id in ids]).xact_id


def ids_of(storage: Storage, target) -> list[str]:
    with storage.snapshot(target) as snapshot:
        return sorted(row.id for row in snapshot_rows(snapshot))


@pytest.mark.parametrize("done", ["nothing", "process", "compact", "compact twice"])
def test_what_happens_between_listing_and_catalog_is_no_matter(
    storage: Storage, target, monkeypatch: pytest.MonkeyPatch, done: str
):
    put(storage, target, "a", "b")
    put(storage, target, "c")
    view = Catalog.view

    def meanwhile(catalog: Catalog, object_id: int, history_after: int | None = None):
        monkeypatch.setattr(Catalog, "view", view)
        later = put(storage, target, "later", "even later")
        if done == "process":
            storage.process()
        elif done.startswith("compact"):
            storage.compact()
        if done == "compact twice":
            put(storage, target, "last")
            storage.compact()
        assert later
        return view(catalog, object_id, history_after)

    monkeypatch.setattr(Catalog, "view", meanwhile)
    found = ids_of(storage, target)

    assert [one for one in found if len(one) == 1] == ["a", "b", "c"]
    # What came after the listing is seen as a whole or not at all.
    assert ("later" in found) == ("even later" in found) == (done != "nothing")


def test_a_half_compacted_request_is_seen_as_a_whole(quick_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Storage.open(quick_path, create=True, settings=Settings(job_events=2)) as storage:
        target = storage.create_object("project_logs", "x")
        view = Catalog.view

        def meanwhile(catalog: Catalog, object_id: int, history_after: int | None = None):
            monkeypatch.setattr(Catalog, "view", view)
            put(storage, target, "a", "b", "c")
            storage.compact_once()
            return view(catalog, object_id, history_after)

        monkeypatch.setattr(Catalog, "view", meanwhile)

        assert ids_of(storage, target) == ["a", "b", "c"]


def test_a_request_that_is_taken_back_is_not_missed(storage: Storage, target, monkeypatch: pytest.MonkeyPatch):
    put(storage, target, "a")
    number = put(storage, target, "b")
    view = Catalog.view

    def meanwhile(catalog: Catalog, object_id: int, history_after: int | None = None):
        wal_path(storage, number).unlink(missing_ok=True)
        return view(catalog, object_id, history_after)

    monkeypatch.setattr(Catalog, "view", meanwhile)

    assert ids_of(storage, target) == ["a"]


def test_a_file_that_is_missing_for_good_is_an_error(storage: Storage, target):
    number = put(storage, target, "a")
    storage.process()
    wal_path(storage, number).unlink()
    with pytest.raises(Damaged, match="is missing or damaged"):
        storage.snapshot(target)


def test_a_snapshot_says_up_to_which_transaction_it_sees(storage: Storage, target):
    with storage.snapshot(target) as snapshot:
        assert snapshot.xact_id == 0
        assert (list(snapshot.parts), list(snapshot.tail)) == ([], [])
    for _ in range(2):
        number = put(storage, target, "a")
        with storage.snapshot(target) as snapshot:
            assert snapshot.xact_id == number
            assert snapshot.object == target
        storage.compact()
        with storage.snapshot(target) as snapshot:
            assert snapshot.xact_id == number


def test_a_snapshot_pins_its_parts_until_it_is_closed(storage: Storage, target):
    folder: Folder = storage._folder
    put(storage, target, "a")
    storage.compact()
    first, second = storage.snapshot(target), storage.snapshot(target)
    first.close()
    first.close()

    assert folder.parts.pinned() == {second.parts[0].part.part_id}
    second.close()
    assert folder.parts.pinned() == set()


def test_readers_in_threads_see_whole_requests_while_everything_goes_on(quick_path: Path):
    settings = Settings(segment_events=20, job_events=7)
    with Storage.open(quick_path, create=True, settings=settings) as storage:
        target = storage.create_object("project_logs", "x")
        acknowledged: list[int] = []
        problems: list[BaseException] = []
        done: list[bool] = []

        def guarded(work: Callable[[], None]) -> Thread:
            def run() -> None:
                try:
                    work()
                except BaseException as error:  # noqa: BLE001  shown by the test
                    problems.append(error)

            thread = Thread(target=run)
            thread.start()
            return thread

        def write() -> None:
            for number in range(40):
                events = [{"id": f"{number}/{one}", "root_span_id": f"t{one}", "created": DAY} for one in range(3)]
                storage.ingest(target, [*events, {"id": "counter", "_is_merge": True, "metadata": {str(number): 1}}])
                acknowledged.append(number)
            done.append(True)

        def compact() -> None:
            while not done:
                storage.compact()

        def read() -> None:
            while not done:
                before = set(acknowledged)
                documents = documents_of(storage, target)
                counted = {int(one) for one in documents.get("counter", {}).get("metadata", {})}
                assert before <= counted
                expected = {f"{number}/{one}" for number in counted for one in range(3)}
                assert set(documents) - {"counter"} == expected

        threads = [guarded(work) for work in (write, compact, read, read)]
        for thread in threads:
            thread.join()

        assert problems == []
        assert len(documents_of(storage, target)) == 121


@pytest.mark.parametrize("reads_meanwhile", [False, True])
def test_parts_that_another_process_replaced_are_let_go_of(tmp_path: Path, reads_meanwhile: bool):
    def removed_but_mapped() -> list[str]:
        lines = Path("/proc/self/maps").read_text().splitlines()
        return [line for line in lines if str(tmp_path) in line and line.endswith("(deleted)")]

    at_once = Settings(grace_s=0)
    with (
        Storage.open(tmp_path / "db", create=True, settings=at_once) as writer,
        Storage.open(tmp_path / "db") as reader,
    ):
        target = writer.create_object("project_logs", "p")
        for number in range(3):
            writer.ingest(target, [{"id": "a", "root_span_id": "t", "input": f"word {number}"}])
            snapshot = reader.snapshot(target) if reads_meanwhile and number else None
            writer.compact()
            assert documents_of(reader, target)["a"]["input"] == f"word {number}"
            if snapshot is not None:
                assert [row.fields["input"] for row in snapshot_rows(snapshot)] == [f'"word {number}"'.encode()]
                snapshot.close()
        assert removed_but_mapped() == []
