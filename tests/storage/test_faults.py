"""Every call to the system fails once: nothing acknowledged is lost, nothing half-done is seen."""

from __future__ import annotations

import errno
import os
import resource
import sqlite3
import subprocess
import sys
from functools import partial
from itertools import count
from pathlib import Path
from types import SimpleNamespace

import pytest
from storage_support.disks import FailingStore, ReadOnlyStore
from storage_support.failing import REQUESTS, SMALL, holds_when_it_fails_at
from storage_support.model import Model
from storage_support.reading import documents_of

from btql_storage.care.facade import check_database
from btql_storage.catalog import Catalog
from btql_storage.clock import SYSTEM_CLOCK as CLOCK
from btql_storage.errors import (
    AccessDenied,
    DiskFull,
    InputOutput,
    Locked,
    NewerFormat,
    NoMoreFiles,
    NotADatabase,
    ReadOnly,
    StorageError,
)
from btql_storage.folder import Folder, Settings
from btql_storage.store import Storage


# Each call fails in one of two ways; in tests/soak each does in both.
@pytest.mark.parametrize(("error", "for_good", "first"), [(errno.ENOSPC, False, 1), (errno.EIO, True, 2)])
def test_each_call_may_fail(quick_path: Path, error: int, for_good: bool, first: int):
    fail_at = first
    for fail_at in count(first, 2):
        if not holds_when_it_fails_at(quick_path / str(fail_at), fail_at, error, for_good=for_good):
            break
    assert fail_at > 30, "there is much that can fail"


def test_a_request_that_cannot_be_taken_back_stays_whole(quick_path: Path):
    store = FailingStore(quick_path)
    storage = Storage(Folder.over(store, create=True, read_only=False, settings=SMALL, clock=CLOCK))
    target = storage.create_object("project_logs", "x")
    # The first write also looks for the last number.
    storage._folder.need_numbers()
    store.steps.clear()
    storage.ingest(target, REQUESTS[0])
    store.fail_at = store.steps.index("sync folder") + 1
    store.for_good = True
    store.steps.clear()
    with pytest.raises(StorageError):
        storage.ingest(target, REQUESTS[2])
    store.fail_at = 0
    model = Model()
    model.apply(REQUESTS[0])
    model.apply(REQUESTS[2])

    assert documents_of(storage, target) == model.rows


def test_a_folder_that_is_no_database(quick_path: Path):
    (quick_path / "letter.txt").write_text("dear")
    with pytest.raises(NotADatabase, match="not a btql database and not empty"):
        Storage.open(quick_path, create=True)
    with pytest.raises(NotADatabase, match=r"has no `btql\.json`"):
        Storage.open(quick_path)
    with pytest.raises(NotADatabase, match="is a file"):
        Storage.open(quick_path / "letter.txt", create=True)
    with pytest.raises(NotADatabase, match="there is no database"):
        Storage.open(quick_path / "nowhere")
    with pytest.raises(NotADatabase):
        Storage.open(quick_path / "nowhere", create=True, read_only=True)

    assert [entry.name for entry in quick_path.iterdir()] == ["letter.txt"]


def test_a_marker_of_a_newer_version(quick_path: Path):
    Storage.open(quick_path, create=True).close()
    (quick_path / "btql.json").write_text('{"format": 2}')
    with pytest.raises(NewerFormat, match="has format 2"):
        Storage.open(quick_path)


@pytest.mark.parametrize("content", ["", "{}", "[]", '{"format": "1"}', '{"format": 0}', "\x80"])
def test_a_damaged_marker(quick_path: Path, content: str):
    Storage.open(quick_path, create=True).close()
    (quick_path / "btql.json").write_text(content, encoding="latin-1")
    with pytest.raises(StorageError, match="`btql repair` writes it again"):
        Storage.open(quick_path)


def test_a_catalog_of_a_newer_version(quick_path: Path):
    import sqlite3

    Storage.open(quick_path, create=True).close()
    connection = sqlite3.connect(quick_path / "catalog.sqlite")
    connection.execute("pragma user_version = 99")
    connection.close()
    with pytest.raises(NewerFormat, match="version 99"):
        Storage.open(quick_path)


