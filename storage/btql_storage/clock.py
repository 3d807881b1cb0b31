"""The only place that reads the time or draws random numbers.

Storage takes a :class:`Clock`, so a test can run it at any time, with any ids.
"""

from __future__ import annotations

import os
import time
from uuid import UUID


class Clock:
    """The clock and the dice of this machine."""

    def now_us(self) -> int:
        """Return microseconds since 1970 in UTC."""
        return time.time_ns() // 1_000

    def now_s(self) -> int:
        """Return whole seconds since 1970 in UTC."""
        return self.now_us() // 1_000_000

    def new_id(self) -> str:
        """Return a random id (UUID version 4)."""
        # uuid4() reads the same source; this form saves a call per event.
        return str(UUID(bytes=os.urandom(16), version=4))


SYSTEM_CLOCK = Clock()
