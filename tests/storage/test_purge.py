"""Purges: what was deleted is in no file any more, read back from the raw bytes of every one of them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from filelock import FileLock
from storage_support.clocks import HandClock
from storage_support.invariants import check_invariants
from storage_support.reading import documents_of, snapshot_rows

from btql_storage.background.loop import Background, Policy
from btql_storage.care.facade import repair_database
from btql_storage.errors import Locked, UnknownObject
from btql_storage.folder import Settings
from btql_storage.retention.policy import RetentionPolicy
from btql_storage.retention.search import Search
from btql_storage.store import ObjectInfo, Storage

DAY = "2026-01-01T00:00:00Z"
SECRET = "Vera Cruz-Meier 7f3a9"
KEPT = "harmless 5b21c"
HOUR = 3_600
SETTINGS = Settings(purge_within_s=24 * HOUR)


class Db:
    """A database whose clock the test moves, and which can be searched."""

    def __init__(self, folder: Path, settings: Settings = SETTINGS) -> None:
        self.folder = folder
        self.clock = HandClock()
        self.storage = Storage.open(folder, create=True, settings=settings, clock=self.clock)

    def object(self, kind: str = "project_logs", name: str = "x") -> ObjectInfo:
        return self.storage.create_object(kind, name)

    def put(self, target: ObjectInfo, *events: dict[str, Any]) -> int:
        return self.storage.ingest(target, [{"created": DAY, **event} for event in events]).xact_id

    def found(self, text: str = SECRET) -> set[str]:
        """Return the kinds of file that have a text."""
        names = [Path(one.path).relative_to(self.folder) for one in Search([text]).tree(self.folder)]
        return {name.parts[0] if len(name.parts) > 1 else name.name.split(".")[0] for name in names}


@pytest.fixture
def db(quick_path: Path) -> Iterator[Db]:
    made = Db(quick_path)
    yield made
    made.storage.close()


def person(row_id: str, text: str = SECRET, **fields: Any) -> dict[str, Any]:
    """Return an event that has a text everywhere: in indexed fields, in a path with a column of its own, in a key."""
    return {"id": row_id, "input": {"q": text}, "metadata": {"name": text, text: 1}, "tags": [text], **fields}


@pytest.mark.parametrize("kind", ["project_logs", "dataset"])
@pytest.mark.parametrize("compacted", ["never", "before", "between"])
def test_deleted_rows_are_gone_from_every_file(db: Db, kind: str, compacted: str):
    target = db.object(kind)
    db.put(target, person("a"), person("b", KEPT))
    if compacted != "never":
        db.storage.compact()
    db.put(target, person("a", SECRET + " again"), {"id": "b", "_is_merge": True, "output": KEPT})
    if compacted == "between":
        db.storage.compact()
    db.put(target, {"id": "a", "_object_delete": True})
    assert db.found()

    report = db.storage.retention.purge(target, [SECRET])

    assert report.proof.holds
    assert report.proof.texts == 1
    assert report.proof.files > 5
    assert db.found() == set()
    assert db.found(KEPT) >= {"parts", "catalog"}
    assert set(documents_of(db.storage, target)) == {"b"}
    assert {one.name.split("/")[0] for one in report.removed} >= {"wal"}
    assert db.storage.retention.purge(target, [SECRET]).removed == []


@pytest.mark.parametrize("kind", ["project_logs", "dataset"])
def test_what_a_row_was_before_it_was_changed_is_gone_from_logs_and_kept_as_history(db: Db, kind: str):
    target = db.object(kind)
    first = db.put(target, person("a"))
    db.storage.compact()
    db.put(target, person("a", KEPT))
    report = db.storage.retention.purge(target)

    assert report.proof.holds
    if kind == "dataset":
        assert db.found() >= {"parts"}, "rows that are there keep their past"
        with db.storage.snapshot(target, first) as snapshot:
            assert [row.fields["tags"] for row in snapshot_rows(snapshot)] == [f'["{SECRET}"]'.encode()]
    else:
        assert db.found() == set()


@pytest.mark.parametrize("compacted", [False, True])
def test_versions_that_were_deleted_go_where_the_row_was_written_again(db: Db, compacted: bool):
    """What the row was since is kept; also what it was between two deletes goes."""
    target = db.object("dataset")

    def put(*events: dict[str, Any]) -> int:
        xact_id = db.put(target, *events)
        if compacted:
            db.storage.compact()
        return xact_id

    first = put(person("a"), person("b", KEPT))
    put(person("a", SECRET + " changed"))
    put({"id": "a", "_object_delete": True})
    between = put(person("a", SECRET + " again"))
    put({"id": "a", "_object_delete": True})
    clean = put({"id": "a", "input": "clean"})
    put({"id": "a", "input": "cleaner"})
    db.storage.compact()
    report = db.storage.retention.purge(target, [SECRET])

    assert report.proof.holds
    assert report.rows == 3
    assert db.found() == set()
    for version, expected in ((first, {"b"}), (between, {"b"}), (clean, {"a", "b"})):
        with db.storage.snapshot(target, version) as snapshot:
            assert {row.id for row in snapshot_rows(snapshot)} == expected
    assert documents_of(db.storage, target)["a"]["input"] == "cleaner"
    assert db.storage.retention.purge(target, [SECRET]).rows == 0


@pytest.mark.parametrize("compacted", [False, True])
def test_versions_that_were_deleted_go_where_the_row_was_written_again_in_one_request(db: Db, compacted: bool):
    target = db.object("dataset")
    first = db.put(target, person("a"), person("b"), person("c", KEPT))
    if compacted:
        db.storage.compact()
    clean = {"id": "a", "input": "clean"}
    second = db.put(target, {"id": "a", "_object_delete": True}, clean, {"id": "a", "_is_merge": True, "output": 1})
    third = db.put(target, {"id": "b", "_object_delete": True}, {"id": "b", "input": "clean"}, {"id": "c", "input": 1})
    db.put(target, {"id": "a", "input": "cleaner"})
    report = db.storage.retention.purge(target, [SECRET])

    assert report.proof.holds
    assert db.found() == set()
    assert db.found(KEPT) >= {"parts"}, "a row that was changed keeps its past"
    for version, expected in ((first, {"c"}), (second, {"a", "c"}), (third, {"a", "b", "c"})):
        with db.storage.snapshot(target, version) as snapshot:
            assert {row.id for row in snapshot_rows(snapshot)} == expected


def test_a_whole_object_is_gone_from_every_file(db: Db):
    target, other = db.object(), db.object(name="y")
    # Both in one file of the log.
    events = [json.dumps(person(row_id, text, created=DAY)).encode() for row_id, text in (("a", SECRET), ("b", KEPT))]
    db.storage.ingest_all([target, other], events)
    db.storage.compact()
    db.put(target, person("c"))
    db.storage.retention.delete_object(target)
    report = db.storage.retention.purge(target, [SECRET])

    assert report.proof.holds
    assert db.found() == set()
    assert set(documents_of(db.storage, other)) == {"b"}
    assert db.found(KEPT) >= {"parts"}
    (status,) = db.storage.retention.status()
    assert status.purged_at == db.clock.now_s()
    db.clock.seconds += 31 * 24 * HOUR
    assert db.storage.retention.status() == []
    assert db.storage.retention.status(0) == [status]


def test_batches_that_clients_may_ask_for_again_go_too(db: Db):
    target = db.object(name="3f1c")
    db.put(target, {"id": "a", "_object_delete": True})
    kept = db.folder / "uploads" / "overflow" / "org"
    kept.mkdir(parents=True)
    for name, project in (("one", "3f1c"), ("two", "77aa")):
        (kept / name).write_text(json.dumps({"rows": [person("a", project_id=project)]}))
    report = db.storage.retention.purge(target)

    assert [path.name for path in kept.iterdir()] == ["two"]
    assert "uploads/overflow/org/one" in {one.name for one in report.removed}
    assert report.proof.holds


def test_answers_of_queries_in_the_background_go_too(db: Db):
    target = db.object()
    db.put(target, person("a"))
    answer = db.folder / "background" / "3f1c" / "rows.jsonl"
    answer.parent.mkdir(parents=True)
    answer.write_text(json.dumps(person("a")) + "\n")
    (answer.parent / "lock").touch()
    db.put(target, {"id": "a", "_object_delete": True})
    report = db.storage.retention.purge(target, [SECRET])

    assert report.proof.holds
    assert db.found() == set()
    assert next(one for one in report.removed if one.name == "background/3f1c").bytes > 0


def test_queries_that_run_in_the_background_are_stopped_and_waited_for(quick_path: Path):
    db = Db(quick_path, Settings(lock_wait_s=0.5))
    with db.storage as storage:
        target = db.object()
        db.put(target, person("a"))
        running = db.folder / "background" / "3f1c"
        running.mkdir(parents=True)
        with FileLock(running / "lock"), pytest.raises(Locked, match="purge again"):
            storage.retention.purge(target)
        assert (running / "cancel").exists()
        storage.retention.purge(target)
        assert not running.exists()


def test_what_a_repair_has_set_aside_goes_too(db: Db):
    target = db.object()
    db.put(target, person("a"), {"id": "k"})
    db.storage.compact()
    lost = db.put(target, person("b"))
    db.storage.close()
    log = db.folder / "wal" / f"{lost}.arrow"
    content = bytearray(log.read_bytes())
    content[len(content) // 2] ^= 0xFF
    log.write_bytes(content)
    repair_database(db.folder, give_up_rows=True)
    repair_database(db.folder, catalog=True)
    db.storage = Storage.open(db.folder, clock=db.clock)
    db.put(target, {"id": "a", "_object_delete": True})
    report = db.storage.retention.purge(target, [SECRET])

    removed = {one.name for one in report.removed}
    assert removed >= {f"set-aside/{lost}.arrow", "catalog.sqlite.set-aside-1"}
    assert report.proof.holds
    assert db.found() == set()


@pytest.mark.parametrize("whole", [False, True])
def test_deletes_are_purged_by_themselves_within_their_time(db: Db, whole: bool):
    target = db.object()
    db.put(target, person("a"), *(person(f"k{n}", KEPT) for n in range(9)))
    db.storage.compact()
    if whole:
        db.storage.retention.delete_object(target)
    else:
        db.put(target, {"id": "a", "_object_delete": True})
        db.storage.compact()
    (status,) = db.storage.retention.status()

    assert status.waiting_since == db.clock.now_s()
    assert status.due == db.clock.now_s() + 24 * HOUR
    assert db.found() >= {"parts"}

    # What works in the background comes by every hour.
    for _ in range(23):
        db.clock.seconds += HOUR
        db.storage.compact()
    statuses = db.storage.retention.status()

    assert db.found() == set()
    assert [one.waiting_since for one in statuses] == ([None] if whole else [])
    if not whole:
        assert len(documents_of(db.storage, target)) == 9


def test_deletes_that_a_clock_a_year_ahead_has_dated_are_purged_within_their_time(db: Db):
    target = db.object()
    db.put(target, person("a"), *(person(f"k{n}", KEPT) for n in range(9)))
    db.storage.compact()
    db.clock.seconds += 365 * 24 * HOUR
    db.put(target, {"id": "a", "_object_delete": True})
    db.storage.compact()
    db.clock.seconds -= 365 * 24 * HOUR
    db.storage.compact()
    (status,) = db.storage.retention.status()

    assert status.due == db.clock.now_s() + 24 * HOUR

    for _ in range(23):
        db.clock.seconds += HOUR
        db.storage.compact()

    assert db.found() == set()
    assert db.storage.retention.status() == []
    check_invariants(db.storage, tidy=True)


def test_background_work_looks_after_retention(db: Db):
    target = db.object()
    db.put(target, person("a"), *(person(f"k{n}", KEPT) for n in range(9)))
    db.storage.compact()
    db.put(target, {"id": "a", "_object_delete": True})
    db.storage.compact()
    db.storage.retention.set_policy("project_logs", RetentionPolicy(rows=5))
    called: list[int] = []
    background = Background(db.storage, Policy(), tending=lambda: called.append(1))
    background.look()
    assert (called, len(documents_of(db.storage, target))) == ([], 9), "it does not begin with that"
    background._tend_at = 0.0
    db.clock.seconds += 13 * HOUR
    background.look()
    assert (called, len(documents_of(db.storage, target))) == ([1], 5)
    db.clock.seconds += HOUR
    db.storage.retention.tend()

    assert db.found() == set()


def test_a_purge_waits_for_queries_that_still_read(quick_path: Path):
    db = Db(quick_path, Settings(lock_wait_s=0.1))
    with db.storage as storage:
        target = db.object()
        db.put(target, person("a"), person("b", KEPT))
        storage.compact()
        with storage.snapshot(target) as snapshot:
            db.put(target, {"id": "a", "_object_delete": True})
            with pytest.raises(Locked, match="purge again"):
                storage.retention.purge(target)

            assert [row.id for row in snapshot_rows(snapshot)] == ["a", "b"]
        assert storage.retention.purge(target, [SECRET]).proof.holds
        assert db.found() == set()


def test_a_purge_that_is_not_one_says_what_is_left(db: Db):
    target = db.object()
    db.put(target, person("a"))
    db.put(target, {"id": "a", "_object_delete": True})
    (db.folder / "copy.txt").write_text(f"somebody kept {SECRET}")
    report = db.storage.retention.purge(target, [SECRET])

    assert not report.proof.holds
    assert {(one.path, one.needle) for one in report.proof.found} == {("copy.txt", SECRET)}


def test_deletes_are_purged_from_a_bucket_its_copies_and_postgres(
    s3, postgres_url: str, redis_url: str, tmp_path: Path
):
    """Read back are the objects of the bucket, the files of the cache and those of the server's tables."""
    address, endpoint = s3
    services = {"catalog": postgres_url, "redis": redis_url, "endpoint": endpoint, "cache": f"{tmp_path}/cache"}
    place = f"{address}?{urlencode(services)}"
    objects = Bucket(address, endpoint)
    with Storage.open(place, create=True) as storage:
        target, whole = (storage.create_object("dataset", name) for name in "xy")
        for text in (SECRET, SECRET + " again"):
            storage.ingest(target, [person("a", text), person("b", KEPT)])
            storage.ingest(whole, [person("w", text)])
            storage.compact()
        storage.ingest(target, [person("a"), {"id": "b", "_is_merge": True, "output": 1}])
        storage.ingest(target, [{"id": "a", "_object_delete": True}])
        storage.retention.delete_object(whole)
        with pytest.raises(UnknownObject):
            storage.object("dataset", "y")
        assert documents_of(storage, target).keys() == {"b"}
        storage.store.put("uploads/overflow/1/org/one/file", json.dumps(person("a", dataset_id="y")).encode())
        assert objects.found(SECRET, tmp_path / "bucket") >= {"wal", "parts", "uploads"}
        assert Search([SECRET]).tree(tmp_path / "cache") != []
        assert in_postgres(postgres_url, SECRET)
        storage.retention.set_policy("dataset:x", RetentionPolicy(rows=100, history_s=HOUR))
        assert storage.retention.tend() == []
        assert {one.object.name: one.purged_at for one in storage.retention.status()} == {"y": None}

        reports = [storage.retention.purge(one, [SECRET]) for one in (target, whole)]

        assert reports[1].proof.holds
        assert storage.retention.status()[0].purged_at is not None
        assert "copies on other machines" in " ".join(reports[0].proof.beyond)
        assert "PostgreSQL" in " ".join(reports[0].proof.beyond)
        assert objects.found(SECRET, tmp_path / "bucket after") == set()
        assert objects.found(KEPT, tmp_path / "bucket after") >= {"parts"}
        assert Search([SECRET]).tree(tmp_path / "cache") == []
        assert not in_postgres(postgres_url, SECRET)
        assert documents_of(storage, target).keys() == {"b"}


