"""The process that compacts in the background, so that requests never wait for it.

It compacts when enough JSON waits, or when something has waited long enough. Should it die, nothing is lost: what
it has not done is still waiting, and queries read it from the log.
"""

from __future__ import annotations

import logging
import os
import threading
import time

from btql_server.operating.compaction_metrics import CompactionMetrics
from btql_server.settings import Settings
from btql_storage.compaction.run import Waiting
from btql_storage.errors import StorageError
from btql_storage.store import Storage

log = logging.getLogger("btql.maintenance")
_LOOK_EVERY_S = 1.0
_NICENESS = 5


class Maintenance:
    """Compacts one database until it is stopped."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._storage = Storage.open(settings.data, create=True)
        self._metrics = CompactionMetrics(self._storage)
        self._stop = threading.Event()
        self._since: float | None = None
        """When something was first seen waiting."""

    def run(self) -> None:
        """Look, compact, and look again."""
        os.nice(_NICENESS)
        with self._storage:
            while not self._stop.wait(_LOOK_EVERY_S):
                try:
                    self._look()
                except StorageError as error:
                    self._metrics.failed()
                    log.error("cannot compact", extra={"error": str(error), "code": error.code})  # noqa: TRY400
                    self._stop.wait(10 * _LOOK_EVERY_S)

    def stop(self) -> None:
        """Stop after the job that runs."""
        self._stop.set()

    def _look(self) -> None:
        if not self._is_due(self._storage.waiting()):
            return
        self._since = None
        began = time.monotonic()
        jobs = 0
        while not self._stop.is_set() and self._storage.compact_once():
            jobs += 1
        if not self._stop.is_set():
            self._storage.remove_unneeded()
        seconds = time.monotonic() - began
        self._metrics.done(jobs, seconds)
        log.info("compacted", extra={"jobs": jobs, "seconds": round(seconds, 2)})

    def _is_due(self, found: Waiting) -> bool:
        if not found.events:
            self._since = None
            return False
        if self._since is None:
            self._since = time.monotonic()
        return (
            found.json_bytes >= self._settings.compact_after_bytes
            or time.monotonic() - self._since >= self._settings.compact_after_s
        )
