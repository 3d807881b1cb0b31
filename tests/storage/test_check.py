"""``btql check``: whatever is changed in a file or in the catalog is found, and named."""

from __future__ import annotations

import random
import shutil
import sqlite3
import tracemalloc
from collections.abc import Callable
from errno import EMFILE, ENOSPC
from os import strerror
from pathlib import Path

import pytest
from storage_support.clocks import HandClock
from storage_support.disks import CrowdedStore, SilentStore
from storage_support.reading import documents_of

from btql_storage.care import written_anew
from btql_storage.care.check import How, check
from btql_storage.care.facade import check_database, repair_database
from btql_storage.care.findings import Kind
from btql_storage.care.rebuild import rebuild
from btql_storage.clock import SYSTEM_CLOCK
from btql_storage.errors import DiskFull, NoMoreFiles, StorageError, Unreachable
from btql_storage.folder import Folder, Settings
from btql_storage.store import Storage
from btql_storage.stores.local import LocalStore

DEEP = Settings(job_events=30)


def documents(first: int, count: int) -> list[dict[str, object]]:
    return [
        {"id": f"d{number}", "input": f"question {number}", "scores": {"good": number / 7}, "metadata": {"n": number}}
        for number in range(first, first + count)
    ]


def fill(path: Path) -> None:
    """Make a database with parts, replaced rows, history, events that are assigned and events that are not."""
    with Storage.open(path, create=True, settings=DEEP) as storage:
        for kind in ("project_logs", "dataset"):
            target = storage.create_object(kind, "x")
            storage.ingest(target, documents(0, 20))
            storage.ingest(target, [*documents(15, 20), {"id": "d0", "_object_delete": True}])
        storage.compact()
        storage.ingest(target, documents(40, 3))
        storage.process()
        storage.ingest(target, documents(50, 3))


