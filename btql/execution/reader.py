"""Whoever reads an answer: whether he asks for more, and since when he has taken nothing.

An answer that is half read keeps what it was granted (:mod:`.admission`), for any time. While others wait for memory,
one whose reader has taken nothing for :data:`STALLED_S` is ended: what the engine holds for it goes at once, and the
reader gets an error when he asks for more. Nobody else's reader is ended, however long he takes.

A program that reads by itself has asked for more when it does. Behind a socket it is the door that knows: it has asked
when the client took what there was, and says so (:meth:`Reader.asks`, :meth:`Reader.takes`).
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator
from copy import copy
from threading import Lock
from typing import TYPE_CHECKING

from btql.errors import Error, ResourceLimit
from btql_storage.limits import way_to_raise

if TYPE_CHECKING:
    from pyarrow import RecordBatch

    from btql.execution.admission import Grant
    from btql.execution.engine import SessionContext

STALLED_S = 10.0
PATIENCE_S = 2.0
"""Nobody is ended for what others wait less for: most of it is given back in time."""


def nothing() -> None:
    """Have nobody to tell."""


class Reader:
    """Reads the answer to one statement. Safe from several threads."""

    def __init__(self) -> None:
        self.on_end: Callable[[], object] = nothing
        """Called from another thread once the answer was ended."""
        self._asks = False
        self._took_at = 0.0
        self._error: Error | None = None
        self._lock = Lock()

    def asks(self) -> None:
        """Note that more is asked for; raise where the answer was ended meanwhile."""
        with self._lock:
            self.check()
            self._asks = True

    def takes(self) -> None:
        """Note that something was computed for the reader, or that he took some of it."""
        with self._lock:
            self._asks = False
            self._took_at = time.monotonic()

    def check(self) -> None:
        """Raise where the answer was ended."""
        if self._error is not None:
            raise copy(self._error)

    @property
    def error(self) -> Error | None:
        """Why the answer was ended; None while it may be read.

        One that was raised has the frames that it passed, and with them what they hold: those are not to be kept here.
        """
        return copy(self._error)

    def took_at(self, handed_at: float) -> float:
        """Return when something was taken last, or handed out."""
        return max(handed_at, self._took_at)

    def stop(self, error: Error) -> None:
        """End the answer where nobody waits for more of it, and tell whoever hands it out."""
        if self.end(error):
            self.on_end()

    def end(self, error: Error) -> bool:
        """End the answer unless more is asked for; return whether it was ended."""
        with self._lock:
            if not self._asks and self._error is None:
                self._error = error
            return self._error is error


class HalfRead:
    """A run that has handed some rows out, and waits until more are asked for."""

    def __init__(self, grant: Grant, reader: Reader) -> None:
        self.grant = grant
        self.error: ResourceLimit | None = None
        self._reader = reader
        self._handed_at = 0.0
        self._holds: tuple[Generator[RecordBatch], SessionContext] | None = None

    def hold(self, batches: Generator[RecordBatch], session: SessionContext) -> None:
        """Say what the engine computes for it, and where."""
        self._holds = (batches, session)

    def let_go(self) -> None:
        """Let go of what the engine holds for it, and tell whoever hands the answer out."""
        assert self._holds is not None
        batches, session = self._holds
        batches.close()
        session.clear()
        self._reader.on_end()

    def hand_out(self) -> None:
        """Note that rows are handed out."""
        self._handed_at = time.monotonic()

    @property
    def took_at(self) -> float:
        """When its reader has taken something last."""
        return self._reader.took_at(self._handed_at)

    def end(self, memory_bytes: int) -> bool:
        """End it where nothing was taken for long; return whether it was ended. What it holds is still to go."""
        idle_s = time.monotonic() - self.took_at
        if idle_s < STALLED_S or not self._reader.end(error := stalled(idle_s, memory_bytes)):
            return False
        self.error = error
        return True


def stalled(idle_s: float, memory_bytes: int) -> ResourceLimit:
    """Return the error of an answer that was ended because its reader took nothing."""
    name = "memory_bytes_max"
    message = (
        f"nothing of the answer was taken for {idle_s:.0f} s while other queries waited for memory, of which all "
        f"together may have {memory_bytes >> 20:,} MiB (`{name}`), so it was ended"
    )
    way_out = f"read answers without long pauses, or in pages, by LIMIT and a cursor; or {way_to_raise(name)}"
    return ResourceLimit.of("B0508", message, way_out, name, memory_bytes)
