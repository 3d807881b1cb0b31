"""Copies on the local disk: bounded, made once, never half, never taken from whoever reads them."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from shutil import rmtree
from threading import Barrier, Lock

import pytest

import btql_storage
from btql_storage.errors import StorageError
from btql_storage.stores.cache import DiskCache, Expect, Fetch

LIMIT = 1_000
HOLDER = """
import sys, time
from pathlib import Path
from btql_storage.stores.cache import DiskCache
cache = DiskCache(Path(sys.argv[1]), 1_000)
cache.hold("db/parts/1")
print("held", flush=True)
time.sleep(60)
"""


@pytest.fixture
def cache(quick_path: Path) -> DiskCache:
    return DiskCache(quick_path / "cache", LIMIT)


def content(size: int) -> Fetch:
    """Return what makes a file of some bytes, or a folder with two files of half of them."""

    def fetch(path: Path, expect: Expect) -> None:
        expect(size)
        if path.name.endswith(".folder"):
            path.mkdir()
            for name in "ab":
                (path / name).write_bytes(b"x" * (size // 2))
        else:
            path.write_bytes(b"x" * size)

    return fetch


def never(path: Path, expect: Expect) -> None:
    raise AssertionError(f"{path} should be there, and {expect} is not asked for")


def bytes_of(cache: DiskCache) -> int:
    """Return the bytes of all copies that are complete."""
    total = 0
    for folder, folders, files in os.walk(cache.root / "files"):
        folders[:] = [name for name in folders if not name.startswith(".")]
        for name in files:
            with suppress(FileNotFoundError):
                total += 0 if name.startswith(".") else Path(folder, name).stat().st_size
    return total


def test_a_copy_is_made_once_and_kept(cache: DiskCache):
    path = cache.get("db/wal/1", content(10))

    assert cache.get("db/wal/1", never) == path
    assert path.read_bytes() == b"x" * 10
    assert DiskCache(cache.root, LIMIT).get("db/wal/1", never) == path
    assert (cache.used(), cache.root.stat().st_mode & 0o77) == (10, 0)


def test_many_ask_at_once_and_one_fetches(cache: DiskCache):
    barrier, guard, fetched = Barrier(8), Lock(), list[str]()

    def get(number: int) -> Path:
        key = f"db/wal/{number % 2}"

        def fetch(path: Path, expect: Expect) -> None:
            with guard:
                fetched.append(key)
            content(100)(path, expect)

        barrier.wait()
        # Each process has a cache object of its own, and so has each thread here.
        return DiskCache(cache.root, LIMIT).get(key, fetch)

    with ThreadPoolExecutor(8) as pool:
        paths = set(pool.map(get, range(8)))

    assert (len(paths), sorted(fetched)) == (2, ["db/wal/0", "db/wal/1"])


def test_what_was_not_used_for_longest_goes_first(cache: DiskCache):
    for number in range(9):
        os.utime(cache.get(f"db/wal/{number}", content(100)), ns=(number, number))
    cache.get("db/wal/0", never)
    cache.get("db/wal/9", content(250))

    # Room is made for a tenth more than is needed, and a used one stays.
    assert [number for number in range(10) if cache.has(f"db/wal/{number}")] == [0, 4, 5, 6, 7, 8, 9]
    assert cache.used() == bytes_of(cache) <= LIMIT


def test_however_many_come_the_bound_holds(cache: DiskCache):
    def get(number: int) -> None:
        cache.get(f"db/parts/{number % 7}/{number}{'.folder' if number % 3 else ''}", content(2 * (number % 50)))

        assert cache.used() <= LIMIT

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(get, range(200)))

    assert LIMIT // 2 < bytes_of(cache) <= cache.used()
    cache.sweep()
    assert cache.used() == bytes_of(cache)


def test_what_others_count_meanwhile_is_not_taken_off_again(cache: DiskCache):
    cache.get("db/wal/1", content(200))
    tries: list[int] = []

    def fetch(path: Path, expect: Expect) -> None:
        tries.append(1)
        if len(tries) == 1:
            # Others remove a folder where nothing is in it yet, and count when they make room.
            path.parent.rmdir()
            try:
                expect(100)
            finally:
                cache.sweep()
        content(100)(path, expect)

    cache.get("db/parts/1/columns", fetch)

    assert (len(tries), cache.used(), bytes_of(cache)) == (2, 300, 300)


def test_what_is_held_stays_though_it_is_too_much(cache: DiskCache):
    held = [cache.hold(f"db/parts/{number}") for number in range(2)]
    paths = [cache.get(f"db/parts/{number % 2}/{number}", content(400)) for number in range(6)]
    cache.get("db/wal/1", content(10))

    assert all(path.exists() for path in paths)
    assert not cache.remove("db/parts/0")

    for descriptor in held:
        cache.let_go(descriptor)

    assert bytes_of(cache) <= LIMIT
    assert cache.remove("db/parts/0")
    assert not (cache.root / "files/db/parts/0").exists()


def test_another_process_holds_until_it_is_killed(cache: DiskCache):
    root = Path(btql_storage.__file__).parent.parent
    environment = {**os.environ, "PYTHONPATH": str(root)}
    command = [sys.executable, "-c", HOLDER, str(cache.root)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        cache.get("db/parts/1/a", content(900))
        cache.get("db/parts/2/b", content(500))
        stayed = cache.has("db/parts/1/a")
        holder.kill()
    cache.sweep()

    assert stayed
    assert not cache.has("db/parts/1/a")


def test_a_fetch_that_fails_leaves_nothing(cache: DiskCache):
    def fetch(path: Path, expect: Expect) -> None:
        expect(500)
        path.write_bytes(b"half")
        raise ConnectionResetError

    with pytest.raises(StorageError, match=r"cannot keep a copy at `.*wal/1`"):
        cache.get("db/wal/1", fetch)

    assert (cache.used(), bytes_of(cache)) == (0, 0)
    assert cache.get("db/wal/1", content(5)).read_bytes() == b"xxxxx"


def test_what_killed_processes_left_is_removed(cache: DiskCache):
    cache.get("db/parts/1/a", content(100))
    folder = cache.root / "files/db/parts/1"
    (folder / ".new-b").write_bytes(b"half")
    (folder / ".new-text.folder").mkdir()
    (folder / ".old-17-text.folder").mkdir()
    (cache.root / "used").write_text("nonsense")
    cache.sweep()

    assert [path.name for path in folder.iterdir()] == ["a"]
    assert cache.used() == 100


@pytest.mark.parametrize("add", ["add", "adopt"])
def test_what_was_just_stored_is_kept(cache: DiskCache, quick_path: Path, add: str):
    source = quick_path / "source"
    source.write_bytes(b"xyz")
    for _ in range(2):
        cache.add("db/wal/1", b"xyz") if add == "add" else cache.adopt("db/wal/1", source)

    assert cache.get("db/wal/1", never).read_bytes() == b"xyz"
    assert cache.used() == 3


@pytest.mark.parametrize(
    "keep", [lambda cache: cache.add("db/wal/1", b"x"), lambda cache: cache.adopt("db/a", Path("x"))]
)
def test_a_disk_without_room_for_a_copy_is_no_error_for_who_stores(tmp_path: Path, keep: Callable[[DiskCache], None]):
    (tmp_path / "file").touch()
    cache = DiskCache(tmp_path / "file", LIMIT)
    keep(cache)
    with pytest.raises(StorageError, match="cannot keep a copy at"):
        cache.get("db/wal/1", content(1))


def test_the_folder_may_be_emptied_while_it_is_in_use(cache: DiskCache):
    descriptor = cache.hold("db/parts/1")
    cache.get("db/parts/1/a", content(10))
    rmtree(cache.root)

    assert cache.get("db/parts/1/a", content(10)).exists()
    cache.let_go(descriptor)
    cache.let_go(cache.hold("db/parts/1"))
    assert cache.used() == 10
