"""The only place that reads the time or draws random numbers.

Storage takes a :class:`Clock`, so a test can run it at any time, with any ids.
"""

from __future__ import annotations

import os
import time
from threading import Lock


class Clock:
    """The clock and the dice of this machine."""

    def now_us(self) -> int:
        """Return microseconds since 1970 in UTC."""
        return time.time_ns() // 1_000

    def now_s(self) -> int:
        """Return whole seconds since 1970 in UTC."""
        return self.now_us() // 1_000_000

    def new_id(self) -> str:
        """Return an id that nobody else has (UUID version 7)."""
        return _ids.new_id(time.time_ns() // 1_000_000)


class _Ids:
    """UUIDs of version 7 (RFC 9562): milliseconds, a counter of 12 bits, and 62 random bits.

    The random bits are drawn once a process. What events are given then compresses to a few bytes; sixteen random
    ones for each of many small events would be a third of all files.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._last = 0
        self._tail = ""
        self.begin()

    def begin(self) -> None:
        """Draw the random bits; a process that was forked off must not go on with those of its parent."""
        self._lock = Lock()
        number = int.from_bytes(os.urandom(8)) & _RANDOM | _VARIANT
        self._tail = f"{number >> 48:04x}-{number & (1 << 48) - 1:012x}"

    def new_id(self, now_ms: int) -> str:
        """Return the next one, larger than the last: it runs ahead of a clock that is slow or was set back."""
        with self._lock:
            self._last = last = max(self._last + 1, now_ms << 12)
        head = f"{last >> 12:012x}"
        return f"{head[:8]}-{head[8:]}-7{last & 0xFFF:03x}-{self._tail}"


_RANDOM = (1 << 62) - 1
_VARIANT = 0b10 << 62
_ids = _Ids()
os.register_at_fork(after_in_child=_ids.begin)
SYSTEM_CLOCK = Clock()
