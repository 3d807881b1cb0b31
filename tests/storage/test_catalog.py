"""The catalog, in each of the databases it may be in: whole transactions, and no step that was overtaken."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from storage_support.catalogs import Opener

from btql_storage.catalog import Assignment, Catalog, NewPart, Swap
from btql_storage.errors import Locked, StorageError, UnknownObject
from btql_storage.part.format import PartStats
from btql_storage.stores.local import LocalStore

STATS = PartStats(10, 100, 0, 1, 2, 3, "p0", "p1")


def rows(*numbers: int):
    return np.array(numbers, dtype=np.int64)


@pytest.fixture
def catalog(open_catalog: Opener) -> Catalog:
    return open_catalog()


def swap(catalog: Catalog, **changes: Any) -> Swap:
    values: dict[str, Any] = {
        "object_id": 1,
        "segment_id": 1,
        "new_parts": (),
        "superseded": {},
        "replaced": (),
        "taken": (),
        "left": (),
    }
    return Swap(**(values | changes))


def prepared(catalog: Catalog) -> Assignment:
    """Return the assignment of a file's three events."""
    target = catalog.create_object("dataset", "d")
    segment = catalog.new_segment(target.id)
    one = Assignment(7, segment.id, rows(0, 1, 2), 300)
    catalog.commit_processed(0, 7, [one])
    return one


def test_objects_have_one_id_for_kind_and_name(catalog: Catalog):
    first = catalog.create_object("dataset", "a")

    assert catalog.create_object("dataset", "a") == first
    assert catalog.create_object("experiment", "a") != first
    assert catalog.object("dataset", "a") == first
    assert [one.kind for one in catalog.objects()] == ["dataset", "experiment"]
    with pytest.raises(UnknownObject, match="there is no object `dataset:b`"):
        catalog.object("dataset", "b")


def test_processing_is_seen_at_once_and_counted(catalog: Catalog):
    one = prepared(catalog)
    view = catalog.view(1)

    assert view.processed_upto == 7
    assert [(a.xact_id, a.segment_id, a.rows.tolist(), a.json_bytes) for a in view.assignments] == [
        (7, one.segment_id, [0, 1, 2], 300)
    ]
    assert catalog.pending() == {1: (3, 300, 7)}
    assert [segment.events for segment in catalog.segments(1)] == [3]


def test_processing_the_same_files_twice_is_refused(catalog: Catalog):
    one = prepared(catalog)
    with pytest.raises(Locked):
        catalog.commit_processed(0, 7, [one])

    assert catalog.pending() == {1: (3, 300, 7)}


def test_a_swap_changes_everything_together(catalog: Catalog):
    one = prepared(catalog)
    part = catalog.next_part_id()
    left = Assignment(7, one.segment_id, rows(2), 100)
    catalog.commit_swap(swap(catalog, new_parts=[NewPart(part, STATS, {"rows": 5})], taken=[one], left=[left]), 50)
    view = catalog.view(1)

    assert [(p.id, p.rows, p.file_bytes) for p in view.parts] == [(part, 10, {"rows": 5})]
    assert view.parts[0].stats == STATS
    assert [a.rows.tolist() for a in view.assignments] == [[2]]
    assert catalog.done_files(1000) == []

    catalog.commit_swap(swap(catalog, taken=[left], superseded={part: rows(3, 1)}), 60)
    catalog.commit_swap(swap(catalog, superseded={part: rows(1, 9)}), 61)
    view = catalog.view(1)

    assert view.parts[0].superseded.tolist() == [1, 3, 9]
    assert view.parts[0].rows_current == 7
    assert view.assignments == []
    assert catalog.done_files(59) == []
    assert catalog.done_files(60) == [7]


