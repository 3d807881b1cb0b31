"""Backups are of one moment though others write, share what they have in common, and come back as they were."""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Callable
from errno import EACCES
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from storage_support.model import Model
from storage_support.reading import documents_of

from btql_storage.care.facade import check_database, repair_database, restore_database
from btql_storage.care.hold import held
from btql_storage.clock import Clock
from btql_storage.errors import AccessDenied, Damaged, NotADatabase
from btql_storage.folder import Settings
from btql_storage.store import ObjectInfo, Storage
from btql_storage.stores.local import LocalStore

SMALL = Settings(job_events=40, grace_s=0, wal_grace_s=0)
MOST = 300
"""Steps of a writer, should the machine be slow."""
DAY = "2026-01-01T00:00:00Z"


class Writer:
    """Writes to one object until it is stopped, and knows what it held after each transaction."""

    def __init__(self, storage: Storage, target: ObjectInfo) -> None:
        self.storage = storage
        self.target = target
        self.versions: dict[int, dict[str, Any]] = {}
        self._model = Model()
        self._over = Event()
        self.write(0)

    def write(self, step: int) -> None:
        events = [
            {
                "id": f"r{(step * 7 + n) % 90}",
                "created": DAY,
                "input": step,
                "_is_merge": n % 2 == 0,
                "metadata": {f"k{n}": step},
            }
            for n in range(10)
        ]
        if step % 5 == 4:
            events.append({"id": f"r{step % 90}", "created": DAY, "_object_delete": True})
        xact_id = self.storage.ingest(self.target, events).xact_id
        self._model.apply(events, xact_id)
        self.versions[xact_id] = self._model.copy().rows

    def run(self) -> None:
        step = 1
        while not self._over.wait(0.003) and step < MOST:
            self.write(step)
            step += 1

    def stop(self) -> None:
        self._over.set()

    def as_of(self, xact_id: int) -> dict[str, Any]:
        return self.versions[max(one for one in self.versions if one <= xact_id)]


def in_background(*tasks: Callable[[], object]) -> list[Thread]:
    threads = [Thread(target=task) for task in tasks]
    for thread in threads:
        thread.start()
    return threads


def test_backups_while_others_write_and_compact_are_of_one_moment(quick_path: Path):
    path, vault = quick_path / "db", quick_path / "backups"
    over = Event()
    with Storage.open(path, create=True, settings=SMALL) as storage, Storage.open(path, settings=SMALL) as other:
        writers = [Writer(storage, storage.create_object(kind, "x")) for kind in ("project_logs", "dataset")]

        def compact() -> None:
            while not over.wait(0.01):
                other.compact()

        threads = in_background(*(writer.run for writer in writers), compact)
        try:
            reports = [storage.care.backup(vault) for _ in range(3)]
        finally:
            over.set()
            for writer in writers:
                writer.stop()
            for thread in threads:
                thread.join()
    for number, report in enumerate((reports[0], reports[-1])):
        copy = quick_path / f"copy-{number}"
        assert restore_database(vault, copy, name=report.name).last_xact_id == report.last_xact_id
        assert check_database(copy).findings == []
        with Storage.open(copy, settings=SMALL) as restored:
            for writer in writers:
                target = restored.object(writer.target.kind, "x")
                assert documents_of(restored, target) == writer.as_of(report.last_xact_id)
            # It goes on from there.
            target = restored.object(writers[-1].target.kind, "x")
            assert restored.ingest(target, [{"id": "new"}]).xact_id > report.last_xact_id
            restored.compact()
            assert "new" in documents_of(restored, target)
            if target.keeps_history:
                version = min(writers[1].versions)
                with restored.snapshot(target, version) as snapshot:
                    assert sum(part.part.stats.rows for part in snapshot.parts) or snapshot.tail


@pytest.fixture
def path(quick_path: Path) -> Path:
    """A database with two parts and a file of the log."""
    path = quick_path / "db"
    with Storage.open(path, create=True, settings=SMALL) as storage:
        target = storage.create_object("project_logs", "x")
        for first in (0, 40):
            storage.ingest(
                target, [{"id": f"r{n}", "created": DAY, "input": f"text {n}"} for n in range(first, first + 40)]
            )
            storage.compact()
        storage.ingest(target, [{"id": "waits", "created": DAY, "input": "z" * 2000}])
    return path


