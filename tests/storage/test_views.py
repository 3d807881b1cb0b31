"""What is kept of the catalog in memory: within bounds, however many objects are asked for."""

from __future__ import annotations

import gc
from dataclasses import replace
from pathlib import Path

import pytest

import btql
from btql.execution import fields
from btql_storage.folder import VIEWS_SHARE, Settings
from btql_storage.limits import DEFAULT
from btql_storage.store import Storage

_BYTES = 60_000
"""Enough for about a third of the objects."""
NAMES = [f"object {number}" for number in range(20)]


@pytest.fixture(scope="module")
def path(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a database with many objects, of two parts each."""
    path = tmp_path_factory.mktemp("views") / "db"
    with Storage.open(path, create=True) as storage:
        for number, name in enumerate(NAMES):
            target = storage.create_object("dataset", name)
            for value in (0, number):
                storage.ingest(target, [{"id": "a", "input": value}])
                storage.compact(target)
    return path


def settings() -> Settings:
    return Settings(limits=replace(DEFAULT, memory_cache_bytes_max=VIEWS_SHARE * _BYTES))


def test_objects_that_were_asked_for_longest_ago_are_let_go(path: Path):
    with Storage.open(path, settings=settings()) as storage:
        folder = storage._folder
        for _ in range(2):
            for number, name in enumerate(NAMES):
                with storage.snapshot(storage.object("dataset", name)) as snapshot:
                    (part,) = (one.part for one in snapshot.parts if len(one.superseded) < one.part.stats.rows)
                    (row,) = part.rows(part.lookup("id", ["a"]))
                    assert row.fields["input"] == b"%d" % number
        assert 0 < len(folder.catalog.views) < len(NAMES) // 2
        assert storage.views_cache.sizes["views"] <= _BYTES
        assert storage.views_cache.dropped["views"] > len(NAMES)
        assert len(folder.parts._parts) < len(NAMES)


def test_what_is_known_of_an_object_is_kept_until_it_makes_room(path: Path):
    with Storage.open(path, settings=settings()) as storage:
        catalog = storage._folder.catalog
        first, *others = storage.objects()
        kept = catalog.view(first.id)
        assert catalog.view(first.id).parts is kept.parts
        for other in others:
            catalog.view(other.id, 0)
        again = catalog.view(first.id)
        assert again.parts is not kept.parts
        assert [one.id for one in again.parts] == [one.id for one in kept.parts]
        assert again.mark is not kept.mark


def test_a_snapshot_goes_on_with_parts_that_were_let_go(path: Path):
    with Storage.open(path, settings=settings()) as storage:
        first, *others = storage.objects()
        with storage.snapshot(first) as snapshot:
            for other in others:
                storage._folder.catalog.view(other.id)
            parts = [one.part for one in snapshot.parts]
            assert not {part.part_id for part in parts} & storage._folder.parts._parts.keys()
            assert [row.id for part in parts for row in part.rows(part.lookup("id", ["a"]))] == ["a"]


def test_an_object_larger_than_everything_is_kept_while_it_is_the_one_that_is_asked(path: Path):
    few = Settings(limits=replace(DEFAULT, memory_cache_bytes_max=VIEWS_SHARE))
    with Storage.open(path, settings=few) as storage:
        catalog = storage._folder.catalog
        first, second, *_ = storage.objects()
        kept = catalog.view(first.id)
        assert catalog.view(first.id).parts is kept.parts
        catalog.view(second.id)
        assert len(catalog.views) == 1
        assert catalog.view(first.id).parts is not kept.parts


def test_fields_are_added_up_again_only_once_an_object_was_let_go(path: Path):
    gc.collect()
    # Those of other tests stay as long as they are known here.
    others = set(fields._fields)
    with btql.connect(path) as conn:
        conn._database.storage.views_cache.bytes_max = _BYTES
        for _ in range(2):
            for number, name in enumerate(NAMES):
                rows = conn.query(f"SELECT sum(input) AS n FROM dataset('{name}')").rows()
                assert rows == [{"n": number}]
        gc.collect()
        assert 0 < len(set(fields._fields) - others) < len(NAMES)
        known = set(fields._fields)
        conn.query(f"SELECT count(input) FROM dataset('{NAMES[-1]}')").rows()
        assert set(fields._fields) == known
