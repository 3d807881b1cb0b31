"""Several databases have their backups at one place, and several backups may be under way there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from storage_support.reading import documents_of

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


def backed_up(path: Path, place: Path, **options: Any):
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
