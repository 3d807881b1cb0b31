"""A clock that tests move."""

from __future__ import annotations

from btql_storage.clock import Clock


class HandClock(Clock):
    """Stands still until its seconds are changed."""

    def __init__(self) -> None:
        self.seconds = 1_800_000_000

    def now_us(self) -> int:
        return self.seconds * 1_000_000
