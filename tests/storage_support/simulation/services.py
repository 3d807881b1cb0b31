"""The services of simulated processes: the real ones, with the world around each call."""

from __future__ import annotations

import fcntl
import re
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any, cast

from btql_storage.catalog import Catalog
from btql_storage.coordination.numbers import Numbers, Settled
from btql_storage.errors import from_os_error
from btql_storage.folder import Folder, Services, Settings
from btql_storage.format import FolderLock
from btql_storage.gathered import Gathered
from btql_storage.store import Storage
from btql_storage.stores.local import LocalStore
from storage_support.simulation.world import Process, ProcessClock, World

_CHANGES = frozenset(
    {
        "claim",
        "commit_processed",
        "commit_swap",
        "create_object",
        "forget",
        "new_segment",
        "next",
        "next_part_id",
        "put_setting",
        "quarantine",
        "seen",
    }
)
_UNTOUCHED = frozenset({"close"})
_OWN_NAME = re.compile(r"\.new-\d+-\d+-")


class SimulatedDisk(LocalStore):
    """A local store: every call to the system is one of the world's."""

    def __init__(self, root: Path, world: World, process: Process) -> None:
        super().__init__(root)
        self._world = world
        self._process = process

    def step(self, action: str, path: Path) -> None:
        super().step(action, path)
        self._world.platter_of(self.root).begins(action, path)
        # Within a transaction of SQLite nobody else may go on: they would wait for it, and really.
        name = _OWN_NAME.sub(".new-", path.relative_to(self.root.parent).as_posix())
        self._world.before(self._process, f"{action} {name}", pauses=action != "commit")

    def sync_folder(self, path: Path) -> None:
        super().sync_folder(path)
        self._world.platter_of(self.root).synced(path)

    def _write(self, path: Path, content: bytes | Gathered) -> None:
        super()._write(path, content)
        self._world.platter_of(self.root).wrote(path)


class SimulatedCalls:
    """A service each of whose methods is a call of the world's."""

    changes = _CHANGES
    """Calls that may be done though the answer is lost."""
    repeated = _CHANGES
    """Calls that may be done twice."""

    def __init__(self, inner: object, label: str, world: World, process: Process) -> None:
        self._inner = inner
        self._label = label
        self._world = world
        self._process = process

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._inner, name)
        if name.startswith("_") or name in _UNTOUCHED or not callable(value):
            return value
        return self._call(name, value, repeated=name in self.repeated)

    def _call(self, name: str, method: Callable[..., Any], *, repeated: bool) -> Callable[..., Any]:
        action = f"{self._label}.{name}"

        def call(*arguments: Any, **named: Any) -> Any:
            with self.explained(action):
                number = self._world.before(self._process, action)
            answer = method(*arguments, **named)
            if name not in self.changes:
                self._world.scheduler.pause()
                return answer
            if repeated and self._world.repeats(action, number):
                answer = method(*arguments, **named)
            with self.explained(action):
                self._world.after(self._process, action, number)
            return answer

        return call

    @contextmanager
    def explained(self, action: str) -> Generator[None]:
        """Say what a fault of the world is for the code under test."""
        try:
            yield
        except OSError as error:
            raise from_os_error(error, "ask", action) from error


class SimulatedNumbers:
    """Numbers, with a call of the world's before and after each."""

    def __init__(self, inner: Numbers, world: World, process: Process) -> None:
        self._inner = inner
        self._calls = SimulatedCalls(inner, "numbers", world, process)

    def turn(self) -> AbstractContextManager[None]:
        return self._inner.turn()

    def settling(self) -> AbstractContextManager[Settled]:
        return self._inner.settling()

    def check_known(self, newest: int) -> None:
        self._inner.check_known(newest)

    def next(self) -> int:
        return cast("int", self._calls.next())

    def confirm(self, xact_id: int) -> bool:
        # In one process there is nobody who could not be reached.
        return self._inner.confirm(xact_id)

    def withdraw(self, xact_id: int) -> bool:
        return self._inner.withdraw(xact_id)

    def settle(self, upto: int) -> Sequence[int]:
        return self._inner.settle(upto)

    def seen(self, xact_id: int) -> None:
        self._calls.seen(xact_id)

    def close(self) -> None:
        self._inner.close()


def open_local(root: Path, world: World, process: Process, settings: Settings, *, read_only: bool = False) -> Storage:
    """Open the database in a folder for a simulated process."""
    store = SimulatedDisk(root, world, process)
    clock = ProcessClock(world, process.machine)
    plain = Services.local(store, create=not read_only, read_only=read_only, settings=settings, clock=clock)
    locks = [plain.compact_lock, getattr(plain.numbers, "lock", None)]
    process.on_death = [lambda lock=lock: drop_lock(lock) for lock in locks if isinstance(lock, FolderLock)]
    services = Services(
        store,
        cast("Catalog", SimulatedCalls(plain.catalog, "catalog", world, process)),
        SimulatedNumbers(plain.numbers, world, process),
        plain.compact_lock,
    )
    return Storage(Folder(services, read_only=read_only, settings=settings, clock=clock))


def drop_lock(lock: FolderLock) -> None:
    """Let go of a lock as the system does when its process ends."""
    if lock._depth:
        fcntl.flock(lock._descriptor, fcntl.LOCK_UN)
