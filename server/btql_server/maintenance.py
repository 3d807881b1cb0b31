"""The process that compacts in the background, so that requests never wait for it."""

from __future__ import annotations

import logging
import os
from contextlib import closing

from btql_server.operating.compaction_metrics import CompactionMetrics
from btql_server.registering.forgetting import forget_deleted
from btql_server.registry.opening import open_registry
from btql_server.settings import Settings
from btql_storage.background.loop import Background, Done, Policy
from btql_storage.background.pace import Budget
from btql_storage.errors import StorageError
from btql_storage.store import Storage

log = logging.getLogger("btql.maintenance")
_NICENESS = 5


class Maintenance:
    """Compacts one database until it is stopped."""

    def __init__(self, settings: Settings) -> None:
        self._storage = Storage.open(settings.location, create=True)
        self._metrics = CompactionMetrics(self._storage)
        budget = Budget(settings.compact_cpu, settings.compact_bytes_per_s)
        policy = Policy(settings.compact_after_bytes, settings.compact_after_s, budget)
        self._registry = open_registry(settings.location)
        self._background = Background(
            self._storage, policy, done=self._done, failed=self._failed, tending=self._forget_deleted
        )

    def run(self) -> None:
        """Look, compact, and look again."""
        os.nice(_NICENESS)
        with self._storage, closing(self._registry):
            self._background.run()

    def stop(self) -> None:
        """Stop soon; the job that runs gives up."""
        self._background.stop()

    def _forget_deleted(self) -> None:
        for one in forget_deleted(self._registry, self._storage):
            log.info("deleted", extra={"object": f"{one.kind}:{one.name}"})

    def _done(self, done: Done) -> None:
        self._metrics.done(done.jobs, done.seconds)
        log.info("compacted", extra={"jobs": done.jobs, "seconds": round(done.seconds, 2)})

    def _failed(self, error: Exception) -> None:
        self._metrics.failed()
        if isinstance(error, StorageError):
            log.error("cannot compact", extra={"error": str(error), "code": error.code})
