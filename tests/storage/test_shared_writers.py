"""Writers that take no turns: several open databases over the same files, whose numbers come from a service."""

from __future__ import annotations

from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest
from storage_support.proxy import Network, proxied
from storage_support.reading import documents_of, snapshot_rows
from storage_support.shared import opened

from btql_storage.coordination import redis_register
from btql_storage.errors import InputOutput, Locked, StorageError, Unreachable
from btql_storage.gathered import Gathered
from btql_storage.store import ObjectInfo, Storage
from btql_storage.stores.local import LocalStore

DAY = "2026-01-01T00:00:00Z"
Open = Callable[..., Storage]


class SlowStore(LocalStore):
    """Keeps a writer's file back until it is told to go on."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.reached, self.go_on = Event(), Event()

    def put(self, name: str, content: bytes | Gathered) -> int:
        if name.startswith("wal/"):
            self.reached.set()
            assert self.go_on.wait(20)
        return super().put(name, content)


class LostAnswers(LocalStore):
    """Writes a file, and loses the answer; asked again, it says that the name is taken."""

    def __init__(self, root: Path, *, tries_again: bool, writes: bool = True) -> None:
        super().__init__(root)
        self.tries_again, self.writes = tries_again, writes
        self.lost = 0

    def put(self, name: str, content: bytes | Gathered) -> int:
        if not name.startswith("wal/") or self.lost:
            return super().put(name, content)
        self.lost += 1
        if self.writes:
            super().put(name, content)
        if self.tries_again:
            return super().put(name, content)
        raise InputOutput("no answer")


class TakenNames(LocalStore):
    """The name of the second file of the log is another writer's, and nobody answers whoever puts it."""

    puts = 0

    def put(self, name: str, content: bytes | Gathered) -> int:
        if name.startswith("wal/"):
            self.puts += 1
            if self.puts == 2:
                (first,) = self.list("wal")
                super().put(name, self.read(f"wal/{first}") or b"")
                raise InputOutput("no answer")
        return super().put(name, content)


@pytest.fixture(params=["redis", "postgres"])
def open_database(request: pytest.FixtureRequest, quick_path: Path) -> Generator[Open]:
    service = request.getfixturevalue(f"{request.param}_url")
    with ExitStack() as stack:

        def open_one(**given) -> Storage:
            return stack.enter_context(opened(quick_path / "db", service, **given))

        yield open_one


@pytest.fixture
def folder(quick_path: Path) -> Path:
    return quick_path / "db"


def wal_of(folder: Path) -> list[str]:
    return LocalStore(folder).list("wal")


def test_each_writer_reads_at_once_what_any_has_written(open_database: Open):
    first, second = open_database(), open_database()
    target = first.create_object("dataset", "d")
    for number in range(6):
        writer, reader = (first, second) if number % 2 else (second, first)
        writer.ingest(target, [{"id": f"r{number}", "created": DAY, "input": number}])

        assert documents_of(reader, target)[f"r{number}"]["input"] == number
        if number == 3:
            reader.compact()
    assert len(documents_of(second, target)) == 6


def test_a_slow_writer_keeps_nobody_from_writing(open_database: Open, folder: Path):
    first = open_database()
    target = first.create_object("dataset", "d")
    slow = SlowStore(folder)
    second = open_database(store=slow)
    with ThreadPoolExecutor(1) as threads:
        late = threads.submit(second.ingest, target, [{"id": "r", "created": DAY, "input": "late"}])
        assert slow.reached.wait(20)
        receipt = first.ingest(target, [{"id": "r", "created": DAY, "input": "early"}])
        # What waits for the slow one is not processed, but read.
        assert first.process() == 0
        assert documents_of(first, target)["r"]["input"] == "early"
        slow.go_on.set()
        assert late.result().xact_id < receipt.xact_id
    assert first.process() == 2
    first.compact()

    assert documents_of(second, target)["r"]["input"] == "early", "the larger number counts"


@pytest.mark.parametrize("row_id", ["other", "r0"])
def test_a_file_that_appears_late_makes_the_tail_start_over_only_where_it_must(
    open_database: Open, folder: Path, row_id: str
):
    first = open_database()
    target = first.create_object("dataset", "d")
    slow = SlowStore(folder)
    second = open_database(store=slow)

    def chunks() -> set[int]:
        with first.snapshot(target) as snapshot:
            return {chunk.part_id for chunk in snapshot.tail}

    with ThreadPoolExecutor(1) as threads:
        late = threads.submit(second.ingest, target, [{"id": row_id, "created": DAY, "input": "late"}])
        assert slow.reached.wait(20)
        for number in range(3):
            first.ingest(target, [{"id": f"r{number}", "created": DAY, "input": number}])
            chunks()
        before = chunks()
        slow.go_on.set()
        late.result()
    after = chunks()

    assert (before < after) == (row_id == "other")
    assert documents_of(first, target)["r0"]["input"] == 0
    assert documents_of(first, target).keys() == {"r0", "r1", "r2", row_id}


def test_a_writer_that_is_slower_than_its_lease_starts_over(open_database: Open, folder: Path):
    first = open_database()
    target = first.create_object("dataset", "d")
    slow = SlowStore(folder)
    second = open_database(store=slow, lease_s=0.05)
    with ThreadPoolExecutor(1) as threads:
        late = threads.submit(second.ingest, target, [{"id": "late", "created": DAY}])
        assert slow.reached.wait(20)
        early = first.ingest(target, [{"id": "early", "created": DAY}])
        first.last_xact_id()
        first.compact()
        assert documents_of(first, target).keys() == {"early"}
        slow.go_on.set()
        assert late.result().xact_id > early.xact_id
    for storage in (first, second):
        assert documents_of(storage, target).keys() == {"early", "late"}
    first.compact()

    assert documents_of(second, target).keys() == {"early", "late"}
    assert len(wal_of(folder)) == 1, "voids go like all files"


