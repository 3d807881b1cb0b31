"""Parts of a few rows have no text index: their documents are searched, and find the same."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from sys import getsizeof
from typing import Any

import pytest
from storage_support.reading import documents_of

from btql_storage.care.facade import check_database, repair_database, restore_database
from btql_storage.care.findings import Kind
from btql_storage.catalog import ObjectInfo
from btql_storage.errors import NewerFormat
from btql_storage.folder import Settings
from btql_storage.part import files, manifest, writer
from btql_storage.part.reader import Part
from btql_storage.store import Storage
from btql_storage.text.probe import AllOf, AnyOf, Phrase, Piece, TextProbe, Without, Word

DAY = "2026-01-01T00:00:00Z"
SETTINGS = Settings(grace_s=0, wal_grace_s=0)
TEXTS: list[Any] = [
    "The rain in Spain", {"role": "user", "content": ["rain", "in spain", 404]}, None, "in the rain", "東京 rain", "",
]  # fmt: skip
RAIN, SPAIN = Phrase("input", ("rain",)), Phrase("input", ("in", "spain"))
PROBES: list[TextProbe] = [
    RAIN, SPAIN, Phrase("input", ("京", "rain")), Phrase("input", ("404",)), Phrase("input", ()),
    Phrase("output", ("a",)), AllOf((RAIN, SPAIN)), AnyOf((SPAIN, Phrase("input", ("東",)))),
    AllOf((RAIN, Without(SPAIN))),
]  # fmt: skip


@pytest.fixture(autouse=True)
def _some_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(writer, "INDEXED_FROM_BYTES", 10_000)


def fill(storage: Storage, name: str, more: str = "") -> ObjectInfo:
    target = storage.create_object("project_logs", name)
    events = [{"id": str(n), "created": DAY, "input": text, "output": more} for n, text in enumerate(TEXTS)]
    storage.ingest(target, events)
    storage.compact()
    return target


def part_of(storage: Storage, target: ObjectInfo) -> Part:
    with storage.snapshot(target) as snapshot:
        return max((entry.part for entry in snapshot.parts), key=lambda part: part.stats.rows)


def has_index(path: Path, part: Part) -> bool:
    return (path / "parts" / part.name.rpartition("/")[2] / "text").exists()


def test_documents_answer_as_an_index_does(quick_path: Path) -> None:
    with Storage.open(quick_path, create=True) as storage:
        few = part_of(storage, fill(storage, "few"))
        many = part_of(storage, fill(storage, "many", "b" * 4_000))
        assert (few.has_text_index, has_index(quick_path, few)) == (False, False)
        assert (many.has_text_index, has_index(quick_path, many)) == (True, True)
        for probe in PROBES:
            rows, indexed = few.texts.find(probe).rows, many.texts.find(probe).rows
            assert rows is not None
            assert indexed is not None
            assert list(rows) == list(indexed)
            assert few.texts.count(probe) == many.texts.count(probe) == len(rows)
        assert few.texts.find(RAIN).rows is not None
        # Only a dictionary knows what begins like this; whoever asks checks all rows.
        assert few.texts.find(Word("input", (Piece(("r", "a"), starts=True, ends=False),))).rows is None


def test_an_index_begins_once_there_is_enough_for_one(quick_path: Path) -> None:
    with Storage.open(quick_path, create=True, settings=SETTINGS) as storage:
        target = fill(storage, "x")
        assert not part_of(storage, target).has_text_index
        storage.ingest(target, [{"id": f"n{n}", "created": DAY, "input": f"rain {n} " * 50} for n in range(100)])
        storage.compact()
        part = part_of(storage, target)
        assert part.has_text_index
        assert part.texts.count(RAIN) == 100


def test_what_was_made_of_documents_is_kept_within_the_budget(quick_path: Path) -> None:
    with Storage.open(quick_path, create=True) as storage:
        part = part_of(storage, fill(storage, "x"))
        part.texts.find(RAIN)
        # Each of the texts takes as much as any string does, beside its few characters.
        assert storage.cache.sizes["texts"] > len(TEXTS) * getsizeof("")
        part.close()
        assert storage.cache.sizes["texts"] == 0
        assert part.texts.count(RAIN) == 4


def test_it_is_checked_backed_up_and_repaired(quick_path: Path) -> None:
    path, backups, copy = quick_path / "db", quick_path / "backups", quick_path / "copy"
    with Storage.open(path, create=True) as storage:
        target = fill(storage, "x")
        before = documents_of(storage, target)
        storage.care.backup(backups)
    assert check_database(path, deep=True).findings == []
    restore_database(backups, copy)
    for catalog in copy.glob("catalog.sqlite*"):
        catalog.unlink()
    repair_database(copy)
    assert check_database(copy, deep=True).findings == []
    with Storage.open(copy) as storage:
        target = storage.object("project_logs", "x")
        assert documents_of(storage, target) == before
        assert not part_of(storage, target).has_text_index
        assert part_of(storage, target).texts.count(RAIN) == 4


@pytest.mark.parametrize("sizes", ["{}", "no JSON"])
def test_where_only_the_catalog_forgot_that_there_is_no_index_the_part_is_not_damaged(
    quick_path: Path, sizes: str
) -> None:
    with Storage.open(quick_path, create=True) as storage:
        fill(storage, "x")
    with closing(sqlite3.connect(quick_path / "catalog.sqlite")) as connection, connection:
        connection.execute("update parts set file_bytes = ?", (sizes.encode(),))
    assert {one.kind for one in check_database(quick_path, deep=True, mark=False).findings} == {Kind.CATALOG}


def test_one_that_every_part_has_an_index_in_says_that_it_is_too_old(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Storage.open(quick_path, create=True) as storage:
        fill(storage, "x")
    for module in (files, manifest):
        monkeypatch.setattr(module, "FORMAT_VERSION", 2)
    with Storage.open(quick_path) as storage, pytest.raises(NewerFormat, match="format 6"):
        documents_of(storage, storage.object("project_logs", "x"))
