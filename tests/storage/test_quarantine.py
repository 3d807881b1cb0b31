"""A damaged part is marked; what needs it fails with its name, and everything else goes on."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from contextlib import closing
from errno import EIO
from pathlib import Path

import pytest
from storage_support.clocks import HandClock
from storage_support.reading import documents_of

import btql
from btql_storage.care.facade import check_database, repair_database
from btql_storage.care.quarantine import check_files, quarantine
from btql_storage.clock import SYSTEM_CLOCK
from btql_storage.errors import (
    AccessDenied,
    Damaged,
    DiskFull,
    InputOutput,
    NewerFormat,
    NoMoreFiles,
    Quarantined,
    StorageError,
    from_os_error,
)
from btql_storage.folder import Folder, Settings
from btql_storage.ordered import Ordered
from btql_storage.retention.policy import RetentionPolicy
from btql_storage.store import Storage
from btql_storage.stores.local import LocalStore

FOOTER = -68


def spoil(path: Path, start: int | None = None) -> None:
    """Make a file unreadable, in the middle where nothing else is said."""
    content = bytearray(path.read_bytes())
    start = len(content) // 2 if start is None else start
    content[start : start + 64] = bytes(64)
    path.write_bytes(content)


@pytest.fixture
def path(quick_path: Path) -> Path:
    """A database with two objects; the first has a part for each of two days."""
    path = quick_path / "db"
    with Storage.open(path, create=True, settings=Settings(job_events=50)) as storage:
        for name in ("x", "y"):
            target = storage.create_object("project_logs", name)
            for day in ("01", "02"):
                created = f"2026-01-{day}T00:00:00Z"
                events = [
                    {"id": f"{day}-{number}", "created": created, "input": "word " * number} for number in range(50)
                ]
                storage.ingest(target, events)
        storage.compact()
    return path


def asked(connection: btql.Connection, name: str, where: str = "") -> int:
    return len(
        list(connection.query(f"select: id, input, created | from: project_logs('{name}') {where} | limit: 1000"))
    )


def test_a_query_that_stumbles_marks_the_part_and_names_it(path: Path):
    spoil(path / "parts" / "1" / "columns.parquet", FOOTER)
    later = "| filter: created > '2026-01-01T12:00:00Z'"
    with btql.connect(path, background=False) as connection:
        with pytest.raises(Damaged, match=r"`parts/1/columns.parquet`: its checksum does not hold; `btql repair`"):
            asked(connection, "x")
        with pytest.raises(Quarantined, match="parts/1"):
            asked(connection, "x")
        assert asked(connection, "x", later) == 50
        assert asked(connection, "y") == 100
    # It is known to others, too, and told by the check.
    with btql.connect(path, background=False) as connection, pytest.raises(Quarantined):
        asked(connection, "x")
    assert "quarantined" in {str(one.kind) for one in check_database(path).findings}


@pytest.mark.parametrize("content", [None, b"", b"PAR1", b"PAR1PAR1"])
@pytest.mark.parametrize("query", ["select: id, created", "measures: count(1)", "measures: max(created)"])
def test_an_empty_file_and_one_that_is_gone_are_no_files_without_rows(path: Path, query: str, content: bytes | None):
    columns = path / "parts" / "1" / "columns.parquet"
    columns.unlink()
    if content is not None:
        columns.write_bytes(content)
    with btql.connect(path, background=False) as connection:
        asking = f"{query} | from: project_logs('x') | filter: input != 'nothing' or created is null"
        for error in (Damaged, Quarantined):
            with pytest.raises(error, match="parts/1"):
                connection.query(asking).rows()


@pytest.mark.parametrize("suffix", ["fast", "term"])
def test_a_reader_that_panics_or_fails_over_damaged_bytes_names_the_file(path: Path, suffix: str):
    """The sizes are right, so that nobody sees at once that something is wrong."""
    (index,) = (path / "parts" / "1" / "text").glob(f"*.{suffix}")
    content = index.read_bytes()
    index.write_bytes(bytes(byte ^ 0xFF for byte in content[:32]) + content[32:])
    asking = "select: id | from: project_logs('x') | filter: input match 'word'"
    with btql.connect(path, background=False) as connection:
        with pytest.raises(Damaged, match=rf"`parts/1/text/\w+.{suffix}`: its checksum does not hold; `btql repair`"):
            connection.query(asking).rows()
        with pytest.raises(Quarantined, match="parts/1"):
            connection.query(asking).rows()


def test_a_panic_of_the_engine_over_files_that_are_whole_is_its_defect(path: Path, monkeypatch: pytest.MonkeyPatch):
    def panics(*_: object) -> object:
        raise type("PanicException", (BaseException,), {})("index out of bounds")

    monkeypatch.setattr("btql.execution.run.Runner.batches", panics)
    with btql.connect(path, background=False) as connection, pytest.raises(btql.Error, match="the engine has a defect"):
        asked(connection, "x")


@pytest.mark.parametrize(
    ("said", "error", "told"),
    [
        (
            "Unable to open file /db/parts/1/columns.parquet: Too many open files (os error 24)",
            NoMoreFiles,
            "`/db/parts",
        ),
        (
            "Unable to open file /db/parts/1/columns.parquet: Permission denied (os error 13)",
            AccessDenied,
            "`/db/parts",
        ),
        ("Unable to open file /db/parts/1/columns.parquet: Input/output error (os error 5)", InputOutput, "`/db/parts"),
        ("Io error: IO error: No space left on device (os error 28)", DiskFull, "no space left"),
    ],
)
def test_what_the_system_refuses_the_engine_is_no_damage(
    path: Path, monkeypatch: pytest.MonkeyPatch, said: str, error: type[StorageError], told: str
):
    def fails(*_: object) -> object:
        raise RuntimeError(f"DataFusion error: Parquet error: External: {said}")

    monkeypatch.setattr("btql.execution.run.Runner.batches", fails)
    with btql.connect(path, background=False) as connection, pytest.raises(error, match=told):
        asked(connection, "x")
    assert check_database(path).is_sound


def test_files_of_a_disk_that_reads_nothing_for_a_while_are_not_damaged(path: Path, monkeypatch: pytest.MonkeyPatch):
    """The first to stumble has just seen bytes that are wrong, and nobody can say what is in the file now."""

    def fails(*_: object) -> str:
        raise OSError(EIO, "Input/output error")

    with Storage.open(path) as storage, monkeypatch.context() as weather:
        weather.setattr("btql_storage.care.part_check.file_checksum", fails)
        with pytest.raises(InputOutput, match="parts/1/"):
            quarantine(storage._folder, [1], "cannot read `parts/1/columns.parquet`")
        with pytest.raises(InputOutput, match="parts/1/"):
            check_files(storage._folder, storage._folder.catalog.view(1).parts)
        assert not any(part.quarantined for part in storage._folder.catalog.view(1).parts)
        # Whoever has it checked is told that there is a file that cannot be read.
        assert "it cannot be read: Input/output error" in str(check_database(path, mark=False).findings)


@pytest.mark.parametrize("name", ["rows.arrow", "keys.arrow"])
def test_compaction_stops_for_one_object_and_goes_on_for_others(path: Path, name: str):
    spoil(path / "parts" / "1" / name)
    with Storage.open(path) as storage:
        x, y = (storage.object("project_logs", name) for name in ("x", "y"))
        for target in (x, y):
            storage.ingest(target, [{"id": "01-49", "input": "new"}, {"id": "new", "input": "new"}])
        with pytest.raises(Damaged, match="parts/1"):
            storage.compact()
        assert documents_of(storage, y)["01-49"]["input"] == "new"
        assert storage.waiting().events == 2
        with pytest.raises(Damaged, match="parts/1"):
            documents_of(storage, x)
        # Writes to it are taken all the same.
        storage.ingest(x, [{"id": "newer"}])


def test_a_file_that_a_disk_does_not_read_stops_one_object_and_is_not_damaged(path: Path):
    class BadSectors(LocalStore):
        def file(self, name: str) -> Path:
            if name.startswith("parts/1/"):
                raise from_os_error(OSError(EIO, "Input/output error"), "read", name)
            return super().file(name)

    opened = Folder.over(
        BadSectors(path), create=False, read_only=False, settings=Settings(purge_within_s=0), clock=SYSTEM_CLOCK
    )
    with Storage(opened) as storage:
        x, y = (storage.object("project_logs", name) for name in ("x", "y"))
        for target in (x, y):
            storage.ingest(target, [{"id": "01-49", "_object_delete": True}])
        with pytest.raises(InputOutput, match="parts/1/"):
            storage.compact()
        assert [one.events for one in storage._folder.catalog.pending().values()] == [1]
        storage.retention.set_policy("project_logs", RetentionPolicy(rows=30))
        with pytest.raises(InputOutput, match="parts/1/"):
            storage.retention.tend()
        assert len(documents_of(storage, y)) == 30
    with Storage.open(path) as storage:
        storage.compact()
        assert len(documents_of(storage, x)) == 99


def test_policies_and_purges_stop_for_one_object_and_go_on_for_others(path: Path):
    clock = HandClock()
    with Storage.open(path, settings=Settings(purge_within_s=10), clock=clock) as storage:
        x, y = (storage.object("project_logs", name) for name in ("x", "y"))
        for target in (x, y):
            storage.ingest(target, [{"id": "01-49", "_object_delete": True}])
        storage.compact()
        storage.retention.set_policy("project_logs", RetentionPolicy(rows=70))
        assert [one.parts for one in storage.retention.status()] == [1, 1]
        spoil(path / "parts" / "1" / "columns.parquet", FOOTER)
        clock.seconds += 5
        with pytest.raises(Damaged, match="parts/1"):
            storage.retention.tend()

        assert len(documents_of(storage, y)) == 70
        clock.seconds += 600
        storage.remove_unneeded()
        assert [one.object.name for one in storage.retention.status()] == ["x"]
        # It is marked, so that nobody stumbles over it again.
        storage.retention.tend()


def test_what_the_check_finds_is_not_read_any_more(path: Path):
    with (path / "parts" / "1" / "rows.arrow").open("r+b") as file:
        file.seek(-100, 2)
        byte = file.read(1)
        file.seek(-100, 2)
        file.write(bytes([byte[0] ^ 1]))
    assert [one.subject for one in check_database(path).serious] == ["parts/1/rows.arrow"]
    with Storage.open(path) as storage, pytest.raises(Quarantined, match=r"parts/1/rows.arrow"):
        documents_of(storage, storage.object("project_logs", "x"))


def test_damage_is_not_carried_into_a_new_part(path: Path):
    spoil(path / "parts" / "1" / "text" / "meta.json")
    with Storage.open(path) as storage:
        x = storage.object("project_logs", "x")
        storage.ingest(x, [{"id": f"01-{number}", "_object_delete": True} for number in range(40)])
        with pytest.raises(Damaged, match=r"parts/1/text/meta.json"):
            storage.compact()
        assert len(documents_of(storage, storage.object("project_logs", "y"))) == 100


def test_a_damaged_log_file_stops_the_objects_that_are_in_it(path: Path):
    with Storage.open(path) as storage:
        x, y = (storage.object("project_logs", name) for name in ("x", "y"))
        written = storage.ingest(x, [{"id": "a", "input": "z" * 5000}]).xact_id
        storage.ingest(y, [{"id": "a"}])
    spoil(path / "wal" / f"{written}.arrow")
    with Storage.open(path) as storage:
        with pytest.raises(Damaged, match=str(written)):
            documents_of(storage, x)
        assert len(documents_of(storage, y)) == 101
        with pytest.raises(Damaged, match=str(written)):
            storage.compact()
        assert storage.waiting().events == 1


@pytest.mark.parametrize("reads", ["a version", "a policy", "an export"])
def test_who_reads_columns_of_all_rows_names_the_file(quick_path: Path, reads: str):
    """What reads the columns has an error of its own, which says nothing of the file."""
    with Storage.open(quick_path, create=True) as storage:
        target = storage.create_object("dataset", "x")
        first = storage.ingest(target, [{"id": "a", "created": "2026-01-01T00:00:00Z"}]).xact_id
        storage.ingest(target, [{"id": "b"}])
        storage.compact()
        storage.retention.set_policy("dataset", RetentionPolicy(age_s=1))
    spoil(quick_path / "parts" / "1" / "columns.parquet", FOOTER)

    def read(storage: Storage) -> None:
        if reads == "a policy":
            storage.retention.run()
        else:
            with storage.snapshot(target, first if reads == "a version" else None) as snapshot:
                list(Ordered(snapshot).tables())

    with Storage.open(quick_path) as storage, pytest.raises(Damaged, match=r"cannot read `.*parts/1/columns.parquet`"):
        read(storage)


@pytest.mark.parametrize("lost", [False, True], ids=["catalog", "catalog lost"])
def test_what_a_newer_btql_has_written_is_not_taken_for_damaged(
    path: Path, monkeypatch: pytest.MonkeyPatch, lost: bool
):
    """An older one that still runs somewhere would keep the newer one from its own parts."""
    catalog = path / "catalog.sqlite"
    before = catalog.read_bytes()
    if lost:
        catalog.unlink()
    with monkeypatch.context() as older:
        older.setattr("btql_storage.part.manifest.FORMAT_VERSION", 1)
        with pytest.raises(NewerFormat, match="install a newer btql"):
            repair_database(path) if lost else check_database(path)
    if lost:
        catalog.unlink(missing_ok=True)
        catalog.write_bytes(before)
    with btql.connect(path, background=False) as connection:
        assert asked(connection, "x") == 100
    assert check_database(path).is_sound


@pytest.mark.parametrize(
    ("column", "changed"),
    [
        ("stats", lambda text: text.replace(b'"rows":', b'"rovs":')),
        ("stats", lambda text: text.replace(b'"path":["input"]', b'"path":["\xf4nput"]')),
        ("stats", lambda text: text.replace(b',"paths":', b',"pathr":')),
        ("file_bytes", lambda text: text.replace(b":", b";")),
    ],
)
def test_values_of_the_catalog_that_nobody_wrote_are_damage(
    quick_path: Path, column: str, changed: Callable[[bytes], bytes]
):
    """Nothing has checksums of them: a disk may have changed a bit."""
    with Storage.open(quick_path, create=True) as storage:
        target = storage.create_object("project_logs", "x")
        storage.ingest(target, [{"id": "a", "input": 1}])
        storage.compact()
    with closing(sqlite3.connect(quick_path / "catalog.sqlite", isolation_level=None)) as connection:
        ((before,),) = connection.execute(f"select {column} from parts").fetchall()
        assert changed(before) != before
        connection.execute(f"update parts set {column} = ?", (changed(before),))

    def read() -> set[object]:
        with Storage.open(quick_path) as storage:
            storage.status()
            with storage.snapshot(target) as snapshot:
                return {path for part in snapshot.parts for path in part.part.stats.paths}

    with pytest.raises(Damaged, match=r"the catalog has values that nobody wrote: .*`btql repair --catalog` makes"):
        read()
    assert not check_database(quick_path).is_sound
    assert repair_database(quick_path, catalog=True).is_sound
    assert ("input",) in read()
