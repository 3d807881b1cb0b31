"""Wrong passwords are answered late, later with each one from the same address, so that guessing takes for ever."""

from __future__ import annotations

import time
from collections.abc import Callable

_DOUBLINGS_MAX = 4
_FORGET_S = 60.0
_ADDRESSES_MAX = 10_000


class Throttle:
    """Who failed to authenticate lately; used by the thread of the event loop."""

    def __init__(self, first_s: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._first_s = first_s
        self._clock = clock
        self._failures: dict[str, tuple[int, float]] = {}

    def failed(self, address: str) -> float:
        """Count a failure; return how many seconds its answer waits."""
        now = self._clock()
        times, last = self._failures.get(address, (0, now))
        times = times + 1 if now - last < _FORGET_S else 1
        if len(self._failures) >= _ADDRESSES_MAX:
            # As good as any: whoever has so many addresses is not slowed down by this.
            self._failures.clear()
        self._failures[address] = times, now
        return self._first_s * 2.0 ** min(times - 1, _DOUBLINGS_MAX)

    def succeeded(self, address: str) -> None:
        """Forget the failures of an address."""
        self._failures.pop(address, None)
