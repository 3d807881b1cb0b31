"""Several databases have their backups at one place, and several backups may be under way there."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import obstore
import pytest
from obstore.store import S3Store
from storage_support.reading import documents_of

from btql_storage.care import part_copy
from btql_storage.care.claims import Claim
from btql_storage.care.facade import list_backups, restore_database
from btql_storage.care.vault import Vault
from btql_storage.clock import Clock
from btql_storage.errors import OtherDatabase
from btql_storage.folder import Settings
from btql_storage.store import Storage

SMALL = Settings(job_events=40, grace_s=0, wal_grace_s=0)
DAY = "2026-01-01T00:00:00Z"


def make(path: Path) -> Path:
    """Make a database with a part and a file of the log, whose rows have its name."""
    with Storage.open(path, create=True, settings=SMALL) as storage:
        target = storage.create_object("project_logs", "x")
        storage.ingest(target, [{"id": f"{path.name}{n}", "created": DAY, "input": f"text {n}"} for n in range(40)])
        storage.compact()
    write(path, "waits")
    return path


def write(path: Path, name: str) -> None:
    with Storage.open(path, settings=SMALL) as storage:
        storage.ingest(storage.object("project_logs", "x"), [{"id": f"{path.name} {name}", "created": DAY}])


@pytest.fixture
def first(quick_path: Path) -> Path:
    return make(quick_path / "first")


@pytest.fixture
def second(quick_path: Path) -> Path:
    return make(quick_path / "second")


@pytest.fixture
def place(quick_path: Path) -> Path:
    """A place for backups."""
    return quick_path / "backups"


def backed_up(path: Path, place: Path | str, **options: Any):
    with Storage.open(path, settings=SMALL) as storage:
        return storage.care.backup(place, **options)


def documents(path: Path) -> dict[str, Any]:
    with Storage.open(path, settings=SMALL) as storage:
        return documents_of(storage, storage.object("project_logs", "x"))


def comes_back(place: Path, name: str, path: Path) -> None:
    """Assert that a backup is what a database has now."""
    copy = place.with_name(f"copy of {name}")
    restore_database(place, copy, name=name)
    assert documents(copy) == documents(path)


def test_each_database_keeps_its_own(first: Path, second: Path, place: Path):
    others = [backed_up(second, place).name for _ in range(2)]
    made = [backed_up(first, place, keep=1) for _ in range(2)]

    assert [report.forgotten for report in made] == [[], [made[0].name]]
    assert {one.name for one in list_backups(place)} == {*others, made[1].name}
    comes_back(place, others[0], second)


class AheadClock(Clock):
    """A clock that is a year ahead."""

    def now_us(self) -> int:
        return super().now_us() + 365 * 86_400 * 1_000_000


def test_backups_made_by_a_clock_that_was_ahead_are_no_newer(first: Path, place: Path):
    with Storage.open(first, settings=SMALL, clock=AheadClock()) as storage:
        ahead = storage.care.backup(place)
    again = backed_up(first, place, keep=1)
    assert again.name < ahead.name
    # Nothing was written between the two.
    assert (again.forgotten, {one.name for one in list_backups(place)}) == ([], {again.name, ahead.name})
    write(first, "later")
    last = backed_up(first, place, keep=1)

    assert set(last.forgotten) == {again.name, ahead.name}
    assert restore_database(place, place.with_name("copy")).name == last.name
    assert documents(place.with_name("copy")) == documents(first)


def test_the_newest_has_the_last_transaction(first: Path, place: Path):
    with Storage.open(first, settings=SMALL, clock=AheadClock()) as storage:
        storage.care.backup(place)
    write(first, "later")
    last = backed_up(first, place)

    assert restore_database(place, place.with_name("copy")).name == last.name


def test_of_several_databases_one_is_named(first: Path, second: Path, place: Path):
    made = [backed_up(path, place).name for path in (first, second)]
    with pytest.raises(OtherDatabase, match=r"backups of 2 databases .* --name") as raised:
        restore_database(place, place.with_name("copy"))

    assert f"`{made[0]}` of `{first}`" in str(raised.value)
    assert f"`{made[1]}` of `{second}`" in str(raised.value)
    assert not place.with_name("copy").exists()
    comes_back(place, made[0], first)


def test_backups_of_the_same_second_have_names_of_their_own(
    first: Path, second: Path, place: Path, monkeypatch: pytest.MonkeyPatch
):
    made_at = Clock().now_s()
    monkeypatch.setattr(Clock, "now_s", lambda _: made_at)
    names: list[str] = []
    read = Vault.names
    # Both have looked which names there are before either has one.
    monkeypatch.setattr(Vault, "names", lambda vault: [name for name in read(vault) if name not in names])
    names.append(backed_up(first, place).name)
    names.append(backed_up(second, place).name)
    monkeypatch.undo()

    assert names[1] == f"{names[0]}-002"
    for name, path in zip(names, (first, second), strict=True):
        comes_back(place, name, path)


def cut(path: Path) -> None:
    os.truncate(path, path.stat().st_size // 2)


def empty(path: Path) -> None:
    os.truncate(path, 0)


@pytest.mark.parametrize("harm", [Path.unlink, cut, empty])
@pytest.mark.parametrize("folder", ["parts", "log", "files"])
def test_what_a_place_has_lost_is_copied_again(first: Path, place: Path, folder: str, harm: Callable[[Path], None]):
    (first / "uploads").mkdir()
    (first / "uploads" / "one").write_bytes(b"an upload")
    backed_up(first, place)
    for file in (place / folder).rglob("*"):
        if file.is_file() and not (folder == "files" and file.read_bytes() != b"an upload"):
            harm(file)
    again = backed_up(first, place)

    assert again.copied_bytes > 0
    comes_back(place, again.name, first)


def test_a_part_that_is_missing_is_copied_again(first: Path, place: Path):
    backed_up(first, place)
    shutil.rmtree(next((place / "parts").iterdir()))
    comes_back(place, backed_up(first, place).name, first)


def test_a_part_of_before_there_were_manifests_is_copied_once(first: Path, place: Path):
    (first / "parts" / "1" / "part.json").unlink()
    made = backed_up(first, place)
    part = next((place / "parts").iterdir())
    before = part.stat().st_ino
    backed_up(first, place)
    assert part.stat().st_ino == before
    (part / "rows.arrow").unlink()
    backed_up(first, place)

    comes_back(place, made.name, first)


def test_a_file_without_bytes_comes_back(first: Path, place: Path):
    (first / "uploads").mkdir()
    (first / "uploads" / "nothing").touch()
    made = [backed_up(first, place).name for _ in range(2)]
    for name in made:
        comes_back(place, name, first)
        assert (place.with_name(f"copy of {name}") / "uploads" / "nothing").read_bytes() == b""


@pytest.mark.parametrize("name", ["rows.arrow", "text.tar"])
@pytest.mark.parametrize("content", [None, b"half"])
def test_what_a_bucket_has_lost_is_copied_again(
    first: Path, quick_path: Path, s3: tuple[str, str], name: str, content: bytes | None
):
    address = f"{s3[0]}?endpoint={s3[1]}&cache={quick_path / 'cache'}"
    backed_up(first, address)
    assert backed_up(first, address).copied_bytes < 100_000  # the catalog
    files = S3Store.from_url(s3[0], endpoint=s3[1], client_options={"allow_http": True})
    part = next(one["path"] for chunk in obstore.list(files, "parts") for one in chunk if one["path"].endswith(name))
    obstore.delete(files, part)
    if content is not None:
        obstore.put(files, part, content)
    backed_up(first, address)
    shutil.rmtree(quick_path / "cache")
    restore_database(address, quick_path / "copy")

    assert documents(quick_path / "copy") == documents(first)


def test_files_of_a_running_backup_stay(first: Path, second: Path, place: Path):
    earlier = backed_up(second, place)
    with Storage.open(second, settings=SMALL) as storage:
        storage.compact()
    forgotten: list[str] = []

    def meanwhile(name: str) -> None:
        if name.endswith(".arrow"):
            forgotten.extend(backed_up(second, place, keep=1).forgotten)

    made = backed_up(first, place, progress=meanwhile)

    assert forgotten == [earlier.name]
    comes_back(place, made.name, first)
    # What it kept from being removed goes with the next one.
    before = len(list((place / "files").iterdir()))
    backed_up(second, place, keep=1)
    assert len(list((place / "files").iterdir())) == before - 1
    assert list((place / "running").iterdir()) == []


def test_files_that_a_running_backup_found_there_stay(first: Path, place: Path):
    earlier = backed_up(first, place)
    forgotten: list[str] = []

    def meanwhile(name: str) -> None:
        if name.endswith(".arrow") and not forgotten:
            # The backup that stays needs none of the parts.
            with Storage.open(first, settings=SMALL) as storage:
                storage.retention.delete_object(storage.object("project_logs", "x"))
                forgotten.extend(storage.care.backup(place, keep=1).forgotten)

    made = backed_up(first, place, progress=meanwhile)

    assert forgotten == [earlier.name]
    restore_database(place, place.with_name("copy"), name=made.name)
    assert len(documents(place.with_name("copy"))) == 41


def test_what_a_killed_backup_left_stays_for_a_day(first: Path, place: Path):
    backed_up(first, place)
    left = [place / "parts" / "9-left", place / "log" / ".new-1-1-left"]
    left[0].mkdir()
    left[1].touch()
    now_s = Clock().now_s()
    for age, stays in ((3_600, True), (-3_600, True), (90_000, False)):
        claim = place / "running" / f"backup-{now_s - age}-killed"
        claim.write_text("at work")
        backed_up(first, place, keep=1)
        assert [claim.exists(), *(path.exists() for path in left)] == [stays] * 3
        claim.unlink(missing_ok=True)


def test_a_backup_waits_for_files_to_be_removed(first: Path, place: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("btql_storage.care.claims._POLL_S", 0.01)
    backed_up(first, place)
    removal = place / "running" / f"removal-{Clock().now_s()}-other"
    removal.write_text("at work")
    part = next((place / "parts").iterdir())
    looked: list[str] = []
    others = Claim.others

    def meanwhile(claim: Claim) -> list[str]:
        looked.extend(others(claim))
        if len(looked) == 3:
            shutil.rmtree(part)
            removal.unlink()
        return others(claim)

    monkeypatch.setattr(Claim, "others", meanwhile)
    comes_back(place, backed_up(first, place).name, first)

    # One that was killed is waited for in vain.
    monkeypatch.setattr("btql_storage.care.claims._DEAD_S", 0.1)
    removal.write_text("at work")
    backed_up(first, place)
    assert not removal.exists()


def test_a_backup_that_was_taken_for_a_dead_one_copies_again(first: Path, place: Path):
    done: list[str] = []

    def meanwhile(name: str) -> None:
        if name.endswith(".arrow") and not done:
            done.append(name)
            next((place / "running").iterdir()).unlink()
            shutil.rmtree(next((place / "parts").iterdir()))

    comes_back(place, backed_up(first, place, progress=meanwhile).name, first)


def test_one_database_is_backed_up_twice_at_the_same_time(first: Path, place: Path, monkeypatch: pytest.MonkeyPatch):
    prepare = part_copy._prepare
    made: list[str] = []

    def overtaken(*of: Any) -> int:
        copied = prepare(*of)
        if not made:
            monkeypatch.undo()
            with ThreadPoolExecutor(1) as pool:
                made.append(pool.submit(backed_up, first, place, keep=1).result().name)
        return copied

    monkeypatch.setattr(part_copy, "_prepare", overtaken)
    made.append(backed_up(first, place, keep=1).name)

    assert [one.name for one in list_backups(place)] == made[1:]
    comes_back(place, made[1], first)
    assert [path.name for path in (place / "parts").iterdir() if path.name.startswith(".")] == []
