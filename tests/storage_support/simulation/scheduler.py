"""Greenlets that take turns as a die says, with a time of their own and locks that know of them."""

from __future__ import annotations

import fcntl
import pkgutil
import sys
import threading
import time
from collections.abc import Callable, Generator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial, partialmethod
from importlib import import_module
from random import Random
from types import ModuleType
from typing import Any
from unittest.mock import patch

from greenlet import greenlet

import btql_storage
from btql_storage.format import FolderLock

STEP_US = 50
"""Time that passes with every step."""


class Task:
    """A thread of a simulated process."""

    def __init__(self, name: str, process: Any, run: Callable[[], None], parent: greenlet) -> None:
        self.name = name
        self.process = process
        self.greenlet = greenlet(run, parent)
        self.wake_at_us = 0
        self.until: Callable[[], bool] | None = None
        """What it waits for, besides its time."""
        self.give_up_at_us = 0


class Scheduler:
    """Says who goes on."""

    def __init__(self, dice: Random) -> None:
        self.dice = dice
        self.now_us = 0
        self.steps = 0
        self.sticky = dice.choice((0.0, 0.0, 0.3, 0.7, 0.95))
        """How probably whoever is at it goes on: long runs find other mistakes than short ones."""
        self.tasks: list[Task] = []
        self.abandoned: list[Task] = []
        """Of killed processes; kept, as a greenlet that is collected runs what it has in `finally`."""
        self.current: Task | None = None
        self._main = greenlet.getcurrent()

    def spawn(self, name: str, process: Any, run: Callable[[], None]) -> Task:
        """Let a thread begin, as soon as a die says so."""
        task = Task(name, process, run, self._main)
        self.tasks.append(task)
        return task

    def abandon(self, process: Any) -> None:
        """Never resume the threads of a process, in whatever they are."""
        dead = [task for task in self.tasks if task.process is process]
        self.abandoned += dead
        self.tasks = [task for task in self.tasks if task.process is not process]

    def pause(self, for_us: int = 0) -> None:
        """Let others go on, for some time at least."""
        task = self.current
        if task is None or greenlet.getcurrent() is self._main:
            self.now_us += max(for_us, STEP_US)
            return
        task.wake_at_us = self.now_us + for_us
        self._main.switch()

    def wait(self, until: Callable[[], bool], timeout_us: int) -> bool:
        """Wait until something is so; return whether it is."""
        task = self.current
        if until():
            return True
        if task is None or greenlet.getcurrent() is self._main:
            return False
        task.until, task.give_up_at_us = until, self.now_us + timeout_us
        self._main.switch()
        task.until = None
        return until()

    def step(self) -> bool:
        """Let one thread go on to its next call; false where none is left."""
        ready = [task for task in self.tasks if self._is_ready(task)]
        if not ready:
            wakes = [max(task.wake_at_us, self._wake(task)) for task in self.tasks]
            if not wakes:
                return False
            self.now_us = max(self.now_us, min(wakes))
            ready = [task for task in self.tasks if self._is_ready(task)]
            assert ready, "all threads wait for one another"
        before = self.current
        stays = before in ready and self.dice.random() < self.sticky
        task = before if stays and before is not None else self.dice.choice(ready)
        self.now_us += STEP_US
        self.steps += 1
        self.current = task
        task.greenlet.switch()
        if task.greenlet.dead:
            self.tasks.remove(task)
            self.current = None
        return True

    @contextmanager
    def alone(self) -> Generator[None]:
        """Run something that nobody interrupts."""
        before, self.current = self.current, None
        try:
            yield
        finally:
            self.current = before

    def _is_ready(self, task: Task) -> bool:
        if task.wake_at_us > self.now_us:
            return False
        return task.until is None or task.until() or task.give_up_at_us <= self.now_us

    def _wake(self, task: Task) -> int:
        return 0 if task.until is None else task.give_up_at_us


