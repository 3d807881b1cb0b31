"""The catalog: whole transactions, and no step that was overtaken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from btql_storage.catalog import Assignment, Catalog, NewPart, Swap
from btql_storage.errors import Locked, UnknownObject
from btql_storage.part.format import PartStats
from btql_storage.stores.local import LocalStore

STATS = PartStats(10, 100, 0, 1, 2, 3, "p0", "p1")


def rows(*numbers: int):
    return np.array(numbers, dtype=np.int64)


@pytest.fixture
def catalog(quick_path: Path):
    opened = Catalog.sqlite(LocalStore(quick_path), "catalog.sqlite", read_only=False, wait_s=1)
    yield opened
    opened.close()


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
    assert catalog.pending() == {1: (3, 300)}
    assert [segment.events for segment in catalog.segments(1)] == [3]


def test_processing_the_same_files_twice_is_refused(catalog: Catalog):
    one = prepared(catalog)
    with pytest.raises(Locked):
        catalog.commit_processed(0, 7, [one])

    assert catalog.pending() == {1: (3, 300)}


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


def test_part_ids_are_never_given_twice(catalog: Catalog, quick_path: Path):
    first = catalog.next_part_id()
    again = Catalog.sqlite(LocalStore(quick_path), "catalog.sqlite", read_only=False, wait_s=1)

    assert again.next_part_id() > first
    again.close()


def test_a_reader_sees_what_another_process_writes(catalog: Catalog, quick_path: Path):
    reader = Catalog.sqlite(LocalStore(quick_path), "catalog.sqlite", read_only=True, wait_s=1)
    catalog.create_object("dataset", "d")

    assert [one.name for one in reader.objects()] == ["d"]
    reader.close()


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


def test_a_locked_catalog_is_one_clear_line(catalog: Catalog, quick_path: Path):
    other = Catalog.sqlite(LocalStore(quick_path), "catalog.sqlite", read_only=False, wait_s=0.01)
    with catalog.database.writing(), pytest.raises(Locked, match="database is locked; wait for the other process"):
        other.create_object("dataset", "d")
    other.close()
