"""What happens around the calls of simulated processes: faults, deaths, clocks that jump."""

from __future__ import annotations

import errno
import hashlib
import os
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any
from uuid import UUID

from btql_storage.clock import Clock
from storage_support.simulation.platter import Platter
from storage_support.simulation.scheduler import Scheduler

EPOCH_US = 1_780_000_000_000_000
SLOW_US_MAX = 3_000_000
JUMP_S_MAX = 7_200
LISTS_LAG_US = 9_000_000
TRACE_KEPT = 400


@dataclass(frozen=True, slots=True)
class Weather:
    """How often what goes wrong, for each call."""

    error: float = 0.0
    """The call fails, nothing was done."""
    lost: float = 0.0
    """The call was done, but whoever asked gets an error."""
    twice: float = 0.0
    """The call is done twice: somebody on the way repeated it."""
    slow: float = 0.0
    kill: float = 0.0
    """The process dies before the call."""
    jump: float = 0.0
    """The clock of the process is set, forward or back."""
    power: float = 0.0
    """The machine loses power, all processes die, and what was not synced is lost, or some of it."""
    late: float = 0.0
    """A file that a store was asked to keep appears only after whoever asked was told that nobody answers."""
    forget: float = 0.0
    """The service that numbers transactions loses all it knew."""
    stale: float = 0.0
    """A list of a store is as it was some time ago."""
    at: int = 0
    """Where just one thing shall go wrong: at which call …"""
    what: str = "error"
    """… and what, by the names above."""

    @classmethod
    def drawn(cls, dice: Random, *, shared: bool) -> Weather:
        """Return the weather of one play, seldom everything at once, for one machine or for several."""

        def some(*values: float) -> float:
            return dice.choice((0.0, *values))

        return cls(
            error=some(0.002, 0.01, 0.04),
            lost=some(0.002, 0.01),
            twice=some(0.005, 0.02),
            slow=dice.choice((0.01, 0.05, 0.15)),
            kill=some(0.001, 0.005),
            jump=some(0.001, 0.004),
            power=0.0 if shared else some(0.001, 0.003),
            late=some(0.02, 0.1) if shared else 0.0,
            forget=some(0.01, 0.05) if shared else 0.0,
        )


@dataclass(slots=True)
class Process:
    """A simulated process: one opened database, and a clock."""

    name: str
    machine: int
    read_only: bool = False
    storage: Any = None
    alive: bool = True
    faults: int = 0
    """How many faults it has met so far."""
    on_death: list[Any] = field(default_factory=list)


class ProcessClock(Clock):
    """The clock of a machine, and dice that follow from the seed."""

    def __init__(self, world: World, machine: int) -> None:
        self._world = world
        self._machine = machine

    def now_us(self) -> int:
        """Return the time as this machine has it."""
        return self._world.right_us() + self._world.offsets_us[self._machine]

    def new_id(self) -> str:
        """Return an id that follows from the seed."""
        return str(UUID(int=self._world.dice.getrandbits(128), version=4))


