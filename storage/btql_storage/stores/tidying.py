"""Work that is done again and again in the background, as long as something is open."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from threading import Event, Lock, Thread

from btql_storage.errors import StorageError

_WAIT_S = 1.0


class Tidying:
    """A thread that does some work now and then. What fails will be done the next time."""

    def __init__(self, work: Callable[[], None], every_s: float) -> None:
        self._work = work
        self._every_s = every_s
        self._stopped = Event()
        self._guard = Lock()
        self._thread: Thread | None = None

    def start(self) -> None:
        """Begin, unless that was done."""
        with self._guard:
            if self._thread is None and not self._stopped.is_set():
                thread = Thread(target=self._run, name="btql-tidying", daemon=True)
                thread.start()
                # Not before: whoever is interrupted meanwhile stops what is here, and only what has begun has an end.
                self._thread = thread

    def stop(self) -> None:
        """End; what is under way is not waited for longer than it takes where the service answers."""
        self._stopped.set()
        with self._guard:
            thread = self._thread
        if thread is not None:
            thread.join(_WAIT_S)

    def _run(self) -> None:
        while not self._stopped.wait(self._every_s):
            with suppress(StorageError, OSError):
                self._work()
