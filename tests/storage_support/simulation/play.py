"""One play: processes, weather and actors that follow from a seed, and what must hold at its end."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from typing import Any

from greenlet import GreenletExit

from btql_storage.errors import Damaged, Locked, StorageError, UnknownObject, Unreachable, VersionGone
from btql_storage.folder import Settings
from btql_storage.store import ObjectInfo, Storage
from storage_support.invariants import check_invariants
from storage_support.simulation.actors import Actor
from storage_support.simulation.elsewhere import UNTOUCHED, Elsewhere
from storage_support.simulation.oracle import Oracle
from storage_support.simulation.scheduler import Scheduler, played
from storage_support.simulation.services import open_local
from storage_support.simulation.shared import Shared
from storage_support.simulation.world import JUMP_S_MAX, LISTS_LAG_US, Process, Weather, World

STEPS_MAX = 60_000
KINDS = ("project_logs", "dataset", "experiment")
Open = Callable[..., Storage]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What happened in a play."""

    seed: int
    digest: str
    counts: dict[str, int]
    checks: int
    calls: int


class PlayError(AssertionError):
    """What must hold does not; says the seed and the last calls."""


class Play:
    """The processes of one play, and what they know."""

    def __init__(
        self, seed: int, root: Path, *, shared: bool, weather: Weather | None = None, address: str | None = None
    ) -> None:
        self.seed = seed
        self.dice = Random(seed)
        self._root = root
        self.scheduler = Scheduler(self.dice)
        # Dice of their own: they came later, and seeds of before are to play as they did.
        of_lists = Random(f"lists {seed}")
        self.checks = Random(f"checks {seed}")
        """Who now and then checks everything, where lists lag."""
        if weather is None:
            weather = Weather.drawn(self.dice, shared=shared)
            weather = replace(weather, stale=of_lists.choice((0.0, 0.0, 0.1, 0.5)) if shared else 0.0)
        self.world = World(self.scheduler, self.dice, weather)
        self._open_storage: Open = open_local
        if shared:
            # Some are so slow that their leases run out.
            self._open_storage = Shared(lease_s=self.dice.choice((1.0, 5.0, 30.0)))
            self.world.slow_us_max = self.dice.choice((100_000, 3_000_000, 40_000_000))
        self._untouched: tuple[str, ...] = ()
        if address is not None:
            self._open_storage, self._untouched = Elsewhere(address), UNTOUCHED
            # Real services number transactions by their own clocks.
            self.world.epoch_us = time.time_ns() // 1_000
        count = self.dice.randrange(1, 3)
        self.names = [f"{self.dice.choice(KINDS)}:{number}" for number in range(count)]
        self.oracle = Oracle(self.dice, self.names, self.dice.choice((3, 10, 40)))
        self.oracle.forgettings = lambda: self.world.counts["forgotten"]
        self.oracle.now_us = lambda: self.scheduler.now_us
        if weather.stale or weather.what == "stale":
            self.world.lists_lag_us = self.oracle.lists_lag_us = of_lists.choice((3_000, 300_000, LISTS_LAG_US))
        self.oracle.forgotten_at_us = lambda: self.world.forgotten_at_us
        self.world.after_power_cut = self.oracle.forget_unsure
        self.targets: dict[str, ObjectInfo] = {}
        self.settings = Settings(
            segment_events=self.dice.choice((8, 25, 100)),
            job_events=self.dice.choice((3, 10, 40)),
            pending_events_max=self.dice.choice((10, 1_000)),
            part_rows_max=self.dice.choice((20, 400)),
            grace_s=600,
            wal_grace_s=self.dice.choice((60, 600)),
        )
        self.only_log = self.dice.random() < 0.4
        """Whether nothing is compacted before the end: such plays are quick, and much happens at the same time."""
        self.rest_us_max = self.dice.choice((1, 300)) if self.only_log else self.dice.choice((1, 500, 3_000))
        """How long who writes, reads or compacts rests in between; a call takes 50."""
        self.deletes = self.dice.random() < 0.3
        """Whether objects are deleted, too."""
        self._processes_wanted = self.dice.choice((1, 2, 2, 3, 3))

    def run(self) -> Outcome:
        """Play, and check on the way and at the end."""
        try:
            with played(self.scheduler, self._untouched):
                self._run()
        except Exception as error:
            trace = "\n".join(self.world.trace)
            raise PlayError(f"seed {self.seed}: {error!r}\n{trace}") from error
        finally:
            self._clean()
        return Outcome(self.seed, self.world.digest, dict(self.world.counts), self.oracle.checks, self.world.calls)

    def expected(self, error: StorageError, faults: int) -> None:
        """Raise unless an error can be explained by what the world did."""
        # No fault of the world changes what is in a file, so none explains damage.
        if (faults and not isinstance(error, Damaged)) or isinstance(error, Locked):
            return
        if isinstance(error, Unreachable) and self.world.counts["forgotten"]:
            # Whoever comes next finds out what one has forgotten.
            return
        # What a reader needs is kept for a time; where a clock jumps over it, it may be gone. It is said, at least.
        jumped = self.scheduler.now_us - self.world.jumped_at_us < 2 * JUMP_S_MAX * 1_000_000
        if isinstance(error, Damaged) and jumped:
            self.world.counts["gone with the clock"] += 1
            return
        raise AssertionError(f"an error out of nothing: {error!r}") from error

    def surely_failed(self, error: StorageError) -> bool:
        """Whether an error says that nothing was stored."""
        # A store says it of the file, in other words than a writer of its request.
        return "may be stored or not" not in str(error)

    def _run(self) -> None:
        self._make()
        lives = self.dice.randrange(2, 6)
        for number in range(self._processes_wanted):
            self._start(number)
        while self.scheduler.step():
            if self.scheduler.steps > STEPS_MAX:
                raise AssertionError("the play does not end")
            if self.dice.random() < 0.002:
                self._check_now()
            alive = [one for one in self.world.processes if one.alive]
            if len(alive) < self._processes_wanted and lives > 0:
                lives -= 1
                self._start(len(self.world.processes))
        self._recover()

    def _make(self) -> None:
        with self._observer() as storage:
            for name in self.names:
                self.targets[name] = storage.create_object(*name.split(":"))

    def _start(self, number: int) -> None:
        dice = self.dice
        often = 3 if self.only_log else 1
        process = Process(f"p{number}", machine=number % 2, read_only=dice.random() < 0.15)
        self.world.processes.append(process)
        actor = Actor(self, process)
        threads: list[tuple[str, Callable[[int], None], int]] = [
            *[("write", actor.write, often * dice.randrange(3, 16))] * dice.choice((0, 1, 1, 2, 2, 3)),
            *[("read", actor.read, dice.randrange(1, 6))] * dice.choice((0, 0, 1, 2)),
            *[("compact", actor.compact, often * dice.randrange(5, 25))] * dice.choice((0, 1, 1, 1)),
        ]
        if process.read_only:
            threads = [("read", actor.read, dice.randrange(1, 9))]

        def begin() -> None:
            if not self._open(process):
                return
            for place, (what, run, times) in enumerate(threads):
                self.scheduler.spawn(f"{process.name} {what} {place}", process, lambda run=run, times=times: run(times))

        self.scheduler.spawn(f"{process.name} open", process, begin)

    def _open(self, process: Process) -> bool:
        for _ in range(5):
            met = process.faults
            try:
                process.storage = self._open_storage(
                    self._root, self.world, process, self.settings, read_only=process.read_only
                )
            except StorageError as error:
                self.expected(error, process.faults - met)
            else:
                return True
        return False

    def _observer(self) -> Storage:
        """Open the database as somebody whom nothing disturbs."""
        with self.scheduler.alone():
            process = Process("observer", machine=0)
            return self._open_storage(self._root, self.world, process, self.settings)

    def _check_now(self) -> None:
        """Compare what is there with the model, in the midst of everything."""
        with self.scheduler.alone(), self._observer() as storage:
            self._check_all(storage)
            check_invariants(storage)

    def _check_all(self, storage: Storage) -> None:
        for name, target in self.targets.items():
            before = self.oracle.before_reading(name)
            try:
                with storage.snapshot(target) as snapshot:
                    self.oracle.check(name, snapshot, before)
            except UnknownObject:
                self.oracle.check_gone(name, before)

    def _recover(self) -> None:
        """Open once more in good weather: everything is as it must be, also when all is compacted and removed."""
        self.world.calm = True
        self.world.offsets_us.clear()
        # Clocks that were ahead left marks of the future.
        self.scheduler.now_us += 3 * JUMP_S_MAX * 1_000_000
        with self.scheduler.alone(), self._observer() as storage:
            self._check_all(storage)
            check_invariants(storage)
            self._compact(storage)
            self._check_all(storage)
            self.scheduler.now_us += 700 * 1_000_000
            storage.remove_unneeded()
            self._check_all(storage)
            check_invariants(storage, tidy=True)
            found = [one for one in storage.care.check(mark=False).findings if one.is_serious]
            assert not found, f"btql check finds {found}"
            for name, versions in self.oracle.versions.items():
                self._check_past(storage, name, versions)

    def _compact(self, storage: Storage) -> None:
        """Compact all there is; where a service has a clock of its own, once the numbers of the dead are given up."""
        deadline = time.monotonic() + 20
        storage.compact()
        while storage.waiting().events and self._untouched and time.monotonic() < deadline:
            time.sleep(0.05)
            storage.compact()

    def _check_past(self, storage: Storage, name: str, versions: list[Any]) -> None:
        target = self.targets[name]
        if not target.keeps_history:
            return
        for version in versions[:: max(1, len(versions) // 5)]:
            try:
                with storage.snapshot(target, version.xact_id) as snapshot:
                    self.oracle.check_version(name, snapshot, version)
            except (UnknownObject, VersionGone):
                assert name in self.oracle.without_past, "a version is gone"

    def _clean(self) -> None:
        """End what is left of greenlets and files of processes that are gone."""
        self.world.calm = True
        self.scheduler.current = None
        for task in [*self.scheduler.tasks, *self.scheduler.abandoned]:
            with suppress(BaseException):
                task.greenlet.throw(GreenletExit)
        for process in self.world.processes:
            if process.storage is not None:
                with suppress(Exception):
                    process.storage.close()


def play(
    seed: int, root: Path, *, shared: bool = False, weather: Weather | None = None, address: str | None = None
) -> Outcome:
    """Play a seed in an empty folder: on one machine, or over services that several share, real ones by an address."""
    return Play(seed, root, shared=shared, weather=weather, address=address).run()
