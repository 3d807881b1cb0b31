"""How fast background work may go: each job asks between two pieces of work, and is made to wait, or to end.

A job works on a window of rows at a time (:mod:`btql_storage.windows`), some tens of milliseconds of
work, and calls :meth:`Pace.step` after each. Nothing of a job is seen before its commit, so it may end at any step.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from threading import Event, Lock

PAUSED = "background.paused"
"""The setting of a database that says since when nobody works in the background, in Unix seconds."""
_REST_MAX_S = 5.0
"""One large document is no reason to stand still for longer."""


class WorkEnded(Exception):  # noqa: N818  it is no error: whoever ended the work asked for this
    """A job gave up because it was told to; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Budget:
    """What background work may use."""

    cpu_share: float = 1.0
    """How much of the time a job may be at work, over 0 and at most 1; it rests for the remainder."""
    json_bytes_per_s: int | None = None
    """JSON of documents that may be written in a second; None is no limit."""

    def rest_s(self, worked_s: float, json_bytes: int) -> float:
        """Return for how many seconds to rest after so much work, in which so many bytes were written."""
        rest = worked_s * (1 / self.cpu_share - 1)
        if self.json_bytes_per_s is not None:
            rest = max(rest, json_bytes / self.json_bytes_per_s - worked_s)
        return min(rest, _REST_MAX_S)

    def __post_init__(self) -> None:
        """Check what was given."""
        if not 0 < self.cpu_share <= 1:
            raise ValueError(f"the share of the processor is {self.cpu_share}; it must be over 0 and at most 1")
        if self.json_bytes_per_s is not None and self.json_bytes_per_s <= 0:
            raise ValueError(f"{self.json_bytes_per_s} bytes per second is not over 0")


class Pace:
    """Keeps one thread's jobs within a budget."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._give_up = Event()
        self._ended = False
        self._guard = Lock()
        self._resumed = time.monotonic()

    def end(self) -> None:
        """End the job that runs, and every later one, at its next step."""
        with self._guard:
            self._ended = True
            self._give_up.set()

    def hold(self) -> None:
        """End the job that runs, and every later one until :meth:`go_on` is called."""
        self._give_up.set()

    def go_on(self) -> None:
        """Let jobs run again."""
        with self._guard:
            if not self._ended:
                self._give_up.clear()

    def begin(self) -> None:
        """Take note that a job begins: what was before it does not count."""
        self._resumed = time.monotonic()

    def step(self, json_bytes: int) -> None:
        """Rest as long as the budget asks for; WorkEnded once :meth:`end` or :meth:`hold` was called.

        ``json_bytes`` are the documents that were written since the last step.
        """
        rest = self._budget.rest_s(time.monotonic() - self._resumed, json_bytes)
        if self._give_up.wait(rest) if rest > 0 else self._give_up.is_set():
            raise WorkEnded
        self._resumed = time.monotonic()


UNHURRIED = Pace(Budget())
"""For work that somebody waits for: it never rests."""