class SimulatedLock:
    """A lock between the threads of one process."""

    def __init__(self, scheduler: Scheduler, *, again: bool) -> None:
        self._scheduler = scheduler
        self._again = again
        self._owner: object = None
        self._depth = 0

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock as soon as it is free."""
        me: object = self._scheduler.current or self._scheduler
        if self._depth and self._again and self._owner is me:
            self._depth += 1
            return True
        if self._depth:
            wait_us = int(timeout * 1e6) if timeout >= 0 else 1 << 60
            if not blocking or not self._scheduler.wait(lambda: not self._depth, wait_us):
                assert timeout >= 0 or not blocking, "nobody lets go of this lock"
                return False
        self._owner, self._depth = me, 1
        return True

    def release(self) -> None:
        """Let go of the lock."""
        assert self._depth > 0
        self._depth -= 1

    def locked(self) -> bool:
        """Whether anyone has it."""
        return self._depth > 0

    def __enter__(self) -> bool:
        return self.acquire()

    def __exit__(self, *_: object) -> None:
        self.release()


class SimulatedEvent:
    """What threads of one process wait for."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler
        self._is_set = False

    def set(self) -> None:
        """Let those go on who wait."""
        self._is_set = True

    def is_set(self) -> bool:
        """Whether it has happened."""
        return self._is_set

    def wait(self, timeout: float | None = None) -> bool:
        """Wait until it has happened; return whether it has."""
        return self._scheduler.wait(self.is_set, 1 << 60 if timeout is None else int(timeout * 1e6))


class SimulatedThread:
    """A thread that the code under test starts: one more task of its process."""

    def __init__(
        self, scheduler: Scheduler, target: Callable[..., object], args: tuple[Any, ...] = (), name: str = "", **_: Any
    ) -> None:
        self._scheduler = scheduler
        self._run = lambda: target(*args)
        self._name = name
        self._over = SimulatedEvent(scheduler)

    def start(self) -> None:
        """Begin; whom nothing disturbs needs nobody beside."""
        task = self._scheduler.current
        if task is None:
            self._over.set()
        else:
            self._scheduler.spawn(f"{task.name.partition(' ')[0]} {self._name}", task.process, self._to_its_end)

    def join(self, timeout: float | None = None) -> None:
        """Wait for its end."""
        self._over.wait(timeout)

    def _to_its_end(self) -> None:
        self._run()
        self._over.set()


class SimulatedTime:
    """Stands in for the module ``time``."""

    def __init__(self, scheduler: Scheduler) -> None:
        self._scheduler = scheduler

    def monotonic(self) -> float:
        """Return seconds of the play."""
        return self._scheduler.now_us / 1e6

    perf_counter = monotonic

    def sleep(self, seconds: float) -> None:
        """Let others go on."""
        self._scheduler.pause(int(seconds * 1e6))

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)


@contextmanager
def played(scheduler: Scheduler, untouched: tuple[str, ...] = ()) -> Generator[None]:
    """Exchange locks and waiting in all modules of storage whose names do not begin with one of some.

    Who waits for another process does not poll here: one slow call would be thousands of steps of those that wait.
    """
    # They must be there to be changed.
    for found in pkgutil.walk_packages(btql_storage.__path__, "btql_storage."):
        with suppress(ImportError):
            import_module(found.name)
    stand_ins = {
        id(threading.Lock): lambda: SimulatedLock(scheduler, again=False),
        id(threading.RLock): lambda: SimulatedLock(scheduler, again=True),
        id(threading.Event): lambda: SimulatedEvent(scheduler),
        id(threading.Thread): partial(SimulatedThread, scheduler),
        id(time): SimulatedTime(scheduler),
    }
    with ExitStack() as stack:
        stack.enter_context(patch.object(FolderLock, "_wait", partialmethod(_wait_for_others, scheduler)))
        modules = [one for name, one in sys.modules.items() if name.startswith("btql_storage")]
        for module in [one for one in modules if not one.__name__.startswith(untouched)]:
            for name, value in _exchangeable(module, stand_ins):
                stack.enter_context(patch.object(module, name, value))
        yield


def _wait_for_others(lock: FolderLock, scheduler: Scheduler) -> None:
    """Take the lock of a folder as soon as no other process has it."""

    def is_free() -> bool:
        try:
            fcntl.flock(lock._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        # Whoever is killed before its turn must not leave it taken.
        fcntl.flock(lock._descriptor, fcntl.LOCK_UN)
        return True

    if not scheduler.wait(is_free, int(lock._wait_s * 1e6)):
        raise lock._locked()
    fcntl.flock(lock._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _exchangeable(module: ModuleType, stand_ins: dict[int, Any]) -> list[tuple[str, Any]]:
    return [(name, stand_ins[id(value)]) for name, value in vars(module).items() if id(value) in stand_ins]