class World:
    """Numbers every call, and decides what becomes of it."""

    def __init__(self, scheduler: Scheduler, dice: Random, weather: Weather) -> None:
        self.scheduler = scheduler
        self.dice = dice
        self.slow_us_max = SLOW_US_MAX
        self.lists_lag_us = LISTS_LAG_US
        """How old a list may be."""
        self.epoch_us = EPOCH_US
        """When the play begins."""
        self.weather = weather
        self.processes: list[Process] = []
        self.after_power_cut: Callable[[], None] = lambda: None
        self.offsets_us: Counter[int] = Counter()
        self.calls = 0
        self.counts: Counter[str] = Counter()
        self.trace: deque[str] = deque(maxlen=TRACE_KEPT)
        self.jumped_at_us = -1 << 60
        self.forgotten_at_us = -1 << 60
        """When the service that numbers transactions forgot."""
        self._hash = hashlib.blake2b(digest_size=8)
        self._platters: dict[Path, Platter] = {}
        self.calm = False
        """While true, nothing goes wrong."""

    def right_us(self) -> int:
        """Return the right time."""
        return self.epoch_us + self.scheduler.now_us

    @property
    def digest(self) -> str:
        """What tells two plays apart."""
        return self._hash.hexdigest()

    def note(self, text: str) -> None:
        """Write a line of the trace."""
        task = self.scheduler.current
        line = f"{self.scheduler.now_us:>12} {task.name if task else '-':<14} {text}"
        self.trace.append(line)
        self._hash.update(line.encode())

    def before(self, process: Process, action: str, *, pauses: bool = True) -> int:
        """Come here before each call, get its number: others go on, the process may die, OSError may be raised."""
        if self.scheduler.current is None:
            return 0
        if pauses:
            self._weather_of_machine(process)
            self.scheduler.pause(self._slowness(action))
        if self.calm:
            return 0
        self.calls += 1
        number = self.calls
        if pauses and self.strikes("power", number, self.weather.power):
            self.cut_power()
        if pauses and process.alive and self.strikes("kill", number, self.weather.kill):
            self.kill(process)
        if not process.alive:
            self.scheduler.pause()
        if self.strikes("error", number, self.weather.error):
            self._fail(process, "error", action)
        self.note(action)
        return number

    def after(self, process: Process, action: str, number: int) -> None:
        """Come here after a call that changed something; OSError may be raised: the answer is lost."""
        if self.strikes("lost", number, self.weather.lost):
            self._fail(process, "lost", action)
        self.scheduler.pause()

    def repeats(self, action: str, number: int) -> bool:
        """Whether a call is done twice."""
        if not self.strikes("twice", number, self.weather.twice):
            return False
        self.counts["twice"] += 1
        self.note(f"{action} TWICE")
        return True

    def platter_of(self, root: Path) -> Platter:
        """Return the disk under a folder."""
        return self._platters.setdefault(root, Platter(root))

    def cut_power(self) -> None:
        """End all processes, and let their disks lose what was not certain."""
        self.counts["power cuts"] += 1
        self.note("POWER CUT")
        for process in self.processes:
            if process.alive:
                self.kill(process)
        for platter in self._platters.values():
            lost = platter.lose(self.dice)
            self.counts["undone by power cuts"] += lost
        self.after_power_cut()

    def kill(self, process: Process) -> None:
        """End a process wherever it is."""
        self.counts["killed"] += 1
        self.note(f"{process.name} KILLED")
        process.alive = False
        self.scheduler.abandon(process)
        for release in process.on_death:
            release()

    def strikes(self, kind: str, number: int, probability: float) -> bool:
        """Whether something goes wrong with a call."""
        if self.scheduler.current is None or self.calm:
            return False
        weather = self.weather
        return (weather.at == number and weather.what == kind) or self.dice.random() < probability

    def _fail(self, process: Process, kind: str, action: str) -> None:
        process.faults += 1
        self.counts[kind] += 1
        number = self.dice.choice((errno.EIO, errno.ENOSPC))
        self.note(f"{action} {kind.upper()} {errno.errorcode[number]}")
        raise OSError(number, os.strerror(number), action)

    def _slowness(self, action: str) -> int:
        if self.calm or self.dice.random() >= self.weather.slow:
            return 0
        self.counts["slow"] += 1
        self.note(f"{action} SLOW")
        # Mostly as long as a few calls of others, seldom as long as a lease.
        return int(100 * (self.slow_us_max / 100) ** self.dice.random())

    def _weather_of_machine(self, process: Process) -> None:
        if self.calm or self.dice.random() >= self.weather.jump:
            return
        self.counts["clock jumps"] += 1
        by_s = self.dice.choice((-JUMP_S_MAX, -60, -1, 1, 60, JUMP_S_MAX))
        self.offsets_us[process.machine] += by_s * 1_000_000
        self.jumped_at_us = self.scheduler.now_us
        self.note(f"machine {process.machine} JUMPS {by_s} s")
