"""What every place for files promises (:mod:`btql_storage.stores.interface`), kept by each of them."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from btql_storage.errors import Damaged, StorageError
from btql_storage.gathered import Gathered
from btql_storage.stores.bucket import BucketStore
from btql_storage.stores.cache import DiskCache
from btql_storage.stores.interface import AlreadyThere, Store
from btql_storage.stores.local import LocalStore


class StoreContract:
    """The promises; a subclass has a fixture for each place."""

    def test_a_file_appears_whole_and_is_never_replaced(self, store: Store):
        assert store.put("wal/1.arrow", b"first") == 5
        with pytest.raises(AlreadyThere):
            store.put("wal/1.arrow", Gathered.of(b"second"))

        assert store.read("wal/1.arrow") == b"first"
        assert store.file("wal/1.arrow").read_bytes() == b"first"
        assert (store.size("wal/1.arrow"), store.size("wal/2.arrow")) == (5, 0)
        assert store.read("wal/2.arrow") is None

    def test_a_file_may_come_in_pieces(self, store: Store):
        content = Gathered()
        for number in range(1_000):
            content.write(b"%d," % number)
            content.write(memoryview(b"x" * number))
        assert store.put("wal/1.arrow", content) == len(content)

        assert store.read("wal/1.arrow") == b"".join(b"%d,%b" % (number, b"x" * number) for number in range(1_000))

    def test_of_many_who_put_one_name_one_succeeds(self, store: Store):
        def put(number: int) -> bool:
            try:
                store.put("wal/1.arrow", b"%d" % number)
            except AlreadyThere:
                return False
            return True

        with ThreadPoolExecutor(8) as pool:
            succeeded = [number for number, done in enumerate(pool.map(put, range(8))) if done]

        assert [b"%d" % number for number in succeeded] == [store.read("wal/1.arrow")]

    def test_listings_are_sorted_and_may_begin_after_a_name(self, store: Store):
        assert store.list("wal") == []
        for number in (3, 1, 2, 10):
            store.put(f"wal/{number:02d}", b"x" * number)

        assert store.list("wal") == ["01", "02", "03", "10"]
        assert store.list("wal", "02") == ["03", "10"]
        assert store.list("wal", "025") == ["03", "10"]
        assert store.list("wal", "10") == []
        assert store.sizes("wal") == {"01": 1, "02": 2, "03": 3, "10": 10}

    def test_a_published_folder_is_read_file_by_file(self, store: Store):
        publish(store, "parts/12")
        publish(store, "parts/123")

        assert store.list("parts") == ["12", "123"]
        assert store.file("parts/12/columns.parquet").read_bytes() == b"columns of parts/12"
        assert {path.name for path in store.folder("parts/12/text").iterdir()} == {"meta.json", "1.idx", "empty"}
        assert (store.folder("parts/12/text") / "1.idx").read_bytes() == b"i" * 5_000
        store.release("parts/12")
        assert store.file("parts/12/columns.parquet").read_bytes() == b"columns of parts/12"

    def test_what_is_prepared_and_not_published_is_nowhere(self, store: Store):
        prepare(store, "parts/1")

        assert store.list("parts") == []

        prepare(store, "parts/1")
        store.publish("parts/1")
        store.sweep("parts")

        assert store.list("parts") == ["1"]

    def test_the_whole_store_is_neither_swept_nor_removed(self, store: Store):
        store.put("parts/1", b"x")
        for remove in (store.sweep, store.delete):
            with pytest.raises(AssertionError):
                remove("")
        assert store.list("parts") == ["1"]

    def test_what_is_deleted_is_gone(self, store: Store):
        publish(store, "parts/12")
        publish(store, "parts/123")
        for number in range(3):
            store.put(f"wal/{number}", b"x")
        store.delete("parts/12")
        store.delete("parts/12")
        store.delete("wal/0")
        store.delete_files(["wal/1", "wal/missing"])

        assert store.list("parts") == ["123"]
        assert store.list("wal") == ["2"]
        assert store.size("parts/12/columns.parquet") == 0

    def test_names_have_odd_characters(self, store: Store):
        name = "wal/a b%2Fü+&=?.arrow"
        store.put(name, b"x")

        assert store.list("wal") == [name.removeprefix("wal/")]
        assert store.file(name).read_bytes() == b"x"
        store.delete(name)
        assert store.list("wal") == []

    def test_a_missing_file_has_a_name_and_a_way_out(self, store: Store):
        with pytest.raises(StorageError, match=r"wal/9\.arrow.*; restore"):
            open_missing(store)

    def test_prefetched_files_are_there(self, store: Store):
        publish(store, "parts/1")
        publish(store, "parts/2")
        store.release("parts/1")
        names = [f"parts/{part}/{file}" for part in (1, 2) for file in ("columns.parquet", "keys.arrow")]
        store.prefetch(names, ["parts/1/text"])

        assert [store.file(name).exists() for name in names] == [True] * 4


def open_missing(store: Store) -> None:
    path = store.file("wal/9.arrow")
    if not path.exists():
        raise Damaged(f"`{path}` is missing", "restore it")


def prepare(store: Store, name: str) -> None:
    folder = store.unfinished(name)
    assert not folder.exists()
    (folder / "text").mkdir(parents=True)
    (folder / "columns.parquet").write_text(f"columns of {name}")
    (folder / "keys.arrow").write_bytes(b"k" * 100)
    (folder / "text" / "meta.json").write_text("{}")
    (folder / "text" / "1.idx").write_bytes(b"i" * 5_000)
    (folder / "text" / "empty").touch()


def publish(store: Store, name: str) -> None:
    prepare(store, name)
    store.publish(name)


class TestLocal(StoreContract):
    @pytest.fixture
    def store(self, quick_path: Path) -> Store:
        store = LocalStore(quick_path)
        for folder in ("wal", "parts"):
            store.make_folder(folder)
        return store

    def test_what_the_system_does_not_take_at_once_is_written_later(self, store: Store, monkeypatch):
        def write_some(descriptor: int, pieces: list[bytes | memoryview]) -> int:
            return os.write(descriptor, b"".join(pieces)[:taken])

        monkeypatch.setattr("os.writev", write_some)
        for taken in range(1, 9):
            content = Gathered()
            for piece in (b"ab", b"", memoryview(b"cde"), b"f"):
                content.write(piece)
            store.put(f"wal/{taken}", content)
            store.put(f"wal/1{taken}", b"abcdef")

            assert store.read(f"wal/{taken}") == store.read(f"wal/1{taken}") == b"abcdef"

    def test_who_prepares_the_same_has_a_folder_of_its_own(self, quick_path: Path, store: Store):
        prepare(store, "parts/1")
        with ThreadPoolExecutor(1) as pool:
            pool.submit(publish, LocalStore(quick_path), "parts/1").result()

        assert store.list("parts") == ["1"]
        with pytest.raises(StorageError, match="not empty"):
            store.publish("parts/1")


class TestS3(StoreContract):
    @pytest.fixture
    def store(self, s3: tuple[str, str], quick_path: Path):
        address, endpoint = s3
        store = BucketStore.open(address, DiskCache(quick_path, 1 << 20), endpoint=endpoint)
        yield store
        store.close()


class TestS3WithColdCache(StoreContract):
    """Nothing that a store writes is in the copies of whoever reads."""

    @pytest.fixture
    def store(self, s3: tuple[str, str], quick_path: Path, monkeypatch: pytest.MonkeyPatch):
        address, endpoint = s3
        monkeypatch.setattr(DiskCache, "add", lambda *_: None)
        monkeypatch.setattr(DiskCache, "adopt", lambda *_: None)
        store = BucketStore.open(address, DiskCache(quick_path, 0), endpoint=endpoint)
        yield store
        store.close()


class TestAzure(StoreContract):
    @pytest.fixture
    def store(self, azure: tuple[str, str], quick_path: Path):
        address, endpoint = azure
        store = BucketStore.open(address, DiskCache(quick_path, 1 << 20), endpoint=endpoint)
        yield store
        store.close()