@pytest.fixture(scope="module")
def sound(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which all is well; not to be changed."""
    path = tmp_path_factory.mktemp("check") / "db"
    fill(path)
    return path


@pytest.fixture
def path(sound: Path, tmp_path: Path) -> Path:
    """A copy of it."""
    shutil.copytree(sound, tmp_path / "db")
    return tmp_path / "db"


def documents_of_all(path: Path) -> dict[str, object]:
    with Storage.open(path) as storage:
        return {one.kind: documents_of(storage, one) for one in storage.objects() if one.name == "x"}


def flip(path: Path, place: int | None = None) -> None:
    content = bytearray(path.read_bytes())
    content[len(content) // 2 if place is None else place] ^= 0x10
    path.write_bytes(content)


def test_a_damaged_log_file_that_nobody_needs_does_no_harm(tmp_path: Path):
    path = tmp_path / "db"
    clock = HandClock()
    settings = Settings(grace_s=0, wal_grace_s=0)
    with Storage.open(path, create=True, settings=settings, clock=clock) as storage:
        target = storage.create_object("project_logs", "x")
        storage.ingest(target, documents(0, 20))
        storage.compact()
    (file,) = (path / "wal").iterdir()
    for place in (None, 0):
        flip(file, place)
        report = check_database(path)
        assert [(one.kind, one.xact_id) for one in report.findings] == [(Kind.ORPHAN, int(file.stem))]
        assert report.is_sound
        outcome = repair_database(path, give_up_rows=True)
        assert (outcome.done, outcome.lost, outcome.is_sound) == ([], [], True)
    # It goes as a sound one does.
    clock.seconds += 7 * 86_400
    with Storage.open(path, settings=settings, clock=clock) as storage:
        for _ in range(2):
            storage.remove_unneeded()
        assert len(documents_of(storage, target)) == 20
    assert not file.exists()
    assert check_database(path).findings == []


def test_a_sound_database_has_nothing_to_report(path: Path):
    report = check_database(path, deep=True)
    assert report.findings == []
    assert report.looked_at["objects"] == 2
    assert report.looked_at["parts"] >= 5
    assert report.looked_at["bytes"] > 10_000


def kinds_of_files(sound: Path) -> dict[str, Path]:
    """Return one file of each kind, by a name for it."""
    found: dict[str, Path] = {}
    for file in sorted(sound.rglob("*")):
        top = file.relative_to(sound).parts[0]
        if file.is_file() and top in ("parts", "wal", "states") and file.suffix != ".lock":
            name = file.suffix if file.parent.name == "text" and len(file.stem) > 30 else file.name
            found[top if top != "parts" else name] = file
    return found


def test_a_flipped_byte_in_any_kind_of_file_is_found_and_named(sound: Path, path: Path):
    kinds = kinds_of_files(sound)
    expected = {"wal", "states", "part.json", "columns.parquet", "rows.arrow", "keys.arrow", "until.arrow", "meta.json"}
    assert expected | {".term", ".pos", ".fast"} <= kinds.keys()
    for file in kinds.values():
        name = file.relative_to(sound).as_posix()
        flip(path / name)
        report = check_database(path, mark=False)
        assert name in {one.subject for one in report.serious}, name
        assert all(one.kind in (Kind.DAMAGED, Kind.CATALOG) for one in report.serious)
        shutil.copyfile(file, path / name)
    assert check_database(path).findings == []


def test_a_flipped_byte_in_the_catalog_is_found_or_changes_nothing(sound: Path, path: Path):
    connection = sqlite3.connect(path / "catalog.sqlite")
    connection.execute("pragma wal_checkpoint(truncate)")
    connection.close()
    file = path / "catalog.sqlite"
    whole = file.read_bytes()
    dice, found = random.Random(3), 0
    expected = documents_of_all(sound)
    for place in dice.sample([place for place, byte in enumerate(whole) if byte], 12):
        flip(file, place)
        try:
            is_sound = check_database(path, mark=False).is_sound
        except StorageError:
            is_sound = False
        found += not is_sound
        if is_sound:
            assert documents_of_all(path) == expected
        for side in path.glob("catalog.sqlite-*"):
            side.unlink()
        file.write_bytes(whole)
    assert found


def test_a_missing_file_is_named(sound: Path, path: Path):
    for name in ("rows.arrow", "part.json", "columns.parquet"):
        (path / "parts" / "1" / name).unlink()
    (path / "wal" / max(file.name for file in (sound / "wal").iterdir())).unlink()
    waiting = sorted(file.name for file in (sound / "wal").iterdir())[-2]
    (path / "wal" / waiting).unlink()
    report = check_database(path)
    named = {one.subject for one in report.serious}
    assert {"parts/1/rows.arrow", "parts/1/part.json", "parts/1/columns.parquet", f"wal/{waiting}"} <= named


CHANGES = {
    "the rows that are superseded": "update parts set superseded = x'00000000' where id = 1",
    "which parts there are": "update parts set replaced_at = 1 where id = 1",
    "statistics": "update parts set stats = replace(stats, '\"rows\":20', '\"rows\":21') where id = 1",
    "sizes": "update parts set file_bytes = '{}' where id = 1",
    "whose a part is": "update parts set object_id = 2 where id = 1",
    "the segment of a part": "update parts set segment_id = 99 where id = 1",
    "when rows ended": "update parts set until = zeroblob(length(until)) where until is not null",
    "what waits": "delete from assignments",
    "of what it waits": "update assignments set rows = x'63000000', events = 1",
    "how far it got": "update numbers set value = 0 where name = 'processed_upto'",
    "the last part": "update numbers set value = 1 where name = 'part'",
    "a name": "update objects set name = 'y' where id = 1",
}


@pytest.mark.parametrize("changed", CHANGES)
def test_a_change_of_the_catalog_is_found(path: Path, changed: str):
    connection = sqlite3.connect(path / "catalog.sqlite")
    connection.execute("pragma foreign_keys = off")
    assert connection.execute(CHANGES[changed]).rowcount >= 1
    connection.commit()
    connection.close()
    assert not check_database(path, mark=False).is_sound


def test_a_damaged_catalog_is_named_and_the_files_are_checked_all_the_same(path: Path):
    (path / "catalog.sqlite").write_bytes(b"no database at all" * 100)
    for side in ("-wal", "-shm"):
        (path / f"catalog.sqlite{side}").unlink(missing_ok=True)
    flip(path / "parts" / "1" / "rows.arrow")
    subjects = {one.subject for one in check_database(path).serious}
    assert "parts/1/rows.arrow" in subjects
    assert any("catalog" in one for one in subjects)


def test_a_counter_that_cannot_be_is_named_and_not_used(path: Path):
    counter = path / "locks" / "last_xact"
    before = counter.read_bytes()
    flip_to = bytes([before[0] ^ 8]) + before[1:]
    counter.write_bytes(flip_to)
    report = check_database(path)
    assert [(one.kind, one.subject) for one in report.serious] == [(Kind.DAMAGED, "locks/last_xact")]
    assert repair_database(path).is_sound
    assert check_database(path).findings == []
    counter.write_bytes(flip_to)
    with Storage.open(path) as storage:
        xact_id = storage.ingest(storage.object("project_logs", "x"), documents(90, 1)).xact_id
        assert int(before) < xact_id < int(before) + (3_600 << 16)
    assert check_database(path).findings == []


def test_what_nobody_needs_is_told_and_does_no_harm(path: Path):
    shutil.copytree(path / "parts" / "1", path / "parts" / "0")
    report = check_database(path)
    assert report.is_sound
    assert [(one.kind, one.subject) for one in report.findings] == [(Kind.ORPHAN, "parts/0")]


@pytest.mark.parametrize(("store", "error"), [(SilentStore, Unreachable), (CrowdedStore, NoMoreFiles)])
@pytest.mark.parametrize("work", [lambda folder: check(folder, How(mark=True)), lambda folder: rebuild(folder, None)])
def test_files_that_cannot_be_reached_are_not_taken_for_damaged(
    path: Path, work: Callable[[Folder], object], store: type[LocalStore], error: type[StorageError]
):
    folder = Folder.over(store(path), create=False, read_only=False, settings=Settings(), clock=SYSTEM_CLOCK)
    with pytest.raises(error):
        work(folder)
    folder.close()

    assert check_database(path).findings == []


@pytest.mark.parametrize(("number", "error"), [(ENOSPC, DiskFull), (EMFILE, NoMoreFiles)])
def test_a_part_is_not_damaged_where_a_deep_check_has_no_room(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type[StorageError]
):
    def full(*_: object, **__: object) -> None:
        raise OSError(number, strerror(number), "/tmp/btql-check-x")

    with monkeypatch.context() as patch:
        patch.setattr(written_anew, "TemporaryDirectory", full)
        with pytest.raises(error, match=strerror(number).lower()):
            check_database(path, deep=True)

    assert check_database(path, deep=True).findings == []


def test_a_long_trace_takes_no_memory_by_the_square_of_its_rows(tmp_path: Path):
    count = 2_000
    with Storage.open(tmp_path / "db", create=True) as storage:
        target = storage.create_object("project_logs", "x")
        storage.ingest(target, [{"id": f"s{row}", "span_id": f"s{row}", "root_span_id": "one"} for row in range(count)])
        storage.compact()
        tracemalloc.start()
        try:
            assert check(storage._folder).is_sound
            _, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()

    # For each row, the numbers of all rows of its trace would be as many.
    assert peak < 8 * count**2
