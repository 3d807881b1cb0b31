"""What the catalog says there is to do, in each of its databases: what looking at each object would say."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from random import Random

import numpy as np
import pytest
from storage_support.catalogs import Opener

from btql_storage.catalog import Assignment, Catalog, LivePart, NewPart, ObjectInfo, PartInfo, PartSize, Swap
from btql_storage.compaction.policy import MERGE_LITTLE_MIN, Limits, choose_parts
from btql_storage.kinds import Kind
from btql_storage.part.format import PartStats, PathStats
from btql_storage.store import Storage

PATHS = {("metadata", f"a long name of a field {number}"): PathStats({Kind.TEXT: 1}) for number in range(100)}
STATS = PartStats(10, 100, 0, 1, 2, 3, "p0", "p1", PATHS)


def rows(count: int):
    return np.arange(count, dtype=np.int64)


def size_of(part: PartInfo) -> PartSize:
    return PartSize(part.id, part.segment_id, part.rows, part.rows_current, part.stats.json_bytes, part.purge_since)


def filled(catalog: Catalog, dice: Random) -> None:
    """Make objects with parts of all kinds, in segments with few and with many, and delete some."""
    for number in range(12):
        target = catalog.create_object("experiment", f"e{number}")
        for _ in range(dice.randrange(3)):
            segment_id = catalog.new_segment(target.id).id
            for _ in range(dice.choice([1, 2, 4, 5])):
                stats = replace(STATS, rows=dice.choice([10, 10, 80]), json_bytes=dice.choice([100, 5 << 20]))
                until = dice.choice([None, None, np.full(stats.rows, 9, np.int64)])
                new = NewPart(catalog.next_part_id(), stats, {"columns": dice.randrange(1, 9), "rows": 3}, until)
                swap = Swap(target.id, segment_id, [new], {}, (), (), (), keeps_history=True)
                catalog.commit_swap(swap, 1)
                gone = rows(dice.choice([0, 0, 0, 2, 5]))
                deleted = frozenset([new.id] if dice.random() < 0.1 else [])
                more = Swap(target.id, segment_id, (), {new.id: gone}, (), (), (), keeps_history=True, deleted=deleted)
                catalog.commit_swap(more, dice.choice([5, 50]))
                if dice.random() < 0.1:
                    catalog.quarantine(new.id, "torn")
                if dice.random() < 0.1:
                    catalog.commit_swap(Swap(target.id, segment_id, (), {}, [new.id], (), ()), 7)
        if dice.random() < 0.2:
            catalog.deleted.delete_object(target.id, 3, 7)


@pytest.mark.parametrize("seed", range(6))
def test_the_parts_to_write_anew_are_those_that_the_views_show(open_catalog: Opener, seed: int):
    catalog = open_catalog()
    filled(catalog, Random(seed))
    for limits in (Limits(1_000, 20 << 20, 10), Limits(60, 6 << 20, 0)):
        for past in (False, True):
            found = catalog.work.uneven(MERGE_LITTLE_MIN, past=past)
            shown: dict[ObjectInfo, tuple[int, ...]] = {}
            for target in catalog.objects():
                view = catalog.view(target.id, 0)
                parts = [one.part for one in view.history] if past else view.parts
                shown[target] = choose_parts([size_of(part) for part in parts if not part.quarantined], limits)
                assert catalog.work.uneven(MERGE_LITTLE_MIN, target.id, past=past).get(target) == found.get(target)
            chosen = {target: choose_parts(sizes, limits) for target, sizes in found.items()}
            assert {target: one for target, one in chosen.items() if one} == {
                target: one for target, one in shown.items() if one
            }


@pytest.mark.parametrize("seed", range(3))
def test_live_parts_are_those_that_the_views_show(open_catalog: Opener, seed: int):
    catalog = open_catalog()
    filled(catalog, Random(seed))
    shown: dict[int, list[LivePart]] = {}
    for target in catalog.objects():
        view = catalog.view(target.id, 0)
        parts = [(part, False) for part in view.parts] + [(one.part, True) for one in view.history]
        shown[target.id] = [
            LivePart(part.rows, part.rows_current, part.stats.json_bytes, part.file_bytes, is_past)
            for part, is_past in parts
        ]
    assert any(one.is_past for parts in shown.values() for one in parts)
    found = catalog.work.live()

    assert {object_id: sorted(found.get(object_id, []), key=str) for object_id in shown} == {
        object_id: sorted(parts, key=str) for object_id, parts in shown.items()
    }


def test_a_status_looks_at_no_object_by_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Storage.open(tmp_path, create=True) as storage:
        for name in "ab":
            storage.ingest(storage.create_object("dataset", name), [{"id": "1"}, {"id": "2"}])
        storage.compact()
        storage.ingest(storage.object("dataset", "a"), [{"id": "1", "input": "new"}])
        storage.compact()
        with monkeypatch.context() as patched:
            patched.setattr(Catalog, "view", None)
            status = storage.status()

    assert [(one.object.name, one.parts, one.rows, one.history_rows) for one in status.objects] == [
        ("a", 2, 2, 1),
        ("b", 1, 2, 0),
    ]


def test_the_object_that_waits_longest_comes_first(open_catalog: Opener):
    catalog = open_catalog()
    a, b, _ = (catalog.create_object("dataset", name) for name in "abc")
    first, second, third = (catalog.new_segment(one.id).id for one in (a, b, a))
    assert catalog.work.waiting() == []
    assigned = [(8, first), (7, second), (9, third), (9, second)]
    catalog.commit_processed(0, 9, [Assignment(xact_id, segment_id, rows(1), 5) for xact_id, segment_id in assigned])
    assert catalog.work.waiting() == [b, a]
    assert catalog.work.waiting(a.id) == [a]
    catalog.deleted.delete_object(b.id, 9, 1)
    assert catalog.work.waiting() == [a]


def test_objects_without_work_are_not_looked_at(quick_path: Path):
    with Storage.open(quick_path / "db", create=True) as storage:
        targets = [storage.create_object("project_logs", f"p{number}") for number in range(10)]
        for target in targets:
            storage.ingest(target, [{"id": "a"}])
        storage.compact()
    with Storage.open(quick_path / "db") as storage:
        assert not storage.compact_once()
        assert len(storage._folder.catalog.views) == 0
        storage.ingest(targets[3], [{"id": "b"}])
        storage.views_cache.bytes_max = 1 << 20
        assert storage.compact_once()
        assert not storage.compact_once()
        assert len(storage._folder.catalog.views) == 1
