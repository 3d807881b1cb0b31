"""One transaction with events of several objects, and rows that name their parent by the id of its row."""

from __future__ import annotations

from typing import Any

import pytest
from storage_support.disks import FailingStore
from storage_support.reading import documents_of

from btql_storage.clock import SYSTEM_CLOCK
from btql_storage.errors import BadEvent, StorageError, UnknownObject
from btql_storage.folder import Folder, Settings
from btql_storage.store import ObjectInfo, Storage

SMALL = Settings(grace_s=0, segment_events=12, job_events=5)


@pytest.fixture
def storage(tmp_path):
    with Storage.open(tmp_path / "db", create=True, settings=SMALL) as opened:
        yield opened


@pytest.fixture
def objects(storage: Storage) -> list[ObjectInfo]:
    return [storage.create_object(kind, "x") for kind in ("project_logs", "experiment", "dataset")]


def test_objects_share_nothing_but_the_transaction(storage: Storage, objects: list[ObjectInfo]):
    events = [{"id": f"r{number}", "input": number} for number in range(30)]
    targets = [objects[number % 3] for number in range(30)]
    receipt = storage.ingest_all(targets, events)
    expected = {target: {f"r{number}" for number in range(place, 30, 3)} for place, target in enumerate(objects)}

    def check() -> None:
        for target in objects:
            documents = documents_of(storage, target)
            assert documents.keys() == expected[target]
            assert all(documents[row_id]["input"] == int(row_id[1:]) for row_id in documents)
            with storage.snapshot(target) as snapshot:
                assert snapshot.xact_id == receipt.xact_id

    check()
    # Half of the objects in parts, half not; then all; then the file is gone.
    for _ in range(3):
        storage.compact_once()
        check()
    storage.compact()
    check()
    assert storage.status().pending_events == 0


def test_the_ids_are_in_the_order_of_the_events(storage: Storage, objects: list[ObjectInfo]):
    receipt = storage.ingest_all([objects[0], objects[1], objects[0]], [{"id": "a"}, {}, {"id": "b"}])

    assert receipt.rows == 3
    assert (receipt.ids[0], receipt.ids[2]) == ("a", "b")
    assert set(documents_of(storage, objects[1])) == {receipt.ids[1]}


def test_a_bad_event_is_named_by_its_place_among_all(storage: Storage, objects: list[ObjectInfo]):
    with pytest.raises(BadEvent) as raised:
        storage.ingest_all([objects[0], objects[1], objects[0]], [{"id": "a"}, {"id": "b"}, {"id": 5}])

    assert (raised.value.index, raised.value.field) == (2, "id")
    assert all(documents_of(storage, target) == {} for target in objects)


def test_an_unknown_object_stops_all(storage: Storage, objects: list[ObjectInfo]):
    unknown = ObjectInfo(99, "dataset", "nowhere")
    with pytest.raises(UnknownObject, match="nowhere"):
        storage.ingest_all([objects[0], unknown], [{"id": "a"}, {"id": "b"}])

    assert documents_of(storage, objects[0]) == {}


def test_keys_can_be_left_out(storage: Storage, objects: list[ObjectInfo]):
    event = {"id": "a", "project_id": "p", "other": 1, "metadata": {"project_id": 2}}
    storage.ingest_all([objects[0]], [event], frozenset({"project_id"}))

    document = documents_of(storage, objects[0])["a"]
    assert "project_id" not in document
    assert document["other"] == 1
    assert document["metadata"] == {"project_id": 2}


def test_a_failing_disk_stores_all_or_nothing(tmp_path):
    """Whichever call to the system fails, either every object has its events or none has."""
    store = FailingStore(tmp_path / "db")
    outcomes: set[int] = set()
    with Storage(Folder.over(store, create=True, read_only=False, settings=SMALL, clock=SYSTEM_CLOCK)) as storage:
        objects = [storage.create_object(kind, "x") for kind in ("project_logs", "dataset")]
        for fail_at in range(1, 100):
            store.steps.clear()
            store.fail_at, store.failed = fail_at, False
            try:
                storage.ingest_all(objects, [{"id": f"{fail_at}"}] * 2)
            except StorageError:
                assert store.failed
            store.fail_at = 0
            counts = [f"{fail_at}" in documents_of(storage, target) for target in objects]
            assert counts[0] == counts[1] == (not store.failed)
            outcomes.add(sum(counts))
            if not store.failed:
                break
    assert outcomes == {0, 2}


@pytest.mark.parametrize("compacted", [False, True])
def test_a_parent_is_found_where_it_is(storage: Storage, objects: list[ObjectInfo], compacted: bool):
    target = objects[0]
    storage.ingest(target, [{"id": "root", "span_id": "s", "root_span_id": "t"}, {"id": "old", "root_span_id": "u"}])
    storage.ingest(target, [{"id": "root", "span_id": "s2", "root_span_id": "t2"}])
    if compacted:
        storage.compact()
    storage.ingest(
        target,
        [
            {"id": "child", "_parent_id": "root", "root_span_id": "ignored", "span_parents": ["ignored"]},
            {"id": "new", "span_id": "n", "root_span_id": "v"},
            {"id": "of new", "_parent_id": "new", "span_id": "x"},
            {"id": "of of new", "_parent_id": "of new"},
            {"id": "old", "_is_merge": True, "_parent_id": "root", "input": 1},
            {"id": "of old", "_parent_id": "old"},
        ],
    )
    if compacted:
        storage.compact()
    documents = documents_of(storage, target)

    def place(row_id: str) -> tuple[str, Any]:
        return documents[row_id]["root_span_id"], documents[row_id].get("span_parents")

    assert place("child") == ("t2", ["s2"])
    assert place("of new") == ("v", ["n"])
    assert place("of of new") == ("v", ["x"])
    assert place("old") == ("u", None)
    assert place("of old") == ("u", ["old"])


@pytest.mark.parametrize(
    "events",
    [
        [{"id": "a", "_parent_id": "nobody"}],
        [{"id": "a", "_parent_id": "a"}],
        [{"id": "a", "_parent_id": "b"}, {"id": "b"}],
        [{"id": "b"}, {"id": "b", "_object_delete": True}, {"id": "a", "_parent_id": "b"}],
        [{"id": "a", "_parent_id": ""}],
        [{"id": "a", "_parent_id": 5}],
    ],
)
def test_a_parent_that_is_not_there_is_an_error(
    storage: Storage, objects: list[ObjectInfo], events: list[dict[str, Any]]
):
    with pytest.raises(BadEvent, match="_parent_id") as raised:
        storage.ingest(objects[0], events)

    assert events[raised.value.index].get("_parent_id") is not None
    assert documents_of(storage, objects[0]) == {}


def test_a_parent_is_of_the_same_object(storage: Storage, objects: list[ObjectInfo]):
    storage.ingest(objects[0], [{"id": "root"}])
    with pytest.raises(BadEvent, match="no row `root`"):
        storage.ingest_all([objects[0], objects[1]], [{"id": "x"}, {"id": "child", "_parent_id": "root"}])
    storage.ingest_all(objects[:2], [{"id": "child", "_parent_id": "root"}, {"id": "root"}])

    assert documents_of(storage, objects[0])["child"]["span_parents"] == ["root"]
