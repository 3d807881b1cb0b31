"""Compaction that runs by itself: in a process of its own beside a server, or in a thread of an embedding program.

It looks every second. Work begins when enough JSON waits or something has waited long enough, and goes on, a job
at a time and at the pace of its budget, until nothing waits. Every hour it applies the retention policies, and purges
what was deleted some time ago (:mod:`btql_storage.retention`). Whoever else compacts the same database is waited
for; should all of them die, nothing is lost: what is not done is still waiting, and queries read it from the log.
"""

from __future__ import annotations

import atexit
import logging
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from btql_storage.background.pace import Budget, Pace, WorkEnded
from btql_storage.errors import Closed, StorageError

if TYPE_CHECKING:
    from btql_storage.compaction.run import Waiting
    from btql_storage.store import Storage

log = logging.getLogger(__name__)

_LOOK_EVERY_S = 1.0
_AFTER_ERROR_S = 10.0
_TEND_FIRST_S = 60.0


@dataclass(frozen=True, slots=True)
class Policy:
    """When background work begins, and what it may use."""

    after_bytes: int = 64 << 20
    """How much JSON may wait."""
    after_s: float = 60.0
    """How long something may wait."""
    budget: Budget = field(default_factory=lambda: Budget(cpu_share=0.5))


@dataclass(frozen=True, slots=True)
class Done:
    """What one run of jobs did."""

    jobs: int
    seconds: float


class Background:
    """The background work of one storage."""

    def __init__(
        self,
        storage: Storage,
        policy: Policy,
        *,
        done: Callable[[Done], None] = lambda _: None,
        failed: Callable[[Exception], None] = lambda _: None,
        tending: Callable[[], None] = lambda: None,
    ) -> None:
        self._storage = storage
        self._policy = policy
        self._pace = Pace(policy.budget)
        self._done = done
        self._failed = failed
        self._tending = tending
        """Called before retention is looked after, where others have something to delete."""
        self._stop = threading.Event()
        self._guard = threading.Lock()
        self._in_the_way = 0
        """How many wait for work that this would do."""
        self._thread: threading.Thread | None = None
        self._since: float | None = None
        """When something was first seen waiting."""
        self._tend_at = time.monotonic() + _TEND_FIRST_S
        """When retention is looked after next."""

    def start(self) -> None:
        """Run in a thread that ends with the program."""
        # A thread that is cut off within Arrow or Tantivy, when the interpreter goes, would take the program down.
        atexit.register(self.stop)
        thread = threading.Thread(target=self.run, name="btql-background", daemon=True)
        thread.start()
        # Not before: whoever is interrupted meanwhile stops what is here, and only what has begun has an end.
        self._thread = thread

    def stop(self) -> None:
        """End soon: the job that runs gives up, and what it has not done waits for the next."""
        atexit.unregister(self.stop)
        self._stop.set()
        self._pace.end()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()

    @contextmanager
    def aside(self) -> Generator[None]:
        """Keep out of the way of whoever waits for the same work: the job that runs gives up, and none begins."""
        with self._guard:
            self._in_the_way += 1
            self._pace.hold()
        try:
            yield
        finally:
            with self._guard:
                self._in_the_way -= 1
                if not self._in_the_way:
                    self._pace.go_on()

    def run(self) -> None:
        """Look, work, and look again, until :meth:`stop` is called or the storage is closed."""
        while not self._stop.wait(_LOOK_EVERY_S):
            try:
                self.look()
            except WorkEnded:
                # Stopped, or out of somebody's way for a while.
                continue
            except Closed:
                return
            except StorageError as error:
                self._failed(error)
                self._stop.wait(_AFTER_ERROR_S)
            except Exception as error:
                # A mistake of ours. A thread that ends would hide it, and what was written would wait for ever.
                log.exception("background work failed")
                self._failed(error)
                self._stop.wait(_AFTER_ERROR_S)

    def look(self) -> None:
        """Do what is due now; WorkEnded where it was told to give up."""
        if self._in_the_way:
            return
        if time.monotonic() >= self._tend_at and not self._is_paused():
            self._tend_at = time.monotonic() + self._storage.retention.tend_every_s
            self._tending()
            self._storage.retention.tend(self._pace)
        if not self._is_due(self._storage.waiting()) or self._is_paused():
            return
        self._since = None
        began = time.monotonic()
        jobs = 0
        try:
            while not self._is_paused() and self._storage.compact_once(pace=self._pace):
                jobs += 1
        except StorageError:
            # What nobody needs may be what fills the disk.
            self._storage.remove_unneeded()
            raise
        self._storage.remove_unneeded()
        self._done(Done(jobs, time.monotonic() - began))

    def _is_paused(self) -> bool:
        return self._storage.background_paused_since() is not None

    def _is_due(self, found: Waiting) -> bool:
        if not found.events:
            self._since = None
            return False
        if self._since is None:
            self._since = time.monotonic()
        waited = time.monotonic() - self._since
        return found.json_bytes >= self._policy.after_bytes or waited >= self._policy.after_s
