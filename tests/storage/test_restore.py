"""A restored database can be opened when all is there; a restore that was broken off is begun anew."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from storage_support.places import place_over
from storage_support.reading import documents_of

from btql_storage.care.facade import check_database, repair_database, restore_database
from btql_storage.errors import Locked, NotADatabase
from btql_storage.folder import Settings
from btql_storage.store import Storage
from btql_storage.stores.local import LocalStore

SMALL = Settings(job_events=40, grace_s=0, wal_grace_s=0)
DAY = "2026-01-01T00:00:00Z"


class Killed(BaseException):
    """The process is gone."""


@pytest.fixture
def original(quick_path: Path) -> Path:
    """A database with two objects, parts, files of the log and an upload."""
    path = quick_path / "db"
    with Storage.open(path, create=True, settings=SMALL) as storage:
        for name in ("x", "y"):
            target = storage.create_object("project_logs", name)
            storage.ingest(target, [{"id": f"{name}{n}", "created": DAY, "input": f"text {n}"} for n in range(40)])
            storage.compact()
            storage.ingest(target, [{"id": f"{name} waits", "created": DAY}])
    (path / "uploads").mkdir()
    (path / "uploads" / "one").write_bytes(b"an upload")
    return path


@pytest.fixture
def vault(original: Path, quick_path: Path) -> Path:
    with Storage.open(original, settings=SMALL) as storage:
        storage.care.backup(quick_path / "backups")
    return quick_path / "backups"


def documents(place: Path | str) -> dict[str, Any]:
    with Storage.open(place, settings=SMALL) as storage:
        return {one.name: documents_of(storage, one) for one in storage.objects()}


def kill(vault: Path, place: Path | str, at: str) -> None:
    """Restore until something with that name is to be copied."""

    def killed(name: str) -> None:
        if name.endswith(at):
            raise Killed

    with pytest.raises(Killed):
        restore_database(vault, place, progress=killed)


@pytest.mark.parametrize("at", ["parts/1", "parts/2", "uploads/one", ".arrow"])
def test_a_restore_that_was_broken_off_is_no_database(original: Path, vault: Path, quick_path: Path, at: str):
    copy = quick_path / "copy"
    kill(vault, copy, at)
    for attempt in (
        lambda: Storage.open(copy),
        lambda: Storage.open(copy, create=True),
        lambda: Storage.open(copy, read_only=True),
        lambda: check_database(copy),
        lambda: repair_database(copy),
    ):
        with pytest.raises(NotADatabase, match=r"has not come to its end; .*`btql restore` to the same place"):
            attempt()
    restore_database(vault, copy)

    assert documents(copy) == documents(original)
    assert check_database(copy).findings == []
    assert not (copy / "btql-restoring.json").exists()
    with pytest.raises(NotADatabase, match="there is a database"):
        restore_database(vault, copy)


def test_wherever_it_is_killed_it_is_no_half_database(
    original: Path, vault: Path, quick_path: Path, monkeypatch: pytest.MonkeyPatch
):
    expected = documents(original)
    found: set[str] = set()
    calls = 0
    for number in range(1, 200):
        copy = quick_path / f"copy-{number}"
        calls = 0

        def step(store: LocalStore, action: str, path: Path, last: int = number) -> None:
            nonlocal calls
            # Databases that other tests have open work in the background, and go on.
            calls += (is_ours := path.is_relative_to(quick_path))
            if is_ours and calls == last:
                raise Killed

        with monkeypatch.context() as patch:
            patch.setattr(LocalStore, "step", step)
            try:
                restore_database(vault, copy)
                break
            except Killed:
                pass
        try:
            there = documents(copy)
            found.add("whole" if there else "empty")
            assert there in ({}, expected)
        except NotADatabase:
            there = {}
            found.add("none")
        if not there:
            restore_database(vault, copy)
            assert documents(copy) == expected

    assert found == {"none", "empty", "whole"}
    assert calls < 199


def test_what_another_backup_has_brought_is_gone(original: Path, vault: Path, quick_path: Path):
    copy = quick_path / "copy"
    kill(vault, copy, ".arrow")
    assert (copy / "uploads" / "one").exists()
    (original / "uploads" / "one").unlink()
    with Storage.open(original, settings=SMALL) as storage:
        storage.care.backup(vault)
    restore_database(vault, copy)

    assert not (copy / "uploads").exists()
    assert documents(copy) == documents(original)


def test_a_restore_that_is_under_way_is_left_alone(vault: Path, quick_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("btql_storage.care.facade.Settings", lambda: Settings(lock_wait_s=0.1))
    copy = quick_path / "copy"
    tried: list[str] = []

    def meanwhile(name: str) -> None:
        if name.endswith(".arrow") and not tried:
            tried.append(name)
            with pytest.raises(Locked):
                restore_database(vault, copy)

    restore_database(vault, copy, progress=meanwhile)
    assert tried
    assert set(documents(copy)) == {"x", "y"}


def test_numbers_go_on_after_a_restore_that_was_broken_off(original: Path, vault: Path, quick_path: Path):
    copy = quick_path / "copy"
    kill(vault, copy, ".arrow")
    restore_database(vault, copy)
    with Storage.open(copy, settings=SMALL) as storage:
        assert storage.create_object("project_logs", "z").id == 3
        last = max(storage._folder.wal.numbers())
        assert storage.ingest(storage.object("project_logs", "x"), [{"id": "new"}]).xact_id > last


@pytest.mark.parametrize("services", [("s3", "sqlite"), ("folder", "sqlite"), ("s3", "postgres", "redis")])
def test_over_services(
    original: Path, vault: Path, quick_path: Path, request: pytest.FixtureRequest, services: tuple[str, ...]
):
    place = place_over(request, services, quick_path / "new")
    kill(vault, place, ".arrow")
    for create in (False, True):
        with pytest.raises(NotADatabase, match="has not come to its end"):
            Storage.open(place, create=create)
    restore_database(vault, place)

    assert documents(place) == documents(original)
    assert check_database(place).findings == []