def backed_up(path: Path, vault: Path, **options: Any):
    with Storage.open(path, settings=SMALL) as storage:
        return storage.care.backup(vault, **options)


def documents(path: Path) -> dict[str, Any]:
    with Storage.open(path, settings=SMALL) as storage:
        return documents_of(storage, storage.object("project_logs", "x"))


def test_a_copy_of_what_was_all_compacted_is_sound(path: Path, quick_path: Path):
    with Storage.open(path, settings=SMALL) as storage:
        storage.compact()
    backed_up(path, quick_path / "vault")
    restore_database(quick_path / "vault", quick_path / "copy")

    assert check_database(path).findings == check_database(quick_path / "copy").findings == []
    assert documents(quick_path / "copy") == documents(path)


def test_the_next_backup_copies_only_what_is_new(path: Path, quick_path: Path):
    vault = quick_path / "backups"
    first = backed_up(path, vault)
    assert first.copied_bytes > 0.9 * first.bytes
    again = backed_up(path, vault)
    assert again.copied_bytes < 100_000  # the catalog
    assert again.parts == first.parts == 2
    with Storage.open(path, settings=SMALL) as storage:
        storage.ingest(storage.object("project_logs", "x"), [{"id": "r0", "_object_delete": True}])
        storage.compact()
    last = backed_up(path, vault, keep=1)
    assert set(last.forgotten) == {first.name, again.name}
    with pytest.raises(NotADatabase, match=last.name):
        restore_database(vault, quick_path / "old", name=first.name)
    restore_database(vault, quick_path / "copy")
    assert documents(quick_path / "copy") == documents(path)
    assert "r0" not in documents(path)


def test_what_else_is_in_the_folder_comes_with(path: Path, quick_path: Path):
    registry = sqlite3.connect(path / "registry.sqlite")
    registry.execute("pragma journal_mode = wal")
    registry.execute("create table keys (name text)")
    registry.execute("insert into keys values ('key')")
    registry.commit()
    upload = path / "uploads" / "attachments" / "a" / "file"
    upload.parent.mkdir(parents=True)
    upload.write_bytes(b"an upload")
    backed_up(path, quick_path / "backups")
    registry.close()
    restore_database(quick_path / "backups", quick_path / "copy")
    copied = sqlite3.connect(quick_path / "copy" / "registry.sqlite")
    assert copied.execute("select name from keys").fetchall() == [("key",)]
    copied.close()
    assert (quick_path / "copy" / "uploads" / "attachments" / "a" / "file").read_bytes() == b"an upload"


def test_what_holds_nothing_is_passed_over(path: Path, quick_path: Path):
    (path / "uploads" / "incoming").mkdir(parents=True)
    (path / "uploads" / "attachment").write_bytes(b"an upload")
    os.mkfifo(path / "uploads" / "pipe")
    (path / "uploads" / "nowhere").symlink_to(path / "missing")
    backed_up(path, quick_path / "backups")
    assert restore_database(quick_path / "backups", quick_path / "copy").files == 1
    assert (quick_path / "copy" / "uploads" / "attachment").read_bytes() == b"an upload"


def spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x55
    path.write_bytes(content)


def test_damage_is_not_backed_up(path: Path, quick_path: Path):
    spoil(path / "parts" / "1" / "rows.arrow")
    with pytest.raises(Damaged, match=r"parts/1/rows.arrow"):
        backed_up(path, quick_path / "backups")
    with pytest.raises(NotADatabase, match="no backup"):
        restore_database(quick_path / "backups", quick_path / "copy")


def test_damaged_and_missing_files_are_brought_back(path: Path, quick_path: Path):
    expected = documents(path)
    backed_up(path, quick_path / "backups")
    spoil(path / "parts" / "1" / "rows.arrow")
    (path / "parts" / "2" / "columns.parquet").unlink()
    (path / "parts" / "2" / "rows.arrow").unlink()
    spoil(max((path / "wal").iterdir()))
    assert not repair_database(path).is_sound
    outcome = repair_database(path, source=quick_path / "backups")
    assert outcome.is_sound
    assert sum("brought back" in line for line in outcome.done) == 3
    assert documents(path) == expected


