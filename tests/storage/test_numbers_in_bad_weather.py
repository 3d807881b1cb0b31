"""Writers that are slow, paused or dead, and a register that forgets: what was acknowledged is read, and once."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Generator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path
from threading import Event

import pytest
from redis import Redis

from btql_storage.clock import SYSTEM_CLOCK
from btql_storage.coordination import redis_register
from btql_storage.coordination.catalog_numbers import CatalogNumbers
from btql_storage.coordination.redis_numbers import RedisNumbers
from btql_storage.coordination.shared import SharedNumbers
from btql_storage.errors import StorageError
from btql_storage.format import WAL, wal_name, wal_numbers
from btql_storage.ingest.accept import accept
from btql_storage.stores.interface import AlreadyThere
from btql_storage.stores.local import LocalStore
from btql_storage.wal.format import ObjectName
from btql_storage.wal.reader import WalFile
from btql_storage.wal.writer import columns, encode

WRITERS = 4
REQUESTS = 25
SEEDS = range(2)


class Weather:
    """Pauses writers here and there, for longer than their leases last."""

    def __init__(self, seed: int) -> None:
        self._dice = random.Random(seed)

    def wait(self) -> None:
        if self._dice.random() < 0.3:
            time.sleep(self._dice.random() * 0.02)


class Reader:
    """Takes files as processing does: in order, each once, never looking back; and removes voids at once."""

    def __init__(self, store: LocalStore) -> None:
        self._store = store
        self.upto = 0
        self.read: list[str] = []

    def process(self, numbers: SharedNumbers) -> None:
        with numbers.settling() as settled:
            listed = [number for number in wal_numbers(self._store.list(WAL)) if self.upto < number <= settled.upto]
        files = [WalFile(self._store.file(f"{WAL}/{wal_name(number)}"), number) for number in listed]
        for file in files:
            self.read += file.ids(file.rows_of(1))[0]
            self.upto = file.xact_id
        for file in files[:-1]:
            if file.rows == 0:
                self._store.delete(f"{WAL}/{wal_name(file.xact_id)}")


class Writer:
    """Writes requests as a group commit does."""

    def __init__(self, store: LocalStore, numbers: SharedNumbers, weather: Weather, name: str) -> None:
        self._store, self._numbers, self._weather, self._name = store, numbers, weather, name
        self.acknowledged: list[str] = []
        self.errors: list[str] = []

    def write_all(self) -> None:
        for number in range(REQUESTS):
            request = f"{self._name}-{number}"
            try:
                self._write(request)
            except StorageError as error:
                self.errors.append(str(error))
            else:
                self.acknowledged.append(request)

    def _write(self, request: str) -> None:
        events = columns(accept([{"id": request}], SYSTEM_CLOCK), [ObjectName(1, "dataset", "d")])
        while True:
            number = self._numbers.next()
            self._weather.wait()
            try:
                self._store.put(f"{WAL}/{wal_name(number)}", encode(events, number))
            except AlreadyThere:
                continue
            self._weather.wait()
            if self._numbers.confirm(number):
                return


Make = Callable[[Callable[[], int]], SharedNumbers]


@pytest.fixture(params=["redis", "redis that forgets", "postgres", "sqlite"])
def make(request: pytest.FixtureRequest, store: LocalStore) -> Generator[Make]:
    kind = request.param.split()[0]
    place = store.label if kind == "sqlite" else request.getfixturevalue(f"{kind}_url")
    with ExitStack() as stack:

        def one(processed_upto: Callable[[], int]) -> SharedNumbers:
            if kind == "redis":
                numbers = RedisNumbers(place, store.label, store, processed_upto, lease_s=0.01)
            elif kind == "postgres":
                numbers = CatalogNumbers.postgres(place, store, read_only=False, wait_s=10, lease_s=0.01)
            else:
                numbers = CatalogNumbers.sqlite(store, "x.sqlite", store, read_only=False, wait_s=10, lease_s=0.01)
            stack.callback(numbers.close)
            return numbers

        yield one


@pytest.fixture
def forget(request: pytest.FixtureRequest, store: LocalStore) -> Callable[[], object]:
    """Return what makes the register lose its state, where this one does."""
    if "forgets" not in request.node.callspec.params["make"]:
        return lambda: None
    # Lists of a folder do not lag, so nobody need wait until they have everything.
    request.getfixturevalue("monkeypatch").setattr(redis_register, "LISTS_LAG_S", 0)
    key = f"btql:{{{store.label}}}:numbers"
    return lambda: Redis.from_url(request.getfixturevalue("redis_url")).delete(key)


@pytest.fixture
def store(quick_path: Path) -> LocalStore:
    made = LocalStore(quick_path)
    made.make_folder(WAL)
    return made


@pytest.mark.parametrize("seed", SEEDS)
def test_what_was_acknowledged_is_read_and_once(make: Make, store: LocalStore, forget: Callable[[], object], seed: int):
    reader, weather, dice = Reader(store), Weather(seed), random.Random(seed)
    writers = [Writer(store, make(lambda: reader.upto), weather, f"w{number}") for number in range(WRITERS)]
    processing = make(lambda: reader.upto)
    done, errors = Event(), list[str]()

    def process() -> None:
        while not done.is_set():
            if dice.random() < 0.05:
                forget()
            try:
                reader.process(processing)
            except StorageError as error:
                errors.append(str(error))

    with ThreadPoolExecutor(WRITERS + 1) as threads:
        processor = threads.submit(process)
        for written in [threads.submit(writer.write_all) for writer in writers]:
            written.result()
        done.set()
        processor.result()
    time.sleep(0.02)
    reader.process(processing)

    acknowledged = [request for writer in writers for request in writer.acknowledged]
    assert set(acknowledged) <= set(reader.read)
    assert len(reader.read) == len(set(reader.read))
    assert len(acknowledged) > WRITERS * REQUESTS // 2
    assert all("lost its state" in line for line in errors)
    assert all("may be stored or not" in line for writer in writers for line in writer.errors)
