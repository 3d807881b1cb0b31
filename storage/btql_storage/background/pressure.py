"""Back-pressure: writers wait, and at last are told to come back, where compaction cannot keep up with them.

Whatever waits for compaction is read from the log by every query, in memory. Where a process of its own compacts,
as in a server, nothing else bounds it but the writers:

1. up to ``Settings.waiting_bytes_slow`` they go on as fast as they can,
2. beyond it each request waits before it is written, the longer the more waits, up to a second,
3. at ``Settings.waiting_bytes_max`` it is refused (:class:`~btql_storage.errors.TooFarBehind`), before anything of
   it is written.

What waits is counted anew whenever this process has written an eighth of the first limit, or some seconds passed:
counting lists the log. One request counts, and the others go on with what was known. A database without these limits
never counts.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from threading import Lock

from btql_storage.errors import TooFarBehind
from btql_storage.folder import Settings

_COUNT_EVERY_S = 2.0
_COUNT_EVERY_S_BEHIND = 0.25
_WAIT_MAX_S = 1.0
_MIB = 1 << 20
_NEVER = float("-inf")


class Pressure:
    """Slows the writers of one process down."""

    def __init__(
        self,
        settings: Settings,
        count: Callable[[], int],
        *,
        now: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._max = settings.waiting_bytes_max
        self._slow = settings.waiting_bytes_slow
        self._count = count
        self._now = now
        self._sleep = sleep
        self._lock = Lock()
        self._counting = Lock()
        """Held by the request that counts."""
        self._waiting = 0
        self._written = 0
        self._counted_at = _NEVER

    def admit(self, json_bytes: int) -> None:
        """Wait as long as a request should; TooFarBehind where it should not be written now.

        ``json_bytes`` is the JSON of its events; none of them has been written.
        """
        if self._max is None:
            return
        self._count_anew()
        with self._lock:
            waiting = self._waiting + self._written
            if waiting < self._max:
                self._written += json_bytes
        if waiting >= self._max:
            raise TooFarBehind(
                f"events of {waiting // _MIB} MiB wait for compaction, and writing stops at {self._max // _MIB} MiB",
                "try again in some seconds, nothing of this request was written",
            )
        if waiting > self._slow:
            self._sleep(_WAIT_MAX_S * (waiting - self._slow) / (self._max - self._slow))

    def _count_anew(self) -> None:
        """Count what waits, where it is time to; whoever finds another one counting goes on, but for the first time."""
        if not self._is_stale() or not self._counting.acquire(blocking=self._counted_at == _NEVER):
            return
        try:
            if self._is_stale():
                before = self._written
                waiting = self._count()
                with self._lock:
                    # What others write meanwhile counts twice rather than never.
                    self._waiting, self._written = waiting, self._written - before
                self._counted_at = self._now()
        finally:
            self._counting.release()

    def _is_stale(self) -> bool:
        behind = self._waiting + self._written > self._slow
        age = self._now() - self._counted_at
        return self._written > self._slow // 8 or age > (_COUNT_EVERY_S_BEHIND if behind else _COUNT_EVERY_S)
