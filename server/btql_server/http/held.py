"""How much the bodies of all requests of a process hold together, while they come and while they wait for a thread.

Each may be large, and hundreds may wait. One that finds no room is refused, so that its client comes back: else the
process would be out of memory, and all of them with it. Small bodies always find room.
"""

from __future__ import annotations

from threading import Lock
from typing import Self

from btql_server.http.errors import HttpError

FREE_BYTES = 64 << 10
"""What each request may hold without being counted: what is no write of many rows goes on."""


class Bodies:
    """The bodies of one process."""

    def __init__(self, bytes_max: int) -> None:
        self._most = bytes_max
        self._counted = 0
        self._lock = Lock()

    def change(self, size: int) -> None:
        """Count some bytes more, or fewer; 503 where there is no room for more."""
        with self._lock:
            if size > 0 and self._counted + size > self._most:
                message = f"other requests hold the {self._most:,} bytes of memory that there are for their bodies"
                raise HttpError(503, message, retry_after_s=1)
            self._counted += size

    def held(self) -> Held:
        """Return what counts the body of one request, within a ``with``."""
        return Held(self)


class Held:
    """The body of one request, which is on one thread at a time."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._size = self._counted = 0

    def __enter__(self) -> Self:
        """Begin with nothing."""
        return self

    def __exit__(self, *_: object) -> None:
        """Hold nothing any more."""
        self.change(-self._size)

    def change(self, size: int) -> None:
        """Hold some bytes more, or fewer; 503 where there is no room for more."""
        counted = max(self._size + size - FREE_BYTES, 0)
        if counted != self._counted:
            self._bodies.change(counted - self._counted)
        self._size += size
        self._counted = counted
