"""Checking, repairing, backing up and restoring where files are in a bucket and the catalog in PostgreSQL."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import obstore
import psycopg
import pytest
from obstore.store import S3Store
from storage_support.places import place_over
from storage_support.reading import documents_of

from btql_storage.care.facade import check_database, repair_database, restore_database
from btql_storage.errors import Damaged, OtherDatabase
from btql_storage.folder import Settings
from btql_storage.store import Storage
from btql_storage.stores import lists

SMALL = Settings(job_events=30)
DAY = "2026-01-01T00:00:00Z"
SERVICES = ("s3", "postgres", "redis")


@pytest.fixture(autouse=True)
def lists_do_not_lag(monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of the bucket that tests have: nobody need wait for them."""
    monkeypatch.setattr(lists, "LISTS_LAG_S", 0)


@pytest.fixture
def place(request: pytest.FixtureRequest, quick_path: Path) -> str:
    """A database over all services: two parts, rows of the past, events that wait."""
    place = place_over(request, SERVICES, quick_path)
    with Storage.open(place, create=True, settings=SMALL) as storage:
        target = storage.create_object("dataset", "x")
        storage.ingest(target, [{"id": f"r{n}", "created": DAY, "input": f"text {n}"} for n in range(20)])
        storage.ingest(target, [{"id": f"r{n}", "created": DAY, "input": "new"} for n in range(15, 30)])
        storage.compact()
        storage.ingest(target, [{"id": "waits", "created": DAY}, {"id": "r1", "_object_delete": True}])
        storage.process()
        storage.ingest(target, [{"id": "later", "created": DAY}])
    return place


def documents(place: str | Path) -> dict[str, Any]:
    with Storage.open(place, settings=SMALL) as storage:
        return documents_of(storage, storage.object("dataset", "x"))


def bucket(s3: tuple[str, str]) -> S3Store:
    return S3Store.from_url(s3[0], endpoint=s3[1], client_options={"allow_http": True})


def test_a_database_over_services_is_looked_after(
    place: str, s3: tuple[str, str], postgres_url: str, quick_path: Path, request: pytest.FixtureRequest
):
    expected = documents(place)
    assert check_database(place, deep=True).findings == []

    # Backed up to a folder, and restored to a folder, which needs no service.
    with Storage.open(place) as storage:
        first = storage.care.backup(quick_path / "backups")
    restore_database(quick_path / "backups", quick_path / "copy")
    assert documents(quick_path / "copy") == expected
    assert check_database(quick_path / "copy").findings == []

    # A file of the bucket is changed: copies of this machine do not hide it.
    files = bucket(s3)
    name = "parts/1/rows.arrow"
    content = bytearray(obstore.get(files, name).bytes())
    content[len(content) // 2] ^= 0x55
    obstore.put(files, name, bytes(content))
    assert [one.subject for one in check_database(place).serious] == [name]
    with pytest.raises(Damaged, match="parts/1"):
        documents(place)
    outcome = repair_database(place, source=quick_path / "backups")
    assert outcome.is_sound
    assert documents(place) == expected

    # The catalog is lost.
    server, _, schema = postgres_url.partition("?schema=")
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f"drop schema {schema} cascade")  # type: ignore[arg-type]
    with pytest.raises(OtherDatabase):
        documents(place)
    assert repair_database(place, catalog=True).is_sound
    assert documents(place) == expected
    with Storage.open(place, settings=SMALL) as storage:
        target = storage.object("dataset", "x")
        assert storage.ingest(target, [{"id": "last", "created": DAY}]).xact_id > first.last_xact_id
        storage.compact()
        assert storage.create_object("dataset", "y").id > target.id
    assert documents(place).keys() == expected.keys() | {"last"}
    assert check_database(place).findings == []


def test_from_a_folder_to_a_bucket_of_backups_to_services(
    s3: tuple[str, str], postgres_url: str, quick_path: Path, request: pytest.FixtureRequest
):
    with Storage.open(quick_path / "db", create=True, settings=SMALL) as storage:
        target = storage.create_object("dataset", "x")
        storage.ingest(target, [{"id": f"r{n}", "created": DAY, "input": f"text {n}"} for n in range(20)])
        storage.compact()
        storage.ingest(target, [{"id": "waits", "created": DAY}])
        address = f"{s3[0]}/backups?endpoint={s3[1]}&cache={quick_path / 'backup-cache'}"
        assert storage.care.backup(address).copied_bytes > 0
        shutil.rmtree(quick_path / "backup-cache")
        assert storage.care.backup(address, keep=1).copied_bytes < 100_000
    place = place_over(request, SERVICES, quick_path)
    restore_database(address, place)
    assert documents(place) == documents(quick_path / "db")
    assert check_database(place).findings == []
