"""What every implementation of :class:`~btql_storage.coordination.numbers.Numbers` promises, and the service behind."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path
from threading import Event
from uuid import uuid4

import pytest

from btql_storage.clock import SYSTEM_CLOCK
from btql_storage.coordination.catalog_numbers import CatalogNumbers
from btql_storage.coordination.numbers import LocalNumbers, Numbers
from btql_storage.coordination.redis_numbers import RedisNumbers
from btql_storage.coordination.voids import make_void
from btql_storage.format import WAL, wal_name, wal_numbers
from btql_storage.ingest.accept import accept
from btql_storage.stores.interface import AlreadyThere
from btql_storage.stores.local import LocalStore
from btql_storage.transactions import PREFIX, seconds_of
from btql_storage.wal.format import ObjectName
from btql_storage.wal.writer import columns, encode

Make = Callable[..., Numbers]
"""Opens the numbers of one database once more, as another machine does; ``lease_s`` says how long writers may take."""


@pytest.fixture
def store(quick_path: Path) -> LocalStore:
    made = LocalStore(quick_path)
    for folder in (WAL, "locks"):
        made.make_folder(folder)
    return made


def put(store: LocalStore, number: int) -> None:
    """Write the file of a transaction with one event."""
    accepted = accept([{"id": "x"}], SYSTEM_CLOCK)
    store.put(f"{WAL}/{wal_name(number)}", encode(columns(accepted, [ObjectName(1, "dataset", "d")]), number))


@contextmanager
def closing_all(make: Make) -> Generator[Make]:
    """Close all that was made in the end."""
    with ExitStack() as stack:

        def made(**given: float) -> Numbers:
            numbers = make(**given)
            stack.callback(numbers.close)
            return numbers

        yield made


class NumbersContract:
    """What every implementation does."""

    @pytest.fixture
    def make(self, store: LocalStore) -> Generator[Make]:
        raise NotImplementedError

    def test_numbers_grow_whoever_takes_them(self, make: Make):
        first, second = make(), make()
        taken = []
        for numbers in (first, second, second, first):
            with numbers.turn():
                taken.append(numbers.next())
                assert numbers.confirm(taken[-1])

        assert taken == sorted(set(taken))
        assert {number >> 48 for number in taken} == {PREFIX >> 48}
        assert abs(seconds_of(taken[0]) - time.time()) < 60

    def test_threads_never_get_the_same_number(self, make: Make):
        first, second = make(), make()

        def take(numbers: Numbers) -> list[int]:
            taken = []
            for _ in range(25):
                with numbers.turn():
                    taken.append(numbers.next())
                    numbers.confirm(taken[-1])
            return taken

        with ThreadPoolExecutor(4) as threads:
            found = list(threads.map(take, (first, second, first, second)))

        assert all(mine == sorted(mine) for mine in found)
        assert len({number for mine in found for number in mine}) == 100

    def test_numbers_are_larger_than_those_that_were_seen(self, make: Make):
        numbers, other = make(), make()
        with numbers.turn():
            ahead = numbers.next() + (3600 << 16)
        numbers.seen(ahead)
        numbers.seen(5)
        with numbers.turn():
            mine = numbers.next()
            numbers.confirm(mine)
        with other.turn():
            theirs = other.next()
            other.confirm(theirs)

        assert ahead < mine < theirs

    def test_what_was_confirmed_is_over(self, make: Make, store: LocalStore):
        numbers = make()
        with numbers.turn():
            number = numbers.next()
            put(store, number)
            assert numbers.confirm(number)
        numbers.settle(number)
        with make().settling() as settled:
            assert settled.upto >= number
            assert wal_numbers(store.list(WAL)) == [number]

    def test_what_is_on_its_way_is_not_over(self, make: Make, store: LocalStore):
        """Either it is said which number that is, or whoever asks waits until the file is there."""
        writer, reader = make(), make()
        ready, listed = Event(), Event()

        def settle() -> tuple[int, list[int]]:
            ready.wait(10)
            with reader.settling() as settled:
                found = [number for number in wal_numbers(store.list(WAL)) if number <= settled.upto]
            listed.set()
            return settled.upto, found

        with ThreadPoolExecutor(1) as threads:
            with writer.turn():
                number = writer.next()
                asked = threads.submit(settle)
                ready.set()
                listed.wait(0.05)
                put(store, number)
                assert writer.confirm(number)
            upto, found = asked.result()

        assert found == [number] if upto >= number else found == []


class SharedContract(NumbersContract):
    """What those do whose writers take no turns."""

    def test_writers_do_not_wait_for_each_other(self, make: Make, store: LocalStore):
        first, second = make(), make()
        early, late = first.next(), second.next()
        put(store, late)
        assert second.confirm(late)
        with second.settling() as settled:
            assert settled.upto < early
        put(store, early)
        assert first.confirm(early)
        with second.settling() as settled:
            assert settled.upto >= late

    def test_a_dead_writer_is_waited_for_no_longer_than_its_lease(self, make: Make, store: LocalStore):
        dead = make(lease_s=0.1).next()
        alive = make(lease_s=30)
        began = time.monotonic()
        alive.settle(dead)

        assert 0.05 < time.monotonic() - began < 5
        with alive.settling() as settled:
            assert settled.upto >= dead
        assert store.list(WAL) == [wal_name(dead)]

    def test_a_dead_writer_whose_file_is_there_has_written_it(self, make: Make, store: LocalStore):
        number = make(lease_s=0).next()
        put(store, number)
        with make().settling() as settled:
            assert settled.upto >= number
        assert not make_void(store, number)

    def test_a_paused_writer_finds_the_void_under_its_name(self, make: Make, store: LocalStore):
        paused = make(lease_s=0)
        number = paused.next()
        make().settle(number)
        with pytest.raises(AlreadyThere):
            put(store, number)

    def test_a_writer_that_is_paused_until_the_void_is_gone_is_told(self, make: Make, store: LocalStore):
        paused = make(lease_s=0)
        number = paused.next()
        make().settle(number)
        store.delete(f"{WAL}/{wal_name(number)}")
        put(store, number)

        assert not paused.confirm(number)
        assert store.list(WAL) == [], "what nobody will read was left"

    def test_a_writer_that_is_paused_after_its_file_is_there_has_written_it(self, make: Make, store: LocalStore):
        paused = make(lease_s=0)
        number = paused.next()
        put(store, number)
        make().settle(number)

        assert paused.confirm(number)
        assert store.list(WAL) == [wal_name(number)]

    @pytest.mark.parametrize("written", [True, False])
    def test_a_number_is_given_up(self, make: Make, store: LocalStore, written: bool):
        numbers = make()
        number = numbers.next()
        if written:
            put(store, number)

        assert numbers.withdraw(number) is not written
        with numbers.settling() as settled:
            assert settled.upto >= number

    def test_which_files_are_there_is_known_whatever_a_list_says(self, make: Make, store: LocalStore):
        numbers, dead, void = make(), make(lease_s=0), make(lease_s=0)
        confirmed, left, never = numbers.next(), dead.next(), void.next()
        put(store, confirmed)
        put(store, left)
        assert numbers.confirm(confirmed)
        for _ in range(2):
            with numbers.settling() as settled:
                assert settled.upto >= never
                assert set(settled.landed) == {confirmed, left}
        assert set(make().settle(0)) == {confirmed, left}
        assert numbers.confirm(confirmed), "confirming twice is like once"


class TestLocal(NumbersContract):
    @pytest.fixture
    def make(self, store: LocalStore) -> Make:
        return lambda **_: LocalNumbers(store, SYSTEM_CLOCK, 30.0)


class TestRedis(SharedContract):
    @pytest.fixture
    def make(self, store: LocalStore, redis_url: str) -> Generator[Make]:
        database = uuid4().hex

        def make(lease_s: float = 30.0) -> Numbers:
            return RedisNumbers(redis_url, database, store, lambda: 0, lease_s=lease_s)

        with closing_all(make) as opened:
            yield opened


class TestSqlite(SharedContract):
    @pytest.fixture
    def make(self, store: LocalStore) -> Generator[Make]:
        def make(lease_s: float = 30.0) -> Numbers:
            return CatalogNumbers.sqlite(store, "numbers.sqlite", store, read_only=False, wait_s=10, lease_s=lease_s)

        with closing_all(make) as opened:
            yield opened


class TestPostgres(SharedContract):
    @pytest.fixture
    def make(self, store: LocalStore, postgres_url: str) -> Generator[Make]:
        def make(lease_s: float = 30.0) -> Numbers:
            return CatalogNumbers.postgres(postgres_url, store, read_only=False, wait_s=10, lease_s=lease_s)

        with closing_all(make) as opened:
            yield opened