@pytest.mark.parametrize("stale", ["taken", "replaced", "superseded"])
def test_a_swap_that_was_overtaken_changes_nothing(catalog: Catalog, stale: str):
    one = prepared(catalog)
    part, other = catalog.next_part_id(), catalog.next_part_id()
    new = NewPart(part, STATS, {})
    catalog.commit_swap(swap(catalog, new_parts=[new]), 1)
    catalog.commit_swap(swap(catalog, taken=[one], replaced=[part]), 2)
    outdated = {"taken": [one], "replaced": [part], "superseded": {part: rows(1)}}
    with pytest.raises(Locked, match="nothing was changed"):
        catalog.commit_swap(swap(catalog, new_parts=[NewPart(other, STATS, {})], **{stale: outdated[stale]}), 3)

    assert catalog.view(1).parts == []


@pytest.mark.parametrize("takes", [True, False])
def test_a_swap_that_is_repeated_as_its_answer_was_lost_changes_nothing(catalog: Catalog, takes: bool):
    one = prepared(catalog)
    first, second = catalog.next_part_id(), catalog.next_part_id()
    catalog.commit_swap(swap(catalog, new_parts=[NewPart(first, STATS, {})]), 1)
    again = {"taken": [one]} if takes else {"replaced": [first]}
    repeated = swap(catalog, new_parts=[NewPart(second, STATS, {})], **again)
    catalog.commit_swap(repeated, 2)
    with pytest.raises(Locked, match="nothing was changed"):
        catalog.commit_swap(repeated, 3)

    assert [part.id for part in catalog.view(1).parts] == ([first, second] if takes else [second])


def test_a_replaced_part_is_forgotten_when_its_files_are_gone(catalog: Catalog):
    prepared(catalog)
    part = catalog.next_part_id()
    catalog.commit_swap(swap(catalog, new_parts=[NewPart(part, STATS, {})]), 1)
    catalog.commit_swap(swap(catalog, replaced=[part]), 10)

    assert catalog.live_part_ids() == (set(), {part})
    assert catalog.replaced_parts(9) == []
    assert catalog.replaced_parts(10) == [part]
    catalog.forget(parts=[part])
    assert catalog.live_part_ids() == (set(), set())


def test_part_ids_are_never_given_twice(catalog: Catalog, open_catalog: Opener):
    first = catalog.next_part_id()

    assert open_catalog().next_part_id() > first


def test_a_reader_sees_what_another_process_writes(catalog: Catalog, open_catalog: Opener):
    reader = open_catalog(read_only=True)
    assert reader.objects() == []
    one = prepared(catalog)

    assert [one.name for one in reader.objects()] == ["d"]
    assert len(reader.view(1).assignments) == 1
    part = catalog.next_part_id()
    catalog.commit_swap(swap(catalog, new_parts=[NewPart(part, STATS, {})], taken=[one]), 1)
    assert reader.view(1).assignments == []
    assert [one.id for one in reader.view(1).parts] == [part]
    assert reader.view(1).parts is reader.view(1).parts, "what has not changed is not read again"
    catalog.commit_processed(7, 9, [])
    assert reader.view(1).processed_upto == 9
    catalog.quarantine(part, "checksum of `rows`")
    assert [one.quarantined for one in reader.view(1).parts] == ["checksum of `rows`"]
    with pytest.raises(StorageError, match="read"):
        reader.create_object("dataset", "new")


def test_a_locked_catalog_is_one_clear_line(catalog: Catalog, open_catalog: Opener):
    other = open_catalog(wait_s=0.01)
    with catalog.database.writing(), pytest.raises(Locked, match="wait for the other process"):
        other.create_object("dataset", "d")


def test_settings_are_kept(catalog: Catalog, open_catalog: Opener):
    assert catalog.setting("color") is None
    catalog.put_setting("color", "red")
    catalog.put_setting("color", "blue")
    assert open_catalog(read_only=True).setting("color") == "blue"
    catalog.put_setting("color", None)

    assert catalog.setting("color") is None


