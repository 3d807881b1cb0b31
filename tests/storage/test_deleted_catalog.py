"""What the catalog knows of deletes and policies, in each of the databases it may be in."""

from __future__ import annotations

import numpy as np
import pytest
from storage_support.catalogs import Opener

from btql_storage.catalog import Assignment, Catalog, NewPart, ObjectInfo, Swap
from btql_storage.catalog.deleted import WaitingPurge
from btql_storage.errors import UnknownObject
from btql_storage.part.format import PartStats

STATS = PartStats(10, 100, 0, 1, 2, 3, "p0", "p1")


@pytest.fixture
def catalog(open_catalog: Opener) -> Catalog:
    return open_catalog()


def filled(catalog: Catalog, name: str, xact_id: int) -> tuple[ObjectInfo, int]:
    """Return an object with a part and a waiting event."""
    target = catalog.create_object("dataset", name)
    segment = catalog.new_segment(target.id)
    upto = catalog.processed_upto()
    one = Assignment(xact_id, segment.id, np.array([0, 1], dtype=np.int64), 10)
    catalog.commit_processed(upto, xact_id, [one])
    part = catalog.next_part_id()
    new = NewPart(part, STATS, {"rows": 7, "keys": 3})
    catalog.commit_swap(Swap(target.id, segment.id, [new], {}, (), (), ()), 50)
    return target, part


def test_a_deleted_object_has_nothing_and_its_name_is_free(catalog: Catalog):
    target, part = filled(catalog, "a", 7)
    other, _ = filled(catalog, "b", 8)
    catalog.deleted.delete_object(target.id, 9, 100)

    assert catalog.objects() == [other]
    view = catalog.view(target.id)
    assert (view.parts, view.assignments, view.deleted_upto, view.compacted_upto) == ([], [], 9, 9)
    assert catalog.done_files(100) == [7]
    assert catalog.deleted.replaced_parts(target.id) == {part: 10}
    assert catalog.deleted.upto() == {target.id: 9}
    assert catalog.deleted.waiting() == {target.id: WaitingPurge(1, 100)}
    assert catalog.deleted.with_files() == {target.id, other.id}
    (gone,) = catalog.deleted.objects()
    assert (gone.object, gone.deleted_at, gone.deleted_upto, gone.purged_at) == (target, 100, 9, None)
    assert catalog.deleted.deleted("dataset", "a") == gone
    assert catalog.deleted.deleted("dataset", "b") is None
    assert catalog.deleted.find("dataset", "a") == target
    with pytest.raises(UnknownObject, match="never was an object `dataset:c`"):
        catalog.deleted.find("dataset", "c")

    catalog.forget(files=[7], parts=[part])
    catalog.deleted.note_purged([target.id, other.id], 200)

    assert [one.purged_at for one in catalog.deleted.objects()] == [200]
    assert catalog.deleted.waiting() == {}
    assert catalog.create_object("dataset", "a") == target
    assert catalog.deleted.objects() == []
    assert catalog.view(target.id).deleted_upto == 9


def test_an_object_is_there_again_when_later_events_are_processed(catalog: Catalog):
    target, _ = filled(catalog, "a", 7)
    segment = catalog.segments(target.id)[0]
    catalog.deleted.delete_object(target.id, 9, 100)
    one = Assignment(12, segment.id, np.array([0], dtype=np.int64), 10)
    catalog.commit_processed(7, 12, [one], [10, 11], 120)

    assert catalog.objects() == [target]
    assert catalog.done_files(120) == [7, 10, 11]


def test_parts_with_deleted_rows_are_known_until_their_files_are_gone(catalog: Catalog):
    target, part = filled(catalog, "a", 7)
    for now_s in (100, 200):
        marks = Swap(target.id, 1, (), {}, (), (), (), keeps_history=True, deleted=frozenset({part}))
        catalog.commit_swap(marks, now_s)
    assert [one.purge_since for one in catalog.view(target.id).parts] == [100]
    catalog.commit_swap(Swap(target.id, 1, (), {}, [part], (), (), keeps_history=True), 300)

    assert catalog.deleted.waiting() == {target.id: WaitingPurge(1, 100)}
    catalog.forget(parts=[part])
    assert catalog.deleted.waiting() == {}


def test_policies(catalog: Catalog):
    catalog.deleted.put_policy('dataset:100 % "x"', {"rows": 5})
    catalog.deleted.put_policy("dataset", {"rows": 4})
    catalog.deleted.put_policy("dataset", {"age_s": 3})
    catalog.put_setting("retentions", "not one")

    assert catalog.deleted.policies() == {"dataset": {"age_s": 3}, 'dataset:100 % "x"': {"rows": 5}}
    catalog.deleted.put_policy("dataset", None)
    assert list(catalog.deleted.policies()) == ['dataset:100 % "x"']


def test_scrubbing_changes_nothing(catalog: Catalog):
    target, part = filled(catalog, "a", 7)
    for thorough in (False, True):
        catalog.scrub(thorough=thorough)
    catalog.deleted.note_versions_gone(target.id, 6)

    assert [one.id for one in catalog.view(target.id).parts] == [part]
    assert catalog.view(target.id).compacted_upto == 6
    assert ("objects", "a") in list(catalog.values())
