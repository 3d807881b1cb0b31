"""Stopping a query: because nobody waits for it any more, or because its time is over.

Whoever runs a query holds a :class:`Stop`. What takes long looks at it between two steps (:meth:`Stop.check`);
waiting for the engine ends when it says so (:meth:`Stop.wait`). Both raise :class:`btql.errors.Cancelled` or
:class:`btql.errors.TimeLimit`, within about 50 ms, from any thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Event
from typing import TYPE_CHECKING, TypeVar

from btql.errors import Cancelled, TimeLimit
from btql.execution.reader import Reader

if TYPE_CHECKING:
    from concurrent.futures import Future

T = TypeVar("T")
_LOOK_S = 0.05
"""How often a wait looks whether it may go on."""


def go_on() -> None:
    """Check nothing: a query that nobody can stop goes on."""


class Stop:
    """Says whether a query may go on."""

    def __init__(self, seconds: float | None = None, gone: Callable[[], bool] | None = None) -> None:
        self.seconds = seconds
        """How long the query may take, counted from now; None is as long as it needs."""
        self._deadline = None if seconds is None else time.monotonic() + seconds
        self._gone = gone
        """Says whether whoever asked is gone."""
        self._cancelled = Event()
        self.reader = Reader()
        """Who reads the answer."""

    def cancel(self) -> None:
        """Stop the query; whoever reads its answer gets an error. May be called from any thread, and again."""
        self._cancelled.set()

    @property
    def is_cancelled(self) -> bool:
        """Whether :meth:`cancel` was called."""
        return self._cancelled.is_set()

    def add(self, seconds: float) -> None:
        """Allow more time: what somebody else took, such as a slow reader, does not count."""
        if self._deadline is not None:
            self._deadline += seconds

    def check(self) -> None:
        """Raise if the query may not go on."""
        if self._cancelled.is_set() or (self._gone is not None and self._gone()):
            raise Cancelled
        if self._deadline is not None and self.seconds is not None and time.monotonic() >= self._deadline:
            raise TimeLimit(self.seconds)

    def wait(self, future: Future[T]) -> T:
        """Return what a future gives; cancel it where the query may not go on."""
        from concurrent.futures import CancelledError

        try:
            while True:
                self.check()
                try:
                    return future.result(self._patience())
                except TimeoutError:
                    if future.done():
                        raise
        except CancelledError:
            raise Cancelled from None
        finally:
            future.cancel()

    def _patience(self) -> float:
        if self._deadline is None:
            return _LOOK_S
        return max(0.0, min(_LOOK_S, self._deadline - time.monotonic()))
