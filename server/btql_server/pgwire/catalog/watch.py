"""Ends statements of the catalog that are cancelled or take too long.

The engine computes in C++ and looks at nothing of ours meanwhile. One thread looks for all statements that run, and
interrupts those that may not go on; while none runs it sleeps.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Protocol

from btql.errors import EngineError
from btql.execution.stop import Stop

_LOOK_S = 0.05
_SECONDS_MAX = 30.0
"""No statement of the catalog has a reason to take longer."""


class Interruptible(Protocol):
    """What can be told to stop, from another thread."""

    def interrupt(self) -> None:
        """Stop what runs."""
        ...


class Watch:
    """Watches over statements; safe from several threads."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._running: dict[int, tuple[Interruptible, Stop, float]] = {}
        self._thread: threading.Thread | None = None
        self._closed = False

    @contextmanager
    def over(self, what: Interruptible, stop: Stop) -> Generator[None]:
        """Watch over what runs inside."""
        stop.check()
        with self._changed:
            self._running[id(what)] = (what, stop, time.monotonic() + _SECONDS_MAX)
            if self._thread is None:
                thread = threading.Thread(target=self._look, name="btql-catalog-watch", daemon=True)
                thread.start()
                # Not before: where there are too many threads, there is none to wait for at the end.
                self._thread = thread
            self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                del self._running[id(what)]

    def close(self) -> None:
        """Stop watching."""
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread is not None:
            thread.join()

    def _look(self) -> None:
        while True:
            with self._changed:
                while not self._running and not self._closed:
                    self._changed.wait()
                if self._closed:
                    return
                for what, stop, deadline in list(self._running.values()):
                    if time.monotonic() > deadline or _must_end(stop):
                        what.interrupt()
            time.sleep(_LOOK_S)


def _must_end(stop: Stop) -> bool:
    try:
        stop.check()
    except EngineError:
        return True
    return False