def test_a_damaged_catalog(quick_path: Path):
    Storage.open(quick_path, create=True).close()
    (quick_path / "catalog.sqlite").write_bytes(b"no database at all" * 100)
    with pytest.raises(StorageError, match="`btql repair` makes it again from the files"):
        Storage.open(quick_path)


def test_a_catalog_that_cannot_be_opened_is_told_in_one_line(quick_path: Path):
    Storage.open(quick_path, create=True).close()
    (quick_path / "catalog.sqlite").unlink()
    (quick_path / "catalog.sqlite").mkdir()
    program = "import sys; from btql_storage.store import Storage; from btql_storage.errors import StorageError\n"
    program += "try: Storage.open(sys.argv[1])\nexcept StorageError as error: print(error)"
    done = subprocess.run([sys.executable, "-c", program, quick_path], capture_output=True, text=True, check=True)

    assert "catalog.sqlite" in done.stdout
    assert done.stderr == ""


@pytest.mark.parametrize(("number", "error"), [(errno.EMFILE, NoMoreFiles), (errno.EIO, InputOutput)])
def test_why_a_catalog_cannot_be_opened(quick_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, error: type):
    """SQLite itself says of all that it cannot open a file."""
    Storage.open(quick_path, create=True).close()
    real = os.open

    def fails(path: str, *more: int, **named: int) -> int:
        if str(path).endswith("catalog.sqlite"):
            raise OSError(number, os.strerror(number))
        return real(path, *more, **named)

    def cannot_open(*_: object, **__: object) -> object:
        found = sqlite3.OperationalError("unable to open database file")
        found.sqlite_errorcode = sqlite3.SQLITE_CANTOPEN
        raise found

    monkeypatch.setattr(sqlite3, "connect", cannot_open)
    with pytest.raises(AccessDenied, match="check owner and permissions"):
        Storage.open(quick_path)
    monkeypatch.setattr(os, "open", fails)
    with pytest.raises(error, match=r"cannot open `.*catalog.sqlite`"):
        Storage.open(quick_path)


def test_a_read_only_disk(quick_path: Path):
    with Storage.open(quick_path, create=True) as storage:
        target = storage.create_object("project_logs", "x")
        storage.ingest(target, REQUESTS[0])
    folder = Folder.over(ReadOnlyStore(quick_path), create=True, read_only=True, settings=SMALL, clock=CLOCK)
    with Storage(folder) as storage:
        assert set(documents_of(storage, target)) == {"a", "b", "c"}
        with pytest.raises(ReadOnly, match="opened read-only"):
            storage.ingest(target, REQUESTS[0])
        with pytest.raises(ReadOnly, match="opened read-only"):
            storage.compact()
        with pytest.raises(ReadOnly, match="opened read-only"):
            storage.create_object("project_logs", "new")
    with pytest.raises(ReadOnly, match="read-only file system; open the database read-only"):
        Folder.over(ReadOnlyStore(quick_path), create=False, read_only=False, settings=SMALL, clock=CLOCK)


