"""What ends a statement on a server: a flag on this side, and something that the other side notices."""

from __future__ import annotations

import threading
from collections.abc import Callable

from btql.execution.stop import Stop

_SECONDS_MIN = 0.001


class RemoteStop(Stop):
    """Ends one request after the other: from any thread, or on the server after some seconds."""

    def __init__(self, seconds: float | None = None) -> None:
        # The time is counted by the server, and begins anew for each request.
        super().__init__()
        # A server takes no time limit of 0, which no statement keeps.
        self.limit = None if seconds is None else max(seconds, _SECONDS_MIN)
        self._lock = threading.Lock()
        self._hang_up: Callable[[], None] | None = None

    def cancel(self) -> None:
        """Stop the request, from any thread."""
        super().cancel()
        with self._lock:
            if self._hang_up is not None:
                self._hang_up()

    def guard(self, hang_up: Callable[[], None] | None) -> None:
        """Say how the request that is running now is given up; None once there is none."""
        with self._lock:
            self._hang_up = hang_up
            if hang_up is not None and self.is_cancelled:
                hang_up()
