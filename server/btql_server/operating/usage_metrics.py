"""What a process does with its storage, as metrics: calls to the system, and lookups in what is kept in memory."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter

from btql_storage.store import Storage


class UsageMetrics:
    """Counts what storage has counted since it was last looked at."""

    def __init__(self, storage: Storage, registry: CollectorRegistry) -> None:
        self._storage = storage
        self._told: dict[tuple[str, ...], int] = {}
        self._calls = Counter(
            "btql_storage_calls", "Calls of storage to the system, by what they do.", ("call",), registry=registry
        )
        self._lookups = Counter(
            "btql_cache_lookups",
            "Lookups in what is kept in memory, and whether it was there.",
            ("cache", "outcome"),
            registry=registry,
        )

    def publish(self) -> None:
        """Count what is new; called by one thread."""
        usage = self._storage.usage()
        for call, count in usage.calls.items():
            self._calls.labels(call).inc(self._new((call,), count))
        for (cache, was_there), count in usage.lookups.items():
            outcome = "hit" if was_there else "miss"
            self._lookups.labels(cache, outcome).inc(self._new((cache, outcome), count))

    def _new(self, what: tuple[str, ...], count: int) -> int:
        before = self._told.get(what, 0)
        self._told[what] = count
        return count - before