def test_a_catalog_without_side_files_is_read_as_it_stands(quick_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A folder that nobody may write to has no place for SQLite's side files."""
    import sqlite3

    from btql_storage.databases import sqlite as sqlite_module

    with Storage.open(quick_path, create=True) as storage:
        storage.create_object("project_logs", "x")
    real = sqlite_module.schema_version

    def refusing(connection: sqlite3.Connection) -> int:
        if "immutable" not in uris[-1]:
            raise sqlite3.OperationalError("unable to open database file")
        return real(connection)

    uris: list[str] = []
    open_uri = sqlite_module._open
    monkeypatch.setattr(sqlite_module, "_open", lambda uri, wait: uris.append(uri) or open_uri(uri, wait))
    monkeypatch.setattr(sqlite_module, "schema_version", refusing)
    with Storage.open(quick_path, read_only=True) as reader:
        assert [one.name for one in reader.objects()] == ["x"]
        monkeypatch.undo()
        with Storage.open(quick_path) as writer:
            writer.create_object("project_logs", "y")

        assert [one.name for one in reader.objects()] == ["x", "y"], "what is written later is seen, too"


@pytest.mark.parametrize("changes", [b"", b"what was committed last"])
def test_a_snapshot_without_the_side_file_that_readers_share(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch, changes: bytes
):
    """What is in SQLite's log counts, and cannot be read without a file that nobody can make there."""
    with Storage.open(quick_path, create=True) as storage:
        storage.create_object("project_logs", "x")
    (quick_path / "catalog.sqlite-wal").write_bytes(changes)
    # As good as a place where it cannot be made, also for root.
    (quick_path / "catalog.sqlite-shm").symlink_to(quick_path / "nowhere" / "shm")
    real = os.access
    monkeypatch.setattr(os, "access", lambda path, mode, **more: False if mode == os.W_OK else real(path, mode, **more))
    monkeypatch.setattr(os, "statvfs", lambda _: SimpleNamespace(f_flag=os.ST_RDONLY))
    if changes:
        for call in (partial(Storage.open, quick_path, read_only=True), partial(check_database, quick_path)):
            with pytest.raises(ReadOnly, match=r"catalog\.sqlite-wal.*copy the folder"):
                call()
    else:
        with Storage.open(quick_path, read_only=True) as reader:
            assert [one.name for one in reader.objects()] == ["x"]
        assert check_database(quick_path).is_sound


def test_a_path_with_two_slashes(quick_path: Path):
    """POSIX lets it mean what it likes, and Python keeps both."""
    path = Path(f"/{quick_path}/db")
    assert str(path).startswith("//")
    with Storage.open(path, create=True) as storage:
        target = storage.create_object("project_logs", "x")
        storage.ingest(target, REQUESTS[0])
        storage.compact()
        assert storage.retention.purge(target, ["nowhere"]).proof.holds
    with Storage.open(path, read_only=True) as storage:
        assert set(documents_of(storage, target)) == {"a", "b", "c"}
        storage.care.backup(quick_path / "backups")


def test_a_held_lock(quick_path: Path):
    impatient = Settings(lock_wait_s=0.05)
    with Storage.open(quick_path, create=True) as holder, Storage.open(quick_path, settings=impatient) as other:
        target = holder.create_object("project_logs", "x")
        with (
            holder._folder.numbers.turn(),
            pytest.raises(Locked, match=r"another process has held the write lock .* for 0\.05 s"),
        ):
            other.ingest(target, REQUESTS[0])
        with holder._folder.compact_lock.held(), pytest.raises(Locked, match="compact lock"):
            other.compact()

        assert documents_of(other, target) == {}
        assert other.ingest(target, REQUESTS[0]).rows == 3


def test_a_paused_compaction_cannot_commit_after_another(quick_path: Path, monkeypatch: pytest.MonkeyPatch):
    with Storage.open(quick_path, create=True) as slow, Storage.open(quick_path) as quick:
        target = slow.create_object("project_logs", "x")
        slow.ingest(target, REQUESTS[0])
        commit = Catalog.commit_swap

        def overtaken(catalog: Catalog, *arguments: object) -> None:
            monkeypatch.undo()
            # As if the lock had been lost: another process does the same work first.
            monkeypatch.setattr(quick._folder.compact_lock, "_wait", lambda: None)
            quick.compact()
            commit(catalog, *arguments)  # type: ignore[arg-type]

        monkeypatch.setattr(Catalog, "commit_swap", overtaken)
        with pytest.raises(Locked, match="nothing was changed"):
            slow.compact()

        assert set(documents_of(slow, target)) == {"a", "b", "c"}


def test_a_disk_that_is_really_full(quick_path: Path):
    """A limit on file sizes stands in for a full disk: the kernel itself cuts the writes short."""
    script = Path(__file__).parent.parent / "storage_support" / "full_disk.py"
    roots = [str(script.parent.parent), *(path for path in sys.path if path.endswith("storage"))]
    done = subprocess.run(
        [sys.executable, str(script), str(quick_path / "db")],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(roots)},
        preexec_fn=_limit_file_size,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert done.returncode == 0, done.stderr
    with Storage.open(quick_path / "db") as storage:
        found = documents_of(storage, storage.object("project_logs", "x"))

        assert set(found) == set(done.stdout.split())


def test_no_room_for_the_side_file_that_users_of_the_catalog_share(quick_path: Path):
    Storage.open(quick_path, create=True).close()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, hard))
    try:
        with pytest.raises(DiskFull, match=r"catalog\.sqlite-shm`: no space left on device; free some space"):
            Storage.open(quick_path)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def _limit_file_size() -> None:
    resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))
