"""Lists of a store that lack what was put some seconds ago, and have what was removed: nothing is lost or damaged.

Plays have such lists, too (tests/storage_support/simulation/lists.py); here is what each of their victims does.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import ExitStack
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from storage_support.reading import documents_of
from storage_support.shared import opened

from btql_storage.care.facade import restore_database
from btql_storage.care.vault import Vault
from btql_storage.coordination import sql_register
from btql_storage.format import PARTS, WAL, wal_name
from btql_storage.opening.identity import DATABASE
from btql_storage.store import Storage
from btql_storage.stores import lists
from btql_storage.stores.bucket import BucketStore
from btql_storage.stores.interface import Store
from btql_storage.stores.local import LocalStore
from btql_storage.stores.remote import Remote
from btql_storage.wal.files import WalFiles

DAY = "2026-01-01T00:00:00Z"


class LaggingStore:
    """A store far away whose lists are as they were when :meth:`stop` was called."""

    def __init__(self, inner: LocalStore) -> None:
        self.inner = inner
        self.then: dict[str, list[str]] | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    def stop(self, *folders: str) -> None:
        """Answer with what is there now, from now on."""
        self.then = {folder: self.inner.list(folder) for folder in folders}

    def go_on(self) -> None:
        """Answer with what is there, as lists do after a while."""
        self.then = None

    def list(self, name: str, after: str = "") -> list[str]:
        if self.then is None or name not in self.then:
            return self.inner.list(name, after)
        return [one for one in self.then[name] if one > after]


Lagging = tuple[Storage, LaggingStore]


@pytest.fixture
def open_one(quick_path: Path, postgres_url: str) -> Generator[Callable[[], Lagging]]:
    def open_one() -> Lagging:
        storage = stack.enter_context(opened(quick_path / "db", postgres_url))
        lagging = LaggingStore(LocalStore(quick_path / "db"))
        folder, store = storage._folder, cast("Store", lagging)
        folder.store = folder.parts._store = store
        folder.wal = WalFiles(store, Counter())
        return storage, lagging

    with ExitStack() as stack:
        yield open_one


def test_what_a_list_lacks_is_processed(open_one: Callable[[], Lagging]):
    (writer, _), (worker, store) = open_one(), open_one()
    target = writer.create_object("dataset", "d")
    store.stop(WAL)
    for number in range(3):
        writer.ingest(target, [{"id": f"r{number}", "created": DAY}])

    assert worker.process() == 3
    assert set(documents_of(worker, target)) == {"r0", "r1", "r2"}


def test_what_is_in_every_list_is_not_kept_in_mind(open_one: Callable[[], Lagging], monkeypatch: pytest.MonkeyPatch):
    storage, _ = open_one()
    target = storage.create_object("dataset", "d")
    storage.ingest(target, [{"id": "a", "created": DAY}])
    numbers = storage._folder.numbers
    assert len(numbers.settle(0)) == 1
    monkeypatch.setattr(sql_register, "_LISTS_LAG_MS", -1)
    monkeypatch.setattr(sql_register, "_A_SECOND", 1)
    numbers.next()

    assert numbers.settle(0) == []


def test_a_process_sees_what_it_wrote_and_what_it_saw(open_one: Callable[[], Lagging]):
    (other, _), (mine, store) = open_one(), open_one()
    target = mine.create_object("dataset", "d")
    store.stop(WAL)
    other.ingest(target, [{"id": "theirs", "created": DAY}])
    mine.ingest(target, [{"id": "own", "created": DAY}])

    # What others wrote is seen late, but not by who names a version, and then it stays.
    assert set(documents_of(mine, target)) == {"own"}
    last = mine.last_xact_id()
    with mine.snapshot(target, last) as snapshot:
        assert snapshot.xact_id == last
    assert set(documents_of(mine, target)) == {"own", "theirs"}


def test_a_file_that_a_repair_has_set_aside_is_not_waited_for(open_one: Callable[[], Lagging]):
    storage, store = open_one()
    target = storage.create_object("dataset", "d")
    storage.ingest(target, [{"id": "a", "created": DAY}])
    gone = storage.ingest(target, [{"id": "b", "created": DAY}]).xact_id
    store.inner.delete(f"{WAL}/{wal_name(gone)}")

    assert set(documents_of(storage, target)) == {"a"}


def test_a_check_takes_nothing_for_missing_that_a_list_lacks(
    open_one: Callable[[], Lagging], monkeypatch: pytest.MonkeyPatch
):
    storage, store = open_one()
    storage._folder.catalog.put_setting(DATABASE, "has states since it was made")
    target = storage.create_object("dataset", "d")
    store.stop(WAL, PARTS, "states", f"states/{target.id}")
    storage.ingest(target, [{"id": "b", "created": DAY}])
    storage.compact()
    storage.ingest(target, [{"id": "c", "created": DAY}])
    storage.process()
    waited: list[float] = []

    def sleep(seconds: float) -> None:
        waited.append(seconds)
        store.go_on()

    monkeypatch.setattr(lists, "time", SimpleNamespace(sleep=sleep))

    assert storage.care.check(mark=False).findings == []
    assert waited == [lists.LISTS_LAG_S], "the states are looked at again when all are listed"
    assert storage.care.check(mark=False).findings == []
    assert len(waited) == 1


def test_what_is_missing_is_found_all_the_same(open_one: Callable[[], Lagging]):
    storage, store = open_one()
    target = storage.create_object("dataset", "d")
    number = storage.ingest(target, [{"id": "a", "created": DAY}]).xact_id
    storage.process()
    store.stop(WAL)
    store.inner.delete(f"{WAL}/{wal_name(number)}")

    assert [one.kind for one in storage.care.check(mark=False).serious] == ["missing"]


def test_a_purge_removes_and_searches_what_a_list_lacks(s3: tuple[str, str], quick_path: Path):
    address, endpoint = s3
    place = f"{address}?endpoint={endpoint}&catalog=sqlite:{quick_path}/catalog.sqlite&cache={quick_path}/cache"
    with Storage.open(place, create=True) as storage, pytest.MonkeyPatch.context() as patch:
        target = storage.create_object("dataset", "d")
        storage.ingest(target, [{"id": "kept", "created": DAY}, {"id": "first", "created": DAY}])
        storage.compact()
        remote = cast("BucketStore", storage._folder.store)._remote
        # Lists stand still from here on.
        then = {f"{folder}/{name}" for folder in (WAL, PARTS) for name, _ in remote.objects(folder)}

        def objects(_: Remote, folder: str, after: str = "") -> Iterator[tuple[str, int]]:
            inner = [name.removeprefix(f"{folder}/") for name in sorted(then) if name.startswith(f"{folder}/")]
            yield from ((name, 1) for name in inner if name > after)

        def entries(remote: Remote, folder: str) -> list[str]:
            return sorted({name.partition("/")[0] for name, _ in objects(remote, folder)})

        patch.setattr(Remote, "objects", objects)
        patch.setattr(Remote, "entries", entries)
        storage.ingest(target, [{"id": "second", "created": DAY, "input": "a secret"}])
        storage.compact()
        storage.ingest(target, [{"id": "second", "_object_delete": True}, {"id": "first", "_object_delete": True}])
        report = storage.retention.purge(target, ["a secret"])
        patch.undo()

        assert report.proof.holds, report.proof.found
        assert report.rows > 0
        live, _ = storage._folder.catalog.live_part_ids()
        there = {int(name.partition("/")[0]) for name, _ in remote.objects(PARTS)}
        assert there == live, "a part was left that the list lacked"
        assert set(documents_of(storage, target)) == {"kept"}


def test_a_backup_keeps_what_a_list_lacks(open_one: Callable[[], Lagging], quick_path: Path):
    (other, _), (storage, store) = open_one(), open_one()
    target = storage.create_object("dataset", "d")
    store.stop(WAL, PARTS, *(f"{PARTS}/{number}" for number in range(1, 9)))
    storage.ingest(target, [{"id": "a", "created": DAY}])
    storage.compact()
    other.ingest(target, [{"id": "b", "created": DAY}])
    storage.care.backup(quick_path / "backups")

    with Storage.open(restored(quick_path)) as copy:
        assert set(documents_of(copy, target)) == {"a", "b"}


def restored(folder: Path) -> Path:
    restore_database(folder / "backups", folder / "copy")
    return folder / "copy"


def test_a_backup_that_was_just_made_keeps_its_files(quick_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Storage.open(quick_path / "db", create=True) as storage:
        target = storage.create_object("dataset", "d")
        storage.ingest(target, [{"id": "a", "created": DAY}])
        storage.care.backup(quick_path / "backups")
        storage.ingest(target, [{"id": "b", "created": DAY}])
        names = Vault.names
        # Before it appeared.
        before = names(Vault(LocalStore(quick_path / "backups")))
        monkeypatch.setattr(Vault, "names", lambda _: before)
        made = storage.care.backup(quick_path / "backups", keep=5)
        monkeypatch.undo()

    assert made.name not in before
    with Storage.open(restored(quick_path)) as copy:
        assert set(documents_of(copy, target)) == {"a", "b"}
