"""Every version of an object that keeps its history, read back whatever compaction did meanwhile."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from storage_support.model import Model, Rows
from storage_support.reading import snapshot_rows, to_document

from btql_storage.catalog.shapes import VERSIONED_KINDS
from btql_storage.compaction.policy import MERGE_PARTS_MIN
from btql_storage.errors import VersionGone
from btql_storage.folder import Settings
from btql_storage.store import ObjectInfo, Storage

# Jobs end inside of files, segments are many, and parts are merged soon.
SMALL = Settings(grace_s=0, segment_events=12, job_events=5)
MEMORY = Path("/dev/shm")
DAY = "2026-01-01T00:00:00Z"

ids = st.sampled_from([f"id{number}" for number in range(6)])
values = st.integers(0, 3) | st.dictionaries(st.sampled_from("ab"), st.integers(0, 3), max_size=2)
events = st.fixed_dictionaries(
    {"id": ids, "created": st.integers(1, 5).map(lambda day: f"2026-01-0{day}T00:00:00Z")},
    optional={
        "root_span_id": st.sampled_from(["t1", "t2"]),
        "input": values,
        "metadata": st.dictionaries(st.sampled_from("ab"), st.integers(0, 3), max_size=2),
        "tags": st.lists(st.sampled_from("abc"), max_size=2),
        "_is_merge": st.just(value=True),
        "_object_delete": st.integers(0, 3).map(lambda n: n == 0),
    },
)
actions = st.lists(
    st.lists(events, min_size=1, max_size=6) | st.sampled_from(["process", "job", "compact", "reopen", "look"]),
    min_size=1,
    max_size=24,
)


class Versions:
    """A database, and what its one object held right after each transaction."""

    def __init__(self, folder: Path, kind: str = "dataset", settings: Settings = SMALL) -> None:
        self.folder = folder
        self.kind = kind
        self.settings = settings
        self.model = Model()
        self.known: dict[int, Rows] = {1: {}}
        self.open()

    def open(self) -> None:
        self.storage = Storage.open(self.folder, create=True, settings=self.settings)
        self.target: ObjectInfo = self.storage.create_object(self.kind, "x")

    def ingest(self, batch: list[dict[str, Any]]) -> int:
        receipt = self.storage.ingest(self.target, [json.dumps(event).encode() for event in batch])
        self.model.apply(batch)
        self.known[receipt.xact_id] = self.model.copy().rows
        return receipt.xact_id

    def put(self, *batch: dict[str, Any]) -> int:
        return self.ingest([{"created": DAY, **event} for event in batch])

    def do(self, action: str) -> None:
        match action:
            case "process":
                self.storage.process(limit=1)
            case "job":
                self.storage.compact_once()
            case "compact":
                self.storage.compact()
            case "reopen":
                self.storage.close()
                self.open()
            case _:
                self.check()

    def read(self, version: int | None) -> Rows:
        with self.storage.snapshot(self.target, version) as snapshot:
            rows = snapshot_rows(snapshot)
        documents = {row.id: to_document(row) for row in rows}
        assert len(documents) == len(rows), "an id is there twice"
        return documents

    def check(self) -> None:
        for version, expected in self.known.items():
            assert self.read(version) == expected
        assert self.read(None) == self.model.rows


@pytest.fixture
def db(quick_path: Path):
    opened = Versions(quick_path)
    yield opened
    opened.storage.close()


@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(actions)
def test_any_version_of_any_history_can_be_read(history: list[Any]):
    with TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        db = Versions(Path(folder) / "db")
        try:
            for action in history:
                if isinstance(action, str):
                    db.do(action)
                else:
                    db.ingest(action)
            db.storage.process()
            db.check()
            db.storage.compact()
            db.check()
        finally:
            db.storage.close()


@pytest.mark.parametrize("kind", sorted(VERSIONED_KINDS))
def test_what_one_job_folds_can_be_read_apart(quick_path: Path, kind: str):
    db = Versions(quick_path, kind)
    db.put({"id": "a", "input": 1}, {"id": "b", "input": 1})
    db.put({"id": "a", "metadata": {"x": 1}, "_is_merge": True})
    db.put({"id": "a", "_object_delete": True}, {"id": "c", "input": 3})
    db.put({"id": "a", "input": 4}, {"id": "c", "_object_delete": True})

    db.storage.compact()

    db.check()
    db.storage.close()


def test_history_parts_are_merged(quick_path: Path):
    db = Versions(quick_path, settings=Settings(grace_s=0))
    for number in range(4 * MERGE_PARTS_MIN):
        db.put({"id": "a", "input": number}, {"id": f"b{number}"}, {"id": f"b{number - 2}", "_object_delete": True})
        db.storage.compact()

    parts = db.storage._folder.catalog.view(db.target.id, 0).history
    assert len(parts) < 2 * MERGE_PARTS_MIN
    # Each state of `a` but the last, and each row that was deleted.
    assert sum(one.part.rows for one in parts) == (4 * MERGE_PARTS_MIN - 1) + (4 * MERGE_PARTS_MIN - 2)
    db.check()
    db.storage.close()


def test_rows_written_once_leave_no_history(db: Versions):
    for number in range(3):
        db.put({"id": f"a{number}"})
        db.storage.compact()

    assert db.storage._folder.catalog.view(db.target.id, 0).history == []


def test_what_a_transaction_changes_twice_is_kept_once(db: Versions):
    db.put({"id": "a", "input": 1}, {"id": "a", "input": 2})
    db.put({"id": "a", "input": 3}, {"id": "a", "_object_delete": True}, {"id": "a", "input": 4})
    db.storage.compact()

    (part,) = db.storage._folder.catalog.view(db.target.id, 0).history
    assert part.part.rows == 1
    db.check()


def test_logs_keep_no_history(quick_path: Path):
    db = Versions(quick_path, "project_logs")
    db.put({"id": "a", "input": 1})
    db.put({"id": "a", "input": 2})
    db.storage.compact()

    assert db.storage._folder.catalog.view(db.target.id, 0).history == []
    with pytest.raises(VersionGone):
        db.read(max(db.known) - 1)
    db.storage.close()


def make_old(db: Versions, *, noted: bool) -> None:
    """Turn the catalog into one from before there was history."""
    db.storage.close()
    with sqlite3.connect(db.folder / "catalog.sqlite") as connection:
        connection.execute("delete from parts where until is not null")
        connection.execute("alter table parts drop column until")
        connection.execute("alter table parts drop column until_max")
        connection.execute("alter table parts drop column quarantined")
        connection.execute("alter table parts drop column purge_since")
        connection.execute("drop table settings")
        connection.execute("drop table leases")
        connection.execute(
            "create table old (id integer primary key, kind text not null, name text, unique (kind, name))"
        )
        connection.execute("insert into old select id, kind, name from objects")
        connection.execute("drop table objects")
        connection.execute("alter table old rename to objects")
        if noted:
            upto = max(db.known)
            connection.execute("insert into numbers values (?, ?)", (f"compacted_upto {db.target.id}", upto))
        connection.execute("pragma user_version = 1")
    connection.close()


@pytest.mark.parametrize("noted", [True, False])
def test_history_begins_where_an_older_database_is_first_written(db: Versions, noted: bool):
    first = db.put({"id": "a", "input": 1}, {"id": "b"})
    second = db.put({"id": "a", "input": 2})
    db.storage.compact()
    make_old(db, noted=noted)

    with Storage.open(db.folder, read_only=True) as reading:
        with reading.snapshot(db.target) as snapshot:
            assert {row.id for row in snapshot_rows(snapshot)} == {"a", "b"}
        with pytest.raises(VersionGone):
            reading.snapshot(db.target, first)
        db.open()
        db.put({"id": "a", "input": 3}, {"id": "b", "_object_delete": True})
        db.storage.compact()
        # Whoever had it open since before sees no row of the past.
        with reading.snapshot(db.target) as snapshot:
            assert [row.fields["input"] for row in snapshot_rows(snapshot)] == [b"3"]

    with pytest.raises(VersionGone) as caught:
        db.read(first)
    assert caught.value.oldest == second
    for version in (first, 1):
        del db.known[version]
    db.check()


def test_snapshots_of_the_past_keep_their_files(quick_path: Path):
    db = Versions(quick_path, settings=Settings(grace_s=0))
    first = db.put({"id": "a", "input": 1})
    db.put({"id": "a", "input": 2})
    db.storage.compact()

    with db.storage.snapshot(db.target, first) as snapshot:
        (kept,) = snapshot.parts
        for number in range(2 * MERGE_PARTS_MIN):
            db.put({"id": "a", "input": number})
            db.storage.compact()
        assert kept.part.columns_path.is_file()
        assert [row.fields["input"] for row in snapshot_rows(snapshot)] == [b"1"]
    db.storage.compact()
    assert not (quick_path / "parts" / str(kept.part.part_id)).exists()
    db.check()
    db.storage.close()