def test_nothing_is_given_up_that_a_backup_may_have_which_cannot_be_reached(
    path: Path, quick_path: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = documents(path)
    backups = quick_path / "backups"
    backed_up(path, backups)
    spoil(path / "parts" / "1" / "rows.arrow")

    def step(_: LocalStore, action: str, path: Path) -> None:
        if action == "read" and path.parent == backups / "backups":
            raise PermissionError(EACCES, "Permission denied", str(path))

    with monkeypatch.context() as patch:
        patch.setattr(LocalStore, "step", step)
        with pytest.raises(AccessDenied):
            repair_database(path, source=backups, give_up_rows=True)

    assert repair_database(path, source=backups).is_sound
    assert documents(path) == expected


class FixedClock(Clock):
    """Always at the same moment, so that two databases number their transactions alike."""

    def now_us(self) -> int:
        return 1_790_000_000_000_000


def test_files_of_other_databases_are_not_brought_back(quick_path: Path):
    for name in ("a", "b"):
        with Storage.open(quick_path / name, create=True, settings=SMALL, clock=FixedClock()) as storage:
            storage.ingest(storage.create_object("project_logs", "x"), [{"id": f"of {name}", "created": DAY}])
    backed_up(quick_path / "a", quick_path / "backups")
    log = max((quick_path / "b" / "wal").iterdir())
    assert log.name in {file.name for file in (quick_path / "a" / "wal").iterdir()}
    whole = log.read_bytes()
    spoil(log)
    outcome = repair_database(quick_path / "b", source=quick_path / "backups")
    assert not outcome.is_sound
    assert any("are of other databases" in line for line in outcome.done)
    log.unlink()
    log.write_bytes(whole)
    backed_up(quick_path / "b", quick_path / "backups")
    spoil(log)
    assert repair_database(quick_path / "b", source=quick_path / "backups").is_sound
    assert documents(quick_path / "b").keys() == {"of b"}


@pytest.mark.parametrize("folder", ["parts", "log", "files", "backups"])
def test_a_damaged_backup_is_named(path: Path, quick_path: Path, folder: str):
    vault = quick_path / "backups"
    backed_up(path, vault)
    spoil(max(file for file in (vault / folder).rglob("*") if file.is_file() and file.stat().st_size > 10))
    with pytest.raises(Damaged, match=f"{folder}/"):
        restore_database(vault, quick_path / "copy")


def test_places_that_are_something_else_are_refused(path: Path, quick_path: Path):
    with pytest.raises(NotADatabase, match="there is a database"):
        backed_up(path, path)
    (quick_path / "link").symlink_to(path)
    for inside in (path / "backups", quick_path / "link" / "old" / "backups"):
        with pytest.raises(NotADatabase, match=r"is inside the database .* give a place outside of it"):
            backed_up(path, inside)
    assert not (path / "backups").exists()
    backed_up(path, quick_path / "backups")
    with pytest.raises(NotADatabase, match="new or an empty place"):
        restore_database(quick_path / "backups", path)
    with pytest.raises(NotADatabase, match="no backups"):
        restore_database(path, quick_path / "copy")


def test_nothing_is_removed_while_it_is_held(path: Path):
    with Storage.open(path, settings=SMALL) as storage:
        folder = storage._folder
        with held(folder):
            before = set((path / "wal").iterdir())
            storage.compact()
            assert set((path / "wal").iterdir()) == before
        storage.ingest(storage.object("project_logs", "x"), [{"id": "more"}])
        storage.compact()
        assert len(list((path / "wal").iterdir())) == 1 < len(before)
        # One whose holder died ends by itself.
        folder.catalog.put_setting("hold.dead", str(folder.clock.now_s() - 1))
        storage.remove_unneeded()


def test_a_database_that_cannot_be_written_to_is_backed_up(path: Path, quick_path: Path):
    with Storage.open(path, read_only=True) as storage:
        storage.care.backup(quick_path / "backups")
    restore_database(quick_path / "backups", quick_path / "copy")
    assert documents(quick_path / "copy") == documents(path)
