"""A database that several machines share: a bucket, a register of numbers, a catalog, a lease, each away at times.

The register here is the plainest thing that keeps the promises of :mod:`btql_storage.coordination.register`; what
counts on them, and all else, is the code itself. The clock of catalog and register is that of the play.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, cast

from btql_storage.catalog import Catalog
from btql_storage.catalog.leases import LeaseLock
from btql_storage.coordination.register import Fate, Flying
from btql_storage.coordination.shared import SharedNumbers
from btql_storage.databases.interface import Database, Run
from btql_storage.errors import MAYBE_STORED, Unreachable
from btql_storage.folder import Folder, Services, Settings
from btql_storage.format import CATALOG, open_folder
from btql_storage.gathered import Gathered
from btql_storage.store import Storage
from btql_storage.stores.interface import LISTS_LAG_S, AlreadyThere, Store
from btql_storage.stores.local import LocalStore
from btql_storage.transactions import PREFIX
from storage_support.simulation.lists import History, NotedStore
from storage_support.simulation.services import SimulatedCalls
from storage_support.simulation.world import Process, ProcessClock, World

_LATE_US_MAX = 60_000_000
_LISTS_LAG_US = int(LISTS_LAG_S * 1_000_000)


class PlayRegister:
    """Counts transactions; one for all processes of a play."""

    label = "the register"

    def __init__(self, world: World, store: Store) -> None:
        self._world = world
        self._store = store
        self._era = 0
        self._last = 0
        self._flying: dict[int, tuple[int, int]] = {}
        """Number to when its time is up, and the era."""
        self._void: set[int] = set()
        self._landed: dict[int, int] = {}
        """Number to when its file was there."""
        self._unsure_until_us = 0

    def forget(self) -> None:
        """Lose everything, and begin again with what the files say."""
        self._era += 1
        self._flying.clear()
        self._void.clear()
        self._landed.clear()
        self._unsure_until_us = self._world.scheduler.now_us + _LISTS_LAG_US
        names = self._store.list("wal")
        self._last = max([int(name.partition(".")[0]) for name in names], default=0) + (1 << 16)

    def take(self, lease_ms: int) -> int:
        now_us = self._world.scheduler.now_us
        self._last = max(self._last + 1, PREFIX | self._world.right_us() // 1_000_000 << 16)
        self._flying[self._last] = now_us + lease_ms * 1000, self._era
        return self._last

    def confirm(self, number: int, era: int) -> Fate:
        if era != self._era:
            return Fate.UNKNOWN
        if self._flying.pop(number, None) is not None:
            self._landed[number] = self._world.scheduler.now_us
        return Fate.VOID if number in self._void else Fate.READ

    def settle(self, number: int, era: int | None, *, void: bool) -> Fate:
        if era not in (None, self._era):
            return Fate.UNKNOWN
        if self._flying.pop(number, None) is not None:
            if void:
                self._void.add(number)
            else:
                self._landed[number] = self._world.scheduler.now_us
        return Fate.VOID if number in self._void else Fate.READ

    def flying(self) -> Flying:
        now_us = self._world.scheduler.now_us
        overdue = [number for number, (ends_us, _) in self._flying.items() if ends_us <= now_us]
        oldest = min((number for number, (ends_us, _) in self._flying.items() if ends_us > now_us), default=None)
        landed = [number for number, at_us in self._landed.items() if at_us >= now_us - _LISTS_LAG_US]
        unsure_ms = max(self._unsure_until_us - now_us, 0) // 1000
        return Flying(self._last, oldest, sorted(overdue), landed, str(self._era), unsure_ms)

    def seen(self, number: int) -> None:
        self._last = max(self._last, number)

    @property
    def era(self) -> int:
        return self._era


class RemoteRegister:
    """The register as one process reaches it."""

    label = "the register"

    def __init__(self, register: PlayRegister, world: World, process: Process) -> None:
        self._register = register
        self._eras: dict[int, int] = {}
        self._world = world
        self._process = process

    def take(self, lease_ms: int) -> int:
        with self._call("take"):
            number = self._register.take(lease_ms)
            self._eras[number] = self._register.era
        return number

    def confirm(self, number: int) -> Fate:
        with self._call("confirm"):
            return self._register.confirm(number, self._eras.get(number, -1))

    def settle(self, number: int, *, void: bool) -> Fate:
        with self._call("settle"):
            return self._register.settle(number, self._eras.get(number), void=void)

    def flying(self, lease_ms: int) -> Flying:
        del lease_ms
        with self._call("flying"):
            return self._register.flying()

    def seen(self, number: int) -> None:
        with self._call("seen"):
            self._register.seen(number)

    def close(self) -> None:
        pass

    @contextmanager
    def _call(self, name: str) -> Generator[None]:
        action = f"register.{name}"
        try:
            number = self._world.before(self._process, action)
            if self._world.strikes("forget", number, self._world.weather.forget):
                self._world.counts["forgotten"] += 1
                self._world.forgotten_at_us = self._world.scheduler.now_us
                self._world.note("the register FORGETS")
                self._process.faults += 1
                self._register.forget()
            yield
            self._world.after(self._process, action, number)
        except OSError as error:
            raise Unreachable(f"{action}: {error}", "try again") from error


class SimulatedBucket(SimulatedCalls):
    """A store that is far away: answers get lost, files appear late, a list is not of one moment."""

    changes = frozenset({"put", "publish", "delete", "delete_files"})
    repeated = frozenset({"delete", "delete_files"})

    def __init__(self, inner: Store, world: World, process: Process, history: History) -> None:
        noted = cast("Store", NotedStore(inner, history, lambda: world.scheduler.now_us))
        super().__init__(noted, "store", world, process)
        self._store = noted
        self._history = history

    @contextmanager
    def explained(self, action: str) -> Generator[None]:
        try:
            yield
        except OSError as error:
            raise Unreachable(f"{action}: {error}", MAYBE_STORED) from error

    def put(self, name: str, content: bytes | Gathered) -> int:
        world = self._world
        if world.strikes("late", world.calls + 1, world.weather.late):
            content = bytes(content)
            self._process.faults += 1
            world.counts["late"] += 1
            world.note(f"put {name} LATE")

            def arrive() -> None:
                with suppress(AlreadyThere):
                    self._store.put(name, content)
                    world.note(f"put {name} ARRIVES")

            task = world.scheduler.spawn("network", None, arrive)
            task.wake_at_us = world.scheduler.now_us + world.dice.randrange(_LATE_US_MAX)
            world.scheduler.pause()
            raise Unreachable(f"put {name}: no answer", MAYBE_STORED)
        put = self._store.put
        # Whoever stores what has one owner only does not tell a name that is taken from one that it took itself.
        return cast("int", self._call("put", put, repeated=name.startswith(("wal/", "states/")))(name, content))

    def list(self, name: str, after: str = "") -> list[str]:
        inner = self._store
        with self.explained(f"list {name}"):
            number = self._world.before(self._process, f"list {name}")
        if self._world.strikes("stale", number, self._world.weather.stale):
            return self._as_it_was(name, after)
        first = set(inner.list(name, after))
        if self._world.scheduler.current is not None:
            self._world.scheduler.pause()
        last = set(inner.list(name, after))
        # What came or went meanwhile may be in the list or not.
        return sorted((first & last) | {one for one in sorted(first ^ last) if self._world.dice.random() < 0.5})

    def _as_it_was(self, name: str, after: str) -> list[str]:
        """Return a list that lags."""
        world = self._world
        lag_us = world.dice.choice((world.lists_lag_us, world.dice.randrange(world.lists_lag_us)))
        found, then_us = self._store.list(name, after), world.scheduler.now_us - lag_us
        listed = self._history.as_of(then_us, name, found, after)
        if listed != found:
            world.counts["stale"] += 1
            world.note(f"list {name} STALE by {lag_us} us: lacks {len(set(found) - set(listed))}")
        return listed

    def unfinished(self, name: str) -> Path:
        return self._store.unfinished(name)

    def sweep(self, name: str, upto: int | None = None) -> None:
        """Do nothing: in a bucket nothing is unfinished."""


class SimulatedDatabase:
    """The catalog's database as its lease sees it: by the clock of the play."""

    def __init__(self, inner: Database, world: World, process: Process) -> None:
        self._inner = inner
        self._world = world
        self._process = process

    @property
    def now_ms(self) -> str:
        return str(self._world.right_us() // 1000)

    @contextmanager
    def writing(self) -> Generator[Run]:
        try:
            number = self._world.before(self._process, "lease")
            with self._inner.writing() as run:
                yield run
            self._world.after(self._process, "lease", number)
        except OSError as error:
            raise Unreachable(f"lease: {error}", "try again") from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)


class Shared:
    """Opens one database for processes of several machines."""

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._register: PlayRegister | None = None
        self._history = History()

    def __call__(
        self, root: Path, world: World, process: Process, settings: Settings, *, read_only: bool = False
    ) -> Storage:
        plain = LocalStore(root)
        open_folder(plain, create=not read_only, read_only=read_only)
        if self._register is None:
            self._register = PlayRegister(world, plain)
        store = cast("Store", SimulatedBucket(plain, world, process, self._history))
        catalog = Catalog.sqlite(plain, CATALOG, read_only=read_only, wait_s=settings.lock_wait_s)
        database = cast("Database", SimulatedDatabase(catalog.database, world, process))
        lock = LeaseLock(database, "work", wait_s=settings.lock_wait_s, lease_s=self._lease_s)
        catalog.fence = lock
        register = RemoteRegister(self._register, world, process)
        services = Services(
            store,
            cast("Catalog", SimulatedCalls(catalog, "catalog", world, process)),
            SharedNumbers(register, store, lease_s=self._lease_s, read_only=read_only),
            lock,
        )
        clock = ProcessClock(world, process.machine)
        return Storage(Folder(services, read_only=read_only, settings=settings, clock=clock))
