"""Runs of the engine, and its threads: what it goes on with after a query was given up, it tells nobody itself."""

from __future__ import annotations

import atexit
import threading
import time
from functools import cache
from pathlib import Path

from btql.execution.engine import CORES

_TASKS = Path("/proc/self/task")
"""Threads of this process; only Linux has it."""
_NAME = "tokio-rt-worker"
REST_S = 5.0
_LOOK_S = 0.005


class Runs:
    """Counts runs: those under way, and those given up since the engine was last seen at rest."""

    def __init__(self) -> None:
        self._under_way = 0
        self._given_up = 0
        self._lock = threading.Lock()

    def begin(self) -> None:
        """Count a run."""
        with self._lock:
            self._under_way += 1

    def end(self, *, given_up: bool) -> None:
        """Count it no longer."""
        with self._lock:
            self._under_way -= 1
            self._given_up += given_up

    def left_behind(self) -> int:
        """Return how many of those given up go on, going by the threads that nothing under way accounts for."""
        with self._lock:
            if not self._given_up:
                return 0
            busy = computing()
            if not busy:
                self._given_up = 0
            return min(self._given_up, -(-max(busy - self._under_way * CORES, 0) // CORES))

    def rest(self) -> None:
        """Wait a while for those given up to end: a thread that meets Python when it goes takes the process down."""
        until = time.monotonic() + REST_S
        while self.left_behind() and time.monotonic() < until:
            time.sleep(_LOOK_S)


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
