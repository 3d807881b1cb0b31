"""What the process that compacts has done, as metrics: workers tell of it, through the folder that all share."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from btql_server.operating.usage_metrics import UsageMetrics
from btql_storage.store import Storage


class CompactionMetrics:
    """Counts of the process that compacts."""

    def __init__(self, storage: Storage) -> None:
        registry = CollectorRegistry()
        self._usage = UsageMetrics(storage, registry)
        self._jobs = Counter("btql_compaction_jobs", "Jobs of compaction that were done.", registry=registry)
        self._seconds = Counter("btql_compaction_seconds", "Seconds that these jobs took.", registry=registry)
        self._failures = Counter("btql_compaction_failures", "Jobs of compaction that failed.", registry=registry)

    def done(self, jobs: int, seconds: float) -> None:
        """Count jobs."""
        self._usage.publish()
        self._jobs.inc(jobs)
        self._seconds.inc(seconds)

    def failed(self) -> None:
        """Count a job that failed."""
        self._failures.inc()
