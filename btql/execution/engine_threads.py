"""Runs of the engine, and its threads: what it goes on with after a query was given up, it tells nobody itself."""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from btql.errors import Cancelled
from btql.execution.engine import CORES

if TYPE_CHECKING:
    from btql.execution.engine import RecordBatch

_TASKS = Path("/proc/self/task")
"""Threads of this process; only Linux has it."""
_NAME = "tokio-rt-worker"
REST_S = 5.0
_LOOK_S = 0.005
_SEEN_AT_REST = 2


class Run:
    """A statement that the engine computes while it is read."""

    def __init__(self, stream: Iterator[RecordBatch]) -> None:
        self._stream: Iterator[RecordBatch] | None = stream
        self.is_read = False
        """Whether a thread waits for the next batch."""

    def next(self) -> RecordBatch | None:
        """Return the next batch; None where there are no more."""
        batch: RecordBatch | None = None
        self.is_read = True
        try:
            batch = None if self._stream is None else next(self._stream, None)
        except Cancelled:
            if self._stream is not None:
                raise
        finally:
            self.is_read = False
        if self._stream is None:
            # A daemon thread is to end with the program, and to say nothing.
            raise SystemExit if threading.current_thread().daemon else Cancelled
        return batch

    def give_up(self) -> None:
        """Let go of what the engine computes, so that it ends."""
        self._stream = None


class Runs:
    """Knows the runs under way, and counts those given up since the engine was last seen at rest."""

    def __init__(self) -> None:
        self._under_way: set[Run] = set()
        self._given_up = 0
        self._unread: list[Run] = []
        """What the program's end has given up."""
        self._lock = threading.Lock()

    def begin(self, run: Run) -> None:
        """Count a run."""
        with self._lock:
            self._under_way.add(run)

    def end(self, run: Run, *, given_up: bool) -> None:
        """Count it no longer."""
        with self._lock:
            if run in self._under_way:
                self._under_way.remove(run)
                self._given_up += given_up

    def left_behind(self) -> int:
        """Return how many of those given up go on, going by the threads that nothing under way accounts for."""
        with self._lock:
            if not self._given_up:
                return 0
            busy = computing()
            if not busy:
                self._given_up = 0
            return min(self._given_up, -(-max(busy - len(self._under_way) * CORES, 0) // CORES))

    def give_up(self) -> None:
        """Give up what is under way, as the program ends: nobody reads those answers to their end."""
        with self._lock:
            self._unread += self._under_way
            self._given_up += len(self._under_way)
            self._under_way.clear()
        for each in self._unread:
            each.give_up()

    def rest(self) -> None:
        """Give up what is under way, and wait a while for the engine to be at rest.

        A thread of the engine that meets Python when the interpreter goes takes the process down. While it waits for
        its turn with Python it is not seen to compute, and it has had its turn after a pause: so the engine is at rest
        once it is seen so twice.
        """
        self.give_up()
        until = time.monotonic() + REST_S
        seen = 0 if self._given_up else _SEEN_AT_REST
        while seen < _SEEN_AT_REST and time.monotonic() < until:
            time.sleep(_LOOK_S)
            seen = 0 if computing() or any(each.is_read for each in self._unread) else seen + 1


runs = Runs()
atexit.register(runs.rest)


def computing() -> int:
    """Return how many of the engine's threads compute, or wait for a core; 0 where the system does not say."""
    return sum(_state(path) == "R" for path in _stats())


@cache
def _stats() -> tuple[Path, ...]:
    """Return the files of the engine's threads: there are as many from its first query on."""
    return tuple(each / "stat" for each in _TASKS.glob("*") if _NAME in _read(each / "comm"))


def _state(path: Path) -> str:
    # The number of the thread, its name in parentheses, the state.
    return _read(path).rpartition(") ")[2][:1]


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except OSError:
        return ""
