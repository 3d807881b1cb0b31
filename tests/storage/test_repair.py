"""``btql repair``: the catalog comes again from the files alone, parts from their documents; what is lost is named."""

from __future__ import annotations

import random
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from errno import EMFILE
from os import strerror
from pathlib import Path
from typing import Any

import pytest
from storage_support.model import Model
from storage_support.reading import documents_of, snapshot_rows, to_document

from btql_storage.care import rebuild, salvage
from btql_storage.care.facade import check_database, repair_database
from btql_storage.care.findings import Kind
from btql_storage.care.tables import Tables
from btql_storage.catalog.deleted import Deleted
from btql_storage.errors import Damaged, DiskFull, NewerFormat, NoMoreFiles, NotADatabase
from btql_storage.folder import Settings
from btql_storage.store import Storage

SMALL = Settings(job_events=30, segment_events=40, grace_s=0, wal_grace_s=0)
DAY = "2026-01-01T00:00:00Z"
SEED = 20_261_126


class Written:
    """A database with a history, and the models of what it must hold."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.models: dict[tuple[str, str], Model] = {}
        self.versions: dict[int, dict[str, Any]] = {}
        dice = random.Random(SEED)
        with Storage.open(path, create=True, settings=SMALL) as storage:
            for kind in ("project_logs", "dataset"):
                self._fill(storage, kind, dice)
            gone = storage.create_object("project_logs", "gone")
            storage.ingest(gone, [{"id": "secret"}])
            storage.compact(gone)
            storage.retention.delete_object(gone)

    def _fill(self, storage: Storage, kind: str, dice: random.Random) -> None:
        target = storage.create_object(kind, "x")
        model = self.models[kind, "x"] = Model()
        for step in range(9):
            events = [self._event(dice) for _ in range(10)]
            xact_id = storage.ingest(target, events).xact_id
            model.apply(events, xact_id)
            if kind == "dataset":
                self.versions[xact_id] = model.copy().rows
            if step == 5:
                storage.compact()
            elif step % 3 == 2:
                storage.compact_once()
        storage.process(limit=1)

    def _event(self, dice: random.Random) -> dict[str, Any]:
        number = dice.randrange(80)
        event: dict[str, Any] = {"id": f"row-{number}", "root_span_id": f"trace-{number // 4}", "created": DAY}
        if dice.random() < 0.15:
            return event | {"_object_delete": True}
        if dice.random() < 0.4:
            return event | {"_is_merge": True, "metadata": {f"k{dice.randrange(3)}": dice.randrange(9)}}
        return event | {"input": "x" * dice.randrange(2000), "scores": {"a": dice.random()}}

    def check(self) -> None:
        """Compare everything with the models."""
        with Storage.open(self.path, settings=SMALL) as storage:
            for (kind, name), model in self.models.items():
                assert documents_of(storage, storage.object(kind, name)) == model.rows
            target = storage.object("dataset", "x")
            for version, rows in self.versions.items():
                with storage.snapshot(target, version) as snapshot:
                    assert {row.id: to_document(row) for row in snapshot_rows(snapshot)} == rows


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Written:
    """A database that tests copy."""
    return Written(tmp_path_factory.mktemp("repair") / "db")


@pytest.fixture
def written(original: Written, tmp_path: Path) -> Written:
    """A copy of it."""
    copy = Written.__new__(Written)
    copy.models, copy.versions, copy.path = original.models, original.versions, tmp_path / "db"
    shutil.copytree(original.path, copy.path)
    return copy


def lose_catalog(path: Path) -> None:
    for file in path.glob("catalog.sqlite*"):
        file.unlink()


def tables_of(path: Path) -> Tables:
    with Storage.open(path) as storage:
        return Tables.read(storage._folder.catalog)


def test_a_lost_catalog_comes_again_from_the_files_alone(written: Written):
    before = tables_of(written.path)
    lose_catalog(written.path)
    with pytest.raises(Damaged, match="btql repair"):
        Storage.open(written.path)
    outcome = repair_database(written.path)
    assert outcome.is_sound, [str(one) for one in outcome.left]
    assert outcome.lost == []
    after = tables_of(written.path)
    assert after.objects == before.objects
    assert after.parts.keys() == before.parts.keys()
    for part_id, row in before.parts.items():
        same = ("object_id", "segment_id", "superseded", "until", "stats", "file_bytes")
        assert {name: after.parts[part_id][name] for name in same} == {name: row[name] for name in same}
    written.check()
    # It goes on as if nothing had been.
    with Storage.open(written.path, settings=SMALL) as storage:
        storage.compact()
    written.check()
    assert check_database(written.path, deep=True).is_sound


@pytest.mark.parametrize("step", ["publish", "put", "begin", "commit"])
def test_files_of_a_compaction_that_was_killed_do_not_confuse(
    written: Written, monkeypatch: pytest.MonkeyPatch, step: str
):
    from btql_storage.catalog import Catalog

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with Storage.open(written.path, settings=SMALL) as storage:
        # The state is written, and the catalog does not learn of it.
        monkeypatch.setattr(Catalog, "commit_swap", killed)
        with pytest.raises(KeyboardInterrupt):
            storage.compact_once()
        monkeypatch.undo()
        if step in ("begin", "commit"):
            # Another compaction comes instead.
            storage.compact_once()
    lose_catalog(written.path)
    assert repair_database(written.path).is_sound
    written.check()
    if step in ("put", "commit"):
        with Storage.open(written.path, settings=SMALL) as storage:
            storage.compact()
        written.check()


def test_a_repair_that_was_killed_leaves_no_database_that_looks_empty(
    written: Written, monkeypatch: pytest.MonkeyPatch
):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(rebuild, "load", killed)
        with pytest.raises(KeyboardInterrupt):
            repair_database(written.path, catalog=True)
    for read_only in (True, False):
        with pytest.raises(Damaged, match=r"is empty, but there is a database .*; `btql repair`"):
            Storage.open(written.path, read_only=read_only)
    assert not check_database(written.path).is_sound

    assert repair_database(written.path).is_sound
    written.check()


def test_no_catalog_is_made_where_there_is_no_database(tmp_path: Path):
    with pytest.raises(NotADatabase):
        repair_database(tmp_path, catalog=True)

    assert list(tmp_path.iterdir()) == []


def test_a_damaged_catalog_is_set_aside(written: Written):
    lose_catalog(written.path)
    (written.path / "catalog.sqlite").write_bytes(b"SQLite format 3\0" + b"nonsense" * 1000)
    (written.path / "btql.json").unlink()
    outcome = repair_database(written.path)
    assert outcome.is_sound
    assert (written.path / "catalog.sqlite.set-aside-1").exists()
    written.check()


@pytest.mark.parametrize("catalog", [False, True])
def test_what_a_newer_btql_has_written_is_not_repaired(written: Written, catalog: bool):
    path = written.path
    sound = (path / "btql.json").read_bytes()
    newer = sound.replace(b'"format":1', b'"format":2')
    (path / "btql.json").write_bytes(newer)
    with pytest.raises(NewerFormat, match="has format 2"):
        repair_database(path, catalog=catalog)
    assert (path / "btql.json").read_bytes() == newer

    # Without its marker, a database has the id that its catalog says, once that can be read.
    (path / "btql.json").unlink()
    with closing(sqlite3.connect(path / "catalog.sqlite")) as connection:
        ((version,),) = connection.execute("pragma user_version").fetchall()
        connection.execute("pragma user_version = 99")
        with pytest.raises(NewerFormat, match="version 99"):
            repair_database(path)
        assert not (path / "btql.json").exists()
        connection.execute(f"pragma user_version = {version}")
    assert repair_database(path).is_sound
    assert (path / "btql.json").read_bytes() == sound
    written.check()


def spoil(path: Path, *, at: float = 0.5) -> None:
    content = bytearray(path.read_bytes())
    place = int(len(content) * at)
    content[place : place + 8] = bytes(byte ^ 0xFF for byte in content[place : place + 8])
    path.write_bytes(content)


def parts_of(path: Path, kind: str, *, history: bool = False) -> list[Path]:
    tables = tables_of(path)
    object_id = next(one for one, name in tables.objects.items() if name.startswith(kind))
    mine = [row for row in tables.parts.values() if row["object_id"] == object_id]
    return [path / "parts" / str(row["id"]) for row in mine if (row["until"] is not None) is history]


@pytest.mark.parametrize("name", ["columns.parquet", "keys.arrow", "text/meta.json", "part.json", "until.arrow"])
def test_a_part_is_written_anew_from_its_documents(written: Written, name: str):
    part = parts_of(written.path, "dataset", history=name == "until.arrow")[0]
    spoil(part / name)
    assert not check_database(written.path).is_sound
    outcome = repair_database(written.path)
    assert outcome.is_sound
    assert any(f"parts/{part.name}" in line for line in outcome.done)
    assert outcome.lost == []
    written.check()


def test_a_part_of_the_past_whose_manifest_is_lost_with_the_catalog(written: Written):
    spoil(parts_of(written.path, "dataset", history=True)[0] / "part.json")
    lose_catalog(written.path)
    outcome = repair_database(written.path)
    assert outcome.is_sound, [str(one) for one in outcome.left]
    assert outcome.lost == []
    written.check()


@pytest.mark.parametrize("damage", [Path.unlink, spoil])
def test_when_rows_of_the_past_ended_is_lost_with_the_catalog(written: Written, damage: Callable[[Path], None]):
    part = parts_of(written.path, "dataset", history=True)[0]
    damage(part / "until.arrow")
    lose_catalog(written.path)
    outcome = repair_database(written.path)
    assert not outcome.is_sound
    assert outcome.lost == []
    with (
        Storage.open(written.path) as storage,
        storage.snapshot(storage.object("dataset", "x"), min(written.versions)) as snapshot,
        pytest.raises(Damaged, match=rf"parts/{part.name}/until\.arrow"),
    ):
        list(snapshot_rows(snapshot))

    outcome = repair_database(written.path, give_up_rows=True)
    assert outcome.is_sound
    assert f"rows of the past of `dataset:x`, in `parts/{part.name}`" in outcome.lost[0]
    written.versions = {}
    written.check()


def test_a_state_is_written_again(written: Written):
    spoil(next(written.path.glob("states/1/*")))
    assert not check_database(written.path).is_sound
    outcome = repair_database(written.path)
    assert outcome.is_sound
    assert any("states/1/" in line for line in outcome.done)
    lose_catalog(written.path)
    assert repair_database(written.path).is_sound
    written.check()


def test_a_state_that_is_missing_is_named_and_written_again(quick_path: Path):
    path = quick_path / "db"
    with Storage.open(path, create=True, settings=SMALL) as storage:
        target, gone = (storage.create_object("project_logs", name) for name in ("x", "gone"))
        for one in (target, gone):
            storage.ingest(one, [{"id": f"r{number}"} for number in range(20)])
        storage.compact()
        storage.ingest(target, [{"id": "r7", "_object_delete": True}])
        storage.compact()
        storage.retention.delete_object(gone)
        expected = documents_of(storage, target)
    for state in path.glob("states/*/*"):
        state.unlink()
    missing = {(one.kind, one.subject) for one in check_database(path).serious}
    assert missing == {(Kind.MISSING, "states/1"), (Kind.MISSING, "states/2")}
    outcome = repair_database(path)
    assert outcome.is_sound
    assert sum("its state beside its data" in line for line in outcome.done) == 2
    lose_catalog(path)
    assert repair_database(path).is_sound
    with Storage.open(path) as storage:
        assert storage.objects() == [target]
        assert documents_of(storage, target) == expected


@pytest.mark.parametrize("compacted", ["never", "once", "before it was made anew"])
@pytest.mark.parametrize("repaired", [False, True])
def test_a_delete_that_was_killed_loses_nothing_with_the_catalog(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch, compacted: str, repaired: bool
):
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    path = quick_path / "db"
    with Storage.open(path, create=True) as storage:
        target = storage.create_object("project_logs", "x")
        if compacted == "before it was made anew":
            storage.ingest(target, [{"id": "long gone"}])
            storage.compact()
            storage.retention.delete_object(target)
            assert storage.create_object("project_logs", "x") == target
        storage.ingest(target, [{"id": f"r{number}"} for number in range(20)])
        if compacted == "once":
            storage.compact()
        expected = documents_of(storage, target)
        monkeypatch.setattr(Deleted, "delete_object", killed)
        with pytest.raises(KeyboardInterrupt):
            storage.retention.delete_object(target)
        monkeypatch.undo()
    (found,) = check_database(path).serious
    assert found.subject.startswith("states/1/")
    if repaired:
        assert repair_database(path).is_sound
        assert check_database(path).findings == []
    lose_catalog(path)
    assert repair_database(path).is_sound
    with Storage.open(path) as storage:
        assert documents_of(storage, storage.object("project_logs", "x")) == expected
        storage.retention.delete_object(target)
    lose_catalog(path)
    assert repair_database(path).is_sound
    with Storage.open(path) as storage:
        assert storage.objects() == []


def test_without_states_the_latest_rows_count(written: Written):
    shutil.rmtree(written.path / "states")
    assert {one.subject for one in check_database(written.path).serious} == {"states/1", "states/2", "states/3"}
    lose_catalog(written.path)
    outcome = repair_database(written.path)
    assert outcome.is_sound
    assert sum("its state is lost" in line for line in outcome.done) >= 2
    with Storage.open(written.path, settings=SMALL) as storage:
        for (kind, name), model in written.models.items():
            found = documents_of(storage, storage.object(kind, name))
            # What was deleted may be back, but nothing is lost and nothing is old.
            assert {row_id: row for row_id, row in found.items() if row_id in model.rows} == model.rows
        storage.compact()
    assert check_database(written.path).is_sound


@pytest.mark.parametrize("damage", [Path.unlink, lambda file: file.write_bytes(b"{}")])
def test_no_catalog_is_made_without_parts_that_nobody_can_place(written: Written, damage: Callable[[Path], None]):
    shutil.rmtree(written.path / "states")
    file = min(written.path.glob("parts/*/part.json"))
    content = file.read_bytes()
    damage(file)
    before = sorted(written.path.rglob("*"))
    for catalog in (True, False):
        if not catalog:
            lose_catalog(written.path)
            before = sorted(written.path.rglob("*"))
        with pytest.raises(Damaged, match=f"whose rows.* {file.parent.name}"):
            repair_database(written.path, catalog=catalog)
        # The next compaction would remove what a new catalog has never heard of.
        assert sorted(written.path.rglob("*")) == before
    file.write_bytes(content)
    assert repair_database(written.path).is_sound


def test_rows_that_are_lost_stay_in_quarantine_until_they_are_given_up(quick_path: Path):
    path = quick_path / "db"
    with Storage.open(path, create=True) as storage:
        target = storage.create_object("project_logs", "x")
        storage.ingest(
            target,
            [
                {"id": f"r{n:04}", "root_span_id": "t", "input": random.Random(n).randbytes(900).hex()}
                for n in range(900)
            ],
        )
        storage.compact()
        before = documents_of(storage, target)
    spoil(path / "parts" / "1" / "rows.arrow")
    outcome = repair_database(path)
    assert not outcome.is_sound
    with Storage.open(path) as storage, pytest.raises(Damaged, match="parts/1"):
        documents_of(storage, target)
    outcome = repair_database(path, give_up_rows=True)
    assert outcome.is_sound
    with Storage.open(path) as storage:
        after = documents_of(storage, target)
    lost = before.keys() - after.keys()
    assert 0 < len(lost) < 600
    assert all(after[row_id] == before[row_id] for row_id in after)
    assert f"{len(lost)} rows of `project_logs:x`" in outcome.lost[0]
    assert f"`{min(lost)}`" in outcome.lost[0]


@pytest.mark.parametrize(("at", "damaged"), [("file_digest", "keys.arrow"), ("read_bytes", "rows.arrow")])
def test_documents_that_cannot_be_opened_now_are_not_given_up(
    written: Written, monkeypatch: pytest.MonkeyPatch, at: str, damaged: str
):
    part = parts_of(written.path, "project_logs")[0]
    sound = (part / damaged).read_bytes()
    spoil(part / damaged)
    made, read = salvage.Documents.__init__, Path.read_bytes

    def too_many(path: Path, *_: object) -> bytes:
        if path.name == "rows.arrow":
            raise OSError(EMFILE, strerror(EMFILE))
        return read(path)

    def begin(documents: salvage.Documents, *rest: Any) -> None:
        # What a check reads before, it can read.
        if at == "file_digest":
            monkeypatch.setattr(salvage, "file_checksum", too_many)
        else:
            monkeypatch.setattr(Path, "read_bytes", too_many)
        made(documents, *rest)

    monkeypatch.setattr(salvage.Documents, "__init__", begin)
    with pytest.raises(NoMoreFiles, match=r"cannot read `.*rows\.arrow`"):
        repair_database(written.path, give_up_rows=True)
    monkeypatch.undo()
    (part / damaged).write_bytes(sound)

    assert repair_database(written.path).lost == []
    written.check()


def test_a_damaged_log_file_is_set_aside_where_its_events_are_given_up(written: Written):
    with Storage.open(written.path, settings=SMALL) as storage:
        lost = storage.ingest(storage.object("project_logs", "x"), [{"id": "lost", "input": "y" * 3000}]).xact_id
    spoil(written.path / "wal" / f"{lost}.arrow")
    assert not repair_database(written.path).is_sound
    outcome = repair_database(written.path, give_up_rows=True)
    assert outcome.is_sound
    assert outcome.lost == [f"the events of transaction {lost} of `project_logs:x`"]
    assert (written.path / "set-aside" / f"{lost}.arrow").exists()
    written.check()


def test_parts_of_before_there_were_checksums_get_them(written: Written):
    for file in (*written.path.glob("parts/*/part.json"), *written.path.glob("parts/*/until.arrow")):
        file.unlink()
    shutil.rmtree(written.path / "states")
    import sqlite3

    connection = sqlite3.connect(written.path / "catalog.sqlite")
    connection.execute("delete from settings where name = 'database'")
    connection.commit()
    connection.close()
    (written.path / "btql.json").write_bytes(b'{"format":1}\n')
    assert {str(one.kind) for one in check_database(written.path).findings} == {"no checksum"}
    assert repair_database(written.path).is_sound
    assert check_database(written.path).findings == []
    lose_catalog(written.path)
    assert repair_database(written.path).is_sound
    written.check()


def test_an_old_copy_of_the_catalog_does_not_have_newer_parts_removed(written: Written, tmp_path: Path):
    with Storage.open(written.path) as storage:
        storage._folder.catalog.database.read(lambda _: [("pragma wal_checkpoint(truncate)", ())])
    shutil.copyfile(written.path / "catalog.sqlite", tmp_path / "old")
    with Storage.open(written.path, settings=SMALL) as storage:
        storage.compact()
    lose_catalog(written.path)
    shutil.copyfile(tmp_path / "old", written.path / "catalog.sqlite")
    parts = sorted(path.name for path in (written.path / "parts").iterdir())
    newest = max(parts, key=int)
    told = [one.message for one in check_database(written.path).serious if one.subject == f"parts/{newest}"]
    assert len(told) == 1
    assert "newer than the catalog" in told[0]
    with Storage.open(written.path, settings=SMALL) as storage, pytest.raises(Damaged, match="--catalog"):
        storage.compact()
    assert sorted(path.name for path in (written.path / "parts").iterdir()) == parts
    assert repair_database(written.path, catalog=True).is_sound
    written.check()


def test_a_disk_that_is_full_while_a_catalog_is_made_again_is_told_with_what_follows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    place = tmp_path / "db"
    with Storage.open(place, create=True) as storage:
        storage.ingest(storage.create_object("dataset", "x"), [{"id": "a"}])

    def no_room(*_: object) -> None:
        raise DiskFull(f"catalog `{place}`: database or disk is full", "free some space and try again")

    with monkeypatch.context() as patch:
        patch.setattr(rebuild, "rebuild", no_room)
        with pytest.raises(DiskFull, match="is full; free some space and repair it again: until then it cannot be"):
            repair_database(place, catalog=True)
    with pytest.raises(Damaged, match="`btql repair` makes it again"):
        Storage.open(place)
    repair_database(place)
    with Storage.open(place) as storage:
        assert documents_of(storage, storage.object("dataset", "x")).keys() == {"a"}