def test_processing_is_known_by_segment_and_object(catalog: Catalog):
    prepared(catalog)
    other = catalog.create_object("experiment", "e")
    segment = catalog.new_segment(other.id)
    catalog.commit_processed(7, 12, [Assignment(9, 1, rows(0), 10), Assignment(12, segment.id, rows(4, 7), 50)])

    assert catalog.pending() == {1: (4, 310, 7), other.id: (2, 50, 12)}
    assert catalog.segment_counts() == {1: 1, other.id: 1}
    assert [one.events for one in catalog.segments()] == [4, 2]
    assert catalog.history_parts() == {}


def test_rows_of_the_past_are_read_from_where_they_ended(catalog: Catalog):
    one = prepared(catalog)
    now, past = catalog.next_part_id(), catalog.next_part_id()
    until = rows(*range(20, 30))
    parts = [NewPart(now, STATS, {"rows": 1}), NewPart(past, STATS, {"rows": 2}, until)]
    catalog.commit_swap(swap(catalog, new_parts=parts, taken=[one], keeps_history=True), 5)

    assert [part.id for part in catalog.view(1).parts] == [now]
    assert catalog.view(1, 29).history == []
    (found,) = catalog.view(1, 28).history
    assert found.part.id == past
    assert found.until.tolist() == until.tolist()
    assert catalog.history_parts() == {1: 1}
    assert catalog.view(1).compacted_upto == 0


def test_where_no_history_is_kept_versions_end_at_what_is_in_parts(catalog: Catalog):
    one = prepared(catalog)
    catalog.commit_swap(swap(catalog, new_parts=[NewPart(catalog.next_part_id(), STATS, {})], taken=[one]), 5)

    assert catalog.view(1).compacted_upto == 7
    catalog.commit_processed(7, 8, [Assignment(8, 1, rows(1), 5)])
    assert catalog.view(1).compacted_upto == 7


def test_many_parts_are_read_at_once(catalog: Catalog, open_catalog: Opener):
    one = prepared(catalog)
    parts = [NewPart(catalog.next_part_id(), STATS, {"rows": number}) for number in range(3)]
    many = [NewPart(1000 + number, STATS, {}) for number in range(600)]
    catalog.commit_swap(swap(catalog, new_parts=parts + many, taken=[one]), 5)
    view = open_catalog().view(1)

    assert len(view.parts) == 603
    assert {part.stats == STATS for part in view.parts} == {True}


def test_a_transaction_that_fails_leaves_nothing(catalog: Catalog):
    def put(*values: str) -> None:
        with catalog.database.writing() as run:
            for value in values:
                run.execute("insert into settings values ('a', ?)", (value,))
            if len(values) == 1:
                raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        put("b")
    with pytest.raises(StorageError):
        put("b", "c")

    assert catalog.setting("a") is None
    catalog.put_setting("a", "d")
    assert catalog.setting("a") == "d"


def test_writers_in_threads_wait_for_each_other(catalog: Catalog, open_catalog: Opener):
    others = [open_catalog(wait_s=20) for _ in range(3)]
    with ThreadPoolExecutor(6) as threads:
        numbers = list(threads.map(lambda number: others[number % 3].next_part_id(), range(30)))
        objects = list(
            threads.map(lambda number: others[number % 3].create_object("dataset", str(number % 5)), range(30))
        )

    assert sorted(numbers) == list(range(1, 31))
    assert len(set(objects)) == 5


def test_a_reader_may_come_before_the_catalog(quick_path: Path):
    store = LocalStore(quick_path)
    reader = Catalog.sqlite(store, "catalog.sqlite", read_only=True, wait_s=1)
    assert reader.objects() == []
    (quick_path / "catalog.sqlite").touch()
    assert reader.objects() == []
    writer = Catalog.sqlite(store, "catalog.sqlite", read_only=False, wait_s=1)
    writer.create_object("dataset", "d")

    assert [one.name for one in reader.objects()] == ["d"]
    reader.close()
    writer.close()