class Bucket:
    """All objects below an address."""

    def __init__(self, address: str, endpoint: str) -> None:
        import obstore.store

        self._store = obstore.store.from_url(address, endpoint=endpoint, client_options={"allow_http": True})

    def found(self, text: str, folder: Path) -> set[str]:
        """Return the folders of the bucket that have objects with a text."""
        import obstore

        for batch in obstore.list(self._store):
            for each in batch:
                path = folder / each["path"]
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(obstore.get(self._store, each["path"]).bytes().to_bytes())
        return {Path(one.path).relative_to(folder).parts[0] for one in Search([text]).tree(folder)}


def in_postgres(url: str, text: str) -> bool:
    """Whether the files of the tables have a text, in use or not."""
    import psycopg

    server, schema = url.split("?schema=")
    query = "select pg_relation_filepath(c.oid) from pg_class c where relnamespace = %s::regnamespace"
    toast = "select pg_relation_filepath(reltoastrelid) from pg_class where relnamespace = %s::regnamespace"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("checkpoint")
        ((data,),) = connection.execute("show data_directory").fetchall()
        names = connection.execute(f"{query} union {toast}", (schema, schema)).fetchall()
    paths = [Path(data, name) for (name,) in names if name is not None]
    assert paths
    return any(text in Search([text]).file(path) for path in paths if path.exists())
