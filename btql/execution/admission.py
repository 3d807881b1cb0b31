"""Who may run: the memory, the disk and the cores of a process, shared among the queries that run in it.

**Memory.** A query has an engine session whose operators may hold a *grant* of memory, and of disk for what does not
fit into it. Grants of all queries together are at most ``memory_bytes_max`` and ``spill_bytes_max``:

1. A query that only looks at one row at a time gets a small grant; it holds next to nothing.
2. Any other gets a full one (``query_memory_bytes_max``, ``query_spill_bytes_max``; no more than half of all that there
   is) while there is plenty, and a small one where there is not: then it goes to disk earlier.
3. One that fails with a small grant, and has handed nothing out, begins again with a full one, for which it waits. So
   what a query may do never depends on what else runs.

While somebody waits, an answer that is half read and whose reader takes nothing is ended (:mod:`.reader`). Whoever
waits longer than :data:`WAIT_S` gets an error.

**Classes.** *Bulk* queries are exports: those that say so, and any that has computed for longer than
:data:`INTERACTIVE_S` or has given more than :data:`INTERACTIVE_ROWS`. All others are *interactive*. At most
``bulk_queries_max`` bulk queries compute at the same time, one batch each. While interactive ones compute, a bulk query
rests after each batch, for up to :data:`REST` times as long as that took; while requests are written, for as long as it
took. It never gets the last of the memory. So exports go on, slowly, however much else there is to do, and nobody waits
behind them for longer than a batch takes.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager, suppress
from copy import copy
from dataclasses import dataclass
from threading import Condition
from typing import TYPE_CHECKING, Literal

from btql.errors import ResourceLimit
from btql.execution.reader import PATIENCE_S
from btql_storage.limits import way_to_raise
from btql_storage.machine import of_queries

if TYPE_CHECKING:
    import pyarrow as pa

    from btql.execution.reader import HalfRead
    from btql.execution.stop import Stop
    from btql_storage.limits import Limits

Work = Literal["interactive", "bulk"]
SMALL = 8
"""A small grant is one part in so many of a full one."""
SMALL_BYTES_MIN = 16 << 20
"""The engine cannot sort with less."""
WAIT_S = 30.0
INTERACTIVE_S = 1.0
INTERACTIVE_ROWS = 100_000
REST = 4
REST_MAX_S = 0.25
"""A reader that takes its time must not look like work."""
WRITING_S = 0.05
"""A writer sends its next request within this time of the last one; most of a request goes by outside of its write."""
_LOOK_S = 0.05


@dataclass(frozen=True, slots=True)
class Grant:
    """What one query may hold."""

    memory_bytes: int
    spill_bytes: int
    is_full: bool
    """Whether there is no larger one."""


class Admission:
    """The ledger of a process. Safe from several threads."""

    def __init__(self) -> None:
        self.memory_bytes = 0
        """What all grants add up to."""
        self.spill_bytes = 0
        self.grants = 0
        self.computing: Counter[Work] = Counter()
        """Queries that compute at this moment."""
        self._wrote_at = float("-inf")
        self.waited_s = {"memory": 0.0, "turn": 0.0, "rested": 0.0}
        """How long queries have waited: for ``memory``, for a ``turn``, and how long bulk ones ``rested``."""
        self._changed = Condition()
        self._waiting = 0
        self._half_read: set[HalfRead] = set()

    def grant(self, limits: Limits, work: Work, stop: Stop | None, *, holds: bool, full: bool = False) -> Grant:
        """Return a grant, once there is room for it; :meth:`release` it.

        ``holds`` says whether the query may hold many rows, and ``full`` that it needs the most there can be.
        """
        began = time.monotonic()
        while True:
            with self._changed:
                wanted = self._wanted(limits, work, holds=holds, full=full)
                if wanted is not None:
                    self._add(wanted, 1)
                    return wanted
                waited_s = time.monotonic() - began
                if waited_s >= WAIT_S:
                    raise _taken(of_queries(limits), self.grants)
                stalled = self._stalled(limits) if waited_s >= PATIENCE_S else None
                if stalled is None:
                    self._wait("memory", stop)
            if stalled is not None:
                # What goes wrong there is no matter of whoever waits here.
                with suppress(Exception):
                    stalled.let_go()
                self.release(stalled.grant)

    def _wanted(self, limits: Limits, work: Work, *, holds: bool, full: bool) -> Grant | None:
        """Return the grant that there is room for."""
        largest, small, large = grants_of(limits)
        left = 4 if work == "bulk" else None
        if full:
            return largest if self._fits(largest, limits, left) else None
        if holds and self._fits(large, limits, 2 if work == "bulk" else 4):
            return large
        return small if self._fits(small, limits, left) else None

    def hand_out(self, run: HalfRead) -> None:
        """Note that a run has handed rows out and computes nothing until :meth:`go_on`."""
        with self._changed:
            run.hand_out()
            self._half_read.add(run)

    def go_on(self, run: HalfRead) -> None:
        """Let a run compute again; raise where it was ended meanwhile."""
        with self._changed:
            self._half_read.discard(run)
            if run.error is not None:
                raise copy(run.error)

    def end(self, run: HalfRead) -> None:
        """Give the grant of a run back, unless that was done when it was ended."""
        with self._changed:
            self._half_read.discard(run)
        if run.error is None:
            self.release(run.grant)

    def _stalled(self, limits: Limits) -> HalfRead | None:
        """End the answer of which nothing was taken for the longest time, if that is long; called with the lock."""
        for run in sorted(self._half_read, key=lambda each: each.took_at):
            if run.end(of_queries(limits)):
                self._half_read.discard(run)
                return run
        return None

    def release(self, grant: Grant) -> None:
        """Give a grant back."""
        with self._changed:
            self._add(grant, -1)
            self._changed.notify_all()

    def _fits(self, grant: Grant, limits: Limits, left: int | None) -> bool:
        """Whether there is room for a grant, with one part in ``left`` of everything left over."""
        if not self.grants:
            return True
        memory, spill = of_queries(limits), limits.spill_bytes_max
        kept_memory, kept_spill = (0, 0) if left is None else (memory // left, spill // left)
        free_memory, free_spill = memory - self.memory_bytes, spill - self.spill_bytes
        return free_memory - grant.memory_bytes >= kept_memory and free_spill - grant.spill_bytes >= kept_spill

    def _add(self, grant: Grant, sign: int) -> None:
        self.memory_bytes += sign * grant.memory_bytes
        self.spill_bytes += sign * grant.spill_bytes
        self.grants += sign

    def _wait(self, reason: str, stop: Stop | None, seconds: float = _LOOK_S) -> None:
        """Wait until something changes, for a moment; the lock is held, and given up meanwhile."""
        began = time.monotonic()
        self._waiting += 1
        try:
            self._changed.wait(seconds)
        finally:
            self._waiting -= 1
            self.waited_s[reason] += time.monotonic() - began
        if stop is not None:
            stop.check()

    @contextmanager
    def computing_as(self, work: Work, limits: Limits, stop: Stop | None = None) -> Generator[None]:
        """Compute a batch, or whatever a query does in one go; a bulk query waits for its turn before."""
        with self._changed:
            while work == "bulk" and self.computing["bulk"] >= limits.bulk_queries_max:
                self._wait("turn", stop)
            self.computing[work] += 1
        try:
            yield
        finally:
            with self._changed:
                self.computing[work] -= 1
                if self._waiting:
                    self._changed.notify_all()

    def wrote(self) -> None:
        """Take note that a request was written."""
        self._wrote_at = time.monotonic()

    def rest(self, seconds: float, stop: Stop | None) -> None:
        """Let interactive queries compute, and requests be written, after a bulk query has computed for some time."""
        began = time.monotonic()
        until = began + min(REST * seconds, REST_MAX_S)
        writers_until = began + min(seconds, REST_MAX_S) if began - self._wrote_at < WRITING_S else began
        with self._changed:
            while (left := (until if self.computing["interactive"] else writers_until) - time.monotonic()) > 0:
                self._wait("rested", stop, min(left, _LOOK_S))


admission = Admission()


class Turns:
    """When each batch of one query may be computed."""

    def __init__(self, work: Work, limits: Limits, stop: Stop | None) -> None:
        self.work: Work = work
        self._limits = limits
        self._stop = stop
        self._computed_s = 0.0
        self._rows = 0
        self._began = 0.0

    def next(self, batches: Iterator[pa.RecordBatch]) -> pa.RecordBatch | None:
        """Return the next batch, None where there is none; a bulk query waits for its turn before."""
        if self.work == "bulk" and self._began:
            # What its reader does with a batch takes the interpreter's time, too.
            admission.rest(time.monotonic() - self._began, self._stop)
        with admission.computing_as(self.work, self._limits, self._stop):
            self._began = time.monotonic()
            batch = next(batches, None)
        self._computed_s += time.monotonic() - self._began
        self._rows += 0 if batch is None else batch.num_rows
        if self._computed_s > INTERACTIVE_S or self._rows > INTERACTIVE_ROWS:
            self.work = "bulk"
        return batch


def _taken(memory_bytes: int, queries: int) -> ResourceLimit:
    name = "memory_bytes_max"
    message = (
        f"all the memory that queries may have together, {memory_bytes >> 20:,} MiB (`{name}`), "
        f"was held by {queries} other queries for {WAIT_S:g} s"
    )
    way_out = f"read other answers to their end, or close them; or {way_to_raise(name)}"
    return ResourceLimit.of("B0507", message, way_out, name, memory_bytes)


def grants_of(limits: Limits) -> tuple[Grant, Grant, Grant]:
    """Return the largest grant, the small one, and the one that is given while there is plenty."""
    memory = min(limits.query_memory_bytes_max, of_queries(limits))
    spill = min(limits.query_spill_bytes_max, limits.spill_bytes_max)
    small = max(memory // SMALL, min(memory, SMALL_BYTES_MIN))
    # Whoever comes first on a small machine would hold all there is, until the answer was read.
    half = max(min(memory, of_queries(limits) // 2), small)
    half_spill = min(spill, max(limits.spill_bytes_max // 2, 1 << 20))
    return (
        Grant(memory, spill, is_full=True),
        Grant(small, max(spill // SMALL, 1 << 20), is_full=small == memory),
        Grant(half, half_spill, is_full=(half, half_spill) == (memory, spill)),
    )