def test_a_version_does_not_change_once_it_can_be_named(open_database: Open, folder: Path):
    first = open_database()
    target = first.create_object("dataset", "d")
    slow = SlowStore(folder)
    second = open_database(store=slow)
    with ThreadPoolExecutor(2) as threads:
        late = threads.submit(second.ingest, target, [{"id": "late", "created": DAY}])
        assert slow.reached.wait(20)
        first.ingest(target, [{"id": "early", "created": DAY}])
        version = threads.submit(first.last_xact_id)
        assert not version.done()
        slow.go_on.set()
        late.result()
    with first.snapshot(target, version.result()) as snapshot:
        assert {row.id for row in snapshot_rows(snapshot)} == {"early", "late"}


@pytest.mark.parametrize("deletes", [True, False])
def test_a_purge_waits_for_what_is_on_its_way(open_database: Open, folder: Path, deletes: bool):
    first = open_database()
    target = first.create_object("dataset", "d")
    slow = SlowStore(folder)
    second = open_database(store=slow)
    with ThreadPoolExecutor(2) as threads:
        late = threads.submit(second.ingest, target, [{"id": "late", "created": DAY, "input": "a secret text"}])
        assert slow.reached.wait(20)
        first.ingest(target, [{"id": "early", "created": DAY}])
        call: Callable[[ObjectInfo], object] = first.retention.delete_object if deletes else first.retention.purge
        deleted = threads.submit(call, target)
        assert not wait([deleted], 0.2).done
        slow.go_on.set()
        late.result()
        deleted.result()
    if deletes:
        first.retention.purge(target)
        assert first.objects() == []
        assert not any(b"secret" in path.read_bytes() for path in folder.rglob("*") if path.is_file())
    else:
        assert documents_of(first, target).keys() == {"early", "late"}


@pytest.mark.parametrize("tries_again", [True, False])
def test_a_file_whose_answer_was_lost_is_read_once(open_database: Open, folder: Path, tries_again: bool):
    store = LostAnswers(folder, tries_again=tries_again)
    storage = open_database(store=store)
    target = storage.create_object("dataset", "d")
    comment = {"id": "c", "created": DAY, "origin": {"id": "r"}, "comment": {"text": "once"}}
    storage.ingest(target, [{"id": "r", "created": DAY}, comment])

    assert store.lost == 1
    assert len(wal_of(folder)) == 1
    assert len(documents_of(storage, target)["r"]["comments"]) == 1
    assert storage.process() == 1


def test_a_file_that_another_writer_has_put_under_the_number_is_not_taken_for_ours(open_database: Open, folder: Path):
    """A register that has forgotten, on a machine whose clock is behind, hands a number out that is on its way."""
    storage = open_database(store=TakenNames(folder))
    target = storage.create_object("dataset", "d")
    theirs = storage.ingest(target, [{"id": "theirs", "created": DAY}]).xact_id

    mine = storage.ingest(target, [{"id": "mine", "created": DAY}]).xact_id

    assert documents_of(storage, target).keys() == {"theirs", "mine"}
    assert wal_of(folder)[0] == f"{theirs}.arrow"
    assert wal_of(folder)[2] == f"{mine}.arrow"


def test_a_file_that_was_not_written_never_will_be(open_database: Open, folder: Path):
    storage = open_database(store=LostAnswers(folder, tries_again=False, writes=False))
    target = storage.create_object("dataset", "d")
    with pytest.raises(InputOutput, match="no answer"):
        storage.ingest(target, [{"id": "a", "created": DAY}])
    storage.ingest(target, [{"id": "b", "created": DAY}])

    assert storage.process() == 2, "nothing is waited for"
    assert documents_of(storage, target).keys() == {"b"}


def test_a_store_that_may_put_a_name_twice_is_refused(open_database: Open, folder: Path):
    class Careless(LocalStore):
        has_conditional_put = False

    storage = open_database(store=Careless(folder))
    target = storage.create_object("dataset", "d")
    with pytest.raises(StorageError, match=r"may put a name twice, .*; use a store that has conditional puts"):
        storage.ingest(target, [{"id": "a"}])


def test_a_writer_that_is_always_too_slow_is_told(open_database: Open, folder: Path, monkeypatch: pytest.MonkeyPatch):
    storage, other = open_database(lease_s=0), open_database()
    target = storage.create_object("dataset", "d")
    put = storage._folder.store.put

    def overtaken(name: str, content: bytes | Gathered) -> int:
        with other._folder.numbers.settling():
            return put(name, content)

    monkeypatch.setattr(storage._folder.store, "put", overtaken)
    with pytest.raises(Locked, match="did not wait"):
        storage.ingest(target, [{"id": "a", "created": DAY}])
    monkeypatch.undo()
    other.compact()

    assert documents_of(other, target) == {}
    assert len(wal_of(folder)) == 1


def test_reading_goes_on_while_redis_is_away(quick_path: Path, redis_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(redis_register, "PATIENCE_S", 0.2)
    with proxied(redis_url) as (url, network), opened(quick_path / "db", url) as storage:
        target = storage.create_object("dataset", "d")
        storage.ingest(target, [{"id": "a", "created": DAY}])
        network.set(Network.CUT)
        with opened(quick_path / "db", url) as other:
            assert documents_of(other, target).keys() == {"a"}
            for call in (lambda: other.ingest(target, [{"id": "b"}]), other.last_xact_id, other.compact):
                with pytest.raises(Unreachable, match="Redis at"):
                    call()
            network.set(Network.FINE)
            other.ingest(target, [{"id": "b", "created": DAY}])
        assert documents_of(storage, target).keys() == {"a", "b"}
