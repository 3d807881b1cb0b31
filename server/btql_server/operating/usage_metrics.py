"""What a process does with its storage, as metrics: calls to the system, and lookups in what is kept in memory."""

from __future__ import annotations

from threading import Lock

from prometheus_client import CollectorRegistry, Counter, Gauge

from btql.execution.admission import admission
from btql.execution.sessions import sessions
from btql_storage.store import Storage


class UsageMetrics:
    """Counts what storage has counted since it was last looked at."""

    def __init__(self, storage: Storage, registry: CollectorRegistry) -> None:
        self._storage = storage
        self._lock = Lock()
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

        self._cache_bytes = _gauge("btql_cache_bytes", "Bytes of what is kept in memory.", ("cache",), registry)
        self._dropped = Counter(
            "btql_cache_dropped", "What went from memory to make room.", ("cache",), registry=registry
        )
        self._memory = _gauge("btql_query_memory_bytes", "Memory that queries may hold by now.", (), registry)
        self._computing = _gauge("btql_queries_computing", "Queries that compute.", ("work",), registry)
        self._waited = Counter(
            "btql_query_waited_milliseconds",
            "How long queries have waited for memory or a turn, and exports have rested.",
            ("reason",),
            registry=registry,
        )

    def publish(self) -> None:
        """Count what is new."""
        with self._lock:
            self._publish()

    def _publish(self) -> None:
        usage = self._storage.usage()
        for call, count in usage.calls.items():
            self._calls.labels(call).inc(self._new((call,), count))
        for (cache, was_there), count in usage.lookups.items():
            outcome = "hit" if was_there else "miss"
            self._lookups.labels(cache, outcome).inc(self._new((cache, outcome), count))
        for was_there, count in tuple(sessions.lookups.items()):
            outcome = "hit" if was_there else "miss"
            self._lookups.labels("sessions", outcome).inc(self._new(("sessions", outcome), count))
        for kept in (self._storage.cache, self._storage.views_cache):
            for cache, size in tuple(kept.sizes.items()):
                self._cache_bytes.labels(cache).set(size)
            for cache, count in tuple(kept.dropped.items()):
                self._dropped.labels(cache).inc(self._new(("dropped", cache), count))
        self._memory.set(admission.memory_bytes)
        for work, number in tuple(admission.computing.items()):
            self._computing.labels(work).set(number)
        for reason, seconds in admission.waited_s.items():
            self._waited.labels(reason).inc(self._new(("waited", reason), round(1_000 * seconds)))

    def _new(self, what: tuple[str, ...], count: int) -> int:
        before = self._told.get(what, 0)
        self._told[what] = count
        return count - before


def _gauge(name: str, help_text: str, labels: tuple[str, ...], registry: CollectorRegistry) -> Gauge:
    """Return a gauge of which the processes of a server have a part each."""
    return Gauge(name, help_text, labels, registry=registry, multiprocess_mode="livesum")
